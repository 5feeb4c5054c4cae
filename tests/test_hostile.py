"""Bytes that are damaged, cut, random or made to harm: an SdfzError and nothing else, in bounded time and memory."""

import dataclasses
import random
import time
import tracemalloc

import damage
import golden_files
import numpy as np
import pytest
import sdfz
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.grid.stream import pack_symbols, unpack_symbols
from sdfz.codec.grid.symbols import GridSymbols
from sdfz.formats import (
    ChecksumError,
    FormatError,
    LimitError,
    NotSdfzError,
    SdfzError,
    Section,
    TrailingDataError,
    TruncatedError,
    pack,
    unpack,
)
from sdfz.formats.limits import DEFAULT

WHOLE = golden_files.stored_bytes("torus")  # three sections
SMALL = golden_files.stored_bytes("smallest")
CONTAINER = unpack(WHOLE)
TIGHT = dataclasses.replace(DEFAULT, max_cells=2000, max_symbols=100_000, max_depth=6)
READERS = pytest.mark.parametrize("read", [sdfz.open, decode_bytes, check_bytes])


def resealed(*payloads, header=CONTAINER.header):
    """A file of any payloads whose checksums are right."""
    return pack(header, [Section(i, payload) for i, payload in enumerate(payloads, 1)])


def survives(data, **options):
    """The shape of some bytes, or None where they are refused as they should be."""
    try:
        return decode_bytes(data, device="cpu", **options)
    except SdfzError:
        return None


# -- damage -----------------------------------------------------------------------------------------------------------


@READERS
@pytest.mark.parametrize("data", [WHOLE, SMALL], ids=["whole", "small"])
def test_every_truncation_is_refused(read, data):
    damage.check_truncations(read, data)


@READERS
def test_every_changed_byte_and_every_flipped_bit_is_refused(read):
    damage.check_changes(read, WHOLE)


@READERS
def test_every_other_value_of_every_byte_of_a_small_file_is_refused(read):
    for i in range(len(SMALL)):
        for mask in range(1, 256):
            with pytest.raises(SdfzError):
                read(SMALL[:i] + bytes([SMALL[i] ^ mask]) + SMALL[i + 1 :])


@READERS
def test_one_byte_more_is_refused(read):
    damage.check_one_byte_more(read, WHOLE)


def test_a_cut_file_gives_its_whole_sections_when_asked():
    """At every length: refused until the base is there, then what the base says, then what the next section says."""
    known = {n: unpack_symbols(CONTAINER.sections[:n]).latents for n in range(1, len(CONTAINER.sections) + 1)}
    seen = set()
    for n_bytes in range(len(WHOLE)):
        try:
            n_sections = len(unpack(WHOLE[:n_bytes], allow_truncated=True).sections)
        except SdfzError:
            n_sections = 0
        if n_sections in seen and n_bytes % 16:
            continue  # between two ends the answer is the same: every 16th length is enough
        seen.add(n_sections)
        shape = survives(WHOLE[:n_bytes], allow_truncated=True)
        assert (shape is None) == (n_sections == 0)
        if shape is not None:
            assert shape.truncated
            found = shape.surface.symbols.latents
            assert all(np.array_equal(a, b) for a, b in zip(found, known[n_sections], strict=True))
    assert seen == {0, 1, 2}


def test_damage_is_no_cut():
    """With `allow_truncated`, a changed bit is refused, or a length points beyond the end and the rest is as it was."""
    n_cuts = 0
    for i, good in enumerate(WHOLE):
        for bit in range(8):
            shape = survives(WHOLE[:i] + bytes([good ^ 1 << bit]) + WHOLE[i + 1 :], allow_truncated=True)
            if shape is not None:
                assert shape.truncated
                assert shape.header == CONTAINER.header
                n_cuts += 1
    assert n_cuts < 40


@given(st.binary(max_size=200), st.sampled_from([0, 4, 5, 20, 100, len(WHOLE) - 10]))
def test_random_bytes_behind_a_good_start(data, n_good):
    if not WHOLE.startswith(WHOLE[:n_good] + data) or len(data) + n_good < len(WHOLE):
        assert survives(WHOLE[:n_good] + data) is None


# -- malice: the checksums are right -----------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.sampled_from([0, 128]),
    st.integers(1, 255),
    st.lists(st.binary(max_size=200), max_size=3),
)
def test_random_payloads(depth, n_levels, mixed, split, payloads):
    """Behind an honest first byte, so that some get far."""
    first = bytes([depth | n_levels << 4 | mixed, split])
    shape = survives(resealed(first + (payloads[0] if payloads else b""), *payloads[1:]), limits=TIGHT)
    if shape is not None:
        shape.triangles(16)


def test_changed_payloads():
    """A changed byte of any section under a right checksum: refused, or some shape that can be meshed."""
    rng = random.Random(0)
    payloads = [section.data for section in CONTAINER.sections]
    n_refused = 0
    for _ in range(120):
        changed = [bytearray(payload) for payload in payloads]
        which = rng.choice(changed)
        which[rng.randrange(len(which))] ^= rng.randrange(1, 256)
        shape = survives(resealed(*map(bytes, changed)), limits=TIGHT)
        if shape is None:
            n_refused += 1
        else:
            shape.triangles(16)
    assert 10 < n_refused < 110  # cells without a child, but many are the coded data of other latents


@pytest.mark.parametrize("which", range(3))
def test_payloads_cut_short(which):
    """Zeros take the place of what is missing, so that some shape may come out; nothing worse."""
    payloads = [section.data for section in CONTAINER.sections]
    for n_bytes in range(0, len(payloads[which]), 7):
        survives(resealed(*payloads[:which], payloads[which][:n_bytes], *payloads[which + 1 :]), limits=TIGHT)


def full_grid(depth):
    cells = np.argwhere(np.ones((1 << depth,) * 3)).astype(np.int32)
    latents = (np.zeros(((1 << depth) + 1) ** 3, np.int32),)
    return GridSymbols(depth, cells, (40,), 0, (), latents)


def test_many_cells_from_few_bytes():
    """Under two kilobytes that claim 32,768 cells are refused before memory is spent on them."""
    data = resealed(*(section.data for section in pack_symbols(full_grid(5))))
    assert len(data) < 2000
    tracemalloc.start()
    start = time.perf_counter()
    try:
        with pytest.raises(LimitError, match="max_cells allows 2000"):
            decode_bytes(data, limits=TIGHT)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 << 20
    assert time.perf_counter() - start < 5


def test_a_field_that_is_nowhere_zero():
    """A valid file without a surface: an empty mesh, and no distance to it."""
    symbols = GridSymbols(1, np.zeros((1, 3), np.int32), (16,), 0, (), (np.ones(8, np.int32),))
    shape = decode_bytes(resealed(*(section.data for section in pack_symbols(symbols))))
    assert len(shape.mesh(16).faces) == 0
    with pytest.raises(FormatError, match="the file has no surface"):
        shape.distance([[0.0, 0.0, 0.0]])


def test_limits_can_be_raised_and_lowered():
    assert len(decode_bytes(WHOLE).surface.symbols.cells) > 100
    for limit, value in {"max_file_bytes": 100, "max_section_bytes": 50, "max_sections": 1, "max_depth": 2,
                         "max_cells": 100, "max_symbols": 500}.items():  # fmt: skip
        with pytest.raises(LimitError, match=limit):
            decode_bytes(WHOLE, limits=dataclasses.replace(DEFAULT, **{limit: value}))


# -- found cases ------------------------------------------------------------------------------------------------------

MALFORMED = {
    "byte-after-the-end": (TrailingDataError, "1 bytes follow the end of the file"),
    "childless-cell": (FormatError, "an occupied cell of level 1 has no child"),
    "coded-data-goes-on": (FormatError, "coded data"),
    "cut-in-detail": (TruncatedError, "section 3"),
    "depth-9": (FormatError, "depth 9 with 1 levels is not allowed"),
    "detail-goes-on": (FormatError, "coded data"),
    "empty": (NotSdfzError, "it is empty"),
    "empty-base": (TruncatedError, "grid payload: shape"),
    "flipped-bit": (ChecksumError, "section 3: CRC-32"),
    "gain-code-160": (FormatError, "gain code 160 is above 159"),
    "method-200": (FormatError, r"method 200 is unknown here; this version decodes 1 \(grid\)"),
    "mixed-childless-cell": (FormatError, "an occupied cell of level 1 has no child"),
    "mixed-end": (FormatError, "does not end as it must"),
    "mixed-gain-code-negative": (FormatError, "gain code -[0-9]+ is above 159, or negative"),
    "mixed-no-cell": (FormatError, "an occupied cell of level 0 has no child"),
    "mixed-no-trimmed-cell": (FormatError, "says that cells are trimmed, but none is"),
    "model-pack": (FormatError, "names model pack 0001020304050607, but the grid payload needs none"),
    "more-base-levels-than-levels": (FormatError, "3 base levels of 2"),
    "more-levels-than-depth": (FormatError, "depth 2 with 3 levels"),
    "network-code-2": (FormatError, "names no model pack, but the grid payload needs one"),
    "network-code-3": (FormatError, "network code 3"),
    "no-cell": (FormatError, "an occupied cell of level 0 has no child"),
    "no-levels": (FormatError, "depth 5 with 0 levels"),
    "no-trimmed-cell": (FormatError, "says that cells are trimmed, but none is"),
    "range-coder-state": (FormatError, "not a range coder's output"),
    "section-too-many": (FormatError, "4 sections, but the levels fill 3"),
    "tabled-data-goes-on": (FormatError, "coded data: goes on after its last symbol"),
    "tabled-detail-goes-on": (FormatError, "coded data: goes on after its last symbol"),
    "tabled-zero-byte-at-the-end": (FormatError, "ends with a zero byte"),
    "text": (NotSdfzError, "starts with b'v 0 '"),
    "zero-byte-at-the-end": (FormatError, "does not end as it must"),
}


def test_every_malformed_file_has_its_error():
    assert {path.stem for path in golden_files.MALFORMED.glob("*.sdfz")} == set(MALFORMED)


@READERS
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name, read):
    kind, message = MALFORMED[name]
    with pytest.raises(kind, match=message):
        read((golden_files.MALFORMED / f"{name}.sdfz").read_bytes())
