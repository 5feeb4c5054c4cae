from __future__ import annotations

import json

import numpy as np
import pytest
import shapes
from sdfz.codec.distortion import F_SCORE_DISTANCES, Reference, measure


def test_a_mesh_against_itself() -> None:
    mesh = shapes.torus()
    found = measure(mesh, mesh, 5000)
    assert found.hd < 1e-9
    assert found.normal_consistency == pytest.approx(1)
    assert found.f_scores == dict.fromkeys(F_SCORE_DISTANCES, 1.0)
    # Neither the orientation nor the order of the triangles counts.
    assert measure(mesh, shapes.reversed_faces(mesh), 5000).normal_consistency == pytest.approx(1)


def test_concentric_spheres() -> None:
    found = measure(shapes.sphere(0.5, 5), shapes.sphere(0.505, 5), 20_000)
    expected = 0.005 / np.sqrt(3)  # diagonal of the inner sphere's box
    for figure in (found.cd, found.rms, found.p99, found.hd, found.forward.mean, found.backward.mean):
        assert figure == pytest.approx(expected, rel=0.05)
    assert found.f_scores == {0.001: 0.0, 0.002: 0.0, 0.005: 1.0, 0.01: 1.0}


def test_shifted_planes() -> None:
    # Up and sideways by 0.01: over the shared part the distance is the height alone.
    vertices, faces = shapes.plane(10, 0.5)
    found = measure((vertices, faces), (vertices + [0.01, 0, 0.01], faces), 50_000)
    diagonal = np.sqrt(2)
    assert found.cd == pytest.approx(0.01 / diagonal, rel=0.01)
    assert found.hd == pytest.approx(0.01 * np.sqrt(2) / diagonal)
    assert found.forward.max == pytest.approx(found.backward.max)


def test_missing_part_shows_in_one_direction() -> None:
    vertices, faces = shapes.plane(10, 0.5)
    half = vertices[faces].mean(axis=1)[:, 0] < 0
    found = measure((vertices, faces), (vertices, faces[half]), 50_000)
    diagonal = np.sqrt(2)
    assert found.backward.max < 1e-9
    assert found.forward.max == pytest.approx(0.5 / diagonal)
    assert found.forward.mean == pytest.approx(0.125 / diagonal, rel=0.01)
    assert found.cd == pytest.approx(0.0625 / diagonal, rel=0.01)
    assert found.forward.rms == pytest.approx(0.5 / np.sqrt(6) / diagonal, rel=0.01)
    assert found.rms == pytest.approx(0.5 / np.sqrt(12) / diagonal, rel=0.01)
    assert found.p99 == pytest.approx(0.49 / diagonal, rel=0.01)
    recall = 0.5 + 0.5 * 0.01 * diagonal / 0.5
    assert found.f_scores[0.01] == pytest.approx(2 * recall / (1 + recall), abs=0.002)
    # The other way round the directions change places; the diagonal is the other's.
    swapped = measure((vertices, faces[half]), (vertices, faces), 50_000)
    assert swapped.backward.max == pytest.approx(0.5 / np.hypot(0.5, 1.0))


def test_maximum_asks_the_vertices() -> None:
    vertices, faces = shapes.plane(10, 0.5)
    spike = np.array([[0.0, 0.0, 0.3], [1e-6, 0, 0], [0, 1e-6, 0]])
    other = shapes.joined((vertices, faces), (spike, np.array([[0, 1, 2]])))
    found = measure((vertices, faces), other, 100)
    assert found.hd == found.backward.max == pytest.approx(0.3 / np.sqrt(2))
    assert found.backward.mean < 1e-6


def test_normals_of_a_tilted_plane() -> None:
    vertices, faces = shapes.plane(10, 0.5)
    tilted = vertices + vertices[:, :1] * [0, 0, 1]  # by 45 degrees
    assert measure((vertices, faces), (tilted, faces), 5000).normal_consistency == pytest.approx(np.sqrt(0.5))


def test_any_frame_and_same_seed() -> None:
    first, second = shapes.sphere(0.5, 3), shapes.sphere(0.5, 4)
    found = measure(first, second, 3000, seed=5)
    assert measure(first, second, 3000, seed=5) == found
    assert measure(first, second, 3000, seed=6) != found
    far = measure((first[0] * 1e-3 + 1000, first[1]), (second[0] * 1e-3 + 1000, second[1]), 3000, seed=5)
    assert far.cd == pytest.approx(found.cd, rel=1e-5)


def test_reference_measures_many() -> None:
    first, second = shapes.box(), shapes.sphere(0.4, 3)
    reference = Reference(*first, n_samples=2000, seed=3)
    assert reference.diagonal == pytest.approx(2 * np.linalg.norm([0.7, 0.5, 0.3]))
    for _ in range(2):
        assert reference.measure(*second) == measure(first, second, 2000, seed=3)


def test_nothing_is_infinitely_far_away() -> None:
    mesh = shapes.box()
    found = measure(mesh, (np.empty((0, 3)), np.empty((0, 3), int)))
    assert found.cd == found.hd == np.inf
    assert set(found.f_scores.values()) == {0.0}
    with pytest.raises(ValueError, match="has an area"):
        measure((np.empty((0, 3)), np.empty((0, 3), int)), mesh)


def test_as_dict_is_plain() -> None:
    found = measure(shapes.box(), shapes.sphere(0.5, 2), 100)
    plain = json.loads(json.dumps(found.as_dict()))
    assert plain["cd"] == found.cd
    assert plain["forward"]["max"] == found.forward.max
