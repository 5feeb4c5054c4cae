"""Scenes that trimesh loads, flattened to one triangle list."""

from __future__ import annotations

import io
import logging
from typing import Any

import numpy as np

from .errors import MeshError
from .polygons import RawMesh

# Without a handler of their own, trimesh's warnings would go to stderr.
_SILENCE = logging.NullHandler()


def load_scene(data: bytes, file_type: str, resolver: Any = None) -> RawMesh:
    """All triangles of a file, node transforms applied in float64, as trimesh reads it.

    Parameters
    ----------
    data : bytes
        The file.
    file_type : str
        ``"glb"`` or ``"gltf"``.
    resolver : trimesh resolver, optional
        Finds the files that this one names.

    Returns
    -------
    raw : RawMesh
        Triangles only; `lost` is empty.

    Raises
    ------
    Exception
        Whatever trimesh raises; `read_mesh` makes a MeshError of it.
    """
    import trimesh  # a third of a second, which reading a PLY file or a header should not pay

    logging.getLogger("trimesh").addHandler(_SILENCE)
    scene = trimesh.load_scene(io.BytesIO(data), file_type=file_type, resolver=resolver, process=False)
    vertices, faces = [np.zeros((0, 3))], [np.zeros((0, 3), dtype=np.int64)]
    n_vertices = 0
    for node in scene.graph.nodes_geometry:
        transform, name = scene.graph[node]
        geometry = scene.geometry[name]
        if not isinstance(geometry, trimesh.Trimesh):
            continue
        some = np.asarray(geometry.faces, dtype=np.int64)
        # Indices are shifted, so that one below zero would point into the geometry before: refuse it here.
        if len(some) and (some.min() < 0 or some.max() >= len(geometry.vertices)):
            raise MeshError(f"its geometry {name!r} has a vertex index out of range")
        if np.linalg.det(transform[:3, :3]) < 0:
            some = some[:, ::-1]  # a mirror image turns its triangles inside out
        vertices.append(np.asarray(geometry.vertices, dtype=np.float64) @ transform[:3, :3].T + transform[:3, 3])
        faces.append(some + n_vertices)
        n_vertices += len(geometry.vertices)
    corners = np.concatenate(faces)
    return RawMesh(np.concatenate(vertices), np.full(len(corners), 3), corners.reshape(-1))
