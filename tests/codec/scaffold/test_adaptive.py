"""Adaptive meshes: without cracks, of vertices of the uniform refinement, fewer of them where the surface is flat."""

import control_meshes
import numpy as np
import pytest
import shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial import Delaunay
from sdfz.codec.closest import Triangles
from sdfz.codec.scaffold.adaptive import adaptive_mesh
from sdfz.codec.scaffold.decimate import decimate
from sdfz.codec.scaffold.subdivision import SHARP, Creased, creased
from sdfz.codec.scaffold.surface import LimitMesh
from sdfz.codec.scaffold.topology import topology
from strategies import rngs

FloatArray = NDArray[np.float64]


def with_handle(rng: np.random.Generator) -> tuple[FloatArray, Creased]:
    """A torus of few faces with creases anywhere, every other time with a hole."""
    vertices, faces = shapes.torus(0.7, 0.3, int(rng.integers(4, 9)), int(rng.integers(3, 6)))
    faces = faces[int(rng.integers(2)) :]
    sharpness = np.where(rng.random(topology(faces, len(vertices)).n_edges) < 0.2, rng.integers(4), 0)
    points = vertices + 0.1 * rng.normal(size=vertices.shape)
    return points, creased(faces, len(vertices), sharpness, rng.random(len(vertices)) < 0.2)


def euler_number(n_vertices: int, faces: NDArray[np.int64]) -> int:
    return n_vertices - len(np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)), axis=0)) + len(faces)


def largest_distance(points: FloatArray, vertices: FloatArray, faces: NDArray[np.int64]) -> float:
    triangle, share = Triangles(vertices, faces).closest(points)
    return float(np.linalg.norm(np.einsum("nc,ncx->nx", share, vertices[faces[triangle]]) - points, axis=1).max())


class PlainPatches:
    """Triangles as SPEC.md has them, one after the other, in points (i, j) of each control face's lattice."""

    def __init__(self, control: Creased, points: FloatArray, levels: int, tolerance: float) -> None:
        self.n = n = 1 << levels
        uniform = LimitMesh(control, levels)
        self.vertices, self.normals = uniform.surface(points)
        ends = self.vertices[control.topology.edges]
        self.most = tolerance**2 * np.linalg.norm(ends[:, 0] - ends[:, 1], axis=1).mean() / n
        self.faces: list[list[int]] = []
        for f, fine in enumerate(uniform.faces.reshape(-1, 4**levels, 3)):
            self.sharp = control.sharpness[control.topology.face_edges[f]] > 0
            self.places = self.lattice(list(fine.tolist()), (0, 0), (n, 0), (0, n))
            self.triangle((0, 0), (n, 0), (0, n))

    def lattice(self, fine: list[list[int]], *corners: tuple[int, int]) -> dict[tuple[int, int], int]:
        if len(fine) == 1:
            return dict(zip(corners, fine[0], strict=True))
        (a, b, c), k = corners, len(fine) // 4
        x, y, z = self.middle(a, b), self.middle(b, c), self.middle(c, a)
        parts = [(a, x, z), (b, y, x), (c, z, y), (x, y, z)]
        return {p: v for i, part in enumerate(parts) for p, v in self.lattice(fine[k * i : k * (i + 1)], *part).items()}

    @staticmethod
    def middle(p: tuple[int, int], q: tuple[int, int]) -> tuple[int, int]:
        return (p[0] + q[0]) // 2, (p[1] + q[1]) // 2

    def length(self, p: tuple[int, int], q: tuple[int, int]) -> float:
        return float(np.linalg.norm(self.vertices[self.places[p]] - self.vertices[self.places[q]]))

    def bend(self, p: tuple[int, int], q: tuple[int, int]) -> float:
        if any((u + v) % 2 for u, v in zip(p, q, strict=True)):
            return 0.0
        p, q = sorted((p, q), key=self.places.__getitem__)
        start, end, half = (self.vertices[self.places[point]] for point in (p, q, self.middle(p, q)))
        is_curve = any(
            sharp and side(p) and side(q)
            for sharp, side in zip(
                self.sharp, (lambda r: r[1] == 0, lambda r: sum(r) == self.n, lambda r: r[0] == 0), strict=True
            )
        )
        farthest = 0.0
        for quarter in (1, 2, 3):
            place = [(4 - quarter) * u + quarter * v for u, v in zip(p, q, strict=True)]
            if any(u % 4 for u in place):
                continue
            vertex = self.places[place[0] // 4, place[1] // 4]
            away = self.vertices[vertex] - start - quarter / 4 * (end - start)
            if is_curve:
                along = (end - start) / np.linalg.norm(end - start)
                distance = np.linalg.norm(away - (away @ along) * along)
            else:
                distance = abs(away @ self.normals[vertex])
            farthest = max(farthest, float(distance))
        return farthest**2 * float(np.linalg.norm(start - half) + np.linalg.norm(half - end))

    def triangle(self, *corners: tuple[int, int]) -> None:
        bent = [self.bend(corners[k], corners[(k + 1) % 3]) > self.most for k in range(3)]
        while bent in ([False, True, False], [False, False, True], [True, False, True], [True, True, False]):
            corners, bent = (*corners[1:], corners[0]), [*bent[1:], bent[0]]
        a, b, c = corners
        x, y, z = self.middle(a, b), self.middle(b, c), self.middle(c, a)
        if not any(bent):
            self.faces.append([self.places[corner] for corner in corners])
        elif all(bent):
            for part in ((a, x, z), (b, y, x), (c, z, y), (x, y, z)):
                self.triangle(*part)
        elif bent[0]:
            self.triangle(a, x, c)
            self.triangle(x, b, c)
        else:
            self.triangle(y, c, z)
            worth = [self.bend(*diagonal) for diagonal in ((a, y), (b, z))]
            if max(worth) <= self.most:
                worth = [self.length(*diagonal) for diagonal in ((a, y), (b, z))]
            for part in ((a, b, y), (a, y, z)) if worth[0] <= worth[1] else ((a, b, z), (b, y, z)):
                self.triangle(*part)


@settings(max_examples=20)
@given(rngs(), st.integers(0, 3), st.sampled_from([0.003, 0.03, 0.3]))
def test_the_format_document_has_the_same_triangles(rng: np.random.Generator, levels: int, tolerance: float) -> None:
    points, control = control_meshes.randomly_creased(rng)
    plain = PlainPatches(control, points, levels, tolerance)
    vertices, faces = adaptive_mesh(control, points, levels, tolerance)
    theirs = plain.vertices[np.array(plain.faces)]
    assert triangles(vertices[faces]) == triangles(theirs)


def triangles(corners: FloatArray) -> list[tuple[tuple[float, ...], ...]]:
    """Of corners (F, 3, 3), each from its lowest one, sorted."""
    turned = [min((*face[k:], *face[:k]) for k in range(3)) for face in (list(map(tuple, f)) for f in corners.tolist())]
    return sorted(turned)


@settings(max_examples=60)
@given(rngs(), st.integers(0, 4), st.sampled_from([0.0, 0.003, 0.03, 0.1, 1.0]), st.booleans())
def test_nothing_cracks(rng: np.random.Generator, levels: int, tolerance: float, handle: bool) -> None:
    sharpness = int(rng.choice([1, 2, SHARP]))
    points, control = with_handle(rng) if handle else control_meshes.randomly_creased(rng, levels=sharpness)
    vertices, faces = adaptive_mesh(control, points, levels, tolerance)
    # No two triangles on one side of an edge, no edge of one that is a part of another's: then it would be a boundary.
    found = topology(faces, len(vertices))
    uniform = LimitMesh(control, levels)
    place = np.flatnonzero((uniform.vertices(points)[:, None] == vertices).all(axis=2).any(axis=1))
    assert len(place) == len(vertices)
    edges = topology(uniform.faces, uniform.n_vertices)
    at_boundary = np.isin(place, edges.edges[edges.is_boundary])
    assert at_boundary[found.edges[found.is_boundary]].all()
    # All of it: with the boundary curves closed by a vertex each, the Euler number is that of the control mesh.
    assert euler_number(len(vertices), faces) == euler_number(len(np.unique(control.faces)), control.faces)
    assert (found.valences > 0).all()
    assert len(control.faces) <= len(faces) <= len(uniform.faces)


@settings(max_examples=20)
@given(rngs())
def test_its_vertices_are_those_of_the_uniform_refinement(rng: np.random.Generator) -> None:
    points, control = control_meshes.randomly_creased(rng)
    vertices, _ = adaptive_mesh(control, points, 3, 0.02)
    uniform = LimitMesh(control, 3)
    fine = {tuple(vertex): k for k, vertex in enumerate(uniform.vertices(points).tolist())}
    place = [fine[tuple(vertex)] for vertex in vertices.tolist()]
    assert place == sorted(place)
    # The control mesh's own vertices, as far as they have faces, are always there.
    assert set(np.unique(control.faces)) <= set(place)


def test_a_flat_face_is_one_triangle() -> None:
    rng = np.random.default_rng(3)
    corners = [[0, 0], [1, 0], [1, 1], [0, 1], [0.5, 0], [0.2, 1]]
    flat = np.concatenate([corners, rng.random((20, 2))])
    faces = Delaunay(flat).simplices.astype(np.int64)
    points = np.column_stack([flat, np.zeros(len(flat))]) @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
    control = creased(faces, len(points), pinned=np.arange(len(points)) < 4)
    assert len(adaptive_mesh(control, points, 4, 1e-9)[1]) == len(faces)


def test_a_round_shape_is_refined_everywhere() -> None:
    points, faces = shapes.sphere(subdivisions=0)
    control = creased(faces, len(points))
    for tolerance, level in ((1.0, 0), (0.1, 1), (0.02, 2), (0.001, 3)):
        vertices, found = adaptive_mesh(control, points, 3, tolerance)
        uniform = LimitMesh(control, level)
        assert vertices == pytest.approx(uniform.vertices(points), abs=1e-12)
        assert {frozenset(face) for face in found.tolist()} == {frozenset(face) for face in uniform.faces.tolist()}


@pytest.mark.parametrize("tolerance", [0.01, 0.003, 0.001])
def test_the_distance_follows_the_tolerance(tolerance: float) -> None:
    vertices, faces = decimate(*shapes.torus(0.6, 0.25, 48, 24), 400)
    control = creased(faces, len(vertices))
    fine = LimitMesh(control, 5).vertices(vertices)
    off = largest_distance(fine, *adaptive_mesh(control, vertices, 4, tolerance))
    assert 0.3 * tolerance < off < 1.5 * tolerance


def test_what_is_round_in_one_direction_is_cut_in_that_one() -> None:
    """A long tube with open ends: with four times as many triangles around, none more along it."""
    n_around, n_along = 8, 9
    angle = 2 * np.pi * np.arange(n_around) / n_around
    ring = np.column_stack([np.cos(angle), np.sin(angle)])
    points = np.concatenate([np.column_stack([ring, np.full(n_around, 4.0 * k)]) for k in range(n_along)])
    k, i = np.meshgrid(np.arange(n_along - 1), np.arange(n_around), indexing="ij")
    a, b = n_around * k + i, n_around * k + (i + 1) % n_around
    faces = np.stack([a, b, b + n_around, a, b + n_around, a + n_around], axis=2).reshape(-1, 3)
    control = creased(faces, len(points))
    vertices, found = adaptive_mesh(control, points, 3, 0.01)
    uniform = LimitMesh(control, 3)
    fine = uniform.vertices(points)
    assert largest_distance(fine, vertices, found) < 0.015
    assert len(found) < len(uniform.faces) / 5


def test_a_crease_is_a_curve() -> None:
    """Three sharp edges around a flat disk, an open surface: only the curve needs vertices."""
    angle = 2 * np.pi * np.arange(3) / 3
    points = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(3)])
    points = np.concatenate([points, [[0, 0, 0]]])
    control = creased(np.array([[0, 1, 3], [1, 2, 3], [2, 0, 3]]), 4)
    vertices, faces = adaptive_mesh(control, points, 4, 0.001)
    uniform = LimitMesh(control, 4)
    edges = topology(uniform.faces, uniform.n_vertices)
    curve = uniform.vertices(points)[np.unique(edges.edges[edges.is_boundary])]
    assert largest_distance(curve, vertices, faces) < 0.002
    assert len(faces) < len(uniform.faces) / 3
