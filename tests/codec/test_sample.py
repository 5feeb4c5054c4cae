from __future__ import annotations

import numpy as np
import pytest
import shapes
from sdfz.codec.distance import DistanceOracle
from sdfz.codec.sample import near_surface, surface_points, uniform


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_each_face_gets_its_share_of_the_area() -> None:
    mesh = shapes.box((0.7, 0.5, 0.3), subdivisions=2)
    corners = mesh[0][mesh[1]]
    areas = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    points, face = surface_points(*mesh, 10_000, rng())
    expected = 10_000 * areas / areas.sum()
    # Stratified: a face is off by less than one point at each end of its share.
    assert np.all(np.abs(np.bincount(face, minlength=len(areas)) - expected) < 2)
    np.testing.assert_allclose(shapes.box_distance(points), 0, atol=1e-12)


def test_points_are_uniform_within_a_face() -> None:
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    points, _ = surface_points(vertices, [[0, 1, 2]], 30_000, rng())
    assert np.all(points[:, 0] + points[:, 1] <= 1) and points[:, :2].min() >= 0
    # Each of the four similar triangles holds a quarter.
    x, y = points[:, 0], points[:, 1]
    for part in (x > 0.5, y > 0.5, x + y < 0.5):
        assert part.mean() == pytest.approx(0.25, abs=0.01)
    np.testing.assert_allclose(points.mean(axis=0), [1 / 3, 1 / 3, 0], atol=3e-3)


def test_faces_without_area_get_no_points() -> None:
    vertices, faces = shapes.box()
    faces = np.concatenate([[[0, 0, 1]], faces, [[2, 2, 2]]])
    _, face = surface_points(vertices, faces, 999, rng())
    assert face.min() >= 1 and face.max() < len(faces) - 1
    with pytest.raises(ValueError, match="no area"):
        surface_points(vertices, [[0, 0, 1]], 10, rng())
    with pytest.raises(ValueError, match="no area"):
        surface_points(vertices, np.empty((0, 3), int), 10, rng())


def test_same_seed_same_points() -> None:
    mesh = shapes.torus()
    np.testing.assert_array_equal(surface_points(*mesh, 100, rng(7))[0], surface_points(*mesh, 100, rng(7))[0])
    assert not np.array_equal(surface_points(*mesh, 100, rng(7))[0], surface_points(*mesh, 100, rng(8))[0])
    assert surface_points(*mesh, 0, rng())[0].shape == (0, 3)


def test_near_surface_distances_and_scales() -> None:
    mesh = shapes.sphere(0.8, 5)
    oracle = DistanceOracle(*mesh)
    samples = near_surface(oracle, *mesh, 6000, (0.0, 0.01, 0.05), rng())
    assert samples.points.dtype == samples.distances.dtype == np.float32
    np.testing.assert_allclose(samples.distances, shapes.sphere_distance(samples.points), atol=1e-3)
    for start, scale in enumerate((0.0, 0.01, 0.05)):
        assert samples.distances[start::3].std() == pytest.approx(scale, rel=0.1, abs=1e-6)


def test_uniform_samples_fill_the_box() -> None:
    samples = uniform(DistanceOracle(*shapes.box()), 4000, rng(), lower=(-1, -0.5, 0), upper=(1, 0.5, 0.25))
    np.testing.assert_allclose(samples.distances, shapes.box_distance(samples.points), atol=1e-6)
    np.testing.assert_allclose(samples.points.mean(axis=0), [0, 0, 0.125], atol=0.03)
    assert np.all(samples.points >= [-1, -0.5, 0]) and np.all(samples.points <= [1, 0.5, 0.25])
