"""Integers in as few bytes as they need: LEB128 in canonical form, and zigzag for signed ones."""

from __future__ import annotations

from .errors import FormatError, TruncatedError

MAX_VARINT_BYTES = 9  # part of the format
MAX_VARINT = (1 << 7 * MAX_VARINT_BYTES) - 1

Buffer = bytes | memoryview


def pack_varint(value: int) -> bytes:
    """Bytes of an unsigned integer, seven bits a byte, lowest first.

    Parameters
    ----------
    value : int
        From 0 to 2**63 - 1.

    Raises
    ------
    ValueError
        The value is out of range.

    Examples
    --------
    >>> pack_varint(300).hex()
    'ac02'
    """
    if not 0 <= value <= MAX_VARINT:
        raise ValueError(f"varint: {value} is not in 0..{MAX_VARINT}")
    packed = bytearray()
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)
    return bytes(packed)


def unpack_varint(data: Buffer, offset: int = 0, name: str = "varint") -> tuple[int, int]:
    """An unsigned integer and the offset after it.

    Parameters
    ----------
    data : bytes or memoryview
        Bytes to read.
    offset : int
        Where the integer starts.
    name : str
        Field name for messages.

    Returns
    -------
    value : int
        From 0 to 2**63 - 1.
    end : int
        Offset of the byte after it.

    Raises
    ------
    TruncatedError
        The data ends inside the integer.
    FormatError
        It is longer than nine bytes, or longer than the value needs.
    """
    value = 0
    for i in range(MAX_VARINT_BYTES):
        if offset + i >= len(data):
            raise TruncatedError(f"{name}: the data ends at offset {len(data)}, inside a number")
        byte = data[offset + i]
        value |= (byte & 0x7F) << 7 * i
        if byte < 0x80:
            # one spelling a value, or two different files could hold the same content
            if byte == 0 and i > 0:
                raise FormatError(f"{name}: number at offset {offset} takes {i + 1} bytes, more than it needs")
            return value, offset + i + 1
    raise FormatError(f"{name}: number at offset {offset} is longer than {MAX_VARINT_BYTES} bytes")


def zigzag(value: int) -> int:
    """Unsigned integer for a signed one: 0, -1, 1, -2, ... become 0, 1, 2, 3, ...

    Examples
    --------
    >>> [zigzag(n) for n in (0, -1, 1, -2)]
    [0, 1, 2, 3]
    """
    return 2 * value if value >= 0 else -2 * value - 1


def unzigzag(value: int) -> int:
    """Signed integer that `zigzag` made `value` of."""
    return value >> 1 if value & 1 == 0 else -(value + 1 >> 1)
