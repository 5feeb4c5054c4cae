import igl
import numpy as np
import pytest
from control_meshes import randomly_creased
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import BSpline
from sdfz.codec.scaffold.subdivision import CORNER, CREASE, DART, SHARP, SMOOTH, creased, refine, refine_times
from sdfz.codec.scaffold.topology import topology
from shapes import box, plane, torus
from strategies import rngs


def fan(n):
    """Vertex 0 in the middle of n others: faces and the number of vertices."""
    ring = 1 + np.arange(n)
    return np.stack([np.zeros(n, np.int64), ring, np.roll(ring, -1)], axis=1), n + 1


@settings(max_examples=25)
@given(rngs(), st.sampled_from([1, SHARP]))
def test_every_new_position_is_a_mean_with_positive_weights(rng, levels):
    _, mesh = randomly_creased(rng, levels=levels)
    matrix = refine_times(mesh, 2).matrix
    assert matrix.data.min() > 0
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-14)


def test_a_regular_closed_mesh_goes_where_libigl_puts_it():
    vertices, faces = torus(n_major=7, n_minor=5)
    theirs, their_faces = igl.loop(vertices, faces, 2)
    ours = refine_times(creased(faces, len(vertices)), 2)

    def triangles(points, faces):
        return np.unique(np.sort(points[faces].reshape(len(faces), -1).round(9), axis=1), axis=0)

    assert np.array_equal(triangles(ours.apply(vertices), ours.mesh.faces), triangles(theirs, their_faces))


@pytest.mark.parametrize(("valence", "centre"), [(3, 7 / 16), (4, 13 / 32), (6, 5 / 8)])
def test_smooth_vertices_keep_their_share(valence, centre):
    faces, n_vertices = fan(valence)
    row = refine(creased(faces, n_vertices)).matrix.toarray()[0]
    assert np.allclose(row, [centre, *[(1 - centre) / valence] * valence], atol=1e-15)


def test_kinds_count_the_sharp_edges():
    faces, n_vertices = fan(6)
    ends = topology(faces, n_vertices).edges
    kinds = [creased(faces, n_vertices, np.where((ends[:, 0] == 0) & (ends[:, 1] <= n), SHARP, 0)) for n in range(4)]
    assert [mesh.kinds[0] for mesh in kinds] == [SMOOTH, DART, CREASE, CORNER]
    assert creased(faces, n_vertices, kinds[2].sharpness, np.arange(n_vertices) == 0).kinds[0] == CORNER
    assert creased(faces, n_vertices, kinds[1].sharpness, np.arange(n_vertices) == 0).kinds[0] == DART
    assert creased(np.array([[0, 1, 2]]), 4).kinds.tolist() == [CORNER] * 4  # three ears and one vertex on its own


def test_a_box_with_its_edges_sharp_stays_the_box():
    half = np.array([0.75, 0.5, 0.25])  # no rounding in the weights' eighths
    vertices, faces = box(half)
    ends = topology(faces, len(vertices)).edges
    is_side = (vertices[ends[:, 0]] != vertices[ends[:, 1]]).sum(axis=1) == 1  # not a diagonal
    fine = refine_times(creased(faces, len(vertices), np.where(is_side, SHARP, 0)), 3)
    points = fine.apply(vertices)
    corners = points[fine.mesh.faces]
    assert np.array_equal(points[: len(vertices)], vertices)
    assert (np.abs(points) == half).any(axis=1).all() and (np.abs(points) <= half).all()
    assert np.linalg.det(corners).sum() / 6 == pytest.approx(8 * half.prod())


def test_with_every_edge_sharp_the_surface_is_the_control_mesh():
    vertices, faces = torus(n_major=6, n_minor=4)
    fine = refine_times(creased(faces, len(vertices), np.full(3 * len(vertices), SHARP)), 3)
    pieces = fine.apply(vertices)[fine.mesh.faces].reshape(len(faces), -1, 3, 3)
    whole = vertices[faces]
    area_vectors = np.cross(pieces[..., 1, :] - pieces[..., 0, :], pieces[..., 2, :] - pieces[..., 0, :])
    area_vector = np.cross(whole[:, 1] - whole[:, 0], whole[:, 2] - whole[:, 0])
    # The pieces of a face cover as much as it does, and none is tilted.
    assert np.allclose(area_vectors.sum(axis=1), area_vector)
    assert np.allclose(np.linalg.norm(area_vectors, axis=2).sum(axis=1), np.linalg.norm(area_vector, axis=1))
    heights = np.einsum("fpcx,fx->fpc", pieces - whole[:, None, :1], area_vector)
    assert np.allclose(heights, 0, atol=1e-15)


def test_a_boundary_curve_is_a_cubic_spline_whatever_is_beside_it():
    rng = np.random.default_rng(1)
    n, levels = 9, 4
    faces, n_vertices = fan(n)
    controls = rng.normal(size=(n, 3))
    fine = refine_times(creased(faces, n_vertices), levels)
    mesh = fine.mesh.topology
    first = mesh.half_edges[mesh.is_boundary, 0]
    tails, heads = mesh.faces.ravel()[first], mesh.faces[:, [1, 2, 0]].ravel()[first]
    after = dict(zip(tails.tolist(), heads.tolist(), strict=True))
    curve = [1]
    while (vertex := after[curve[-1]]) != 1:
        curve.append(vertex)
    points, others = (fine.apply(np.concatenate([centre, controls]))[curve] for centre in rng.normal(size=(2, 1, 3)))
    assert np.array_equal(points, others)
    spline = BSpline(np.arange(-3, n + 4), controls[np.arange(-1, n + 2) % n], 3)
    limit = (np.roll(points, 1, axis=0) + 4 * points + np.roll(points, -1, axis=0)) / 6
    assert np.allclose(limit, spline(np.arange(n << levels) / (1 << levels)), atol=1e-12)


@settings(max_examples=25)
@given(rngs())
def test_sharpness_of_one_is_sharp_once_and_smooth_after(rng):
    state = rng.bit_generator.state
    points, once = randomly_creased(rng, levels=1)
    rng.bit_generator.state = state
    _, always = randomly_creased(rng)
    first = refine(once)
    assert np.array_equal(first.matrix @ points, refine(always).matrix @ points)
    assert not first.mesh.sharpness[~first.mesh.topology.is_boundary].any()


@settings(max_examples=25)
@given(rngs())
def test_sharpness_passes_to_the_halves_of_an_edge_less_one(rng):
    _, mesh = randomly_creased(rng, levels=int(rng.integers(1, SHARP)))
    fine = refine(mesh).mesh
    passed_on = np.where(mesh.sharpness == SHARP, SHARP, np.maximum(mesh.sharpness, 1) - 1)
    for edge, sharpness in zip(fine.topology.edges, fine.sharpness, strict=True):
        parent = edge[1] - mesh.n_vertices
        assert sharpness == (passed_on[parent] if edge[0] in mesh.topology.edges[parent] else 0)
    assert fine.pinned[: mesh.n_vertices].tolist() == mesh.pinned.tolist() and not fine.pinned[mesh.n_vertices :].any()


def test_a_flat_sheet_stays_flat_and_in_its_outline():
    vertices, faces = plane(n=4, half=0.9, height=0.25)
    mesh = creased(faces, len(vertices), pinned=(np.abs(vertices[:, :2]) == 0.9).all(axis=1))
    fine = refine_times(mesh, 3)
    points = fine.apply(vertices)
    outline = points[fine.mesh.topology.edges[fine.mesh.topology.is_boundary]]
    assert np.allclose(points[:, 2], 0.25, atol=1e-15)
    assert np.allclose(np.abs(outline[..., :2]).max(axis=-1), 0.9, atol=1e-15)
    area = np.linalg.det(points[fine.mesh.faces] * [1, 1, 4]).sum() / 2
    assert area == pytest.approx(1.8**2)


def test_no_levels_change_nothing():
    vertices, faces = torus(n_major=5, n_minor=4)
    none = refine_times(creased(faces, len(vertices)), 0)
    assert none.mesh is none.base
    assert np.array_equal(none.apply(vertices), vertices) and np.array_equal(none.matrix @ vertices, vertices)


@pytest.mark.parametrize(
    ("sharpness", "pinned", "complaint"),
    [
        ([0] * 4, None, r"\(4,\)"),
        (None, [False] * 4, r"\(4,\)"),
        ([0, 0, 0, 0, 256], None, "0 to 255"),
        ([0, 0, 0, 0, -1], None, "0 to 255"),
        ([0.5] * 5, None, "integers"),
    ],
)
def test_creases_that_do_not_fit_the_mesh_are_refused(sharpness, pinned, complaint):
    with pytest.raises(ValueError, match=complaint):
        creased(np.array([[0, 1, 2], [2, 1, 3]]), 5, sharpness, pinned)
