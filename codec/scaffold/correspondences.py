"""Which point of a fitted surface belongs to which point of its target, both ways, and how far apart they are.

Every pair is a point of the dense surface, in barycentric coordinates of one of its triangles, the offset from there to
its partner on the target, and a symmetric matrix that says which components of the offset count: across the surface
only (point to plane) in the inside, across the curve at the boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array

from ..closest import Triangles
from ..compiled import njit
from .fit_target import FitTarget, Segments, located, normals_and_areas, spread_along, spread_over
from .limit import limit
from .stencils import Stencils, stencils
from .subdivision import Creased, creased, refine_times
from .topology import Topology
from .vectors import unit_vectors

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Rows and columns of the six different entries of a symmetric 3x3 matrix.
ENTRIES = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))

# The boundary's pairs weigh this much, next to one for all of the surface's in each direction, times the boundary's
# length over the diagonal. A curve is what the eye and the maximum see first.
_BOUNDARY_WEIGHT = 0.3
# They count for less the farther apart they are, next to so many times the typical error: the boundary of a part that
# was left out has no partner.
_BOUNDARY_REACH = 3.0

# In units of the mean distance: up to where pairs that face away from each other do not count, to twice which they come
# to count fully; and beyond what, up to how many times more, far pairs are pulled harder.
_APART = 2.0
_FAR, _MOST_FAR = 4.0, 4.0

_TINY = float(np.finfo(np.float64).tiny)


@dataclass(frozen=True, eq=False)
class DenseSurface:
    """The triangles that stand for the limit surface of a control mesh.

    Attributes
    ----------
    control : Creased
    mesh : Topology
        Of the dense triangles.
    matrix : (V', V) csr_array of float64
        Dense vertices, which lie on the limit surface, from control vertices.
    """

    control: Creased
    mesh: Topology
    matrix: csr_array

    @cached_property
    def marks(self) -> tuple[IntArray, FloatArray]:
        """Faces (M,) and barycentric coordinates (M, 3) of the vertices that the first subdivision has.

        Those of the control mesh and of the middles of its edges; of a plain mesh its vertices.
        """
        n = self.control.n_vertices
        if len(self.mesh.faces) > len(self.control.faces):
            n += self.control.topology.n_edges
        vertices, corner = np.unique(self.mesh.faces, return_index=True)
        corner = corner[vertices < n]
        return corner // 3, np.eye(3)[corner % 3]

    @cached_property
    def stencils(self) -> Stencils:
        """Of the patches that the control faces become."""
        return stencils(self.mesh, self.matrix, len(self.control.faces))


def dense_surface(control: Creased, levels: int) -> DenseSurface:
    """The limit surface of a control mesh at the vertices of `levels` subdivisions."""
    refined = refine_times(control, levels)
    return DenseSurface(control, refined.mesh.topology, limit(refined.mesh).position @ refined.matrix)


def plain_surface(faces: IntArray, n_vertices: int) -> DenseSurface:
    """The triangles of a control mesh as they are."""
    control = creased(faces, n_vertices)
    return DenseSurface(control, control.topology, csr_array(eye_array(n_vertices)))


@dataclass(frozen=True, eq=False)
class Pairs:
    """Points of a dense surface and their partners.

    Attributes
    ----------
    face : (N,) int64
        Dense triangle.
    share : (N, 3) float64
        Barycentric coordinates.
    offset : (N, 3) float64
        From the point to its partner.
    counts : (N, 6) float64
        The entries (`ENTRIES`) of the matrix that weighs the offset: its quadratic form is what the pair adds to the
        energy.
    """

    face: IntArray
    share: FloatArray
    offset: FloatArray
    counts: FloatArray


@dataclass(frozen=True, eq=False)
class Matches:
    """All pairs of a round, and the distances along which they were found.

    Attributes
    ----------
    pairs : Pairs
    forward, backward : (M,) float64
        Distances from the target's samples and from the dense surface's.
    marked : (K,) float64
        Distances from the dense surface's marks: samples hardly find the tip of a corner that sticks out.
    surface : Triangles
        The dense surface.
    partner : (M + K,) int64
        Triangle of the target that is closest to each of the dense surface's samples and marks.
    """

    pairs: Pairs
    forward: FloatArray
    backward: FloatArray
    marked: FloatArray
    surface: Triangles
    partner: IntArray

    @property
    def cd(self) -> float:
        """Mean of the two mean distances, as `codec.distortion` has it but for how many samples there are."""
        return float(self.forward.mean() + self.backward.mean()) / 2

    @property
    def rms(self) -> float:
        """Root of the mean of the two mean squares."""
        return float(np.sqrt((np.mean(self.forward**2) + np.mean(self.backward**2)) / 2))

    @property
    def farthest(self) -> float:
        """The largest distance."""
        return max(float(distances.max()) for distances in (self.forward, self.backward, self.marked))

    @property
    def errors(self) -> dict[str, float]:
        """Mean, root mean square and largest distance by the names that they have in `codec.distortion`."""
        return {"cd": self.cd, "rms": self.rms, "hd": self.farthest}

    @property
    def typical(self) -> float:
        """As `cd`, but that a few large distances count for little."""
        return (_typical(self.forward) + _typical(self.backward)) / 2


def match(
    target: FitTarget,
    dense: DenseSurface,
    points: FloatArray,
    n_samples: int,
    power: float = 2.0,
    far_weight: float = 0.0,
    before: Matches | None = None,
) -> Matches:
    """Closest points from the target to a dense surface and back.

    Parameters
    ----------
    target : FitTarget
    dense : DenseSurface
    points : (V', 3) float64
        Where its vertices are, in the target's frame.
    n_samples : int
        On the target; half as many on the dense surface, and its marks.
    power : float
        Pairs weigh like distance ** (power - 2), so that minimizing the sum of squares again and again minimizes the
        sum of distances to this power: 2 for least squares, less for the mean, more for the maximum.
    far_weight : float
        Pairs farther apart than `_FAR` times the mean weigh this much more for each `_FAR` times the mean, up to
        `_MOST_FAR` of them: pulls the maximum down where a power above 2 just lets the mean rise.
    before : Matches, optional
        Of the same surface and as many samples when its vertices were elsewhere, but not far away. They are no other
        matches then, but are found sooner.

    Returns
    -------
    Matches
        Of a dense surface without any area infinitely far away, as `codec.distortion` has it.
    """
    faces = dense.mesh.faces
    normals, areas = normals_and_areas(points, faces)
    samples, sample_face = target.samples(n_samples)
    surface = Triangles(points, faces, before.surface if before else None)
    face, share = surface.closest(samples, before.pairs.face[: len(samples)] if before else None)
    offset = samples - located(points, faces, face, share)
    forward = _facing(face, share, offset, target.normals[sample_face], normals[face], power, far_weight)
    # A mark counts like a sample.
    n_spread = n_samples // 2
    spread_face, spread_share = _spread(areas, n_spread, len(points))
    mark_face, mark_share = dense.marks
    back_face = np.concatenate([spread_face, mark_face])
    back_share = np.concatenate([spread_share, mark_share])
    back_points = located(points, faces, back_face, back_share)
    partner, place = target.surface.closest(back_points, before.partner if before else None)
    offset = located(target.points, target.faces, partner, place) - back_points
    backward = _facing(back_face, back_share, offset, target.normals[partner], normals[back_face], power, far_weight)
    out, back = (np.linalg.norm(pairs.offset, axis=1) for pairs in (forward, backward))
    rim = _rim(target, dense, points, max(n_samples // 10, 100), _typical(out))
    back = back if areas.any() else np.full_like(back, np.inf)
    pairs = _joined([forward, backward, *rim])
    return Matches(pairs, out, back[:n_spread], back[n_spread:], surface, partner)


def _spread(areas: FloatArray, n: int, seed: int) -> tuple[IntArray, FloatArray]:
    """`n` faces and barycentric coordinates spread over a surface; a corner of the first face if there is no area."""
    if not areas.any():
        return np.zeros(n, np.int64), np.tile([1.0, 0.0, 0.0], (n, 1))
    return spread_over(areas, n, np.random.default_rng(seed))


def _facing(
    face: IntArray,
    share: FloatArray,
    offset: FloatArray,
    normal: FloatArray,
    own_normal: FloatArray,
    power: float,
    far_weight: float,
) -> Pairs:
    """Pairs of which the offset along the target's normal counts.

    Those that face away from each other count where they are far from each other, and then along the offset itself:
    near ones may be the two sides of a thin part, far ones are a ridge that is cut off or a fold that sticks out.
    """
    counts = np.empty((len(face), len(ENTRIES)))
    _count_along(offset, normal, own_normal, power, far_weight, counts)
    return Pairs(face, share, offset, counts)


@njit(cache=True, nogil=True)
def _count_along(
    offset: FloatArray, normal: FloatArray, own_normal: FloatArray, power: float, far_weight: float, counts: FloatArray
) -> None:
    """Fill in `Pairs.counts`."""
    n, total = len(offset), 0.0
    for i in range(n):
        total += np.sqrt(offset[i, 0] ** 2 + offset[i, 1] ** 2 + offset[i, 2] ** 2)
    typical = max(total / n, _TINY)
    for i in range(n):
        n0, n1, n2 = normal[i, 0], normal[i, 1], normal[i, 2]
        o0, o1, o2 = offset[i, 0], offset[i, 1], offset[i, 2]
        distance = np.sqrt(o0 * o0 + o1 * o1 + o2 * o2)
        ratio = distance / typical
        weight = min(max(ratio, 0.1), 10.0) ** (power - 2.0) / n
        weight *= 1.0 + far_weight * min(max(ratio / _FAR - 1.0, 0.0), _MOST_FAR)
        agreement = min(max(n0 * own_normal[i, 0] + n1 * own_normal[i, 1] + n2 * own_normal[i, 2], 0.0), 1.0)
        across = weight * agreement
        along = (1.0 - agreement) * min(max(ratio / _APART - 1.0, 0.0), 1.0) * weight / max(distance * distance, _TINY)
        counts[i, 0] = across * n0 * n0 + along * o0 * o0
        counts[i, 1] = across * n1 * n1 + along * o1 * o1
        counts[i, 2] = across * n2 * n2 + along * o2 * o2
        counts[i, 3] = across * n0 * n1 + along * o0 * o1
        counts[i, 4] = across * n0 * n2 + along * o0 * o2
        counts[i, 5] = across * n1 * n2 + along * o1 * o2


def _typical(distances: FloatArray) -> float:
    """Their mean, in which a few large ones count for little."""
    return float(np.sqrt(distances).mean()) ** 2


def _rim(target: FitTarget, dense: DenseSurface, points: FloatArray, n: int, error: float) -> list[Pairs]:
    """Pairs of the two boundaries, both ways, given a typical error; none where one of them has no boundary."""
    half_edge = dense.mesh.half_edges[dense.mesh.is_boundary, 0]
    if target.boundary is None or not len(half_edge):
        return []
    faces = dense.mesh.faces
    face, corner = half_edge // 3, half_edge % 3
    ends = np.stack([faces[face, corner], faces[face, (corner + 1) % 3]], axis=1)

    samples = target.boundary_samples(n)
    segment, near = Segments(points, ends).closest(samples)
    along = points[ends[segment, 1]] - points[ends[segment, 0]]
    squared = np.maximum(np.einsum("nx,nx->n", along, along), _TINY)
    place = np.clip(np.einsum("nx,nx->n", near - points[ends[segment, 0]], along) / squared, 0, 1)
    back, back_segment, back_place = spread_along(points, ends, n // 2)
    partner, back_near = target.boundary.closest(back)

    out = []
    length = float(np.linalg.norm(points[ends[:, 1]] - points[ends[:, 0]], axis=1).sum())
    for which, where, offset in ((segment, place, samples - near), (back_segment, back_place, back_near - back)):
        share = np.zeros((len(which), 3))
        rows = np.arange(len(which))
        share[rows, corner[which]], share[rows, (corner[which] + 1) % 3] = 1 - where, where
        out.append((face[which], share, offset))
    target_ends = target.points[target.boundary.corners[partner]]
    tangents = (unit_vectors(along), unit_vectors(target_ends[:, 1] - target_ends[:, 0]))
    weight = _BOUNDARY_WEIGHT * min(length, 4.0)
    # Where a flat sheet should be larger, most of it is exact. What is there of a boundary has its partner, most of it.
    reach = _BOUNDARY_REACH * max(error, float(np.median(np.linalg.norm(out[1][2], axis=1))))
    return [
        Pairs(*pair, _across(tangent) * (weight / len(tangent) * _fading(pair[2], reach))[:, None])
        for pair, tangent in zip(out, tangents, strict=True)
    ]


def _fading(offset: FloatArray, reach: float) -> FloatArray:
    """(N,) weights of offsets, of Geman and McClure: 1 at none, 1/4 at `reach`."""
    squares = np.einsum("nx,nx->n", offset, offset) / max(reach * reach, _TINY)
    return np.asarray(1 / (1 + squares) ** 2, np.float64)


def _across(tangent: FloatArray) -> FloatArray:
    """(N, 6): the matrices that take a vector's square off the direction of a unit vector."""
    return np.stack([(i == j) - tangent[:, i] * tangent[:, j] for i, j in ENTRIES], axis=1)


def _joined(several: list[Pairs]) -> Pairs:
    names = ("face", "share", "offset", "counts")
    return Pairs(*(np.concatenate([getattr(pairs, name) for pairs in several]) for name in names))
