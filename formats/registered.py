"""Registered meshes: frames of a sequence, whose vertices move and whose triangles stay."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from .errors import MeshError
from .mesh_io import Mesh


def stacked(meshes: Iterable[Mesh]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Vertices of all frames and the triangles that they share.

    Parameters
    ----------
    meshes : iterable of Mesh
        Frames in order, at least one.

    Returns
    -------
    vertices : (T, V, 3) float64
    faces : (F, 3) int64

    Raises
    ------
    MeshError
        A frame has other triangles, or another number of vertices, than the first.
    """
    frames: list[npt.NDArray[np.float64]] = []
    faces: npt.NDArray[np.int64] | None = None
    for number, mesh in enumerate(meshes):
        if faces is None:
            faces = mesh.faces
        if not np.array_equal(mesh.faces, faces) or (frames and len(mesh.vertices) != len(frames[0])):
            raise MeshError(f"frame {number}: its triangles are not those of frame 0, as those of a sequence must be")
        frames.append(mesh.vertices)
    if faces is None:
        raise MeshError("a sequence has at least one frame")
    return np.stack(frames), faces
