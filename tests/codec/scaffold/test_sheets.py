"""Manifold sheets: what they keep, how they come apart, and that any soup becomes some."""

import numpy as np
import pytest
import shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy
from sdfz.codec.scaffold.sheets import is_simplicial_manifold, manifold_sheets
from sdfz.codec.scaffold.topology import topology

TETRAHEDRON = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]])


def n_borders(faces):
    return int(topology(faces, int(faces.max()) + 1).is_boundary.sum())


def volume(vertices, faces):
    return float(np.linalg.det(vertices[faces]).sum() / 6)


def triangles(vertices, faces):
    """The corner positions of each face in a fixed order of corners and faces."""
    return sorted(tuple(sorted(map(tuple, corners.tolist()))) for corners in vertices[faces])


def box_at(x, y, z=0.0, half=(0.5, 0.5, 0.5)):
    vertices, faces = shapes.box(half)
    return vertices + (x, y, z), faces


def wings(*degrees, reverse=()):
    """Triangles at these angles (counter-clockwise, seen against z) around the edge from (0, 0, 0) to (0, 0, 1)."""
    angle = np.radians(degrees)
    tips = np.stack([np.cos(angle), np.sin(angle), np.full(len(angle), 0.5)], axis=1)
    vertices = np.concatenate([[[0.0, 0, 0], [0, 0, 1]], tips])
    faces = np.array([[0, 1, 2 + i] if i not in reverse else [1, 0, 2 + i] for i in range(len(degrees))])
    return vertices, faces


def together(mesh):
    """Which of the input's triangles, told by the index of their third vertex, share a component."""
    sheets = manifold_sheets(*mesh)
    tip = sheets.origin[sheets.faces].max(axis=1) - 2
    return {frozenset(tip[sheets.part == part].tolist()) for part in range(sheets.n_parts)}


@pytest.mark.parametrize("mesh", [shapes.sphere(subdivisions=2), shapes.torus(n_major=12, n_minor=8), shapes.plane(4)])
def test_a_manifold_stays_as_it_is(mesh):
    sheets = manifold_sheets(*mesh)
    np.testing.assert_array_equal(sheets.vertices[sheets.faces], mesh[0][mesh[1]])
    np.testing.assert_array_equal(sheets.vertices, mesh[0][sheets.origin])
    assert len(sheets.vertices) == len(mesh[0])
    assert sheets.n_parts == 1


def test_a_soup_is_welded():
    sheets = manifold_sheets(*shapes.soup(shapes.sphere(subdivisions=2)))
    assert (len(sheets.vertices), n_borders(sheets.faces)) == (162, 0)


def test_minus_zero_is_zero():
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [-0.0, 0, 0], [1, -0.0, 0], [0, -1, 0]])
    assert len(manifold_sheets(vertices, [[0, 1, 2], [4, 3, 5]]).vertices) == 4


def test_repeats_are_dropped_whatever_their_orientation():
    vertices, faces = shapes.plane(3)
    twice = np.concatenate([faces, faces[:, ::-1], np.roll(faces, 1, axis=1), [[0, 0, 1]]])
    np.testing.assert_array_equal(manifold_sheets(vertices, twice).faces, manifold_sheets(vertices, faces).faces)


def test_cubes_that_share_an_edge_come_apart_as_cubes():
    sheets = manifold_sheets(*shapes.joined(box_at(0, 0), box_at(1, 1)))
    assert (sheets.n_parts, len(sheets.vertices), n_borders(sheets.faces)) == (2, 16, 0)
    assert np.ptp(sheets.vertices[sheets.faces[sheets.part == 0]].reshape(-1, 3), axis=0).max() == 1


def test_cubes_that_share_a_corner_come_apart_as_cubes():
    sheets = manifold_sheets(*shapes.joined(box_at(0, 0), box_at(1, 1, 1)))
    assert (sheets.n_parts, len(sheets.vertices), n_borders(sheets.faces)) == (2, 16, 0)


def test_solids_keep_to_themselves_even_where_they_face_each_other_flatly():
    # Two slim wedges point at each other: 0 to 30 and 180 to 210 degrees.
    assert together(wings(0, 30, 180, 210, reverse=(0, 2))) == {frozenset({0, 1}), frozenset({2, 3})}


def test_a_wall_leaves_its_floor_in_one_piece():
    assert together(wings(0, 90, 180, reverse=(0,))) == {frozenset({0, 2}), frozenset({1})}


def test_crossing_sheets_stay_two():
    assert together(wings(0, 90, 180, 270, reverse=(0, 1))) == {frozenset({0, 2}), frozenset({1, 3})}


def test_many_faces_at_an_edge():
    sheets = manifold_sheets(*wings(*np.linspace(0, 350, 61)))
    assert is_simplicial_manifold(sheets.faces)
    assert sheets.n_parts == 31


def test_an_edge_too_short_to_have_a_direction():
    # Three faces without an area at an edge whose squared length underflows; each holds two others together.
    vertices, faces = wings(0, 120, 240)
    vertices[1] = (0, 0, 1e-300)
    vertices = np.concatenate([vertices, vertices[2:] + (0, 0, 1), vertices[2:] - (0, 0, 1)])
    tips = np.arange(2, 5)
    above = np.stack([np.ones(3, int), tips, tips + 3], axis=1)
    below = np.stack([np.zeros(3, int), tips, tips + 6], axis=1)
    sheets = manifold_sheets(vertices, np.concatenate([faces, above, below]))
    assert len(sheets.faces) == 9
    assert is_simplicial_manifold(sheets.faces)


@pytest.mark.parametrize("share", [0.1, 0.4])
def test_orientation_follows_most_of_the_area(share):
    vertices, faces = shapes.sphere(subdivisions=2)
    turned = np.random.default_rng(0).random(len(faces)) < share
    sheets = manifold_sheets(vertices, np.where(turned[:, None], faces[:, ::-1], faces))
    assert volume(sheets.vertices, sheets.faces) == pytest.approx(volume(vertices, faces))


def test_a_moebius_strip_is_cut_at_its_seam():
    n = 12
    turn = 2 * np.pi * np.arange(n) / n
    ring = np.stack([np.cos(turn), np.sin(turn), np.zeros(n)], axis=1)
    lean = np.stack([np.cos(turn) * np.cos(turn / 2), np.sin(turn) * np.cos(turn / 2), np.sin(turn / 2)], axis=1)
    vertices = np.concatenate([ring - 0.3 * lean, ring + 0.3 * lean])
    a, b = np.arange(n), (np.arange(n) + 1) % n
    low, high = np.where(b == 0, n, 0) + b, np.where(b == 0, 0, n) + b
    faces = np.concatenate([np.stack([a, low, high], axis=1), np.stack([a, high, a + n], axis=1)])
    sheets = manifold_sheets(vertices, faces)
    assert is_simplicial_manifold(sheets.faces)
    assert (sheets.n_parts, len(sheets.vertices), n_borders(sheets.faces)) == (1, 2 * n + 2, 2 * n + 2)
    assert set(sheets.origin[np.bincount(sheets.origin)[sheets.origin] == 2]) == {0, n}


def test_a_cavity_that_touches_the_outside_along_an_edge_is_not_torn():
    # Going by solids, each side of the floor is glued to a side of the cavity: one closed surface, but one that runs
    # through the edge twice, which vertices cannot tell.
    vertices, faces = shapes.box((1, 1, 1), subdivisions=1)
    inner = [[0.0, 0, 1], [1, 1, 1], [-0.3, 0.3, 0.5], [0.3, -0.3, 0.5]]
    on_top = np.flatnonzero((vertices == inner[0]).all(axis=1) | (vertices == inner[1]).all(axis=1))
    assert np.isin(faces, on_top).sum(axis=1).max() == 2  # the box has that edge
    cavity = np.array(inner), TETRAHEDRON
    assert volume(*cavity) < 0
    sheets = manifold_sheets(*shapes.joined((vertices, faces), cavity))
    assert (sheets.n_parts, n_borders(sheets.faces)) == (2, 0)
    assert volume(sheets.vertices, sheets.faces) == pytest.approx(8 + volume(*cavity))


def test_a_face_without_area_stays_if_it_holds_others_together():
    # Below the line two triangles meet at (1, 0, 0), above it one passes by; the flat face closes the T-junction.
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [1, 1, 0], [0.5, -1, 0], [1.5, -1, 0]])
    real = [[0, 2, 3], [0, 4, 1], [1, 5, 2], [1, 4, 5]]
    sheets = manifold_sheets(vertices, [*real, [0, 1, 2]])
    assert (len(sheets.faces), sheets.n_parts) == (5, 1)
    assert len(manifold_sheets(vertices, [*real[:1], [0, 1, 2]]).faces) == 1


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_units_do_not_matter(scale):
    vertices, faces = shapes.box()
    assert len(manifold_sheets(vertices * scale, faces).faces) == 12


@pytest.mark.parametrize("faces", [np.empty((0, 3)), [[0, 1, 1]], [[0, 1, 2]], [[0, 1, 9]]])
def test_no_surface_is_an_error(faces):
    with pytest.raises(ValueError, match="face"):
        manifold_sheets(np.array([[0.0, 0, 0], [1, 1, 1], [2, 2, 2]]), faces)


@pytest.mark.parametrize(
    ("faces", "answer"),
    [
        (TETRAHEDRON, True),
        (TETRAHEDRON[:1], True),
        (np.empty((0, 3), int), True),
        ([[0, 1, 1]], False),
        ([[0, 1, 2], [1, 2, 0]], False),
        ([[0, 1, 2], [2, 1, 0]], False),
        ([[0, 1, 2], [0, 1, 3]], False),  # they disagree
        ([[0, 1, 2], [1, 0, 3], [0, 1, 4]], False),
        ([[0, 1, 2], [0, 3, 4]], False),  # two fans
        (np.concatenate([TETRAHEDRON, TETRAHEDRON + 4]), True),
        (np.concatenate([TETRAHEDRON, TETRAHEDRON + 3]), False),
    ],
)
def test_simplicial_manifolds(faces, answer):
    assert is_simplicial_manifold(np.asarray(faces)) is answer


@given(
    st_numpy.arrays(np.int64, st.tuples(st.integers(1, 40), st.just(3)), elements=st.integers(0, 9)),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_any_soup_becomes_sheets(faces, on_a_lattice):
    rng = np.random.default_rng(1)
    vertices = rng.integers(0, 2, (10, 3)).astype(float) if on_a_lattice else rng.random((10, 3))
    corners = vertices[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    if not (area > 0).any():
        with pytest.raises(ValueError, match="no face of the mesh has an area"):
            manifold_sheets(vertices, faces)
        return
    sheets = manifold_sheets(vertices, faces)
    assert is_simplicial_manifold(sheets.faces)
    assert np.array_equal(np.unique(sheets.faces), np.arange(len(sheets.vertices)))
    assert np.array_equal(sheets.vertices, vertices[sheets.origin])
    # Each triangle once, those without an area perhaps.
    ours, theirs = triangles(sheets.vertices, sheets.faces), triangles(vertices, faces)
    assert len(set(ours)) == len(ours)
    assert set(ours) <= set(theirs)
    assert set(triangles(vertices, faces[area > 0])) <= set(ours)
    neighbours = topology(sheets.faces, len(sheets.vertices)).twins
    glued = np.flatnonzero(neighbours >= 0)
    assert np.array_equal(sheets.part[glued // 3], sheets.part[neighbours[glued] // 3])
