"""Bytes: container, header, limits, errors, mesh files, model packs. numpy and safetensors only.

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
    CorruptPackError,
    FormatError,
    LimitError,
    MeshError,
    MissingPackError,
    NotSdfzError,
    PackError,
    PackMethodError,
    PackVersionError,
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
from .model_pack import ModelPack, pack_model, read_model, unpack_model, write_model

__all__ = [
    "DEFAULT",
    "BackendError",
    "ChecksumError",
    "Container",
    "CorruptPackError",
    "FormatError",
    "Frame",
    "Header",
    "LimitError",
    "Limits",
    "MeasuredErrors",
    "Mesh",
    "MeshError",
    "Metadata",
    "MissingPackError",
    "ModelPack",
    "NotSdfzError",
    "PackError",
    "PackMethodError",
    "PackVersionError",
    "SdfzError",
    "Section",
    "TrailingDataError",
    "TruncatedError",
    "VersionError",
    "check_mesh",
    "clean_mesh",
    "clean_name",
    "pack",
    "pack_model",
    "read_bytes",
    "read_mesh",
    "read_model",
    "unpack",
    "unpack_model",
    "write_atomic",
    "write_mesh",
    "write_model",
]
