"""Meshes for the commands: read from a mesh file or stdin, or decoded from a .sdfz file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import streams
from .console import ProgressCallback

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

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


def decode_to_mesh(
    data: bytes,
    *,
    resolution: int,
    uniform: bool = False,
    lod: int = 0,
    allow_truncated: bool = False,
    device: str = "auto",
    backend: str = "auto",
    threads: int | None = None,
    pack: str | None = None,
    progress: ProgressCallback | None = None,
) -> DecodedMesh:
    """Decode a file and mesh it; arguments as the options of `sdfz decode`."""
    from ..codec.decode import decode_bytes
    from ..codec.methods import WITH_NETWORKS, method_name
    from ..codec.packs.lookup import search_with
    from ..codec.threads import torch_threads

    shape = decode_bytes(
        data,
        lod=lod,
        allow_truncated=allow_truncated,
        device=device,
        backend=backend,
        packs=search_with(pack),
    )
    with torch_threads(threads if method_name(shape.header.method) in WITH_NETWORKS else None):
        vertices, faces = shape.triangles(resolution, progress, uniform=uniform)
    return DecodedMesh(vertices, faces, truncated=shape.truncated)


def is_sdfz(start: bytes) -> bool:
    """Whether a file that starts with these bytes is a .sdfz file."""
    from ..formats.header import MAGIC

    return start[: len(MAGIC)] == MAGIC
