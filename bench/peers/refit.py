"""Vertices of a decimated mesh, moved to where its surface is closest to the original.

Decimation puts vertices where they are best one collapse at a time. An expert puts them right afterwards, all at once:

    repeat   pair points of each surface with the closest points of the other
             solve for all vertices: each pair's distance along the original's normal is to vanish
    keep     the round whose mean error is the least, the start included

The distance along the normal lets surfaces slide over each other; what holds the vertices then is a weak pull to where
they were. Pairs are weighted so that the sum of absolute values goes down rather than that of squares: the mean error
is what is measured. Open borders are paired with open borders, so that they do not shrink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_array, csr_array, diags_array
from scipy.sparse.linalg import LinearOperator, cg

from ...codec.distance import SurfaceTree
from ...codec.distortion import Reference
from ...codec.sample import surface_points
from .contract import FloatArray, IntArray, Mesh

_ROUNDS = 10
_ENOUGH = 0.99  # times the least error so far: a round that is not below that is the last
_LEAST_SAMPLES, _SAMPLES_A_FACE, _MOST_SAMPLES = 40_000, 8, 120_000
_BORDER_SAMPLES = 4_000
_BORDER_WEIGHT = 0.3
_PULL = 0.002  # towards the place of the round before, as a share of the mean diagonal of the normal equations
_LEAST_COSINE = 0.3  # of the angle between normals; beyond it a pair joins the two sides of a thin part
_SEED = 0


@dataclass(frozen=True, eq=False)
class Original:
    """What refitting needs of the original, in the unit of its bounding box.

    Attributes
    ----------
    lower, scale : (3,) float64, float
        Unit coordinates are (x - lower) / scale.
    normals : (F, 3) float64
        Of its faces.
    tree : SurfaceTree
        Of its faces.
    points, point_normals : (N, 3) float64
        Area-uniform samples.
    border : (B, 3) float64
        Samples of the open borders, uniform in length.
    reference : Reference
        Measures the rounds.
    """

    lower: FloatArray
    scale: float
    normals: FloatArray
    tree: SurfaceTree
    points: FloatArray
    point_normals: FloatArray
    border: FloatArray
    reference: Reference


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Linear conditions on the vertices: direction . (sum_i weights_i vertex_i) = value, each with its importance."""

    vertices: IntArray  # (N, K)
    weights: FloatArray  # (N, K)
    directions: FloatArray  # (N, 3)
    values: FloatArray  # (N,)
    importance: FloatArray  # (N,)


def original(mesh: Mesh, n_faces: int, reference: Reference) -> Original:
    """The original, sampled for refitting a mesh of `n_faces` faces."""
    lower, scale = mesh.vertices.min(axis=0), float(np.ptp(mesh.vertices, axis=0).max())
    unit = (mesh.vertices - lower) / scale
    n_samples = int(np.clip(_SAMPLES_A_FACE * n_faces, _LEAST_SAMPLES, _MOST_SAMPLES))
    rng = np.random.default_rng(_SEED)
    faces = mesh.faces[_areas(unit[mesh.faces]) > 0]
    points, face = surface_points(unit, faces, n_samples, rng)
    normals = _normals(unit[faces])
    border = _on_segments(unit[_border_edges(faces)], rng)
    return Original(lower, scale, normals, SurfaceTree(unit[faces]), points, normals[face], border, reference)


def refitted(decimated: Mesh, to: Original) -> Mesh:
    """The mesh with its vertices moved; the same faces.

    Returns
    -------
    mesh : Mesh
        Never further from the original, in the mean, than `decimated`.
    """
    faces = decimated.faces
    vertices = (decimated.vertices - to.lower) / to.scale
    best, least = decimated, to.reference.measure(decimated.vertices, faces).cd
    rng = np.random.default_rng(_SEED)
    for _ in range(_ROUNDS):
        pairs = [*_surface_pairs(vertices, faces, to, rng)]
        if len(to.border):
            pairs += _border_pairs(vertices, faces, to.border)
        vertices = vertices + _solved(vertices, pairs)
        moved = Mesh(vertices * to.scale + to.lower, faces)
        error = to.reference.measure(moved.vertices, faces).cd
        if error < least:
            best = moved
        if error > _ENOUGH * least:
            break
        least = error
    return best


# -- pairs ------------------------------------------------------------------------------------------------------------


def _surface_pairs(vertices: FloatArray, faces: IntArray, to: Original, rng: np.random.Generator) -> list[_Pairs]:
    """Points of the original with the closest of the mesh, and the other way round."""
    corners = vertices[faces]
    solid = np.flatnonzero(_areas(corners) > 0)
    normals = _normals(corners[solid])
    _, face, near = SurfaceTree(corners[solid]).closest(to.points)
    forward = _pairs(vertices, faces[solid], face, near, to.points, to.point_normals, normals[face])
    points, face = surface_points(vertices, faces[solid], len(to.points), rng)
    _, opposite, near = to.tree.closest(points)
    backward = _pairs(vertices, faces[solid], face, points, near, to.normals[opposite], normals[face])
    return [forward, backward]


def _pairs(
    vertices: FloatArray, faces: IntArray, face: IntArray, here: FloatArray, there: FloatArray,
    there_normals: FloatArray, here_normals: FloatArray,
) -> _Pairs:  # fmt: skip
    """Pairs of points `here`, on faces of the mesh, and `there`, on the original."""
    kept = np.einsum("nx,nx->n", there_normals, here_normals) > _LEAST_COSINE
    face, here, there, normals = face[kept], here[kept], there[kept], there_normals[kept]
    corners = faces[face]
    miss = np.einsum("nx,nx->n", normals, there - here)
    return _Pairs(
        corners, _barycentric(here, vertices[corners]), normals, np.einsum("nx,nx->n", normals, there), _robust(miss)
    )


def _border_pairs(vertices: FloatArray, faces: IntArray, border: FloatArray) -> list[_Pairs]:
    """Points of the original's open borders with the closest of the mesh's own, in all three directions."""
    edges = _border_edges(faces)
    if not len(edges):
        return []
    # A segment is a triangle whose third corner is its second.
    _, edge, near = SurfaceTree(vertices[edges[:, [0, 1, 1]]]).closest(border)
    start, along = vertices[edges[edge, 0]], vertices[edges[edge, 1]] - vertices[edges[edge, 0]]
    length = np.maximum(np.einsum("nx,nx->n", along, along), np.finfo(np.float64).tiny)
    share = np.clip(np.einsum("nx,nx->n", near - start, along) / length, 0, 1)
    weights = np.stack([1 - share, share], axis=1)
    importance = _BORDER_WEIGHT * _robust(np.linalg.norm(border - near, axis=1))
    axes = np.eye(3)
    return [
        _Pairs(edges[edge], weights, np.broadcast_to(axes[x], border.shape), border[:, x], importance) for x in range(3)
    ]


def _robust(miss: FloatArray) -> FloatArray:
    """Weights that make a sum of squares one of absolute values, for misses about as large as these; 1 on the whole."""
    size = np.abs(miss)
    weights = 1 / (size + np.median(size) / 2 + 1e-9)
    return weights / weights.mean() if len(weights) else weights


# -- the solve --------------------------------------------------------------------------------------------------------


def _solved(vertices: FloatArray, pairs: list[_Pairs]) -> FloatArray:
    """Moves (V, 3) of the vertices that satisfy the pairs best, in the weighted least-squares sense."""
    n_unknowns = 3 * len(vertices)
    normal, target = csr_array((n_unknowns, n_unknowns)), np.zeros(n_unknowns)
    for some in pairs:
        rows, n_rows = np.arange(len(some.values)), len(some.values)
        columns = 3 * some.vertices[:, :, None] + np.arange(3)  # (N, K, 3)
        entries = some.weights[:, :, None] * some.directions[:, None, :]
        where = np.broadcast_to(rows[:, None, None], columns.shape)
        matrix = coo_array((entries.ravel(), (where.ravel(), columns.ravel())), shape=(n_rows, n_unknowns)).tocsr()
        miss = some.values - matrix @ vertices.ravel()
        weighted = matrix.T @ diags_array(some.importance)
        normal = normal + weighted @ matrix
        target += weighted @ miss
    diagonal = normal.diagonal()
    normal = normal + diags_array(np.full(n_unknowns, _PULL * diagonal.mean()))
    scale = 1 / normal.diagonal()
    jacobi = LinearOperator((n_unknowns, n_unknowns), matvec=lambda x: scale * x.ravel(), dtype=np.float64)
    moves, _ = cg(normal, target, rtol=1e-3, maxiter=200, M=jacobi)
    return moves.reshape(-1, 3)


# -- geometry ---------------------------------------------------------------------------------------------------------


def _areas(corners: FloatArray) -> FloatArray:
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2


def _normals(corners: FloatArray) -> FloatArray:
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return cross / np.linalg.norm(cross, axis=1, keepdims=True)


def _barycentric(points: FloatArray, corners: FloatArray) -> FloatArray:
    """Weights (N, 3) of the corners (N, 3, 3) of the triangles that hold the points (N, 3)."""
    opposite = np.stack([corners[:, [1, 2]], corners[:, [2, 0]], corners[:, [0, 1]]], axis=1)  # (N, 3, 2, 3)
    parts = np.linalg.norm(np.cross(opposite[:, :, 0] - points[:, None], opposite[:, :, 1] - points[:, None]), axis=2)
    return parts / parts.sum(axis=1, keepdims=True)


def _border_edges(faces: IntArray) -> IntArray:
    """Edges (E, 2) that one face uses."""
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    found, count = np.unique(edges, axis=0, return_counts=True)
    return found[count == 1]


def _on_segments(segments: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Points on segments (E, 2, 3), uniform in length; none without segments."""
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1)
    if not length.sum():
        return np.zeros((0, 3))
    chosen = rng.choice(len(segments), _BORDER_SAMPLES, p=length / length.sum())
    share = rng.random((_BORDER_SAMPLES, 1))
    return segments[chosen, 0] * (1 - share) + segments[chosen, 1] * share
