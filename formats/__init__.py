"""Bytes: container, header, limits, errors. numpy only.

::

    header, sections, metadata  -- pack -->  bytes  -- unpack -->  Container

SPEC.md is the format. Nothing here imports torch or the codec.
"""

from .container import Container, Section, pack, unpack
from .errors import (
    BackendError,
    ChecksumError,
    FormatError,
    LimitError,
    MeshError,
    NotSdfzError,
    SdfzError,
    TrailingDataError,
    TruncatedError,
    VersionError,
)
from .files import read_bytes, write_atomic
from .frame import Frame
from .header import Header, MeasuredErrors
from .limits import DEFAULT, Limits
from .metadata import Metadata, clean_name

__all__ = [
    "DEFAULT",
    "BackendError",
    "ChecksumError",
    "Container",
    "FormatError",
    "Frame",
    "Header",
    "LimitError",
    "Limits",
    "MeasuredErrors",
    "MeshError",
    "Metadata",
    "NotSdfzError",
    "SdfzError",
    "Section",
    "TrailingDataError",
    "TruncatedError",
    "VersionError",
    "clean_name",
    "pack",
    "read_bytes",
    "unpack",
    "write_atomic",
]
