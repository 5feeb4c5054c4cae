"""What mesh files hold before it is a mesh: polygons; and how they become triangles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class RawMesh:
    """Geometry of a mesh file as it stands there; nothing is checked yet.

    Parameters
    ----------
    vertices : (V, 3) float64
        Coordinates, units of the file.
    sizes : (P,) int64
        Corners of each polygon.
    corners : (sum of sizes,) int64
        Vertex indices of all polygons, one after another; they may be out of range.
    lost : tuple of str
        What else the file holds.
    """

    vertices: Floats
    sizes: Ints
    corners: Ints
    lost: tuple[str, ...] = ()


def triangulate(vertices: Floats, sizes: Ints, corners: Ints) -> Ints:
    """Triangles of polygons, in the order of the polygons and with their winding.

    A triangle stays as it is. A convex polygon becomes a fan. A quad with a reflex corner is cut through that corner,
    and a larger concave polygon is triangulated by ear clipping in its plane, so that an L-shaped face stays an L.

    Parameters
    ----------
    vertices : (V, 3) float64
        Any unit.
    sizes : (P,) int64
        Corners of each polygon. Those with fewer than three have no triangles.
    corners : (sum of sizes,) int64
        Vertex indices of all polygons, one after another, within 0..V-1.

    Returns
    -------
    faces : (F, 3) int64
    """
    if (sizes == 3).all():
        return corners.reshape(-1, 3)
    starts = np.cumsum(sizes) - sizes  # (P,)
    faces: list[Ints] = []
    owners: list[Ints] = []
    for n_corners in np.unique(sizes[sizes >= 3]).tolist():
        polygons = np.flatnonzero(sizes == n_corners)  # (M,)
        rings = corners[starts[polygons, None] + np.arange(n_corners)]  # (M, n_corners)
        faces.append(_triangulate_rings(vertices, rings))
        owners.append(np.repeat(polygons, n_corners - 2))
    if not faces:
        return np.zeros((0, 3), dtype=np.int64)
    return np.concatenate(faces)[np.argsort(np.concatenate(owners), kind="stable")]


def _triangulate_rings(vertices: Floats, rings: Ints) -> Ints:
    """Triangles of polygons that have equally many corners; (M, n) -> (M * (n - 2), 3), polygon by polygon."""
    n_corners = rings.shape[1]
    if n_corners == 3:
        return rings
    # A corner that is not finite is refused later, with a message about the mesh.
    with np.errstate(invalid="ignore", over="ignore"):
        points = vertices[rings]  # (M, n, 3)
        edges = np.roll(points, -1, axis=1) - points
        turns = np.cross(np.roll(edges, 1, axis=1), edges)  # (M, n, 3)
        # Newell's normal: twice the vector area, for bent polygons too
        from_first = points - points[:, :1]
        normals = np.cross(from_first, np.roll(from_first, -1, axis=1)).sum(axis=1)  # (M, 3)
        reflex = np.einsum("mni,mi->mn", turns, normals) < 0  # (M, n)
    if n_corners == 4:
        # cutting from corner 1 to corner 3 passes through the reflex one
        rings = np.where((reflex[:, 1] | reflex[:, 3])[:, None], np.roll(rings, -1, axis=1), rings)
        reflex = np.zeros_like(reflex)
    fan = np.array([(0, i, i + 1) for i in range(1, n_corners - 1)])
    triangles = rings[:, fan]  # (M, n - 2, 3)
    for i in np.flatnonzero(reflex.any(axis=1)).tolist():
        triangles[i] = rings[i][_clip_ears(_flatten(points[i], normals[i]))]
    return triangles.reshape(-1, 3)


def _flatten(points: Floats, normal: Floats) -> Floats:
    """A polygon seen along its normal's longest axis, counter-clockwise; (n, 3) -> (n, 2)."""
    axis = int(np.abs(normal).argmax())
    flat = points[:, [(axis + 1) % 3, (axis + 2) % 3]]
    return flat if normal[axis] >= 0 else flat[:, ::-1]


def _clip_ears(points: Floats) -> Ints:
    """Triangles of a simple polygon in the plane, counter-clockwise; (n, 2) -> (n - 2, 3) indices.

    A polygon that crosses itself has no ears left at some point; the rest of it becomes a fan.
    """
    ring = list(range(len(points)))
    triangles = []
    at = 0
    misses = 0
    while len(ring) > 3 and misses < len(ring):
        corner = [ring[at - 1], ring[at], ring[(at + 1) % len(ring)]]
        if _is_ear(points, ring, corner):
            triangles.append(corner)
            del ring[at]
            misses = 0
        else:
            at += 1
            misses += 1
        at %= len(ring)
    triangles += [[ring[0], ring[i], ring[i + 1]] for i in range(1, len(ring) - 1)]
    return np.array(triangles)


def _is_ear(points: Floats, ring: list[int], corner: list[int]) -> bool:
    """Whether a corner turns left and no other corner lies in its triangle or on its rim."""
    triangle = points[corner]  # (3, 2)
    along = np.roll(triangle, -1, axis=0) - triangle  # (3, 2)
    if along[0, 0] * along[1, 1] <= along[0, 1] * along[1, 0]:
        return False
    others = points[ring]  # (n, 2)
    # a polygon with a hole is often drawn as one ring that passes through the same points twice
    others = others[(others[:, None] != triangle).any(axis=2).all(axis=1)]
    to = others[:, None] - triangle  # (n, 3, 2)
    return not bool((along[:, 0] * to[..., 1] >= along[:, 1] * to[..., 0]).all(axis=1).any())
