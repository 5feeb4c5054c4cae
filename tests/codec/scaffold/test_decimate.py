"""Quadric decimation: counts, shape, topology."""

import numpy as np
import pytest
import shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.distortion import measure
from sdfz.codec.scaffold.decimate import decimate, decimate_ladder
from sdfz.codec.scaffold.halfedges import face_parts
from sdfz.codec.scaffold.losses import spread_points
from sdfz.codec.scaffold.sheets import is_simplicial_manifold, manifold_sheets
from sdfz.codec.scaffold.topology import topology


def parts(faces):
    """The component of each face."""
    return face_parts(topology(faces, int(faces.max()) + 1).twins)


def euler(faces):
    edges = np.unique(np.sort(faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1), axis=0)
    return len(np.unique(faces)) - len(edges) + len(faces)


def volume(vertices, faces):
    return float(np.linalg.det(vertices[faces]).sum() / 6)


def test_a_box_becomes_twelve_faces_exactly():
    vertices, faces = decimate(*shapes.box(subdivisions=3), 12)
    half = np.sort(np.abs(vertices), axis=0)
    np.testing.assert_allclose(half, np.tile([0.7, 0.5, 0.3], (8, 1)), atol=1e-5)
    assert volume(vertices, faces) == pytest.approx(8 * 0.7 * 0.5 * 0.3, rel=1e-4)


def test_a_flat_sheet_keeps_its_outline():
    vertices, faces = decimate(*shapes.plane(12, half=0.9, height=0.25), 2)
    assert len(faces) == 2
    np.testing.assert_allclose(np.abs(vertices), np.tile([0.9, 0.9, 0.25], (4, 1)), atol=1e-4)


def test_a_sphere_stays_round():
    ladder = decimate_ladder(*shapes.sphere(subdivisions=4), [1000, 250, 60])
    for (vertices, faces), count, error in zip(ladder, (1000, 250, 60), (0.008, 0.03, 0.1), strict=True):
        assert count - 1 <= len(faces) <= count
        assert np.abs(np.linalg.norm(vertices[faces].mean(axis=1), axis=1) / 0.8 - 1).max() < error
        assert volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=error)


@pytest.mark.parametrize(
    "mesh", [shapes.height_field(16), shapes.torus(n_major=32, n_minor=16)], ids=["sheet", "torus"]
)
def test_topology_stays_where_it_is_large(mesh):
    for (_, faces), most in zip(decimate_ladder(*mesh, [200, 40]), (200, 40), strict=True):
        assert is_simplicial_manifold(faces)
        assert euler(faces) == euler(mesh[1])
        assert len(faces) <= most


def test_a_thin_handle_goes_before_the_shape_suffers():
    # A ring with a hole through which a hair would pass.
    vertices, faces = shapes.torus(major=0.5, minor=0.499, n_major=32, n_minor=16)
    mesh = decimate(vertices, faces, 20)
    assert is_simplicial_manifold(mesh[1])
    assert (euler(faces), euler(mesh[1])) == (0, 2)
    assert volume(*mesh) == pytest.approx(volume(vertices, faces), rel=0.4)


def test_pinholes_close():
    vertices, faces = shapes.sphere(subdivisions=4)
    holes = np.random.default_rng(0).choice(len(faces), 60, replace=False)
    sheets = manifold_sheets(vertices, np.delete(faces, holes, axis=0))
    whole = decimate(sheets.vertices, sheets.faces, 60)
    assert topology(whole[1], len(whole[0])).is_boundary.sum() == 0
    assert volume(*whole) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.1)


def test_a_large_hole_stays():
    vertices, faces = shapes.sphere(subdivisions=4)
    kept = vertices[faces].mean(axis=1)[:, 2] < 0.4
    sheets = manifold_sheets(vertices, faces[kept])
    _, faces = decimate(sheets.vertices, sheets.faces, 60)
    assert topology(faces, int(faces.max()) + 1).is_boundary.sum() >= 4


def test_a_step_of_the_ladder_is_what_its_count_alone_gives():
    mesh = shapes.height_field(16)
    for (vertices, faces), count in zip(decimate_ladder(*mesh, [300, 100]), (300, 100), strict=True):
        alone = decimate(*mesh, count)
        np.testing.assert_allclose(alone[0], vertices, atol=1e-12)
        np.testing.assert_array_equal(alone[1], faces)


def test_the_frame_does_not_matter():
    vertices, faces = shapes.torus(n_major=32, n_minor=16)
    moved, same = decimate(vertices * 1000 + 1e6, faces, 200)
    plain, also = decimate(vertices, faces, 200)
    assert measure((plain, also), ((moved - 1e6) / 1000, same), 2000).hd < 0.02


def test_crumbs_go_before_the_shape_suffers():
    crumbs = [shapes.sphere(0.01, 1, 0.82 * centre) for centre in np.eye(3)]
    flake = shapes.plane(2, 0.01, height=0.82)
    mesh = shapes.joined(shapes.sphere(subdivisions=3), *crumbs, flake)
    vertices, faces = decimate(*mesh, 200)
    assert parts(faces).max() == 0
    assert volume(vertices, faces) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.05)


def test_a_part_goes_by_how_far_it_is_from_the_rest():
    # Of two boxes of the same size, one lies on a plate and one floats far away.
    plate, box = shapes.plane(8, half=2.0), shapes.box((0.05, 0.05, 0.005))
    on_plate, afloat = (box[0] + (1, 1, 0.005), box[1]), (box[0] + (0, 0, 3.0), box[1])
    vertices, faces = decimate(*shapes.joined(plate, on_plate, afloat), 14)
    assert parts(faces).max() == 1
    assert vertices[:, 2].max() > 2.9


def test_of_two_parts_that_coincide_only_the_first_is_worth_nothing():
    sheet, far = shapes.plane(4, half=0.2), shapes.plane(4, half=0.2, height=1.0)
    vertices, _ = decimate(*shapes.joined(sheet, sheet, far, far), 4)
    assert set(np.round(vertices[:, 2], 6)) == {0.0, 1.0}


def test_what_stands_for_the_surface_decides_what_is_lost():
    low, high = shapes.plane(2), shapes.plane(2, height=0.1)
    for stays in (low, high):
        vertices, _ = decimate(*shapes.joined(low, high), 2, standing=spread_points(*stays))
        assert vertices[:, 2] == pytest.approx(stays[0][0, 2])


def test_large_parts_stay():
    mesh = shapes.joined(shapes.sphere(0.5, 3), shapes.sphere(0.4, 3, (2, 0, 0)))
    assert parts(decimate(*mesh, 16)[1]).max() == 1


def test_the_last_part_stays():
    mesh = shapes.joined(shapes.sphere(0.5, 2), shapes.sphere(0.4, 2, (2, 0, 0)), shapes.plane(3))
    assert parts(decimate(*mesh, 1)[1]).max() == 0


def test_enough_is_enough():
    mesh = shapes.sphere(subdivisions=1)
    vertices, faces = decimate(*mesh, 80)
    np.testing.assert_allclose(vertices, mesh[0], atol=1e-15)
    np.testing.assert_array_equal(faces, mesh[1])


@pytest.mark.parametrize("counts", [[0], [10, 20]])
def test_counts_fall(counts):
    with pytest.raises(ValueError, match="positive and falling"):
        decimate_ladder(*shapes.box(), counts)


@pytest.mark.parametrize("faces", [[[0, 1, 2], [0, 3, 4]], [[0, 1, 2], [0, 1, 3]]])
def test_what_is_no_manifold_is_an_error(faces):
    with pytest.raises(ValueError, match="fans|faces"):
        decimate(np.random.default_rng(0).random((5, 3)), faces, 1)


def test_no_faces_is_an_error():
    with pytest.raises(ValueError, match="no faces"):
        decimate(np.zeros((0, 3)), np.zeros((0, 3), int), 1)


@given(st.integers(0, 2**32), st.integers(5, 80), st.booleans())
@settings(max_examples=60, deadline=None)
def test_whatever_comes_out_of_a_soup_decimates_to_manifolds(seed, n_faces, is_flat):
    rng = np.random.default_rng(seed)
    points = rng.random((12, 3)) * (1, 1, 0 if is_flat else 1)
    sheets = manifold_sheets(points, np.array([rng.permutation(12)[:3] for _ in range(n_faces)]))
    for vertices, faces in decimate_ladder(sheets.vertices, sheets.faces, [20, 8, 1]):
        assert is_simplicial_manifold(faces)
        assert 0 < len(faces) <= len(sheets.faces)
        assert np.array_equal(np.unique(faces), np.arange(len(vertices)))
        assert np.isfinite(vertices).all()
