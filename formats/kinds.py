"""How single values are spelled in bytes; SPEC.md names them in its tables."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any, Protocol

from .errors import FormatError, TruncatedError
from .varint import MAX_VARINT, Buffer, pack_varint, unpack_varint, unzigzag, zigzag

MAX_FLOAT16 = 65504.0


def ceil_float16(value: float) -> float:
    """Smallest half-precision number that is not below a value, so that a stored error never claims too little.

    Parameters
    ----------
    value : float
        From 0 to 65504.

    Raises
    ------
    ValueError
        The value is negative, too large or not a number.

    Examples
    --------
    >>> ceil_float16(0.1), ceil_float16(0.5)
    (0.10003662109375, 0.5)
    """
    if not 0 <= value <= MAX_FLOAT16:
        raise ValueError(f"{value} is not in 0..{MAX_FLOAT16:.0f}")
    nearest = struct.pack("<e", abs(float(value)))  # abs: no negative zero
    if struct.unpack("<e", nearest)[0] < value:
        # the patterns of positive halves rise with their values
        nearest = struct.pack("<H", struct.unpack("<H", nearest)[0] + 1)
    return float(struct.unpack("<e", nearest)[0])


def take(data: Buffer, offset: int, n_bytes: int, name: str) -> bytes:
    """The next bytes of a buffer.

    Raises
    ------
    TruncatedError
        Fewer than `n_bytes` are left; nothing was allocated for them.
    """
    if n_bytes > len(data) - offset:
        raise TruncatedError(f"{name}: {n_bytes} bytes at offset {offset}, but the data ends at {len(data)}")
    return bytes(data[offset : offset + n_bytes])


class Kind(Protocol):
    """How one value is spelled in bytes."""

    @property
    def label(self) -> str:
        """Name in the format document."""

    @property
    def span(self) -> tuple[float, float] | None:
        """Lowest and highest value of the kind, or None where there is no order."""

    def pack(self, value: Any) -> bytes:
        """Bytes of a value."""

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[Any, int]:
        """A value and the offset after it."""


@dataclass(frozen=True)
class _Unsigned:
    """Unsigned integer of a fixed size, little endian."""

    n_bytes: int

    @property
    def label(self) -> str:
        return f"u{8 * self.n_bytes}"

    @property
    def span(self) -> tuple[float, float]:
        return 0, (1 << 8 * self.n_bytes) - 1

    def pack(self, value: int) -> bytes:
        return int(value).to_bytes(self.n_bytes, "little")

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[int, int]:
        return int.from_bytes(take(data, offset, self.n_bytes, name), "little"), offset + self.n_bytes


@dataclass(frozen=True)
class _Varint:
    label: str = "varint"
    span: tuple[float, float] = (0, MAX_VARINT)

    def pack(self, value: int) -> bytes:
        return pack_varint(value)

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[int, int]:
        return unpack_varint(data, offset, name)


@dataclass(frozen=True)
class _Zigzag:
    label: str = "zigzag"
    span: tuple[float, float] = (-(MAX_VARINT >> 1) - 1, MAX_VARINT >> 1)

    def pack(self, value: int) -> bytes:
        return pack_varint(zigzag(value))

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[int, int]:
        value, end = unpack_varint(data, offset, name)
        return unzigzag(value), end


@dataclass(frozen=True)
class _Float16:
    """Half-precision number, finite, sign bit zero; packing refuses what it cannot hold exactly."""

    label: str = "f16"
    span: tuple[float, float] = (0.0, MAX_FLOAT16)

    def pack(self, value: float) -> bytes:
        packed = struct.pack("<e", value)
        if struct.unpack("<e", packed)[0] != value:
            raise ValueError(f"{value} is not a half-precision number")
        return packed

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[float, int]:
        packed = take(data, offset, 2, name)
        code = int.from_bytes(packed, "little")
        if code > 0x7BFF:  # the sign bit, infinities and NaN all lie above the largest finite number
            raise FormatError(f"{name}: half-precision pattern {code:#06x} at offset {offset}, allowed 0..0x7bff")
        return float(struct.unpack("<e", packed)[0]), offset + 2


@dataclass(frozen=True)
class Bytes:
    """Exactly `n_bytes` bytes."""

    n_bytes: int
    span: None = None

    @property
    def label(self) -> str:
        return f"bytes[{self.n_bytes}]"

    def pack(self, value: bytes) -> bytes:
        if len(value) != self.n_bytes:
            raise ValueError(f"{len(value)} bytes instead of {self.n_bytes}")
        return bytes(value)

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[bytes, int]:
        return take(data, offset, self.n_bytes, name), offset + self.n_bytes


@dataclass(frozen=True)
class Blob:
    """A varint length and that many bytes, at most `max_bytes`."""

    max_bytes: int
    span: None = None

    @property
    def label(self) -> str:
        return f"blob <= {self.max_bytes}"

    def pack(self, value: bytes) -> bytes:
        if len(value) > self.max_bytes:
            raise ValueError(f"{len(value)} bytes, allowed {self.max_bytes}")
        return pack_varint(len(value)) + bytes(value)

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[bytes, int]:
        n_bytes, start = unpack_varint(data, offset, name)
        if n_bytes > self.max_bytes:
            raise FormatError(f"{name}: {n_bytes} bytes at offset {offset}, allowed {self.max_bytes}")
        return take(data, start, n_bytes, name), start + n_bytes


@dataclass(frozen=True)
class Text:
    """A blob of UTF-8 without control characters: names from strangers' files end up on terminals."""

    max_bytes: int
    span: None = None

    @property
    def label(self) -> str:
        return f"text <= {self.max_bytes}"

    def pack(self, value: str) -> bytes:
        if has_control_characters(value):
            raise ValueError(f"{value!r} has control characters")
        return Blob(self.max_bytes).pack(value.encode())

    def unpack(self, data: Buffer, offset: int, name: str) -> tuple[str, int]:
        encoded, end = Blob(self.max_bytes).unpack(data, offset, name)
        try:
            text = encoded.decode()
        except UnicodeDecodeError as error:
            raise FormatError(f"{name}: text at offset {offset} is not UTF-8") from error
        if has_control_characters(text):
            raise FormatError(f"{name}: text at offset {offset} has control characters")
        return text, end


U8, U16, U32 = _Unsigned(1), _Unsigned(2), _Unsigned(4)
VARINT, ZIGZAG, F16 = _Varint(), _Zigzag(), _Float16()


def has_control_characters(text: str) -> bool:
    """Whether a string holds a character below U+0020 or one of U+007F to U+009F."""
    return any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F for c in text)
