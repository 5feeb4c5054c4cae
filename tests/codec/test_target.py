"""What the encoder asks of a shape: cells that cover it, samples with exact distances, in any frame."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from sdfz.codec.occupancy import cells_of_points
from sdfz.codec.sample import surface_points
from sdfz.codec.target import Target
from sdfz.formats.errors import MeshError

CENTRE = np.array([300.0, -20.0, 7.0])
RADIUS = 25.0
FINE = shapes.sphere(RADIUS, 5, CENTRE)


@pytest.fixture(scope="module")
def target() -> Target:
    """A sphere of 25 units, far from the origin."""
    return Target(*FINE, seed=3)


def test_diagonal(target: Target) -> None:
    assert target.diagonal == pytest.approx(2 * RADIUS * 3**0.5, rel=1e-3)


@pytest.mark.parametrize("fill", [0.5, 0.7, 0.95])
def test_the_shape_fills_its_frame(target: Target, fill: float) -> None:
    frame = target.frame(fill)
    extent = np.abs(frame.to_normalized(FINE[0])).max()
    assert 0.95 * fill < extent <= fill  # the scale is rounded up, to 1 of 128


@pytest.mark.parametrize("depth", [2, 4, 6])
def test_cells_cover_the_surface(target: Target, depth: int) -> None:
    frame = target.frame(0.8)
    cells = target.cells(frame, depth)
    points, _ = surface_points(*FINE, 100_000, np.random.default_rng(9))
    needed = cells_of_points(frame.to_normalized(points), depth)
    named = set(map(tuple, cells.tolist()))
    missing = [cell for cell in map(tuple, needed.tolist()) if cell not in named]
    assert len(missing) <= len(cells) // 500  # corners that the surface barely cuts
    # and no more than that: every cell comes close to the surface
    middles = (cells + 0.5) * (2 / (1 << depth)) - 1
    off = shapes.sphere_distance(frame.from_normalized(middles), RADIUS, CENTRE) / frame.scale
    assert np.abs(off).max() < 3**0.5 / (1 << depth) * 1.1
    assert np.array_equal(cells, np.unique(cells, axis=0))
    assert cells.dtype == np.int32


def test_cells_reach_further_when_asked(target: Target) -> None:
    frame = target.frame(0.8)
    assert len(target.cells(frame, 4, reach=0.3)) > len(target.cells(frame, 4))


def test_samples_have_exact_distances(target: Target) -> None:
    frame = target.frame(0.6)
    cells = target.cells(frame, 4)
    samples = target.samples(frame, cells, 4, 20_000)
    assert len(samples.points) == len(samples.distances) == 20_000
    assert samples.points.dtype == samples.distances.dtype == np.float32
    exact = shapes.sphere_distance(frame.from_normalized(samples.points), RADIUS, CENTRE) / frame.scale
    assert np.abs(samples.distances - exact).max() < 3e-4  # what the triangles are off the sphere
    cell = 2 / 16
    near = np.abs(samples.distances)
    assert 0.8 < np.mean(near < cell) <= 1
    assert 0.3 < np.mean(near < 0.1 * cell) < 0.6
    spread = cells_of_points(samples.points, 4)
    assert set(map(tuple, cells.tolist())) <= set(map(tuple, spread.tolist()))


def test_samples_are_in_random_order(target: Target) -> None:
    frame = target.frame(0.6)
    points = target.samples(frame, target.cells(frame, 3), 3, 5000).points
    assert np.abs(points[:2500].mean(axis=0)).max() < 0.05


def test_the_seed_decides(target: Target) -> None:
    frame = target.frame(0.6)
    cells = target.cells(frame, 3)
    points = [Target(*FINE, seed=seed).samples(frame, cells, 3, 1000).points for seed in (3, 3, 4)]
    assert np.array_equal(points[0], points[1])
    assert not np.array_equal(points[0], points[2])


def test_home_and_back(target: Target) -> None:
    frame = target.frame(0.5)
    home = target.to_home(frame.to_normalized(FINE[0]), frame)
    assert home == pytest.approx(target.vertices, abs=1e-12)
    assert np.abs(home).max() <= 1
    assert target.reference(1000).measure(home, FINE[1]).hd < 1e-12


def test_digits_survive_far_away() -> None:
    """At 1e9 the input has 7 digits of its size left, and none is lost on top of that."""
    vertices, faces = shapes.sphere(1.0, 3)
    near, far = Target(vertices, faces), Target(vertices + 1e9, faces)
    frame = far.frame(0.9)
    there_and_back = frame.from_normalized(frame.to_normalized(vertices + 1e9))
    assert np.abs(there_and_back - (vertices + 1e9)).max() <= 2.4e-7  # the last bit at 1e9 is 1.2e-7
    assert len(far.cells(frame, 4)) == pytest.approx(len(near.cells(near.frame(0.9), 4)), rel=0.05)


def test_the_caller_keeps_its_arrays() -> None:
    vertices, faces = shapes.box()
    copies = vertices.copy(), faces.copy()
    target = Target(vertices, faces)
    target.cells(target.frame(0.9), 3)
    assert np.array_equal(vertices, copies[0])
    assert np.array_equal(faces, copies[1])


def test_no_surface() -> None:
    with pytest.raises(MeshError, match="no area"):
        Target(np.zeros((3, 3)), [[0, 1, 2]])
