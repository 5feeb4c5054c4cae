import pytest
import strategies  # noqa: F401 (settings)
from hypothesis import given
from hypothesis import strategies as st
from sdfz.formats.errors import FormatError, TruncatedError
from sdfz.formats.varint import MAX_VARINT, pack_varint, unpack_varint, unzigzag, zigzag


@given(st.integers(0, MAX_VARINT), st.binary(max_size=3), st.binary(max_size=3))
def test_round_trip_anywhere_in_a_buffer(value, before, after):
    packed = before + pack_varint(value) + after
    assert unpack_varint(packed, len(before)) == (value, len(packed) - len(after))


@given(st.binary(max_size=12))
def test_a_value_has_one_spelling(data):
    try:
        value, end = unpack_varint(data)
    except FormatError:
        return
    assert pack_varint(value) == data[:end]


@given(st.integers(-(1 << 62), (1 << 62) - 1))
def test_zigzag(value):
    assert unzigzag(zigzag(value)) == value
    assert zigzag(value) <= 2 * abs(value)


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 8])
def test_truncated(data):
    with pytest.raises(TruncatedError, match="size: the data ends at offset"):
        unpack_varint(data, 0, "size")


def test_too_long_or_out_of_range():
    with pytest.raises(FormatError, match="longer than 9 bytes"):
        unpack_varint(b"\xff" * 20)
    for value in (-1, MAX_VARINT + 1):
        with pytest.raises(ValueError, match="varint"):
            pack_varint(value)
