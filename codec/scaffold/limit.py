"""Points and tangents of the limit surface at the vertices of a subdivided mesh, as sparse matrices.

A *sector* is a run of faces around a vertex, counter-clockwise from one sharp edge to the next, with p_0 ... p_k the
neighbours that bound its k faces; a smooth vertex has one, without ends (p_k is p_0), a dart one that begins and ends
at its sharp edge. The limit surface has one tangent plane in each. With c the vertex and a = π / k:

=======  ==========================================  ===========================  =================================
kind     limit point                                 first tangent                second tangent
=======  ==========================================  ===========================  =================================
smooth   (1 - k g) c + g sum p_i,                    sum cos(2 a i) p_i           sum sin(2 a i) p_i
         1 / g = k + 3 k / (8 w), w `ring_weight`
dart     eigenvectors of the rules, computed         along the crease             sum sin(2 a i) p_i
crease   2/3 c + 1/6 p_0 + 1/6 p_k of either sector  p_0 - p_k                    sum_0<i<k sin(a i) (p_i - c)
                                                                                  + e (p_0 - c) + e (p_k - c)
corner   c                                           p_0 - p_k                    the same, another e
=======  ==========================================  ===========================  =================================

These are left eigenvectors of the matrix that takes a vertex and its neighbours to their next level, worked out for
the rules in `subdivision`: e = (sin a - cot(a / 2)) / (1 + 2 cos a) at a crease and sin a / (2 cos a - 1) at a corner.
Where a sector has too few faces for that, only the ends count (e = 1, no other term): k = 1 at a crease, k <= 3 at a
corner.

Not everywhere is the surface tame. Where a sector has many faces (k >= 6 at a crease, k >= 4 at a corner), neighbours
between the ends approach the vertex more slowly than the ends do: unless flat, the surface has no tangent plane in that
one point, and the normal is the mean of what it tends to at either end. A reflex corner (more than π) of two or three
faces folds over: no linear rule without knowledge of the angle avoids it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..compiled import njit
from .subdivision import CORNER, CREASE, DART, SHARP, SMOOTH, Creased, ring_weight
from .topology import IntArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sectors:
    """Faces around vertices between sharp edges.

    Attributes
    ----------
    vertex : (S,) int64
        Sector s < V is the first of vertex s; the others of creases and corners follow.
    size : (S,) int64
        Number of faces; 0 for a vertex without any.
    of_corner : (F, 3) int64
        The sector of each face's corners.
    place : (F, 3) int64
        0, 1, ... for the corners of a sector, counter-clockwise.
    end : (S,) int64
        p_k; -1 for a vertex without faces.
    """

    vertex: IntArray
    size: IntArray
    of_corner: IntArray
    place: IntArray
    end: IntArray


@dataclass(frozen=True, eq=False)
class Limit:
    """The limit surface at the vertices of a mesh.

    Attributes
    ----------
    position : (V, V) csr_array of float64
        Limit points; rows sum to one.
    tangent1, tangent2 : (S, V) csr_array of float64
        Two tangents in each sector, of no particular length, so that their cross product points outside; rows sum to
        zero. The first V rows serve those who want one plane a vertex.
    sectors : Sectors
    """

    position: csr_array
    tangent1: csr_array
    tangent2: csr_array
    sectors: Sectors

    def normals(self, points: FloatArray) -> FloatArray:
        """Unit normals of the sectors, outward.

        Parameters
        ----------
        points : (V, 3) float64
            Vertices of the mesh that this is the limit of, not limit points.

        Returns
        -------
        normals : (S, 3) float64
            Zero where the tangents are parallel or there is no face. ``normals[sectors.of_corner]`` are the normals
            (F, 3, 3) of the faces' corners.
        """
        normals = np.cross(self.tangent1 @ points, self.tangent2 @ points)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        return normals / np.where(length > 0, length, 1)


def limit(mesh: Creased) -> Limit:
    """Limit points and tangents at every vertex of a mesh.

    Raises
    ------
    ValueError
        An edge is still semi-sharp: the rules are to change at a finer level. Refine until none is.
    """
    if ((mesh.sharpness > 0) & (mesh.sharpness < SHARP)).any():
        raise ValueError("the mesh has semi-sharp edges: it is to be refined before it has a limit in closed form")
    sectors = sectors_of(mesh)
    starts, columns = _columns(mesh, sectors)
    position, tangent1, tangent2 = _values(mesh, sectors, starts)
    n_vertices = mesh.n_vertices
    square, tall = (n_vertices, n_vertices), (len(sectors.vertex), n_vertices)
    first = starts[n_vertices]  # the first sectors are enough for the points
    return Limit(
        csr_array((position[:first], columns[:first], starts[: n_vertices + 1]), shape=square),
        csr_array((tangent1, columns, starts), shape=tall),
        csr_array((tangent2, columns, starts), shape=tall),
        sectors,
    )


def sectors_of(mesh: Creased) -> Sectors:
    """The sectors of a mesh; the walk round a smooth vertex begins at its lowest half-edge.

    Raises
    ------
    ValueError
        Faces around a vertex do not make one fan.
    """
    old = mesh.topology
    n_vertices, tails = old.n_vertices, old.faces.ravel()
    is_cut = (mesh.sharpness > 0)[old.face_edges.ravel()]
    starts = _starts(tails, is_cut, n_vertices)
    vertex = np.concatenate([np.arange(n_vertices), tails[starts[n_vertices:]]])

    size, end = np.zeros(len(starts), np.int64), np.full(len(starts), -1)
    of_corner, place = np.full((2, len(tails)), -1)
    _walk_round(starts, is_cut, old.twins, tails, size, end, of_corner, place)
    if (of_corner < 0).any():
        raise ValueError("the faces around a vertex do not make one fan")
    return Sectors(vertex, size, of_corner.reshape(-1, 3), place.reshape(-1, 3), end)


def _starts(tails: IntArray, is_cut: NDArray[np.bool_], n_vertices: int) -> IntArray:
    """(S,) the half-edge at which each sector begins: one a vertex, -1 without faces, then all others, ascending."""
    at_cut = np.flatnonzero(is_cut)
    first = np.full(n_vertices, -1)
    # The last assignment stays: the lowest half-edge, and before that the lowest sharp one.
    first[tails[::-1]] = np.arange(len(tails))[::-1]
    first[tails[at_cut][::-1]] = at_cut[::-1]
    return np.concatenate([first, at_cut[first[tails[at_cut]] != at_cut]])


@njit(cache=True)
def _walk_round(
    starts: IntArray,
    is_cut: NDArray[np.bool_],
    twins: IntArray,
    tails: IntArray,
    size: IntArray,
    end: IntArray,
    of_corner: IntArray,
    place: IntArray,
) -> None:
    """Fill in what `Sectors` holds. Each corner follows one other at most, so that every walk ends or comes back.

    A corner lies between the half-edge of its number, which leaves its vertex, and that before, which arrives there.
    """
    for sector in range(len(starts)):
        corner, n = starts[sector], 0
        while corner >= 0:
            of_corner[corner], place[corner] = sector, n
            n += 1
            arriving = corner - 1 if corner % 3 else corner + 2
            corner = -1 if is_cut[arriving] else twins[arriving]
            if corner < 0 or corner == starts[sector]:
                end[sector] = tails[arriving]
                break
        size[sector] = n


def _columns(mesh: Creased, sectors: Sectors) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Starts (S + 1,) and columns of the rows of all matrices: the vertex, p_0 ... p_(k - 1), and p_k given ends."""
    has_end = (mesh.kinds[sectors.vertex] >= CREASE) & (sectors.size > 0)
    starts = np.concatenate([[0], np.cumsum(1 + sectors.size + has_end)]).astype(np.int32)
    columns = np.empty(starts[-1], np.int32)
    columns[starts[:-1]] = sectors.vertex
    _put_neighbours(mesh.faces.ravel(), starts, sectors.of_corner.ravel(), sectors.place.ravel(), columns)
    columns[starts[1:][has_end] - 1] = sectors.end[has_end]
    return starts, columns


@njit(cache=True)
def _put_neighbours(
    tails: IntArray, starts: NDArray[np.int32], of_corner: IntArray, place: IntArray, columns: NDArray[np.int32]
) -> None:
    for corner in range(len(tails)):
        following = corner - 2 if corner % 3 == 2 else corner + 1
        columns[starts[of_corner[corner]] + 1 + place[corner]] = tails[following]


def _values(mesh: Creased, sectors: Sectors, starts: NDArray[np.int32]) -> FloatArray:
    """(3, N) float64: the entries of the three matrices. Sectors of one kind and size share them."""
    name = sectors.size * 4 + mesh.kinds[sectors.vertex]
    is_used = np.bincount(name) > 0
    templates = [_template(name % 4, name // 4) for name in np.flatnonzero(is_used).tolist()]
    ends = np.cumsum([template.shape[1] for template in templates])
    begin = np.zeros(len(is_used), np.int64)
    begin[is_used] = np.concatenate([[0], ends[:-1]])
    lengths = np.diff(starts)
    entries = np.arange(starts[-1]) + np.repeat(begin[name] - starts[:-1], lengths)
    return np.concatenate(templates, axis=1).take(entries, axis=1)


@lru_cache(maxsize=1024)
def _template(kind: int, k: int) -> FloatArray:
    """Limit point and tangents of a sector of `k` faces: (3, 1 + ring) weights of the vertex and of p_0, p_1, ..."""
    if k == 0:
        return np.array([[1.0], [0.0], [0.0]])
    if kind in (SMOOTH, DART):
        angle = 2 * np.pi / k * np.arange(k)
        total = 1 / (1 + 3 / (8 * ring_weight(np.array([k]))[0]))
        ring = np.stack([np.full(k, total / k), np.cos(angle), np.sin(angle)])
        if kind == DART:
            ring[:2] = _dart(k)
    else:
        is_end = np.isin(np.arange(k + 1), (0, k))
        ring = np.stack([is_end / 6 * (kind == CREASE), np.zeros(k + 1), _across(kind, k, is_end)])
        ring[1, [0, k]] = 1, -1
    centre = np.array([1, 0, 0]) - ring.sum(axis=1)
    return np.concatenate([centre[:, None], ring], axis=1)


def _across(kind: int, k: int, is_end: NDArray[np.bool_]) -> FloatArray:
    """(k + 1,) weights of p_0 ... p_k in the second tangent of a crease or a corner."""
    if k == 1 or (kind == CORNER and k <= 3):
        return is_end.astype(np.float64)
    angle = np.pi / k
    if kind == CREASE:
        end = (np.sin(angle) - 1 / np.tan(angle / 2)) / (1 + 2 * np.cos(angle))
    else:
        end = np.sin(angle) / (2 * np.cos(angle) - 1)
    return np.where(is_end, end, np.sin(angle * np.arange(k + 1)))


def _dart(n: int) -> tuple[FloatArray, FloatArray]:
    """Weights (n,) of a dart's neighbours in the limit point and the tangent along the crease, where the ring begins.

    Only what is symmetric about the crease is looked at: the first two left eigenvectors there are the two wanted, and
    the antisymmetric ones are those of a smooth vertex.
    """
    weight = ring_weight(np.array([n]))[0]
    rules = np.zeros((n + 1, n + 1))  # the vertex, then the ring
    rules[0] = np.concatenate([[1 - weight], np.full(n, weight / n)])
    rules[1, :2] = 1 / 2
    for i in range(1, n):
        rules[1 + i, [0, 1 + i]] += 3 / 8
        rules[1 + i, [i, 1 + (i + 1) % n]] += 1 / 8
    classes = np.concatenate([[0], 1 + np.minimum(np.arange(n), n - np.arange(n))])
    spread = (classes[:, None] == np.arange(classes.max() + 1)).astype(np.float64)  # (n + 1, classes)
    counts = spread.sum(axis=0)
    values, vectors = np.linalg.eig((spread.T @ rules @ spread / counts[:, None]).T)
    order = np.argsort(-values.real)[:2]
    limit_point, along = (vectors[:, order].real / counts[:, None])[classes].T
    return limit_point[1:] / limit_point.sum(), along[1:] * np.sign(along[1])
