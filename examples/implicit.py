"""Triangles of an implicit surface, sharp edges kept: what the example meshes are made with.

    field  ->  marching cubes on the cells near the surface  ->  vertices moved onto edges and corners  ->  decimation

A field is a function from points (N, 3) to values (N,), negative inside, close to a distance near its zero set.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import igl
import numpy as np
import scipy.sparse
from skimage.measure import marching_cubes

Field = Callable[[np.ndarray], np.ndarray]

BLOCK = 8  # grid steps along the side of a block that is evaluated or skipped as one
CHUNK = 500_000  # points evaluated at once, which bounds memory


def polygonize(
    field: Field, lower: np.ndarray, upper: np.ndarray, step: float, slack: float, n_faces: int
) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float64 and faces (F, 3) int64 of the zero set of `field` in a box.

    Parameters
    ----------
    field : callable
        (N, 3) -> (N,), negative inside.
    lower, upper : (3,) array_like
        Corners of the box; the surface must stay clear of its sides.
    step : float
        Grid step of marching cubes.
    slack : float
        By how much the field may be off from a true distance; blocks further away than that are skipped.
    n_faces : int
        Number of triangles after decimation.
    """
    vertices, faces = _marching_cubes(field, np.asarray(lower, float), np.asarray(upper, float), step, slack)
    for _ in range(3):
        vertices = _snap_to_features(field, vertices, faces, step)
    vertices, faces, *_ = igl.qslim(vertices, faces, n_faces)
    return np.ascontiguousarray(vertices), np.ascontiguousarray(faces)


def write_ply(path: str | Path, vertices: np.ndarray, faces: np.ndarray) -> None:
    """Write a binary little-endian PLY file, float32 positions."""
    corner = np.dtype([("n", "u1"), ("v", "<i4", 3)])
    triangles = np.empty(len(faces), corner)
    triangles["n"], triangles["v"] = 3, faces
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    Path(path).write_bytes(header.encode("ascii") + vertices.astype("<f4").tobytes() + triangles.tobytes())


def _marching_cubes(
    field: Field, lower: np.ndarray, upper: np.ndarray, step: float, slack: float
) -> tuple[np.ndarray, np.ndarray]:
    n_blocks = np.ceil((upper - lower) / (step * BLOCK)).astype(int)
    centres = lower + (np.indices(n_blocks).reshape(3, -1).T + 0.5) * (step * BLOCK)
    coarse = _evaluate(field, centres)
    near = np.abs(coarse) < slack + np.sqrt(3) / 2 * step * (BLOCK + 1)

    # values far from the surface only need their sign
    values = np.sign(coarse).reshape(n_blocks).astype(np.float32) * step
    values = values.repeat(BLOCK, 0).repeat(BLOCK, 1).repeat(BLOCK, 2)
    local = np.indices((BLOCK,) * 3).reshape(3, -1).T
    nodes = (np.argwhere(near.reshape(n_blocks))[:, None] * BLOCK + local).reshape(-1, 3)
    values[tuple(nodes.T)] = _evaluate(field, lower + nodes * step)

    vertices, faces, _, _ = marching_cubes(values, 0.0, gradient_direction="descent")
    return lower + vertices.astype(np.float64) * step, faces.astype(np.int64)


def _snap_to_features(field: Field, vertices: np.ndarray, faces: np.ndarray, step: float) -> np.ndarray:
    """Vertices moved to where the tangent planes around them meet: onto surfaces, edges and corners alike.

    The planes are those of the field at the triangles' centres, as in Ohtake and Belyaev, Dual/primal mesh optimization
    for polygonized implicit surfaces, SMA 2002.
    """
    centres, normals = _project(field, vertices[faces].mean(axis=1), step)
    ring = scipy.sparse.csr_matrix((np.ones(faces.size), (faces.ravel(), np.repeat(np.arange(len(faces)), 3))))
    ring = (
        scipy.sparse.diags(1.0 / np.asarray(ring.sum(axis=1)).ravel()) @ ring
    )  # (V, F), the mean over the faces around
    start = ring @ centres
    planes = (ring @ (normals[:, :, None] * normals[:, None, :]).reshape(-1, 9)).reshape(-1, 3, 3)
    target = ring @ (normals * np.einsum("ij,ij->i", normals, centres)[:, None])
    # small eigenvalues dropped: along a flat part or an edge a vertex stays in the middle of its ring
    inverse = np.linalg.pinv(planes, rcond=0.05, hermitian=True)
    moves = np.einsum("vij,vj->vi", inverse, target - np.einsum("vij,vj->vi", planes, start))
    return start + _at_most(moves, step)


def _project(field: Field, points: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Points moved onto the zero set (two Newton steps of at most `step`) and the unit gradients there."""
    for _ in range(2):
        value, gradient = _value_and_gradient(field, points, 0.02 * step)
        square = np.maximum(np.einsum("ij,ij->i", gradient, gradient), 0.1)
        points = points + _at_most(-(value / square)[:, None] * gradient, step)
    # the gradient is the one before the last step, a step too short to turn it
    return points, gradient / np.maximum(np.linalg.norm(gradient, axis=1, keepdims=True), 1e-12)


def _at_most(moves: np.ndarray, limit: float) -> np.ndarray:
    """Vectors (N, 3), the longer ones shortened to `limit`."""
    return moves * np.minimum(1.0, limit / np.maximum(np.linalg.norm(moves, axis=1, keepdims=True), 1e-12))


def _value_and_gradient(field: Field, points: np.ndarray, delta: float) -> tuple[np.ndarray, np.ndarray]:
    """From four values at the corners of a small tetrahedron."""
    corners = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / np.sqrt(3)
    values = np.stack([_evaluate(field, points + delta * corner) for corner in corners], axis=1)
    return values.mean(axis=1), values @ corners * (0.75 / delta)


def _evaluate(field: Field, points: np.ndarray) -> np.ndarray:
    return np.concatenate([field(points[i : i + CHUNK]) for i in range(0, len(points), CHUNK)])
