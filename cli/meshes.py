"""Meshes for the commands: read from a mesh file or stdin, or decoded from a .sdfz file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import streams
from .console import ProgressCallback

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..codec.shape import Shape
    from ..formats.mesh_io import Mesh


@dataclass(frozen=True)
class DecodedMesh:
    """Triangles of a .sdfz file, in the frame and units of what was encoded.

    Attributes
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    truncated : bool
        Whether the file was cut short and a coarser shape came out.
    """

    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int64]
    truncated: bool


def read_mesh_from(source: str, file_type: str | None) -> Mesh:
    """The mesh in a file or on stdin; the type is told by suffix and content unless it is given."""
    from ..formats.mesh_io import read_mesh

    if source == streams.STREAM:
        return read_mesh(streams.stdin().read(), file_type=file_type)
    return read_mesh(source, file_type=file_type)


def decode_to_shape(
    data: bytes,
    *,
    lod: int = 0,
    allow_truncated: bool = False,
    device: str = "auto",
    backend: str = "auto",
    pack: str | None = None,
) -> Shape:
    """Decode a file; arguments as the options of `sdfz decode`."""
    from ..codec.decode import decode_bytes
    from ..codec.packs.lookup import search_with

    return decode_bytes(
        data, lod=lod, allow_truncated=allow_truncated, device=device, backend=backend, packs=search_with(pack)
    )


def mesh_of_shape(
    shape: Shape,
    *,
    resolution: int,
    uniform: bool = False,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
) -> DecodedMesh:
    """Mesh a shape; arguments as the options of `sdfz decode`."""
    from ..codec.methods import WITH_NETWORKS, method_name
    from ..codec.threads import torch_threads

    with torch_threads(threads if method_name(shape.header.method) in WITH_NETWORKS else None):
        vertices, faces = shape.triangles(resolution, progress, uniform=uniform)
    return DecodedMesh(vertices, faces, truncated=shape.truncated)


def decode_to_mesh(
    data: bytes,
    *,
    resolution: int,
    uniform: bool = False,
    threads: int | None = None,
    progress: ProgressCallback | None = None,
    **decoding: Any,
) -> DecodedMesh:
    """Decode a file and mesh it, of a sequence its first frame; arguments as the options of `sdfz decode`."""
    shape = decode_to_shape(data, **decoding)
    return mesh_of_shape(shape, resolution=resolution, uniform=uniform, threads=threads, progress=progress)


def is_sdfz(start: bytes) -> bool:
    """Whether a file that starts with these bytes is a .sdfz file."""
    from ..formats.header import MAGIC

    return start[: len(MAGIC)] == MAGIC
