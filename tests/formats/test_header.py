import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.formats import FormatError, Frame, Header, MeasuredErrors, NotSdfzError, TruncatedError, VersionError
from sdfz.formats.header import HEADER, pack_header, unpack_header
from strategies import fractions, headers

PLAIN = Header(method=1, frame=Frame(0x3F80, (0, 0, 0)), errors=MeasuredErrors(0, 0, 0), diagonal=2.0)


@given(headers, st.binary(max_size=3))
def test_round_trip(header, after):
    packed = pack_header(header)
    assert unpack_header(packed + after) == (header, len(packed))
    for n_bytes in range(len(packed)):
        with pytest.raises(TruncatedError if n_bytes else NotSdfzError):
            unpack_header(packed[:n_bytes])


@given(st.binary(max_size=40))
def test_what_unpacks_packs_to_the_same_bytes(rest):
    data = b"\x89SDF\x01" + rest
    try:
        header, end = unpack_header(data)
    except FormatError:
        return
    assert pack_header(header) == data[:end]


@given(fractions, st.floats(1e-3, 3.5))
def test_errors_never_claim_too_little(error, diagonal):
    header = Header(method=1, frame=PLAIN.frame, errors=MeasuredErrors(error, error, error), diagonal=diagonal)
    assert error <= header.errors.hd <= error * 1.001 + 1e-7
    assert diagonal <= header.diagonal <= diagonal + 1 / 16384


@pytest.mark.parametrize("data", [b"", b"v 0.0 0.1 0.2\n", b"ply\n", b"\x89PNG\r\n", b"\x88SDF\x01", b"SDF"])
def test_something_else(data):
    with pytest.raises(NotSdfzError, match="not an sdfz file: it (starts with|is empty)"):
        unpack_header(data)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_another_version_is_named_before_anything_else(version):
    with pytest.raises(VersionError) as caught:
        unpack_header(b"\x89SDF" + bytes([version]))
    assert (caught.value.found, caught.value.versions) == (version, (1,))
    assert str(caught.value) == f"the file has format version {version}; this sdfz reads version 1"


@pytest.mark.parametrize(
    ("offset", "value", "field"),
    [(5, 0, "method"), (6, 2, "flags"), (6, 128, "flags"), (8, 0x80, "scale"), (13, 0x80, "cd"), (15, 0x7C, "rms")],
)
def test_out_of_range(offset, value, field):
    packed = bytearray(pack_header(PLAIN))
    packed[offset] = value
    with pytest.raises(FormatError, match=f"header: {field}: "):
        unpack_header(packed)


@pytest.mark.parametrize(
    "change",
    [{"method": 0}, {"method": 256}, {"diagonal": 0.0}, {"diagonal": 4.0}, {"diagonal": math.nan}, {"pack_hash": b"1"}],
)
def test_a_header_that_cannot_be_written_cannot_be_made(change):
    with pytest.raises(ValueError, match=r"method|diagonal|bytes"):
        Header(**{"method": 1, "frame": PLAIN.frame, "errors": PLAIN.errors, "diagonal": 2.0, **change})


def test_describe_walks_the_table():
    rows = PLAIN.describe()
    assert [row.name for row in rows] == [field.name for field in HEADER.fields if field.name != "pack_hash"]
    assert rows[-1].text == "2 units"
    assert len(pack_header(PLAIN)) == 20
