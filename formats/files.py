"""Reading and writing whole files: size checked before reading; a file is there complete or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from .limits import DEFAULT, Limits

PathLike = str | os.PathLike[str]

READ_BYTES = 1 << 20


def read_bytes(source: PathLike | BinaryIO, *, limits: Limits = DEFAULT) -> bytes:
    """All bytes of a file or stream.

    Parameters
    ----------
    source : path or binary file object
        What to read; a file object is read to its end and left open.
    limits : Limits
        `max_file_bytes` is checked before reading, and while reading where the size is not known.

    Raises
    ------
    LimitError
        There is more than the limit allows.
    OSError
        It is missing or cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        with open(source, "rb") as file:
            return read_bytes(file, limits=limits)
    with contextlib.suppress(OSError, AttributeError):  # io.UnsupportedOperation is an OSError
        status = os.fstat(source.fileno())
        if stat.S_ISREG(status.st_mode):
            limits.check("max_file_bytes", status.st_size, "bytes in the file")
    # In pieces: read(limit) would allocate the limit, and a raw stream may give less than it was asked for.
    data = bytearray()
    while piece := source.read(READ_BYTES):
        data += piece
        limits.check("max_file_bytes", len(data), "bytes in the input, at least")
    return bytes(data)


def write_atomic(path: PathLike, content: bytes | Callable[[BinaryIO], object]) -> None:
    """Write a file so that it appears complete or not at all.

    The bytes go beside the target and are renamed onto it; whatever goes wrong, the target stays as it was and nothing
    is left behind. A link is followed. A device or a pipe is written to directly, since renaming would replace it.

    Parameters
    ----------
    path : path
        File to write or replace.
    content : bytes or callable
        The bytes, or a function that writes them to the binary file object it is given.

    Raises
    ------
    OSError
        The folder is missing, the disk is full and so on.
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_file():
        with open(target, "wb") as file:
            _write(file, content)
        return
    beside = target.with_name(f".sdfz-{secrets.token_hex(4)}.part")
    try:
        file = open(beside, "xb")
    except OSError as error:  # should name the file that was asked for
        raise type(error)(error.errno, error.strerror, os.fspath(path)) from None
    try:
        with file:
            _write(file, content)
        if target.exists():
            os.chmod(beside, stat.S_IMODE(target.stat().st_mode))
        os.replace(beside, target)
    except BaseException:  # an interrupt, too
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _write(file: BinaryIO, content: bytes | Callable[[BinaryIO], object]) -> None:
    if callable(content):
        content(file)
    else:
        file.write(content)
