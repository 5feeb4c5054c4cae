"""The golden file of `deepsdf`: its code, its field by a decoder from the format document, and damage."""

from __future__ import annotations

from dataclasses import replace

import damage
import golden_files
import numpy as np
import plain_lgcl
import pytest
from numpy.typing import NDArray
from plain_numbers import Numbers
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.deepsdf.field import CodeField
from sdfz.codec.deepsdf.shared import network_of_pack
from sdfz.codec.deepsdf.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.codec.packs.lookup import PackSearch
from sdfz.formats import FormatError, MissingPackError, Section, pack, read_model, unpack

FOLDER = golden_files.FOLDER / "deepsdf"
DATA = (FOLDER / "blob.sdfz").read_bytes()
MODEL = read_model(FOLDER / "blob.sdfm")
PACKS = PackSearch((FOLDER / "blob.sdfm",), ())
TOLERANCE = 2e-5


def stored() -> dict[str, NDArray[np.generic]]:
    with np.load(FOLDER / "blob.npz") as arrays:
        return dict(arrays)


def test_symbols_and_bytes() -> None:
    container = unpack(DATA)
    symbols = unpack_symbols(container.sections)
    assert (symbols.step_code, symbols.code.tolist()) == (110, stored()["code"].tolist())
    assert container.header.pack_hash == MODEL.short
    assert pack(container.header, pack_symbols(symbols)) == DATA
    assert check_bytes(DATA) == {"method": "deepsdf", "n_numbers": 12}


def test_the_format_document_has_the_fields() -> None:
    assert PAYLOAD.markdown() in golden_files.SPEC.read_text("utf-8")


def test_distances() -> None:
    expected = stored()
    found = CodeField(unpack_symbols(unpack(DATA).sections), network_of_pack(MODEL)).distance(expected["points"])
    assert found.min() < -0.1 < 0.1 < found.max()
    np.testing.assert_allclose(found, expected["distances"], rtol=TOLERANCE, atol=TOLERANCE)


def test_a_decoder_from_the_format_document_agrees() -> None:
    payload = unpack(DATA).sections[0].data
    n_numbers, step, numbers = int.from_bytes(payload[:2], "little"), payload[2], Numbers(payload[3:])
    code = np.array([numbers.take(0, 0, [i - 1, max(i - 2, -1)]) for i in range(n_numbers)])
    numbers.check_end()
    assert code.tolist() == stored()["code"].tolist()

    points = stored()["points"].astype(np.float64)
    inputs = np.column_stack([points, np.tile(code * 2 ** ((step - 192) / 8), (len(points), 1))])
    found = plain_lgcl.mlp(MODEL.arrays, inputs, *MODEL.arrays["settings"].tolist())
    np.testing.assert_allclose(found, stored()["distances"], rtol=TOLERANCE, atol=TOLERANCE)


# -- damage -----------------------------------------------------------------------------------------------------------


def test_a_decoder_without_the_pack_says_so() -> None:
    assert len(decode_bytes(DATA, packs=PACKS).triangles(32)[1]) > 100
    with pytest.raises(MissingPackError, match=MODEL.short.hex()):
        decode_bytes(DATA, packs=PackSearch((), ()))
    header = replace(unpack(DATA).header, pack_hash=None)
    with pytest.raises(FormatError, match="names no model pack, but the deepsdf payload needs one"):
        check_bytes(pack(header, unpack(DATA).sections))


def test_every_truncation_and_every_change_is_refused() -> None:
    damage.check_truncations(check_bytes, DATA)
    damage.check_changes(check_bytes, DATA)


def test_changed_payloads_under_right_checksums() -> None:
    """An SdfzError, or some shape that can be meshed."""
    container = unpack(DATA)

    def read(payload: bytes) -> None:
        decode_bytes(pack(container.header, [Section(1, payload)]), packs=PACKS).triangles(16)

    assert 20 < damage.n_refused(read, container.sections[0].data, 60) < 60
