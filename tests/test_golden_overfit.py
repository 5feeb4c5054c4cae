"""Golden and malformed files of the `overfit` method: `python tests/golden/make_overfit.py` makes them anew."""

import dataclasses
import random

import damage
import golden_overfit
import numpy as np
import pytest
import sdfz
import shapes
from golden_files import SPEC
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import measure
from sdfz.codec.overfit.model import field_of
from sdfz.codec.overfit.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.formats import (
    ChecksumError,
    FormatError,
    LimitError,
    SdfzError,
    Section,
    TrailingDataError,
    TruncatedError,
    pack,
    unpack,
)
from sdfz.formats.limits import DEFAULT

NAMES = golden_overfit.names()
TOLERANCE = 1e-4  # of distances between machines, normalized units
SMALL = golden_overfit.stored_bytes("torus")
CONTAINER = unpack(SMALL)
TIGHT = dataclasses.replace(DEFAULT, max_cells=2000, max_symbols=20_000, max_depth=5)
READERS = pytest.mark.parametrize("read", [sdfz.open, decode_bytes, check_bytes])


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


def test_there_are_golden_files():
    assert NAMES == ["everything", "paper", "torus"]


def test_bytes_become_these_symbols_and_symbols_these_bytes(name):
    container, (symbols, _, _) = unpack(golden_overfit.stored_bytes(name)), golden_overfit.load(name)
    found = unpack_symbols(container.sections)
    assert (found.architecture, found.step_codes) == (symbols.architecture, symbols.step_codes)
    assert (found.depth, found.crumbs) == (symbols.depth, symbols.crumbs)
    assert np.array_equal(found.cells, symbols.cells)
    assert all(map(np.array_equal, found.weights, symbols.weights))
    assert pack(container.header, pack_symbols(symbols)) == golden_overfit.stored_bytes(name)


def test_distances(name):
    _, points, distances = golden_overfit.load(name)
    field = field_of(unpack_symbols(unpack(golden_overfit.stored_bytes(name)).sections))
    np.testing.assert_allclose(field.distance(points), distances, rtol=TOLERANCE, atol=TOLERANCE)


def test_surface():
    """It was fitted with little effort."""
    shape = decode_bytes(SMALL, device="cpu")
    found = shape.mesh(64)
    assert found.is_watertight
    ring = shapes.torus()
    frame = shape.header.frame
    vertices = frame.to_normalized(found.vertices)
    vertices *= np.ptp(ring[0], axis=0).max() / np.ptp(vertices, axis=0).max()
    assert measure(ring, (vertices, found.faces), 20_000).cd < 0.02


def test_checking_counts():
    assert check_bytes(SMALL) == {
        "method": "overfit", "width": 9, "n_hidden": 3, "activation": "sine", "n_weights": 207,
        "n_zeros": sum(int((w == 0).sum()) for w in golden_overfit.load("torus")[0].weights), "depth": 3,
        "n_cells": len(golden_overfit.load("torus")[0].cells),
    }  # fmt: skip


def test_the_format_document_has_the_fields():
    assert PAYLOAD.markdown() in SPEC.read_text("utf-8")


# -- damage and malice ------------------------------------------------------------------------------------------------


@READERS
def test_every_truncation_is_refused(read):
    damage.check_truncations(read, SMALL)


@READERS
def test_every_changed_byte_and_every_flipped_bit_is_refused(read):
    damage.check_changes(read, SMALL)


def sealed(payload):
    """A file of any payload whose checksums are right."""
    return pack(CONTAINER.header, [Section(1, payload)])


def resealed(payload):
    """The shape of a payload under a right checksum, or None where it is refused as it should be."""
    try:
        return decode_bytes(sealed(payload), limits=TIGHT, device="cpu")
    except SdfzError:
        return None


def test_changed_payloads():
    """Refused, or some shape that can be meshed."""

    def mesh(payload):
        decode_bytes(sealed(payload), limits=TIGHT, device="cpu").triangles(16)

    # The coded data no longer ends where its numbers do.
    assert damage.n_refused(mesh, CONTAINER.sections[0].data, 100) > 80


def test_random_payloads():
    """Behind an honest head, so that some get far."""
    rng, head = random.Random(1), CONTAINER.sections[0].data[:6]
    for _ in range(60):
        shape = resealed(head + rng.randbytes(rng.randrange(200)))
        if shape is not None:
            shape.triangles(16)


def test_payloads_cut_short():
    """Refused where the cells are cut; zeros take the place of missing weights, so that some shape may come out."""
    payload = CONTAINER.sections[0].data
    values, start = PAYLOAD.unpack(payload)
    for n_bytes in range(len(payload)):
        shape = resealed(payload[:n_bytes])
        assert shape is None or n_bytes >= start + values["cells_size"]


def test_limits():
    for limit, value in {"max_cells": 20, "max_symbols": 100, "max_depth": 2}.items():
        with pytest.raises(LimitError, match=limit):
            decode_bytes(SMALL, limits=dataclasses.replace(DEFAULT, **{limit: value}))


MALFORMED = {
    "byte-after-the-weights": (FormatError, "overfit payload"),
    "cells-beyond-the-end": (TruncatedError, "5000 bytes of cells, but"),
    "cells-of-the-whole-cube": (TrailingDataError, "goes on after its last symbol"),
    "empty-payload": (TruncatedError, "overfit payload: width"),
    "flipped-bit": (ChecksumError, "section 1: CRC-32"),
    "hidden-33": (FormatError, "hidden: 33 is not in"),
    "nine-octaves": (FormatError, "n_frequencies 9"),
    "no-weights": (FormatError, "step code 255 is above 159"),
    "section-too-many": (FormatError, r"sections \[1, 2\]"),
    "shallower-cells": (TrailingDataError, "goes on after its last symbol"),
    "skip-without-a-middle": (FormatError, "no layer in the middle"),
    "too-many-weights": (FormatError, "weights are more than 4194304"),
    "wider": (TrailingDataError, "bytes follow the end of the coded data"),
    "zero-after-the-weights": (FormatError, "does not end as it must"),
}


def test_every_malformed_file_has_its_error():
    assert {path.stem for path in golden_overfit.MALFORMED.glob("*.sdfz")} == set(MALFORMED)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed(name):
    kind, message = MALFORMED[name]
    data = (golden_overfit.MALFORMED / f"{name}.sdfz").read_bytes()
    for read in (sdfz.open, check_bytes):
        with pytest.raises(kind, match=message):
            read(data)
