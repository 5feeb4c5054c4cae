from __future__ import annotations

import numpy as np
import pytest
import shapes
from sdfz.codec.distance import DistanceOracle
from sdfz.codec.sample import surface_points


def sign_changes(oracle: DistanceOracle, mesh: shapes.Mesh, offset: float = 1e-3) -> np.ndarray:
    """For points spread over the area: whether the sign changes from one side to the other."""
    points, face = surface_points(*mesh, 5000, np.random.default_rng(1))
    corners = mesh[0][mesh[1][face]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals *= offset / np.linalg.norm(normals, axis=1, keepdims=True)
    return (oracle.signed(points + normals) > 0) != (oracle.signed(points - normals) > 0)


def cloud(n: int = 4000) -> np.ndarray:
    return np.random.default_rng(0).uniform(-1, 1, (n, 3))


def test_known_distances() -> None:
    points = cloud()
    for mesh, exact, tolerance in [
        (shapes.sphere(), shapes.sphere_distance(points), 2e-3),
        (shapes.box(), shapes.box_distance(points), 1e-12),
        (shapes.torus(), shapes.torus_distance(points), 2e-3),
    ]:
        oracle = DistanceOracle(*mesh)
        assert oracle.sign_rule == "winding"
        assert oracle.lost_share == 0
        np.testing.assert_allclose(oracle.signed(points), exact, atol=tolerance)
        np.testing.assert_array_equal(oracle.unsigned(points), np.abs(oracle.signed(points)))


def test_closest_points_lie_on_the_faces_named() -> None:
    vertices, faces = shapes.box()
    # Rows that are no triangles, and repeats, do not shift the names of the others.
    faces = np.concatenate([[[0, 0, 1]], faces[:3], faces[:3], faces[3:]])
    points = cloud(500)
    distance, face, near = DistanceOracle(vertices, faces).closest(points)
    np.testing.assert_allclose(np.linalg.norm(points - near, axis=1), distance, atol=1e-12)
    corners = vertices[faces[face]]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    np.testing.assert_allclose(np.einsum("px,px->p", near - corners[:, 0], normal), 0, atol=1e-12)
    assert set(face) <= {1, 2, 3, *range(7, 16)}


def test_large_batches_agree_with_small_ones() -> None:
    oracle = DistanceOracle(*shapes.torus())
    points = cloud(5000)
    one_by_one = np.concatenate([oracle.signed(part) for part in np.array_split(points, 50)])
    np.testing.assert_array_equal(oracle.signed(points), one_by_one)
    assert oracle.signed(np.empty((0, 3))).shape == (0,)


@pytest.mark.parametrize("sign_rule", ["winding", "open winding", "local winding"])
def test_defects_that_leave_the_sign_alone(sign_rule: str) -> None:
    vertices, faces = shapes.sphere(0.8, 4)
    points = cloud()
    exact = shapes.sphere_distance(points)
    clear = np.abs(exact) > 0.01
    rng = np.random.default_rng(2)
    flipped, tossed = (np.where(rng.random((len(faces), 1)) < share, faces[:, ::-1], faces) for share in (0.05, 0.5))
    for mesh in [
        (vertices, faces),
        (vertices, flipped),
        (vertices, tossed),
        (vertices, np.concatenate([faces, faces[:50], [[0, 0, 5]]])),
        shapes.soup((vertices, flipped)),
        shapes.reversed_faces((vertices, faces)),
    ]:
        signed = DistanceOracle(*mesh, sign_rule=sign_rule).signed(points)
        np.testing.assert_array_equal(signed[clear] < 0, exact[clear] < 0)


def test_box_soup_of_large_triangles() -> None:
    points = cloud()
    signed = DistanceOracle(*shapes.soup(shapes.box())).signed(points)
    np.testing.assert_allclose(signed, shapes.box_distance(points), atol=1e-12)


def test_hole_is_closed_by_a_film() -> None:
    vertices, faces = shapes.sphere(0.8, 4)
    faces = faces[vertices[faces].mean(axis=1)[:, 2] < 0.7]  # a cap of a sixteenth of the area is missing
    oracle = DistanceOracle(vertices, faces)
    points = cloud()
    below = points[points[:, 2] < 0.4]
    exact = shapes.sphere_distance(below)
    clear = np.abs(exact) > 0.01
    np.testing.assert_array_equal(oracle.signed(below)[clear] < 0, exact[clear] < 0)
    assert np.all(oracle.signed(np.array([[0, 0, 0.95], [0.5, 0.5, 0.9]])) > 0)


def test_open_sheet_has_two_sides() -> None:
    mesh = shapes.height_field()
    oracle = DistanceOracle(*mesh)
    assert oracle.sign_rule == "open winding"
    assert oracle.lost_share < 0.01
    assert sign_changes(oracle, mesh).mean() > 0.99
    assert DistanceOracle(*mesh, sign_rule="winding").lost_share > 0.5
    assert sign_changes(DistanceOracle(*mesh, sign_rule="local winding"), mesh).mean() > 0.99


def test_hidden_parts_count_under_the_local_rule_only() -> None:
    mesh = shapes.joined(shapes.sphere(0.5, 4, (-0.25, 0, 0)), shapes.sphere(0.5, 4, (0.25, 0, 0)))
    oracle = DistanceOracle(*mesh)
    hidden = 0.25  # each sphere loses a cap of height r / 2
    assert oracle.sign_rule == "winding"
    assert oracle.lost_share == pytest.approx(hidden, abs=0.02)
    assert sign_changes(DistanceOracle(*mesh, sign_rule="local winding"), mesh).mean() > 0.95
    assert sign_changes(DistanceOracle(*mesh, sign_rule="open winding"), mesh).mean() == pytest.approx(0.75, abs=0.02)


def test_inside_out_parts_are_turned_and_cavities_kept() -> None:
    left, right = shapes.sphere(0.3, 3, (-0.5, 0, 0)), shapes.sphere(0.4, 3, (0.5, 0, 0))
    cavity = shapes.reversed_faces(shapes.sphere(0.2, 3, (0.5, 0, 0)))
    oracle = DistanceOracle(*shapes.joined(shapes.reversed_faces(left), right, cavity))
    np.testing.assert_array_equal(oracle.signed([[-0.5, 0, 0], [0.5, 0, 0], [0.5, 0.3, 0]]) < 0, [True, False, True])


def test_sheet_with_two_coinciding_sides_is_one_sheet() -> None:
    vertices, faces = shapes.height_field()
    oracle = DistanceOracle(vertices, np.concatenate([faces, faces[:, ::-1]]))
    assert sign_changes(oracle, (vertices, faces)).mean() > 0.99


def test_wall_between_two_solids_is_inside() -> None:
    low, high = shapes.box((0.5, 0.5, 0.25)), shapes.box((0.5, 0.5, 0.25))
    oracle = DistanceOracle(*shapes.joined((low[0] - [0, 0, 0.25], low[1]), (high[0] + [0, 0, 0.25], high[1])))
    inside = np.random.default_rng(3).uniform(-0.49, 0.49, (1000, 3))
    assert np.all(oracle.signed(inside) < 0)


@pytest.mark.parametrize(("scale", "offset"), [(1.0, 1e6), (1e-6, 0.0), (1e-6, 1.0), (1e8, -1e9)])
def test_any_frame(scale: float, offset: float) -> None:
    vertices, faces = shapes.torus()
    points = cloud(1000)
    expected = DistanceOracle(vertices, faces).signed(points)
    oracle = DistanceOracle(vertices * scale + offset, faces)
    # The coordinates themselves are only so fine.
    tolerance = 4 * np.spacing(abs(offset) + scale) / scale + 1e-9
    clear = np.abs(expected) > tolerance
    signed = oracle.signed(points * scale + offset) / scale
    np.testing.assert_allclose(signed[clear], expected[clear], atol=tolerance)


def test_unused_vertices_may_be_anything() -> None:
    vertices, faces = shapes.box()
    oracle = DistanceOracle(np.concatenate([vertices, [[np.nan] * 3, [1e30] * 3]]), faces)
    assert oracle.signed([[0, 0, 0]])[0] == pytest.approx(-0.3)


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (np.zeros((3, 2)), [[0, 1, 2]], "not \\(V, 3\\)"),
        (np.zeros((3, 3)), np.empty((0, 3), int), "F > 0"),
        (np.zeros((3, 3)), [[0, 1, 3]], "name vertices 0 to 3 of 3"),
        (np.zeros((3, 3)), [[0, 1, 2]], "has an area"),
        ([[0, 0, 0], [1, 0, 0], [0, np.inf, 0]], [[0, 1, 2]], "not finite"),
    ],
)
def test_meshes_without_a_surface(vertices: object, faces: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DistanceOracle(vertices, faces)


def test_wrong_arguments() -> None:
    with pytest.raises(ValueError, match="sign_rule is 'ray'"):
        DistanceOracle(*shapes.box(), sign_rule="ray")
    with pytest.raises(ValueError, match="not \\(N, 3\\)"):
        DistanceOracle(*shapes.box()).signed([0.0, 0.0, 0.0])
