"""The container: a header and checksummed sections, coarse to fine.

::

    header | id  length  payload  crc | id  length  payload  crc | ... | id + 128  length  payload  crc
    `----------- crc 1 ---------'
    `----------- crc 2 -------------- (without the crc fields) -------'

SPEC.md has the format. The range decoder behind it never notices damage, so that everything is checked here, before a
payload is looked at.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .errors import ChecksumError, FormatError, TrailingDataError, TruncatedError
from .header import Header, pack_header, unpack_header
from .kinds import U8, U32, take
from .limits import DEFAULT, Limits
from .metadata import Metadata, pack_metadata, unpack_metadata
from .varint import Buffer, pack_varint, unpack_varint

# Part of the format, never renumber.
METADATA_ID = 0
BASE_ID = 1
MOTION_ID = 127
MAX_SECTION_ID = 126  # of a method's own
LAST_SECTION = 0x80

CRC_BYTES = 4


@dataclass(frozen=True)
class Section:
    """One payload.

    Parameters
    ----------
    id : int
        1 for the base, more for finer levels; at most 126.
    data : bytes
        Coded bytes, as the method wrote them.
    """

    id: int
    data: bytes


@dataclass(frozen=True)
class Container:
    """What a file holds.

    Parameters
    ----------
    header : Header
    sections : tuple of Section
        Coarse to fine, without the motion and the metadata; never empty.
    metadata : Metadata or None
    motion : bytes or None
        Of the shape that the sections describe; its payload.
    truncated : bool
        Whether the input ended early and finer sections, the motion or the metadata may be missing.
    """

    header: Header
    sections: tuple[Section, ...]
    metadata: Metadata | None = None
    motion: bytes | None = None
    truncated: bool = False


def pack(
    header: Header,
    sections: Sequence[Section],
    metadata: Metadata | None = None,
    *,
    motion: bytes | None = None,
    limits: Limits = DEFAULT,
) -> bytes:
    """Bytes of a file.

    Parameters
    ----------
    header : Header
    sections : sequence of Section
        Coarse to fine: the base first, ids rising.
    metadata : Metadata, optional
        Left out when it is empty.
    motion : bytes, optional
        Payload of the motion, of a sequence.
    limits : Limits
        Of the decoders the file is for.

    Raises
    ------
    ValueError
        There is no base section or the ids do not rise.
    LimitError
        The limits would refuse the file.
    """
    ids = [section.id for section in sections]
    if not ids or ids[0] != BASE_ID or any(a >= b for a, b in itertools.pairwise(ids)):
        raise ValueError(f"section ids {ids} do not start at {BASE_ID} and rise")
    if ids[-1] > MAX_SECTION_ID:
        raise ValueError(f"section id {ids[-1]} is above {MAX_SECTION_ID}")
    stored = list(sections)
    if motion is not None:
        stored.append(Section(MOTION_ID, motion))
    if metadata:
        stored.append(Section(METADATA_ID, pack_metadata(metadata)))
    limits.check("max_sections", len(stored), "sections")

    packed = bytearray(pack_header(header))
    crc = zlib.crc32(packed)
    for i, section in enumerate(stored):
        limits.check("max_section_bytes", len(section.data), f"bytes in section {section.id}")
        last = LAST_SECTION if i == len(stored) - 1 else 0
        body = U8.pack(section.id | last) + pack_varint(len(section.data)) + section.data
        # The crc fields stay out of the running crc: a crc over its own value is a constant and would forget the rest.
        crc = zlib.crc32(body, crc)
        packed += body + U32.pack(crc)
    limits.check("max_file_bytes", len(packed), "bytes in the file")
    return bytes(packed)


def unpack(
    data: bytes | bytearray | memoryview, *, limits: Limits = DEFAULT, allow_truncated: bool = False
) -> Container:
    """Header, sections and metadata of a file, everything checked.

    Parameters
    ----------
    data : bytes-like
        A whole file, or its start with `allow_truncated`.
    limits : Limits
        What is accepted at most.
    allow_truncated : bool
        Accept input that was cut short anywhere after its base section: the complete sections are returned. Damage to
        them is an error all the same.

    Raises
    ------
    NotSdfzError, VersionError
        Something else, or from a newer sdfz.
    TruncatedError, ChecksumError, TrailingDataError, FormatError
        Cut short, damaged, too long, or not valid.
    LimitError
        Larger than `limits` allow; raised before anything is allocated for it.
    """
    view = memoryview(data).cast("B")
    limits.check("max_file_bytes", len(view), "bytes in the file")
    header, offset = unpack_header(view)
    sections: list[Section] = []
    truncated = False
    try:
        for section in _read_sections(view, offset, limits):
            sections.append(section)
    except TruncatedError:
        if not allow_truncated or not sections:
            raise
        truncated = True
    metadata = None
    if sections[-1].id == METADATA_ID:
        metadata = unpack_metadata(sections.pop().data)
    motion = sections.pop().data if sections[-1].id == MOTION_ID else None
    return Container(header, tuple(sections), metadata, motion, truncated)


def _read_sections(view: Buffer, offset: int, limits: Limits) -> Iterator[Section]:
    """Sections after the header, each one verified before it comes out."""
    crc = zlib.crc32(view[:offset])
    previous = 0
    n_sections = 0
    while True:
        start = offset
        (tag,) = take(view, offset, 1, f"section after {previous or 'the header'}")
        section_id = tag & ~LAST_SECTION
        n_sections += 1
        _check_order(section_id, previous, is_last=tag != section_id, offset=start)
        limits.check("max_sections", n_sections, "sections")
        name = f"section {section_id}"
        n_bytes, offset = unpack_varint(view, offset + 1, f"{name}: length")
        limits.check("max_section_bytes", n_bytes, f"bytes in {name}")
        payload = take(view, offset, n_bytes, f"{name}: payload")
        offset += n_bytes
        crc = zlib.crc32(view[start:offset], crc)
        stored, end = U32.unpack(view, offset, f"{name}: crc")
        if stored != crc:
            raise ChecksumError(f"{name}: CRC-32 at offset {offset} is {stored:#010x}, its bytes give {crc:#010x}")
        offset = end
        yield Section(section_id, payload)
        if tag != section_id:
            break
        previous = section_id
    if offset != len(view):
        raise TrailingDataError(f"{len(view) - offset} bytes follow the end of the file at offset {offset}")


def _check_order(section_id: int, previous: int, *, is_last: bool, offset: int) -> None:
    """Refuse a section that does not belong after the previous one (0: the header)."""
    if previous == 0 and section_id != BASE_ID:
        raise FormatError(f"section {section_id} at offset {offset}: the first must be {BASE_ID}")
    if section_id == METADATA_ID and not is_last:
        raise FormatError(f"section {section_id} at offset {offset}: metadata must be the last section")
    if previous > 0 and section_id != METADATA_ID and section_id <= previous:
        raise FormatError(f"section {section_id} at offset {offset}: ids must rise, the one before is {previous}")
