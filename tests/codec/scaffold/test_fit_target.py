"""The surface that control meshes are fitted to."""

import numpy as np
import pytest
from sdfz.codec.sample import surface_points
from sdfz.codec.scaffold.fit_target import (
    FitTarget,
    face_normals,
    located,
    normals_and_areas,
    spread_along,
    spread_over,
)
from shapes import plane, sphere


def test_frame_has_the_lower_corner_at_zero_and_a_diagonal_of_one():
    vertices, faces = sphere(0.5, 2, centre=(3.0, -2.0, 100.0))
    target = FitTarget(vertices, faces)
    assert np.allclose(target.points.min(axis=0), 0)
    assert np.linalg.norm(target.points.max(axis=0)) == pytest.approx(1)
    assert np.allclose(target.points * target.scale + target.origin, vertices)


def test_boundary_samples_lie_evenly_along_the_boundary():
    target = FitTarget(*plane(4))
    samples = target.boundary_samples(400)
    side = 1 / np.sqrt(2)
    on_left, on_bottom = samples[:, 0] < 1e-12, samples[:, 1] < 1e-12
    assert on_left.sum() == on_bottom.sum() == 100
    assert np.allclose(np.sort(samples[on_left, 1]), side * (np.arange(100) + 0.5) / 100)
    assert len(FitTarget(*sphere(subdivisions=1)).boundary_samples(5)) == 0


def test_points_along_segments_come_with_their_place():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [1, 3, 0]])
    ends = np.array([[0, 1], [2, 1], [1, 1]])
    positions, segment, share = spread_along(points, ends, 4)
    assert segment.tolist() == [0, 1, 1, 1]
    assert share == pytest.approx([0.5, 1 / 6, 1 / 2, 5 / 6])
    assert np.allclose(positions, [[0.5, 0, 0], [1, 2.5, 0], [1, 1.5, 0], [1, 0.5, 0]])


def test_normals_point_outside_and_vanish_without_an_area():
    vertices, faces = sphere(subdivisions=1)
    normals = face_normals(vertices, np.concatenate([faces, [[0, 0, 1]]]))
    assert (np.einsum("fx,fx->f", normals[:-1], vertices[faces].mean(axis=1)) > 0).all()
    assert (normals[-1] == 0).all()


def test_places_spread_over_a_surface_are_surface_points():
    rng = np.random.default_rng(0)
    points, faces = rng.normal(size=(20, 3)), rng.integers(20, size=(50, 3))
    faces[[0, 20, 49]] = 3  # without an area
    _, areas = normals_and_areas(points, faces)
    face, share = spread_over(areas, 400, np.random.default_rng(1))
    expected, expected_face = surface_points(points, faces, 400, np.random.default_rng(1))
    assert (face == expected_face).all()
    assert np.allclose(located(points, faces, face, share), expected)
