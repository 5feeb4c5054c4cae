"""Signed distance from points to a triangle mesh, with a sign that survives bad meshes.

Distances are exact point-to-triangle distances from libigl's AABB tree. The sign comes from libigl's fast winding
number `w`, read by one of three rules. Let q be the surface point closest to x and w_pv(q) the principal value of `w`
there, the mean of its limits on the two sides; `w` jumps by 1 from one side to the other.

``"winding"``: x is inside where w(x) > 1/2
    Right for closed, consistently oriented surfaces, however badly they are cut up. An open sheet is lost where `w`
    stays below 1/2 on both sides; so is a part hidden inside another one, where `w` goes from 1 to 2.
``"open winding"``: w(x) > min(w_pv(q) + 0.03, 1/2)
    Open sheets count, with an inside behind them; hidden parts do not. On closed surfaces the same as "winding". The
    0.03 keeps the far side of a small flap outside, where `w` hardly differs from w_pv.
``"local winding"``: w(x) > w_pv(q)
    Hidden parts count as well: the sign changes across every part of the surface.

Where two parts contradict each other, the sign flips on their bisector, away from the surface: there the distance
jumps from +d to -d, and a mesher finds a sheet that is not there. With hidden parts this is the rule, and it costs
more than the hidden parts are worth: meshing the exact field of a scan with 1 % of hidden scraps (dragon) on occupied
cells of depth 6 gives CD 0.7e-4 by "winding" and 7.9e-4 by "local winding"; of an open sheet (mountain), 9.6e-4 and
0.9e-4.
"""

from __future__ import annotations

from typing import Any

import igl
import numpy as np
from numpy.typing import NDArray

from .repair import checked, consistent, distinct_faces, opposite_twins, patches, split, weld

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

SIGN_RULES = ("winding", "open winding", "local winding")

# Points are handed to libigl in chunks of this many, which bounds memory; libigl itself uses all cores.
_CHUNK = 1 << 18
# Half the gap over which the jump of the winding number is read, in units of the mesh's half-diagonal. libigl's
# hierarchy works in float32, so not much smaller; sheets closer to each other than this are not told apart.
_JUMP_OFFSET = 2e-5
# Triangles are split until no edge is longer than this (half-diagonals): slivers ruin both hierarchies (two to three
# times slower), and a large triangle may be hidden in part, so that one principal value would not do for it.
_LONGEST_EDGE = 0.03
# Under "open winding" a point is inside where its winding number exceeds the principal value by this much.
_BIAS = 0.03
# "open winding" is chosen when more than this share of the area separates winding numbers below 1/2.
_OPEN_SHARE = 0.01
_N_PROBES = 6000
_PROBES_PER_PART = 8
_MOST_PARTS = 2000


class SurfaceTree:
    """Closest points on a set of triangles: libigl's AABB tree, asked in an order that suits it.

    Parameters
    ----------
    corners : (F, 3, 3) float64
        Corner positions of each triangle.
    """

    def __init__(self, corners: FloatArray) -> None:
        self._corners = np.ascontiguousarray(corners.reshape(-1, 3))
        self._faces = np.arange(len(self._corners)).reshape(-1, 3)
        self._tree = igl.AABB()
        self._tree.init(self._corners, self._faces)

    def closest(self, points: FloatArray) -> tuple[FloatArray, IntArray, FloatArray]:
        """Distance (N,), triangle (N,) and position (N, 3) of the closest surface point of each of (N, 3) points."""
        distance = np.empty(len(points))
        face = np.empty(len(points), np.int64)
        near = np.empty((len(points), 3))
        for rows in _neighbourly_chunks(points):
            squared, face[rows], near[rows] = self._tree.squared_distance(self._corners, self._faces, points[rows])
            distance[rows] = np.sqrt(squared)
        return distance, face, near


class DistanceOracle:
    """Exact distance to a triangle mesh, with robust signs.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
        Vertex positions, any finite unit and offset.
    faces : (F, 3) array_like of int
        Vertex indices. Holes, soups, self-intersections and inconsistent orientation are allowed.
    sign_rule : {None, "winding", "open winding", "local winding"}
        How the winding number is read (see the module). None: "open winding" if more than 1 % of the area belongs to
        open sheets that "winding" would lose, else "winding".

    Attributes
    ----------
    sign_rule : str
        The rule in use.
    lost_share : float
        Share of the area (estimated) across which the sign does not change: what a signed field cannot show.

    Raises
    ------
    ValueError
        Wrong shapes, an index out of range, coordinates that are not finite, no face with an area, an unknown rule.

    Notes
    -----
    For the sign, repeated faces count once, neighbours with contradicting orientation are turned round, so are closed
    parts that are inside out, and of a sheet modelled as two coinciding faces, one for each side, one is left out (they
    would cancel). The wall between two solids that touch has solid on both sides: no sign change there, under any rule.
    The winding numbers are those of [1]_.

    References
    ----------
    .. [1] Barill, Dickson, Schmidt, Levin, Jacobson, Fast winding numbers for soups and clouds, ACM TOG 37(4), 2018.
    """

    def __init__(self, vertices: Any, faces: Any, *, sign_rule: str | None = None) -> None:
        if sign_rule is not None and sign_rule not in SIGN_RULES:
            raise ValueError(f"sign_rule is {sign_rule!r}, not one of {', '.join(SIGN_RULES)}")
        welded, corners = weld(*checked(vertices, faces))
        lower, upper = welded.min(axis=0), welded.max(axis=0)
        self._centre: FloatArray = (lower + upper) / 2
        self._scale = float(np.linalg.norm(upper - lower) / 2) or 1.0
        welded = (welded - self._centre) / self._scale
        kept = distinct_faces(welded, corners)
        if not len(kept):
            raise ValueError("no face of the mesh has an area")
        oriented = consistent(welded, corners[kept])
        self._set_surface(welded, oriented, kept)
        turn, drop = self._misleading(oriented)
        if turn.any() or drop.any():
            oriented = np.where(turn[:, None], oriented[:, ::-1], oriented)[~drop]
            self._set_surface(welded, oriented, kept[~drop])
        probes = _spread(self._areas, np.zeros(len(self._areas), np.int64), min(_N_PROBES, 4 * len(self._areas)))
        value, jump = self._sides(probes, self._middles[probes])
        open_share = float(np.mean((value < 0.25) & (jump > 0.5)))
        self.sign_rule = sign_rule or ("open winding" if open_share > _OPEN_SHARE else "winding")
        threshold = self._threshold(value, jump)
        self.lost_share = float(np.mean((value + jump / 2 > threshold) == (value - jump / 2 > threshold)))

    # -- queries ------------------------------------------------------------------------------------------------------

    def closest(self, points: Any) -> tuple[FloatArray, IntArray, FloatArray]:
        """Unsigned distance, face and position of the surface point closest to each point.

        Parameters
        ----------
        points : (N, 3) array_like of float
            Query points, in the mesh's frame.

        Returns
        -------
        distance : (N,) float64
            In the mesh's unit, >= 0.
        face : (N,) int64
            Row of `faces`.
        point : (N, 3) float64
            The closest point.
        """
        distance, piece, near = self._tree.closest(self._to_unit(points))
        return distance * self._scale, self._face_of[piece], near * self._scale + self._centre

    def unsigned(self, points: Any) -> FloatArray:
        """Unsigned distances of (N, 3) points: (N,) float64, the mesh's unit."""
        return self._tree.closest(self._to_unit(points))[0] * self._scale

    def signed(self, points: Any) -> FloatArray:
        """Signed distances of (N, 3) points: (N,) float64, the mesh's unit, negative inside."""
        return self.signed_with_closest(points)[0]

    def signed_with_closest(self, points: Any) -> tuple[FloatArray, IntArray, FloatArray]:
        """As `closest`, the distance negative inside."""
        unit = self._to_unit(points)
        distance, piece, near = self._tree.closest(unit)
        winding = self._winding(unit)
        inside = winding > (0.5 if self.sign_rule == "winding" else self._thresholds(winding, piece, near))
        signed = np.where(inside, -distance, distance) * self._scale
        return signed, self._face_of[piece], near * self._scale + self._centre

    # -- libigl, in unit coordinates ----------------------------------------------------------------------------------

    def _set_surface(self, vertices: FloatArray, faces: IntArray, face_ids: IntArray) -> None:
        """Build both hierarchies over the faces, split into pieces of bounded size."""
        pieces, parent = split(vertices[faces], _LONGEST_EDGE)
        cross = np.cross(pieces[:, 1] - pieces[:, 0], pieces[:, 2] - pieces[:, 0])
        norm = np.linalg.norm(cross, axis=1)
        self._parent, self._face_of = parent, face_ids[parent]
        self._areas = norm / 2
        self._normals = cross / np.maximum(norm, np.finfo(np.float64).tiny)[:, None]
        self._middles = pieces.mean(axis=1)
        self._cached_thresholds = np.full(len(pieces), np.nan)
        self._tree = SurfaceTree(pieces)
        self._hierarchy = igl.FastWindingNumberBVH()
        self._hierarchy.init(pieces.reshape(-1, 3), np.arange(3 * len(pieces)).reshape(-1, 3))

    def _to_unit(self, points: Any) -> FloatArray:
        array = np.asarray(points, dtype=np.float64)
        if array.ndim != 2 or array.shape[1] != 3:
            raise ValueError(f"points have shape {array.shape}, not (N, 3)")
        return (array - self._centre) / self._scale

    def _winding(self, unit: FloatArray) -> FloatArray:
        winding = np.empty(len(unit))
        for rows in _neighbourly_chunks(unit):
            winding[rows] = self._hierarchy.winding_number(unit[rows])
        return winding

    # -- the sign -----------------------------------------------------------------------------------------------------

    def _sides(self, piece: IntArray, near: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Principal value and jump of the winding number at surface points: mean and difference of the two sides."""
        # On an edge the two sides of the face are not the two sides of the surface: step back into the face.
        base = near + 0.05 * (self._middles[piece] - near)
        offset = _JUMP_OFFSET * self._normals[piece]
        both = self._winding(np.concatenate([base - offset, base + offset]))
        below, above = both[: len(piece)], both[len(piece) :]
        return (below + above) / 2, below - above

    def _threshold(self, value: FloatArray, jump: FloatArray) -> FloatArray:
        """What to compare winding numbers with near surface points with these principal values and jumps."""
        if self.sign_rule == "winding":
            return np.full(len(value), 0.5)
        local = value if self.sign_rule == "local winding" else np.minimum(value + _BIAS, 0.5)
        return np.where(np.abs(jump) > 0.5, local, 0.5)  # where `w` does not jump there is no side to take

    def _thresholds(self, winding: FloatArray, piece: IntArray, near: FloatArray) -> FloatArray:
        """What to compare winding numbers with, taken at the middle of the closest piece where that will do."""
        wanted = np.unique(piece)
        missing = wanted[np.isnan(self._cached_thresholds[wanted])]
        if len(missing):
            self._cached_thresholds[missing] = self._threshold(*self._sides(missing, self._middles[missing]))
        values = self._cached_thresholds[piece]
        # Near the surface the two are half a turn apart. Where they are close the value at the very foot decides.
        doubtful = np.flatnonzero(np.abs(winding - values) < 0.3)
        values[doubtful] = self._threshold(*self._sides(piece[doubtful], near[doubtful]))
        return values

    def _misleading(self, faces: IntArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Faces to turn round and faces to leave out: closed parts that are inside out, second sides of sheets.

        Across an inside-out part `w` goes from 0 to -1, so its principal values are near -1/2. A cavity, which is
        also a closed part of negative volume, has +1/2 because of the solid around it.
        """
        turn, drop = np.zeros(len(faces), bool), np.zeros(len(faces), bool)
        twins = opposite_twins(faces)
        if len(twins):
            piece = np.zeros(len(faces), np.int64)
            piece[self._parent] = np.arange(len(self._parent))  # any piece of a face speaks for it
            values, _ = self._sides(piece[twins], self._middles[piece[twins]])
            drop[twins[values < 0.5]] = True
        patch, is_open = patches(faces)
        if len(is_open) <= _MOST_PARTS:
            probes = _spread(self._areas, patch[self._parent], _PROBES_PER_PART)
            values, _ = self._sides(probes, self._middles[probes])
            turn = ((values.reshape(len(is_open), -1).mean(axis=1) < -0.25) & ~is_open)[patch]
        return turn, drop


def _spread(areas: FloatArray, part: IntArray, n_each: int) -> IntArray:
    """Rows of `areas` in each part (0, 1, ...), `n_each` for a part, spread evenly over its area; part by part."""
    order = np.argsort(part, kind="stable")
    ends = np.cumsum(areas[order])
    last = np.cumsum(np.bincount(part)) - 1
    starts = np.concatenate([[0.0], ends[last[:-1]]])
    positions = starts[:, None] + (ends[last] - starts)[:, None] * ((np.arange(n_each) + 0.5) / n_each)
    found = np.searchsorted(ends, positions)
    return order[np.minimum(found, last[:, None])].ravel()


# -- order of evaluation ----------------------------------------------------------------------------------------------


def _neighbourly_chunks(points: FloatArray) -> list[IntArray]:
    """Row indices in chunks, close points together: tree walks are about twice as fast in such an order."""
    if len(points) < 2048:
        return [np.arange(len(points))]
    low = points.min(axis=0)
    span = float((points.max(axis=0) - low).max()) or 1.0
    order = np.argsort(_interleave(((points - low) * (1023 / span)).astype(np.uint32)))
    return [order[start : start + _CHUNK] for start in range(0, len(order), _CHUNK)]


def _interleave(cells: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Morton codes of (N, 3) coordinates below 1024."""
    bits = cells
    for shift, mask in ((16, 0x030000FF), (8, 0x0300F00F), (4, 0x030C30C3), (2, 0x09249249)):
        bits = (bits | (bits << np.uint32(shift))) & np.uint32(mask)
    return (bits[:, 0] << np.uint32(2)) | (bits[:, 1] << np.uint32(1)) | bits[:, 2]
