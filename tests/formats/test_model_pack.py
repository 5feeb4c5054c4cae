"""Model packs: what goes in comes out, the digest tells content only, and nothing bad gets in."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st
from sdfz.formats import (
    DEFAULT,
    CorruptPackError,
    LimitError,
    ModelPack,
    PackError,
    PackVersionError,
    pack_model,
    read_model,
    unpack_model,
    write_model,
)
from sdfz.formats.model_pack import METADATA_KEY, stated_hash
from strategies import model_packs

ARRAYS = {"weights": np.float32([[1, -2, 0.5]]), "table": np.int16([3, 4]), "one": np.array(7, np.uint8)}
PACK = ModelPack("grid", 3, ARRAYS, {"corpus": "two shapes\nof our own", "command": "sdfz train grid"})
DATA = pack_model(PACK)


def described(pack: ModelPack = PACK, **changes: Any) -> dict[str, str]:
    """Metadata of a pack's file, some of it changed."""
    header = json.loads(header_text(pack_model(pack)))
    return {METADATA_KEY: json.dumps({**json.loads(header["__metadata__"][METADATA_KEY]), **changes})}


def header_text(data: bytes) -> str:
    return data[8 : 8 + int.from_bytes(data[:8], "little")].decode()


def resealed(arrays: dict[str, Any], **changes: Any) -> bytes:
    """A file of any arrays whose metadata are those of `PACK`, some of them changed."""
    return safetensors.numpy.save(arrays, described(**changes))


@given(model_packs)
def test_round_trip(pack: ModelPack) -> None:
    data = pack_model(pack)
    found = unpack_model(data)
    assert (found.method, found.layout, found.notes, found.digest) == (
        pack.method,
        pack.layout,
        pack.notes,
        pack.digest,
    )
    assert {name: (a.dtype, a.shape, a.tobytes()) for name, a in found.arrays.items()} == {
        name: (a.dtype, a.shape, a.tobytes()) for name, a in pack.arrays.items()
    }
    assert pack_model(found) == data


def test_the_digest_is_the_one_of_the_document() -> None:
    text = b"sdfz pack 1\ngrid 3\n"
    text += b"one U8 \n\x07" + b"table I16 2\n\x03\x00\x04\x00" + b"weights F32 1 3\n" + ARRAYS["weights"].tobytes()
    assert PACK.digest == hashlib.sha256(text).digest()
    assert PACK.short == PACK.digest[:8]


def test_the_digest_tells_content_and_nothing_else() -> None:
    backwards = ModelPack("grid", 3, dict(reversed(ARRAYS.items())))
    assert backwards.digest == PACK.digest
    big = ModelPack("grid", 3, {name: a.astype(a.dtype.newbyteorder(">")) for name, a in ARRAYS.items()})
    assert big.digest == PACK.digest
    fortran = ModelPack("grid", 3, {"a": np.asfortranarray(np.int8([[1, 2], [3, 4]]))})
    assert fortran.digest == ModelPack("grid", 3, {"a": np.int8([[1, 2], [3, 4]])}).digest
    others = [
        replace(PACK, method="scaffold"),
        replace(PACK, layout=4),
        replace(PACK, arrays={**ARRAYS, "more": np.int8([0])}),
        replace(PACK, arrays={**ARRAYS, "table": np.int16([3, 5])}),
        replace(PACK, arrays={**ARRAYS, "table": np.uint16([3, 4])}),
        replace(PACK, arrays={**ARRAYS, "table": np.int16([[3, 4]])}),
    ]
    assert len({PACK.digest, *(other.digest for other in others)}) == 1 + len(others)


def test_the_order_in_the_file_does_not_matter() -> None:
    """Another program may write the arrays in another order, and metadata of its own."""
    header = json.loads(header_text(DATA))
    turned = json.dumps(
        {"__metadata__": {**header.pop("__metadata__"), "format": "pt"}, **dict(reversed(header.items()))}
    )
    data = len(turned).to_bytes(8, "little") + turned.encode() + DATA[8 + len(header_text(DATA)) :]
    assert data != DATA
    assert unpack_model(data).digest == PACK.digest


def test_arrays_belong_to_the_pack() -> None:
    mine = np.float32([1, 2])
    pack = ModelPack("grid", 1, {"a": mine})
    mine[0] = 5
    for found in (pack, unpack_model(pack_model(pack))):
        assert found.arrays["a"].tolist() == [1, 2]
        with pytest.raises(ValueError, match="read-only"):
            found.arrays["a"][0] = 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "Grid"}, "method 'Grid'"),
        ({"layout": 0}, "layout 0"),
        ({"arrays": {}}, "no arrays"),
        ({"arrays": {"a b": np.int8([1])}}, "array 'a b'"),
        ({"arrays": {"a": np.float64([1])}}, "dtype float64"),
        ({"arrays": {"a": np.array([True])}}, "dtype bool"),
        ({"arrays": {"a": np.array(["x"], object)}}, "dtype object"),
        ({"arrays": {"a": np.zeros((2, 0), np.int8)}}, r"shape \[2, 0\]"),
        ({"arrays": {"a": np.zeros((1,) * 9, np.int8)}}, "shape"),
        ({"arrays": {"a": np.float32([np.nan])}}, "not finite"),
        ({"arrays": {"a": np.float16([np.inf])}}, "not finite"),
        ({"notes": {"author": "me"}}, "note 'author'"),
        ({"notes": {"log": "\x1b[31m"}}, "control characters"),
    ],
)
def test_what_cannot_be_stored_cannot_be_made(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(PACK, **change)


# -- what is refused --------------------------------------------------------------------------------------------------


def test_every_cut_and_a_byte_more() -> None:
    for bad in [*(DATA[:n] for n in range(len(DATA))), DATA + b"\0"]:
        with pytest.raises(CorruptPackError):
            unpack_model(bad)


def test_every_flipped_bit() -> None:
    """Refused, or in the notes, which nothing of decoding reads, or in the padding."""
    for i in range(len(DATA)):
        for bit in range(8):
            bad = DATA[:i] + bytes([DATA[i] ^ 1 << bit]) + DATA[i + 1 :]
            try:
                assert unpack_model(bad).digest == PACK.digest
            except PackError:
                continue


@given(st.binary(max_size=200), st.sampled_from([0, 8, 60, len(DATA) - 12]))
def test_random_bytes_behind_a_good_start(data: bytes, n_good: int) -> None:
    try:
        assert unpack_model(DATA[:n_good] + data).digest == PACK.digest
    except PackError:
        pass


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "header of 0 bytes in 0"),
        ((1 << 40).to_bytes(8, "little") + b"{}", "allowed 1048576"),
        (resealed({"a": np.float64([1])}), "dtype F64"),
        (resealed({"a": np.zeros((0, 1 << 40), np.float32)}), "shape"),
        (resealed({"a": np.float32([np.nan])}), "not finite"),
        (resealed({"a b": np.int8([1])}), "not a name"),
        (resealed({**ARRAYS, "table": np.int16([3, 5])}), "its content has"),
        (resealed(ARRAYS, layout=2), "its content has"),
        (resealed(ARRAYS, layout=True), "not those of the format"),
        (resealed(ARRAYS, more=1), "not those of the format"),
        (resealed(ARRAYS, notes={"log": 1}), "note log"),
        (resealed(ARRAYS, sha256="0" * 63 + "G"), "its hash is not one"),
        (safetensors.numpy.save(ARRAYS), "no metadata 'sdfz'"),
        (safetensors.numpy.save(ARRAYS, {METADATA_KEY: "["}), "no metadata 'sdfz'"),
        (safetensors.numpy.save(ARRAYS, {METADATA_KEY: "[" * 100_000}), "no metadata 'sdfz'"),
    ],
)
def test_refused(data: bytes, message: str) -> None:
    with pytest.raises(CorruptPackError, match=message):
        unpack_model(data)


def test_another_version_is_named() -> None:
    with pytest.raises(PackVersionError, match="version 2; this sdfz reads version 1"):
        unpack_model(resealed(ARRAYS, version=2))


@pytest.mark.parametrize("limit", ["max_pack_bytes", "max_pack_arrays"])
def test_limits(limit: str, tmp_path: Path) -> None:
    tight = replace(DEFAULT, **{limit: 2})
    write_model(tmp_path / "a.sdfm", PACK)
    for attempt in (
        lambda: unpack_model(DATA, limits=tight),
        lambda: pack_model(PACK, limits=tight),
        lambda: read_model(tmp_path / "a.sdfm", limits=tight),
    ):
        with pytest.raises(LimitError, match=limit):
            attempt()


# -- files ------------------------------------------------------------------------------------------------------------


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "a.sdfm"
    write_model(path, PACK)
    assert read_model(path).digest == PACK.digest
    assert stated_hash(path) == PACK.short
    assert [file.name for file in tmp_path.iterdir()] == ["a.sdfm"]


@pytest.mark.parametrize("data", [b"", b"v 0 0 0\n", DATA[:40], (1 << 63).to_bytes(8, "little") + b"{}"])
def test_what_is_no_pack_states_no_hash(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.sdfm").write_bytes(data)
    assert stated_hash(tmp_path / "a.sdfm") is None
