"""Bytes: container, header, limits, errors, mesh files. numpy only.

::

    header, sections, metadata  -- pack -->  bytes  -- unpack -->  Container
    path, bytes or stream  -- read_mesh -->  Mesh;  vertices, faces  -- write_mesh -->  file

SPEC.md is the format. Nothing here imports torch or the codec; trimesh is imported when a glTF file is read.
"""

from .clean import check_mesh, clean_mesh
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
from .mesh_io import Mesh, read_mesh, write_mesh
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
    "Mesh",
    "MeshError",
    "Metadata",
    "NotSdfzError",
    "SdfzError",
    "Section",
    "TrailingDataError",
    "TruncatedError",
    "VersionError",
    "check_mesh",
    "clean_mesh",
    "clean_name",
    "pack",
    "read_bytes",
    "read_mesh",
    "unpack",
    "write_atomic",
    "write_mesh",
]
