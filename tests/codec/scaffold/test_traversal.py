import numpy as np
import pytest
from control_meshes import irregular
from hypothesis import given, settings
from sdfz.codec.scaffold.border import BOUNDARY, JOIN, NEW, PREVIOUS
from sdfz.codec.scaffold.traversal import traverse
from shapes import joined, plane, sphere, torus
from strategies import rngs


def turned(faces):
    """Each face from its smallest vertex on, sorted."""
    faces = np.asarray(faces)
    first = faces.argmin(axis=1)[:, None]
    return sorted(map(tuple, np.take_along_axis(faces, (first + np.arange(3)) % 3, axis=1).tolist()))


def used(faces):
    """Vertices without faces taken out."""
    return np.unique(faces, return_inverse=True)[1].reshape(-1, 3)


@settings(max_examples=60)
@given(rngs())
def test_the_faces_are_those_of_the_mesh_in_another_order(rng):
    faces = used(irregular(rng)[1])
    walk = traverse(faces)
    assert sorted(walk.order) == list(range(faces.max() + 1))
    assert turned(walk.order[walk.faces]) == turned(faces)


@pytest.mark.parametrize(
    ("mesh", "n_seeds"),
    [
        (sphere(subdivisions=2), 3),
        (torus(n_major=12, n_minor=8), 3),
        (joined(sphere(subdivisions=1), torus(n_major=12, n_minor=8)), 6),
    ],
    ids=["sphere", "torus", "both"],
)
def test_every_vertex_but_the_seeds_is_new_once(mesh, n_seeds):
    walk = traverse(mesh[1])
    assert (walk.operations == NEW).sum() == len(mesh[0]) - n_seeds
    assert (walk.parents[:, 0] < 0).sum() == n_seeds
    assert not (walk.operations == BOUNDARY).any()


def test_a_handle_needs_joins_and_a_small_sphere_none():
    assert (traverse(torus(n_major=12, n_minor=8)[1]).operations == JOIN).sum() >= 2
    tetrahedron = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    assert traverse(tetrahedron).operations.tolist() == [NEW, PREVIOUS, PREVIOUS]


def test_parents_come_first_and_span_a_known_face():
    walk = traverse(plane(8)[1])
    vertices = np.flatnonzero(walk.parents[:, 0] >= 0)
    parents = walk.parents[vertices]
    assert (parents < vertices[:, None]).all()
    known = {frozenset(face) for face in walk.faces.tolist()}
    assert all(frozenset(row) in known for row in parents.tolist())


@pytest.mark.parametrize(
    "faces",
    [
        [[0, 1, 2], [0, 3, 4]],  # two fans at one vertex
        [[0, 1, 2], [0, 2, 3], [0, 3, 1], [0, 4, 5], [0, 5, 6], [0, 6, 4]],  # closed fans
        [[0, 1, 3]],  # a vertex without faces
    ],
)
def test_what_is_no_manifold_is_refused(faces):
    with pytest.raises(ValueError, match="2-manifold"):
        traverse(np.array(faces))


def test_no_faces_are_an_empty_walk():
    walk = traverse(np.zeros((0, 3), np.int64))
    assert len(walk.order) == len(walk.operations) == 0
