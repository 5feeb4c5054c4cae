import numpy as np
import pytest
from control_meshes import irregular
from hypothesis import given, settings
from sdfz.codec.scaffold.topology import split_in_four, topology
from shapes import plane, torus
from strategies import rngs

PAIR = np.array([[0, 1, 2], [2, 1, 3]])  # two triangles that share the edge of 1 and 2


def test_edges_of_two_triangles_are_listed_in_full():
    mesh = topology(PAIR, 5)
    assert mesh.edges.tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    assert mesh.face_edges.tolist() == [[0, 2, 1], [2, 3, 4]]
    assert mesh.half_edges.tolist() == [[0, -1], [2, -1], [1, 3], [4, -1], [5, -1]]
    assert mesh.edge_faces.tolist() == [[0, -1], [0, -1], [0, 1], [1, -1], [1, -1]]
    assert mesh.opposite.tolist() == [[2, -1], [1, -1], [0, 3], [2, -1], [1, -1]]
    assert mesh.is_boundary.tolist() == [True, True, False, True, True]
    assert mesh.twins.tolist() == [-1, 3, -1, 1, -1, -1]
    assert mesh.valences.tolist() == [2, 3, 3, 2, 0]
    entries, starts = mesh.stars
    assert entries.tolist() == [0, 2, 1, 4, 6, 3, 5, 8, 7, 9]
    assert starts.tolist() == [0, 2, 5, 8, 10, 10]


@settings(max_examples=40)
@given(rngs())
def test_edges_are_those_that_a_dictionary_finds(rng):
    points, faces = irregular(rng)
    found: dict[tuple[int, int], list[int]] = {}
    for half_edge, (tail, head) in enumerate(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).tolist()):
        found.setdefault((min(tail, head), max(tail, head)), []).append(half_edge)
    mesh = topology(faces, len(points))
    assert list(map(tuple, mesh.edges.tolist())) == sorted(found)
    assert mesh.half_edges.tolist() == [[*found[edge], -1][:2] for edge in sorted(found)]


def test_splitting_a_triangle_numbers_vertices_and_faces_as_the_format_says():
    fine = split_in_four(topology(np.array([[2, 0, 1]]), 3))  # edges 0 1, 0 2, 1 2 get vertices 3, 4, 5
    assert fine.faces.tolist() == [[2, 4, 5], [0, 3, 4], [1, 5, 3], [4, 3, 5]]


@settings(max_examples=40)
@given(rngs())
def test_split_mesh_knows_its_edges_without_looking_for_them(rng):
    points, faces = irregular(rng)
    fine = split_in_four(topology(faces, len(points)))
    looked_for = topology(fine.faces, fine.n_vertices)
    assert fine.n_edges == looked_for.n_edges
    assert np.array_equal(fine.face_edges, looked_for.face_edges)


def test_split_mesh_is_closed_where_the_mesh_was():
    for _, faces in (torus(n_major=5, n_minor=4), plane(n=3)):
        mesh = topology(faces, int(faces.max()) + 1)
        fine = split_in_four(mesh)
        assert fine.is_boundary.sum() == 2 * mesh.is_boundary.sum()
        euler = [m.n_vertices - m.n_edges + len(m.faces) for m in (mesh, fine)]
        assert euler[0] == euler[1]


def test_no_faces_have_no_edges():
    fine = split_in_four(topology(np.zeros((0, 3), np.int64), 2))
    assert (fine.n_vertices, fine.n_edges, len(fine.faces), len(fine.edges)) == (2, 0, 0, 0)


@pytest.mark.parametrize(
    ("faces", "complaint"),
    [
        ([[0, 1, 4]], "0 to 4 of 4"),
        ([[-1, 1, 2]], "-1 to 2 of 4"),
        ([[0, 1, 1]], "twice"),
        ([[0, 1, 2], [1, 0, 3], [0, 1, 3]], "more than two faces"),
        ([[0, 1, 2], [0, 1, 3]], "not oriented alike"),
        ([[0, 1, 2], [2, 1, 0]], "same vertices"),
    ],
)
def test_what_is_no_oriented_manifold_is_refused(faces, complaint):
    with pytest.raises(ValueError, match=complaint):
        topology(np.array(faces), 4)
