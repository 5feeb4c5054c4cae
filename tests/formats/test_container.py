import pickle
import random
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.formats import (
    DEFAULT,
    ChecksumError,
    Container,
    FormatError,
    Frame,
    Header,
    LimitError,
    MeasuredErrors,
    Metadata,
    NotSdfzError,
    SdfzError,
    Section,
    TrailingDataError,
    TruncatedError,
    VersionError,
    pack,
    unpack,
)
from sdfz.formats.container import LAST_SECTION
from sdfz.formats.header import pack_header
from sdfz.formats.varint import pack_varint
from strategies import containers

HEADER = Header(
    method=1,
    frame=Frame.enclosing([-1, -1, 0], [1, 1, 3]),
    errors=MeasuredErrors(4e-4, 6e-4, 3e-3),
    diagonal=2.3,
    pack_hash=b"PACKHASH",
)
SECTIONS = (Section(1, b"coarse shape"), Section(2, b""), Section(5, bytes(range(24))))
METADATA = Metadata("vase.ply", "mm", 40_000, 80_000)
WHOLE = Container(HEADER, SECTIONS, METADATA)
FILE = pack(HEADER, SECTIONS, METADATA)

# Part of the format: these bytes have to be read for ever.
GOLDEN = bytes.fromhex(
    "89534446 01 01 01 5041434b48415348"  # magic, version, method, flags, pack hash
    "d73f 00 00 72 8e0e eb10 251a 3493"  # frame, errors, diagonal
    "01 0c 636f61727365207368617065 fbaacc19"
    "82 00 7a832789"
)


@given(containers())
def test_round_trip(container):
    packed = pack(container.header, container.sections, container.metadata)
    again = unpack(packed)
    assert again == container
    assert pack(again.header, again.sections, again.metadata) == packed


def test_every_wrong_byte_is_refused():
    """Each byte set to each other value; every single flipped bit is among them."""
    for data in _changed(range(1, 256)):
        with pytest.raises(SdfzError):
            unpack(data)


def test_every_flipped_bit_is_refused_or_looks_like_a_cut():
    """With `allow_truncated`, a length that now points beyond the end; what came before it is as it was written."""
    n_cuts = 0
    for data in _changed([1 << bit for bit in range(8)]):
        try:
            found = unpack(data, allow_truncated=True)
        except SdfzError:
            continue
        assert found == Container(HEADER, SECTIONS[: len(found.sections)], None, truncated=True)
        n_cuts += 1
    assert n_cuts < 20


def test_every_truncation_is_refused_or_gives_the_complete_sections():
    ends = _section_ends()
    for n_bytes in range(len(FILE)):
        with pytest.raises(TruncatedError if n_bytes else NotSdfzError):
            unpack(FILE[:n_bytes])
        n_complete = sum(end <= n_bytes for end in ends)
        if n_complete == 0:
            with pytest.raises(TruncatedError if n_bytes else NotSdfzError):
                unpack(FILE[:n_bytes], allow_truncated=True)
        else:
            found = unpack(FILE[:n_bytes], allow_truncated=True)
            assert found == Container(HEADER, SECTIONS[:n_complete], None, truncated=True)
    assert unpack(FILE, allow_truncated=True) == WHOLE


@pytest.mark.parametrize("allow_truncated", [False, True])
def test_one_byte_too_many(allow_truncated):
    for extra in range(256):
        with pytest.raises(TrailingDataError, match=f"1 bytes follow the end of the file at offset {len(FILE)}"):
            unpack(FILE + bytes([extra]), allow_truncated=allow_truncated)


@given(st.binary(max_size=300), st.sampled_from([0, 4, 5, 28, 45]), st.booleans())
def test_random_bytes_behind_a_good_start(data, n_good, allow_truncated):
    try:
        unpack(FILE[:n_good] + data, allow_truncated=allow_truncated)
    except SdfzError:
        pass


def test_many_random_changes():
    rng = random.Random(0)
    for _ in range(1000):
        data = bytearray(FILE)
        for _ in range(rng.randint(2, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if data != FILE:
            with pytest.raises(SdfzError):
                unpack(data)


def test_swapped_dropped_and_foreign_sections_are_noticed():
    """Every section is intact by itself; only the running checksum tells."""
    a = pack(HEADER, [Section(1, b"aaaa"), Section(2, b"bbbb")])
    b = pack(HEADER, [Section(1, b"cccc"), Section(2, b"bbbb")])
    n_header, n_section = len(pack_header(HEADER)), 10
    assert len(a) == n_header + 2 * n_section
    with pytest.raises(ChecksumError, match="section 2"):
        unpack(a[:-n_section] + b[-n_section:])
    with pytest.raises(SdfzError):
        unpack(a[:n_header] + a[-n_section:])
    other = pack(replace(HEADER, diagonal=2.4), [Section(1, b"aaaa"), Section(2, b"bbbb")])
    with pytest.raises(ChecksumError, match="section 1"):
        unpack(other[:n_header] + a[n_header:])


@pytest.mark.parametrize(
    ("tags", "message"),
    [
        ([2 | LAST_SECTION], "the first must be 1"),
        ([0 | LAST_SECTION], "the first must be 1"),
        ([1, 1 | LAST_SECTION], "ids must rise"),
        ([1, 3, 2 | LAST_SECTION], "ids must rise"),
        ([1, 0, 2 | LAST_SECTION], "metadata must be the last section"),
    ],
)
def test_wrong_order(tags, message):
    with pytest.raises(FormatError, match=message):
        unpack(_with_good_checksums([(tag, b"") for tag in tags]))


@pytest.mark.parametrize("payload", [b"", b"\x01", b"\x08\x05\x05", b"\xff\x00"])
@pytest.mark.parametrize("allow_truncated", [False, True])
def test_damaged_metadata_is_no_truncation(payload, allow_truncated):
    with pytest.raises(FormatError, match="metadata"):
        unpack(_with_good_checksums([(1, b"shape"), (LAST_SECTION, payload)]), allow_truncated=allow_truncated)


def test_limits_come_before_allocation():
    """A section that declares 2**60 bytes is refused for its size, not read."""
    huge = pack_header(HEADER) + b"\x81" + pack_varint(1 << 60)
    with pytest.raises(LimitError, match=f"bytes in section 1: {1 << 60}, but max_section_bytes allows"):
        unpack(huge)
    within = pack_header(HEADER) + b"\x81" + pack_varint(DEFAULT.max_section_bytes)
    with pytest.raises(TruncatedError, match="134217728 bytes at offset 33, but the data ends at 33"):
        unpack(within)


@pytest.mark.parametrize(
    ("limit", "value"), [("max_file_bytes", len(FILE) - 1), ("max_section_bytes", 23), ("max_sections", 3)]
)
def test_limits_hold_for_reading_and_writing(limit, value):
    tight = replace(DEFAULT, **{limit: value})
    just = replace(DEFAULT, **{limit: value + 1})
    assert unpack(pack(HEADER, SECTIONS, METADATA, limits=just), limits=just) == WHOLE
    with pytest.raises(LimitError, match=limit):
        unpack(FILE, limits=tight)
    with pytest.raises(LimitError, match=limit):
        pack(HEADER, SECTIONS, METADATA, limits=tight)


@pytest.mark.parametrize("ids", [[], [0], [2], [1, 1], [1, 3, 2], [1, 128], [1, 0]])
def test_pack_refuses_ids(ids):
    with pytest.raises(ValueError, match="section id"):
        pack(HEADER, [Section(i, b"") for i in ids])


def test_empty_metadata_costs_nothing():
    assert pack(HEADER, SECTIONS, Metadata()) == pack(HEADER, SECTIONS)


def test_overhead_of_two_sections():
    near = replace(HEADER, pack_hash=None)
    sections = [Section(1, bytes(200)), Section(2, bytes(4000))]
    assert len(pack(near, sections)) - 4200 <= 36


def test_golden_bytes():
    assert unpack(GOLDEN).header == HEADER
    assert pack(HEADER, [Section(1, b"coarse shape"), Section(2, b"")]) == GOLDEN


def test_version_error_survives_a_worker_process():
    error = pickle.loads(pickle.dumps(VersionError(3, (1, 2))))
    assert (error.found, error.versions) == (3, (1, 2))


def _changed(masks: Iterable[int]) -> Iterator[bytes]:
    """FILE with one byte changed, for each byte and each mask."""
    for i, good in enumerate(FILE):
        for mask in masks:
            yield FILE[:i] + bytes([good ^ mask]) + FILE[i + 1 :]


def _section_ends() -> list[int]:
    """Offsets where the sections of FILE end, without the metadata."""
    ends = []
    offset = len(pack_header(HEADER))
    for section in SECTIONS:
        offset += 1 + len(pack_varint(len(section.data))) + len(section.data) + 4
        ends.append(offset)
    return ends


def _with_good_checksums(sections: list[tuple[int, bytes]]) -> bytes:
    """A file of any tags and payloads whose checksums are right."""
    data = pack_header(HEADER)
    crc = zlib.crc32(data)
    for tag, payload in sections:
        body = bytes([tag]) + pack_varint(len(payload)) + payload
        crc = zlib.crc32(body, crc)
        data += body + crc.to_bytes(4, "little")
    return data
