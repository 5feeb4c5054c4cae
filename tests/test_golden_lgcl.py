"""The golden file of `lgcl`, and damage done to it."""

from __future__ import annotations

from dataclasses import replace

import damage
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
from sdfz.formats import FormatError, MissingPackError, Section, pack, read_model, unpack
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


def test_every_truncation_and_every_change_is_refused() -> None:
    damage.check_truncations(check_bytes, DATA)
    damage.check_changes(check_bytes, DATA)


def test_changed_payloads_under_right_checksums() -> None:
    """An SdfzError, or some shape that can be meshed."""
    container, tight = unpack(DATA), replace(DEFAULT, max_cells=2000, max_symbols=100_000)

    def read(payload: bytes) -> None:
        data = pack(container.header, [Section(1, payload)])
        decode_bytes(data, packs=PACKS, limits=tight).triangles(16)

    assert damage.n_refused(read, container.sections[0].data, 60, seed=1) > 20
