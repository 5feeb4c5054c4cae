import numpy as np
import pytest
from control_meshes import randomly_creased
from hypothesis import given, settings
from sdfz.codec.scaffold.limit import limit, sectors_of
from sdfz.codec.scaffold.subdivision import CORNER, CREASE, SHARP, creased, refine, refine_times
from sdfz.codec.scaffold.topology import topology
from shapes import box, sphere, torus
from strategies import rngs


@settings(max_examples=25)
@given(rngs())
def test_refining_first_leaves_the_limit_points(rng):
    _, mesh = randomly_creased(rng)
    fine = refine(mesh)
    later = (limit(fine.mesh).position[: mesh.n_vertices] @ fine.matrix).toarray()
    assert np.allclose(later, limit(mesh).position.toarray(), atol=1e-12)


@settings(max_examples=25)
@given(rngs())
def test_refining_first_scales_the_tangents(rng):
    _, mesh = randomly_creased(rng)
    fine = refine(mesh)
    now, later = limit(mesh), limit(fine.mesh)
    # Sectors of the old vertices come first, then those of the new; within either the order is that of half-edges.
    old = np.flatnonzero(later.sectors.vertex < mesh.n_vertices)
    assert np.array_equal(later.sectors.vertex[old], now.sectors.vertex)
    has_faces = now.sectors.size > 0
    kind, size = mesh.kinds[now.sectors.vertex[has_faces]], now.sectors.size[has_faces]
    for name in ("tangent1", "tangent2"):
        before = getattr(now, name).toarray()[has_faces]
        after = (getattr(later, name)[old] @ fine.matrix).toarray()[has_faces]
        factor = (after * before).sum(axis=1) / (before**2).sum(axis=1)
        assert np.allclose(after, factor[:, None] * before, atol=1e-12)
        if name == "tangent1":
            assert np.allclose(factor[kind >= CREASE], 1 / 2)
        else:
            turns = np.where(kind >= CREASE, 1, 2) / size
            slow = 3 / 8 + np.cos(np.pi * turns) / 4
            slow[(kind == CORNER) & (size <= 3)] = 1 / 2
            slow[(kind == CREASE) & (size == 1)] = 1 / 4
            assert np.allclose(factor, slow)


@settings(max_examples=25)
@given(rngs())
def test_neighbours_come_to_lie_in_the_tangent_planes(rng):
    points, mesh = randomly_creased(rng)
    rules, found = refine(mesh).matrix.toarray(), limit(mesh)
    normals = found.normals(points)[found.sectors.of_corner]
    most = np.array([10, 8, 4, 2])[mesh.kinds]  # where the next eigenvalue is far enough from these two
    for vertex in np.flatnonzero(mesh.topology.valences):
        edges = np.flatnonzero((mesh.topology.edges == vertex).any(axis=1))
        star = np.concatenate([[vertex], mesh.topology.edges[edges].sum(axis=1) - vertex])
        # A vertex and its neighbours depend on nothing else: their rules can be applied again and again, here to the
        # neighbours as seen from the vertex.
        again = rules[mesh.n_vertices + edges][:, star[1:]] - rules[vertex, star[1:]]
        near = np.zeros_like(points)
        near[star[1:]] = np.linalg.matrix_power(again, 32) @ (points[star[1:]] - points[vertex])
        for face, corner in np.argwhere(mesh.faces == vertex):
            if found.sectors.size[found.sectors.of_corner[face, corner]] <= most[vertex]:
                normal = np.cross(near[mesh.faces[face, corner - 2]], near[mesh.faces[face, corner - 1]])
                assert normal @ normals[face, corner] > 0.999 * np.linalg.norm(normal)


def test_limit_of_a_regular_mesh_reproduces_quadratic_functions():
    # Control values x^2 on the unit lattice have the limit x^2 + 1/4, at every point of the surface.
    i, j = (axis.ravel() for axis in np.meshgrid(np.arange(9), np.arange(9), indexing="ij"))
    x, y = i + j / 2, j * 3**0.5 / 2
    corner = (i * 9 + j).reshape(9, 9)
    lower = np.stack([corner[:-1, :-1], corner[1:, :-1], corner[:-1, 1:]], axis=-1)
    upper = np.stack([corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]], axis=-1)
    fine = refine_times(creased(np.concatenate([lower, upper]).reshape(-1, 3), 81), 2)
    at = fine.apply(np.stack([x, y], axis=1))
    limits = limit(fine.mesh).position @ fine.apply(np.stack([x * x, x * y, y * y], axis=1))
    expected = np.stack([at[:, 0] ** 2 + 1 / 4, at[:, 0] * at[:, 1], at[:, 1] ** 2 + 1 / 4], axis=1)
    rows, columns = at[:, 0] - at[:, 1] / 3**0.5, at[:, 1] * 2 / 3**0.5
    inner = (np.abs(rows - 4) < 1.9) & (np.abs(columns - 4) < 1.9)  # the boundary curve changes what is near it
    assert np.allclose(limits[inner], expected[inner], atol=1e-12)


def test_limit_of_a_smooth_sphere_points_outward():
    points, faces = sphere(1, subdivisions=2)
    found = limit(creased(faces, len(points)))
    assert ((found.position @ points) * found.normals(points)).sum(axis=1).min() > 0.9


def test_each_side_of_a_box_has_its_own_normal():
    points, faces = box()
    ends = topology(faces, len(points)).edges
    is_side = (points[ends[:, 0]] != points[ends[:, 1]]).sum(axis=1) == 1
    fine = refine_times(creased(faces, len(points), np.where(is_side, SHARP, 0)), 2)
    found, at = limit(fine.mesh), fine.apply(points)
    corners = at[fine.mesh.faces]
    flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    assert np.allclose(found.normals(at)[found.sectors.of_corner], flat[:, None], atol=1e-12)
    assert np.array_equal(found.position[: len(points)] @ at, points)


def test_sectors_of_a_vertex_run_counter_clockwise_from_crease_to_crease():
    ring = np.arange(1, 7)
    faces = np.stack([np.zeros(6, np.int64), ring, np.roll(ring, -1)], axis=1)  # p, then its follower
    ends = topology(faces, 7).edges
    sectors = sectors_of(creased(faces, 7, np.where((ends[:, 0] == 0) & np.isin(ends[:, 1], [2, 6]), SHARP, 0)))
    assert sectors.vertex.tolist() == [0, 1, 2, 3, 4, 5, 6, 2, 0, 6]
    assert sectors.of_corner[:, 0].tolist() == [8, 0, 0, 0, 0, 8]
    assert sectors.place[:, 0].tolist() == [1, 0, 1, 2, 3, 0]
    assert sectors.size[[0, 8]].tolist() == [4, 2]
    assert sectors.end[[0, 8]].tolist() == [6, 2]


def test_semi_sharp_edges_are_to_run_out_first():
    points, faces = torus(n_major=5, n_minor=4)
    mesh = creased(faces, len(points), np.full(3 * len(points), 2))
    with pytest.raises(ValueError, match="semi-sharp"):
        limit(mesh)
    limit(refine_times(mesh, 2).mesh)


def test_two_fans_at_one_vertex_are_refused():
    two_tetrahedra = np.array([[0, 1, 2], [0, 3, 1], [0, 2, 3], [1, 3, 2]])
    faces = np.concatenate([two_tetrahedra, np.where(two_tetrahedra == 0, 0, two_tetrahedra + 3)])
    with pytest.raises(ValueError, match="one fan"):
        limit(creased(faces, 7))
