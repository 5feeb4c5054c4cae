"""The header: which method, where the shape lies, and how far the decoded mesh is from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import NotSdfzError, TruncatedError, VersionError
from .fields import F16, U8, U16, ZIGZAG, Bytes, Field, FieldTable, Row
from .frame import MAX_CENTRE_STEPS, MAX_SCALE_CODE, MIN_SCALE_CODE, STEPS_PER_SCALE, Frame, scale_of_code
from .kinds import ceil_float16
from .varint import Buffer

# Part of the format, never change.
MAGIC = b"\x89SDF"
FORMAT_VERSION = 1
FLAG_PACK = 1 << 0
PACK_HASH_BYTES = 8
DIAGONAL_STEPS = 1 << 14  # of a normalized unit; a diagonal in the cube is at most 2 sqrt(3) < 4

VERSIONS_READ = (1,)


def _show_percent(value: float, values: Mapping[str, Any]) -> str:
    return f"{100 * value:.3g} % of the diagonal, {value * _diagonal_in_units(values):.3g} units"


def _show_centre(value: int, values: Mapping[str, Any]) -> str:
    return f"{value * (scale_of_code(values['scale']) / STEPS_PER_SCALE):.9g} units"


def _diagonal_in_units(values: Mapping[str, Any]) -> float:
    return float(values["diagonal"] / DIAGONAL_STEPS * scale_of_code(values["scale"]))


def _centre_field(axis: str) -> Field:
    meaning = f"{axis} of the frame's centre, in 64ths of the scale"
    return Field(f"centre_{axis}", ZIGZAG, meaning, -MAX_CENTRE_STEPS, MAX_CENTRE_STEPS, show=_show_centre)


HEADER = FieldTable(
    "header",
    [
        Field("magic", Bytes(4), "89 53 44 46 (hex)", show=lambda value, _: value.hex(" ")),
        Field("version", U8, "format version", FORMAT_VERSION, FORMAT_VERSION),
        Field("method", U8, "how the payloads are coded: see Methods", 1),
        Field("flags", U8, "bit 0: `pack_hash` is there; the others are reserved", 0, FLAG_PACK),
        Field(
            "pack_hash",
            Bytes(PACK_HASH_BYTES),
            "first bytes of the SHA-256 of the model pack; only if flag bit 0 is set",
            when=lambda values: bool(values["flags"] & FLAG_PACK),
            show=lambda value, _: value.hex(),
        ),
        Field(
            "scale",
            U16,
            "bfloat16 pattern of the frame's scale, in input units",
            MIN_SCALE_CODE,
            MAX_SCALE_CODE,
            show=lambda value, _: f"{scale_of_code(value):.9g} units",
        ),
        *map(_centre_field, "xyz"),
        Field("cd", F16, "measured mean error, a fraction of the diagonal", show=_show_percent),
        Field("rms", F16, "measured root mean square error, a fraction of the diagonal", show=_show_percent),
        Field("hd", F16, "measured largest error, a fraction of the diagonal", show=_show_percent),
        Field(
            "diagonal",
            U16,
            "bounding-box diagonal of the input, in 16384ths of a normalized unit",
            1,
            show=lambda _, values: f"{_diagonal_in_units(values):.9g} units",
        ),
    ],
)


@dataclass(frozen=True)
class MeasuredErrors:
    """What the encoder measured between the input and the decoded mesh, as a file holds it.

    Parameters
    ----------
    cd, rms, hd : float
        Mean, root mean square and largest distance, fractions of the input's bounding-box diagonal. They are rounded
        up to half precision here, so that errors in memory are those in the file and never claim too little.

    Raises
    ------
    ValueError
        One is negative, beyond 65504 or not a number.
    """

    cd: float
    rms: float
    hd: float

    def __post_init__(self) -> None:
        for name in ("cd", "rms", "hd"):
            object.__setattr__(self, name, ceil_float16(getattr(self, name)))


@dataclass(frozen=True, kw_only=True)
class Header:
    """What a file says before its sections.

    Parameters
    ----------
    method : int
        Id of the coding method, 1 to 255.
    frame : Frame
        Place and size of the shape.
    errors : MeasuredErrors
        Distance of the decoded mesh from the input.
    diagonal : float
        Bounding-box diagonal of the input, normalized units, above 0 and below 4; rounded up to 1/16384 here.
    pack_hash : bytes, optional
        First 8 bytes of the SHA-256 of the model pack that decoding needs.

    Raises
    ------
    ValueError
        A value is outside the range of the format.
    """

    method: int
    frame: Frame
    errors: MeasuredErrors
    diagonal: float
    pack_hash: bytes | None = None

    def __post_init__(self) -> None:
        if not 0 < self.diagonal < 4:
            raise ValueError(f"diagonal: {self.diagonal} is not between 0 and 4 normalized units")
        steps = min(math.ceil(self.diagonal * DIAGONAL_STEPS), 4 * DIAGONAL_STEPS - 1)
        object.__setattr__(self, "diagonal", steps / DIAGONAL_STEPS)
        HEADER.pack(self._values())  # what cannot be written should fail here, where it was made

    @property
    def diagonal_units(self) -> float:
        """Bounding-box diagonal of the input, in input units."""
        return self.diagonal * self.frame.scale

    def describe(self) -> list[Row]:
        """Every field, in file order, with its text for people."""
        return HEADER.describe(self._values())

    def _values(self) -> dict[str, Any]:
        return {
            "magic": MAGIC,
            "version": FORMAT_VERSION,
            "method": self.method,
            "flags": 0 if self.pack_hash is None else FLAG_PACK,
            "pack_hash": self.pack_hash,
            **self.frame.as_fields(),
            "cd": self.errors.cd,
            "rms": self.errors.rms,
            "hd": self.errors.hd,
            "diagonal": round(self.diagonal * DIAGONAL_STEPS),
        }


def pack_header(header: Header) -> bytes:
    """Bytes of a header."""
    return HEADER.pack(header._values())


def unpack_header(data: Buffer) -> tuple[Header, int]:
    """The header at the start of a file, and the offset after it.

    Nothing vouches for these bytes yet: the checksum of the first section covers them.

    Raises
    ------
    NotSdfzError
        The data is empty or starts otherwise.
    VersionError
        A newer or unknown version.
    TruncatedError, FormatError
        The data ends inside the header; a field is out of range.
    """
    start = bytes(data[: len(MAGIC)])
    if not start or start != MAGIC[: len(start)]:
        found = f"starts with {start!r}" if start else "is empty"
        raise NotSdfzError(f"not an sdfz file: it {found}")
    if len(data) <= len(MAGIC):
        raise TruncatedError(f"header: the data ends at offset {len(data)}, before the version")
    # Before anything else: a later version may have changed all that follows.
    if data[len(MAGIC)] not in VERSIONS_READ:
        raise VersionError(data[len(MAGIC)], VERSIONS_READ)
    values, end = HEADER.unpack(data)
    errors = MeasuredErrors(values["cd"], values["rms"], values["hd"])
    header = Header(
        method=values["method"],
        frame=Frame.of_fields(values),
        errors=errors,
        diagonal=values["diagonal"] / DIAGONAL_STEPS,
        pack_hash=values["pack_hash"],
    )
    return header, end
