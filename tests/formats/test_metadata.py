import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.formats import FormatError, Metadata, TrailingDataError, clean_name
from sdfz.formats.metadata import pack_metadata, unpack_metadata
from strategies import metadatas


@given(metadatas.filter(bool))
def test_round_trip(metadata):
    packed = pack_metadata(metadata)
    assert unpack_metadata(packed) == metadata
    with pytest.raises(TrailingDataError):
        unpack_metadata(packed + b"\0")


@given(st.binary(max_size=30))
def test_what_unpacks_packs_to_the_same_bytes(data):
    try:
        metadata = unpack_metadata(data)
    except FormatError:
        return
    assert pack_metadata(metadata) == data


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ("00", "present: 0 is not in 1..15"),
        ("1000", "present: 16 is not in 1..15"),
        ("01 02 c328", "not UTF-8"),
        ("01 02 411b", "control characters"),
        ("02 11" + "41" * 17, "17 bytes at offset 1, allowed 16"),
    ],
)
def test_refused(payload, message):
    with pytest.raises(FormatError, match=message):
        unpack_metadata(bytes.fromhex(payload))


@pytest.mark.parametrize("bad", [{"name": "x" * 256}, {"name": "a\n"}, {"units": "x" * 17}, {"n_faces": -1}])
def test_what_cannot_be_stored_cannot_be_made(bad):
    with pytest.raises(ValueError, match="bytes|control|n_faces"):
        Metadata(**bad)


@given(st.text() | st.text().map(lambda s: s + "\udc80"))
def test_any_path_has_a_clean_name(path):
    Metadata(name=clean_name(path))


def test_describe():
    assert [row[:2] for row in Metadata(units="mm", n_faces=12).describe()] == [("units", "mm"), ("n_faces", 12)]
