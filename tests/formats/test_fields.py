import math

import pytest
import strategies  # noqa: F401 (settings)
from hypothesis import given
from hypothesis import strategies as st
from sdfz.formats.errors import FormatError, SdfzError, TrailingDataError, TruncatedError
from sdfz.formats.fields import F16, U8, U16, U32, VARINT, ZIGZAG, Blob, Bytes, Field, FieldTable, Text
from sdfz.formats.kinds import MAX_FLOAT16, ceil_float16
from strategies import texts

TABLE = FieldTable(
    "sample",
    [
        Field("flags", U8, "bit 0: `step` is there", 0, 1),
        Field("n_cells", VARINT, "cells", high=1 << 22),
        Field("step", F16, "quantization step", when=lambda values: values["flags"] == 1),
        Field("shift", ZIGZAG, "offset", -8, 8),
        Field("depth", U16, "depth", 1, 10, show=lambda value, _: f"{value} levels"),
        Field("mask", U32, "bits"),
        Field("seal", Bytes(2), "two bytes"),
        Field("weights", Blob(5), "coded weights"),
        Field("label", Text(6), "name"),
    ],
)


@st.composite
def tables(draw):
    flags = draw(st.integers(0, 1))
    return {
        "flags": flags,
        "n_cells": draw(st.integers(0, 1 << 22)),
        "step": draw(st.floats(0, MAX_FLOAT16, width=16).map(abs)) if flags else None,
        "shift": draw(st.integers(-8, 8)),
        "depth": draw(st.integers(1, 10)),
        "mask": draw(st.integers(0, (1 << 32) - 1)),
        "seal": draw(st.binary(min_size=2, max_size=2)),
        "weights": draw(st.binary(max_size=5)),
        "label": draw(texts(6)),
    }


@given(tables())
def test_round_trip(values):
    packed = TABLE.pack(values)
    assert TABLE.unpack_all(packed) == values
    assert TABLE.unpack(b"?" + packed + b"?", 1) == (values, len(packed) + 1)
    for n_bytes in range(len(packed)):
        with pytest.raises(TruncatedError):
            TABLE.unpack(packed[:n_bytes])
    with pytest.raises(TrailingDataError):
        TABLE.unpack_all(packed + b"\0")


@given(st.binary(max_size=40))
def test_what_unpacks_packs_to_the_same_bytes(data):
    try:
        values, end = TABLE.unpack(data)
    except SdfzError:
        return
    assert TABLE.pack(values) == data[:end]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("n_cells", (1 << 22) + 1),
        ("n_cells", -1),
        ("shift", 9),
        ("depth", 0),
        ("step", 0.1),  # not a half-precision number
        ("step", math.nan),
        ("step", None),
        ("seal", b"123"),
        ("weights", b"123456"),
        ("label", "a\x1b[m"),
        ("label", "fünfzig"),  # eight bytes
        ("other", 1),
    ],
)
def test_pack_refuses(name, value):
    good = {"flags": 1, "n_cells": 5, "step": 0.5, "shift": 1, "depth": 1, "mask": 0}
    good |= {"seal": b"12", "weights": b"", "label": ""}
    with pytest.raises(ValueError, match=r"sample|bytes|half-precision|control"):
        TABLE.pack({**good, name: value})


def test_unpack_names_field_value_and_range():
    with pytest.raises(FormatError, match=r"^sample: flags: 2 is not in 0\.\.1, at offset 3$"):
        TABLE.unpack(b"...\x02", 3)
    with pytest.raises(FormatError, match="half-precision pattern 0x7c00 at offset 2"):
        TABLE.unpack(b"\x01\x00\x00\x7c")


def test_describe_and_markdown():
    values = TABLE.unpack_all(bytes.fromhex("00 05 02 0300 00000000 4142 00 00"))
    assert [row[:3] for row in TABLE.describe(values)][2:4] == [("shift", 1, "1"), ("depth", 3, "3 levels")]
    assert TABLE.markdown().splitlines()[2:4] == [
        "| `flags` | u8 | 0..1 | bit 0: `step` is there |",
        "| `n_cells` | varint | 0..4194304 | cells |",
    ]


@given(st.floats(0, MAX_FLOAT16))
def test_ceil_float16_is_the_next_half_above(value):
    ceiling = ceil_float16(value)
    assert value <= ceiling == ceil_float16(ceiling)
    assert ceiling - value <= max(2**-24, value * 2**-10)


@pytest.mark.parametrize("value", [-1e-9, MAX_FLOAT16 + 1, math.inf, math.nan])
def test_ceil_float16_refuses(value):
    with pytest.raises(ValueError, match="is not in 0"):
        ceil_float16(value)
