"""The golden file of `lgcl`, and damage done to it."""

from __future__ import annotations

import random
from dataclasses import replace

import golden_files
import numpy as np
import plain_lgcl
import pytest
import sdfz.codec.deepsdf.stream as deepsdf_stream
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.lgcl.field import LocalField
from sdfz.codec.lgcl.shared import network_of_pack
from sdfz.codec.lgcl.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.codec.packs.lookup import PackSearch
from sdfz.formats import FormatError, MissingPackError, SdfzError, Section, TruncatedError, pack, read_model, unpack
from sdfz.formats.limits import DEFAULT

FOLDER = golden_files.FOLDER / "lgcl"
DATA = (FOLDER / "ball.sdfz").read_bytes()
MODEL = read_model(FOLDER / "ball.sdfm")
PACKS = PackSearch((FOLDER / "ball.sdfm",), ())
TOLERANCE = 2e-5


def stored() -> dict[str, np.ndarray]:
    with np.load(FOLDER / "ball.npz") as arrays:
        return dict(arrays)


def test_symbols_and_bytes() -> None:
    container, expected = unpack(DATA), stored()
    symbols = unpack_symbols(container.sections)
    assert (symbols.depth, symbols.n_neighbours, symbols.step_code) == (5, 6, 108)
    assert np.array_equal(symbols.cells, expected["cells"])
    assert np.array_equal(symbols.codes, expected["codes"])
    assert container.header.pack_hash == MODEL.short
    assert pack(container.header, pack_symbols(symbols)) == DATA


def test_the_format_document_has_the_fields() -> None:
    spec = golden_files.SPEC.read_text("utf-8")
    assert PAYLOAD.markdown() in spec
    assert deepsdf_stream.PAYLOAD.markdown() in spec


def test_distances() -> None:
    expected = stored()
    field = LocalField(unpack_symbols(unpack(DATA).sections), network_of_pack(MODEL))
    found = field.distance(expected["points"])
    np.testing.assert_allclose(found, expected["distances"], rtol=TOLERANCE, atol=TOLERANCE)


def test_a_decoder_from_the_format_document_agrees() -> None:
    expected, local = stored(), plain_lgcl.decode(unpack(DATA).sections[0].data)
    assert (local.depth, local.n_neighbours, local.step) == (5, 6, 108)
    assert np.array_equal(local.cells, expected["cells"])
    assert np.array_equal(local.codes, expected["codes"])
    found = plain_lgcl.distances(local, MODEL.arrays, expected["points"].astype(np.float64))
    np.testing.assert_allclose(found, expected["distances"], rtol=1e-4, atol=1e-4)


def test_a_decoder_without_the_pack_says_so() -> None:
    decode_bytes(DATA, packs=PACKS).triangles(16)
    with pytest.raises(MissingPackError, match=MODEL.short.hex()):
        decode_bytes(DATA, packs=PackSearch((), ()))
    header = replace(unpack(DATA).header, pack_hash=None)
    with pytest.raises(FormatError, match="names no model pack, but the lgcl payload needs one"):
        check_bytes(pack(header, unpack(DATA).sections))


def test_every_truncation_is_refused() -> None:
    for n_bytes in range(1, len(DATA)):
        with pytest.raises(TruncatedError):
            check_bytes(DATA[:n_bytes])


def test_changed_payloads_under_right_checksums() -> None:
    """An SdfzError, or some shape that can be meshed."""
    rng, tight = random.Random(1), replace(DEFAULT, max_cells=2000, max_symbols=100_000)
    container, n_refused = unpack(DATA), 0
    payload = container.sections[0].data
    for _ in range(60):
        changed = bytearray(payload)
        changed[rng.randrange(len(changed))] ^= rng.randrange(1, 256)
        try:
            shape = decode_bytes(pack(container.header, [Section(1, bytes(changed))]), packs=PACKS, limits=tight)
        except SdfzError:
            n_refused += 1
        else:
            shape.triangles(16)
    assert n_refused > 20
