"""Meshes with known distances, volumes and defects, for tests. Vertices (V, 3) float64, faces (F, 3) int64, outward."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Mesh = tuple[NDArray[np.float64], NDArray[np.int64]]
Points = NDArray[np.float64]

ORIGIN = (0.0, 0.0, 0.0)


def sphere(radius: float = 0.8, subdivisions: int = 4, centre: Sequence[float] = ORIGIN) -> Mesh:
    """An icosahedron split `subdivisions` times: 20 * 4**subdivisions faces, vertices on the sphere."""
    golden = (1 + 5**0.5) / 2
    points = [(s * 1.0, t * golden, 0.0) for s in (-1, 1) for t in (-1, 1)]
    vertices = np.array([np.roll(point, turn) for turn in range(3) for point in points])
    distance = np.linalg.norm(vertices[:, None] - vertices, axis=2)
    near = np.isclose(distance, 2.0)
    triples = [(i, j, k) for i in range(12) for j in range(i) for k in range(j)]
    faces = np.array([(i, j, k) for i, j, k in triples if near[i, j] and near[j, k] and near[i, k]])
    inward = np.linalg.det(vertices[faces]) < 0
    faces[inward] = faces[inward][:, ::-1]
    for _ in range(subdivisions):
        vertices, faces = _split_in_four(vertices, faces)
    vertices = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
    return radius * vertices + np.asarray(centre), faces


def sphere_distance(points: Points, radius: float = 0.8, centre: Sequence[float] = ORIGIN) -> Points:
    """Signed distance to a sphere, negative inside."""
    return np.linalg.norm(points - np.asarray(centre, points.dtype), axis=1) - points.dtype.type(radius)


def box(half: Sequence[float] = (0.7, 0.5, 0.3), subdivisions: int = 0) -> Mesh:
    """An axis-aligned box around the origin with these half-extents: 12 * 4**subdivisions faces."""
    vertices = np.array([(x, y, z) for x in (-1.0, 1.0) for y in (-1.0, 1.0) for z in (-1.0, 1.0)])
    quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
    faces = np.array([triangle for a, b, c, d in quads for triangle in ((a, b, c), (a, c, d))])
    for _ in range(subdivisions):
        vertices, faces = _split_in_four(vertices, faces)
    return vertices * np.asarray(half), faces


def box_distance(points: Points, half: Sequence[float] = (0.7, 0.5, 0.3)) -> Points:
    """Signed distance to a box around the origin, negative inside."""
    beyond = np.abs(points) - np.asarray(half, points.dtype)
    return np.linalg.norm(np.maximum(beyond, 0), axis=1) + np.minimum(beyond.max(axis=1), 0)


def torus(major: float = 0.6, minor: float = 0.25, n_major: int = 96, n_minor: int = 48) -> Mesh:
    """A torus around the z axis: 2 * n_major * n_minor faces, vertices on the torus."""
    u, v = np.meshgrid(np.arange(n_major), np.arange(n_minor), indexing="ij")
    around, across = 2 * np.pi * u / n_major, 2 * np.pi * v / n_minor
    ring = major + minor * np.cos(across)
    vertices = np.stack([ring * np.cos(around), ring * np.sin(around), minor * np.sin(across)], axis=-1).reshape(-1, 3)

    def at(du: int, dv: int) -> NDArray[np.int64]:
        return ((u + du) % n_major * n_minor + (v + dv) % n_minor).ravel()

    first = np.stack([at(0, 0), at(1, 0), at(1, 1)], axis=1)
    second = np.stack([at(0, 0), at(1, 1), at(0, 1)], axis=1)
    return vertices, np.concatenate([first, second])


def torus_distance(points: Points, major: float = 0.6, minor: float = 0.25) -> Points:
    """Signed distance to a torus around the z axis, negative inside."""
    ring = np.hypot(points[:, 0], points[:, 1]) - points.dtype.type(major)
    return np.hypot(ring, points[:, 2]) - points.dtype.type(minor)


def plane(n: int = 20, half: float = 0.9, height: float = 0.0) -> Mesh:
    """A square sheet of 2 n^2 faces at z = height, facing up. Open."""
    ticks = np.linspace(-half, half, n + 1)
    x, y = np.meshgrid(ticks, ticks, indexing="ij")
    vertices = np.stack([x, y, np.full_like(x, height)], axis=-1).reshape(-1, 3)
    corner = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    first = np.stack([corner, corner + n + 1, corner + n + 2], axis=1)
    second = np.stack([corner, corner + n + 2, corner + 1], axis=1)
    return vertices, np.concatenate([first, second])


def height_field(n: int = 60) -> Mesh:
    """A hilly open sheet of 2 n^2 faces, facing up."""
    vertices, faces = plane(n)
    vertices[:, 2] = 0.15 * np.sin(4 * vertices[:, 0]) * np.cos(3 * vertices[:, 1])
    return vertices, faces


def soup(mesh: Mesh) -> Mesh:
    """The same triangles, each with its own three vertices."""
    vertices, faces = mesh
    return vertices[faces].reshape(-1, 3), np.arange(3 * len(faces)).reshape(-1, 3)


def joined(*meshes: Mesh) -> Mesh:
    """Several meshes as one."""
    starts = np.cumsum([0] + [len(vertices) for vertices, _ in meshes])
    faces = [faces + start for (_, faces), start in zip(meshes, starts, strict=False)]
    return np.concatenate([vertices for vertices, _ in meshes]), np.concatenate(faces)


def reversed_faces(mesh: Mesh) -> Mesh:
    """The mesh inside out."""
    return mesh[0], mesh[1][:, ::-1]


def _split_in_four(vertices: Points, faces: NDArray[np.int64]) -> Mesh:
    edges = np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
    edges, middle = np.unique(edges, axis=0, return_inverse=True)
    a, b, c = faces.T
    ab, bc, ca = (middle.reshape(-1, 3) + len(vertices)).T
    corners = [(a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca)]
    middles = vertices[edges].mean(axis=1)
    return np.concatenate([vertices, middles]), np.concatenate([np.stack(corner, axis=1) for corner in corners])
