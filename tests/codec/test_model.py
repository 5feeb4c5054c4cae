"""The field of decoded symbols: known sums and networks, its gradient, what it says outside its cells."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sdfz.codec.gains import FIXED_ONE, gain_of_code
from sdfz.codec.grid.lattice import pyramid
from sdfz.codec.grid.model import GridField, levels_of
from sdfz.codec.grid.symbols import WEIGHT_SCALE, GridSymbols, network_shapes
from sdfz.codec.occupancy import cells_of_points, sorted_cells

Points = NDArray[np.float32]
GAIN_CODE = 80  # a step of 2**-10
STEP = 2.0**-10
NORMAL, OFFSET = np.array([0.5, -0.25, 0.125]), 0.0625


def ball_cells(depth: int, radius: float = 0.6) -> NDArray[np.int32]:
    """Cells around a sphere."""
    points = np.random.default_rng(0).standard_normal((20_000, 3))
    return cells_of_points(radius * points / np.linalg.norm(points, axis=1, keepdims=True), depth)


def symbols_of(
    cells: NDArray[np.int32], depth: int, n_levels: int, *, network: int = 0, size: int = 200
) -> GridSymbols:
    """Random latents and weights on these cells."""
    rng = np.random.default_rng(1)
    return GridSymbols(
        depth=depth,
        cells=cells,
        gain_codes=(GAIN_CODE,) * n_levels,
        network=network,
        weights=tuple(rng.integers(-90, 90, shape).astype(np.int32) for shape in network_shapes(network, n_levels)),
        latents=tuple(
            rng.integers(-size, size, len(level.nodes)).astype(np.int32) for level in pyramid(cells, depth, n_levels)
        ),
    )


def plane_symbols(depth: int = 3) -> GridSymbols:
    """One level, whose latents are those of a plane: trilinear interpolation gives it back exactly."""
    cells = ball_cells(depth)
    (level,) = pyramid(cells, depth, 1)
    values = (level.nodes * level.cell_size - 1) @ NORMAL + OFFSET
    return GridSymbols(depth, cells, (GAIN_CODE,), 0, (), (np.rint(values / STEP).astype(np.int32),))


def points_in(cells: NDArray[np.int32], depth: int, n: int = 2000, inset: float = 0.0) -> Points:
    """Points in random cells, this share of an edge away from their faces."""
    rng = np.random.default_rng(2)
    within = inset + (1 - 2 * inset) * rng.random((n, 3))
    return ((cells[rng.integers(0, len(cells), n)] + within) * (2 / (1 << depth)) - 1).astype(np.float32)


def slopes(field: GridField, points: Points, step: float) -> NDArray[np.float64]:
    """Central differences, (N, 3)."""
    columns = []
    for axis in np.eye(3, dtype=np.float32) * np.float32(step):
        columns.append((field.distance(points + axis).astype(np.float64) - field.distance(points - axis)) / (2 * step))
    return np.stack(columns, 1)


# -- values -----------------------------------------------------------------------------------------------------------


def test_a_plane_is_exact() -> None:
    symbols = plane_symbols()
    points = points_in(symbols.cells, symbols.depth)
    values, gradient = GridField(symbols).distance_and_gradient(points)
    assert values.dtype == gradient.dtype == np.float32
    assert values == pytest.approx(points @ NORMAL + OFFSET, abs=1e-6)
    assert gradient == pytest.approx(np.broadcast_to(NORMAL, (len(points), 3)), abs=1e-5)
    assert np.array_equal(values, GridField(symbols).distance(points))


def test_it_is_what_the_format_says() -> None:
    """The sum of the levels and the network on top, from the words of SPEC.md in plain numpy."""
    depth, n_levels = 4, 3
    symbols = symbols_of(ball_cells(depth), depth, n_levels, network=1)
    points = points_in(symbols.cells, depth, 300)
    features = []
    for level, latents in zip(levels_of(symbols), symbols.latents, strict=True):
        nodes, weights = level.interpolation(points)
        gain = gain_of_code(GAIN_CODE) / FIXED_ONE
        features.append((latents[nodes] * gain * weights.astype(np.float64)).sum(1))
    cell = 2 / (1 << depth)
    local = np.cos(2 * np.pi * (points.astype(np.float64) + 1) / cell)
    inputs = np.concatenate([np.stack(features, 1) * (16 / cell), local, np.ones((len(points), 1))], 1)
    first, second = (weights / WEIGHT_SCALE for weights in symbols.weights)
    bent = (np.maximum(inputs @ first.T, 0) @ second.T)[:, 0] * (cell / 8)
    assert GridField(symbols).distance(points) == pytest.approx(sum(features) + bent, abs=1e-4)
    assert np.abs(bent).max() > 0.01


def test_without_the_finest_level_the_network_is_left_out() -> None:
    depth = 4
    symbols = symbols_of(ball_cells(depth), depth, 3, network=1)
    coarse = GridSymbols(depth, symbols.cells, symbols.gain_codes, 1, symbols.weights, symbols.latents[:2])
    points = points_in(symbols.cells, depth, 300)
    expected = np.zeros(300)
    for level, latents in zip(levels_of(symbols)[:2], symbols.latents[:2], strict=True):
        nodes, weights = level.interpolation(points)
        expected += (latents[nodes] * STEP * weights).sum(1)
    assert GridField(coarse).distance(points) == pytest.approx(expected, abs=1e-5)


# -- gradients --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [0, 1])
def test_gradient_is_that_of_the_values(network: int) -> None:
    depth, step = 3, 2e-4
    symbols = symbols_of(ball_cells(depth), depth, 2, network=network, size=40)
    field = GridField(symbols)
    points = points_in(symbols.cells, depth, inset=0.05)  # at the faces the field has edges
    _, gradient = field.distance_and_gradient(points)
    off = np.abs(gradient - slopes(field, points, step)).max(1)
    # A ReLU that turns between the two points gives an edge as well, now and then.
    assert np.quantile(off, 0.9) < 0.02
    assert np.median(off) < 2e-3
    assert np.abs(gradient).max() > 0.2


def test_gradient_outside_the_cells() -> None:
    """Where some corners have no node the gradient is that of the extrapolation, and not NaN."""
    depth, cell = 3, 2 / 8
    cells = sorted_cells(np.array([[3, 3, 3], [3, 3, 4]]), depth)
    field = GridField(symbols_of(cells, depth, 1))
    inside = points_in(cells, depth, 50, inset=0.1)
    outside = points_in(sorted_cells(cells + [0, 1, 0], depth), depth, 50, inset=0.1)
    points = np.concatenate([inside, outside])
    _, gradient = field.distance_and_gradient(points)
    assert np.isfinite(gradient).all()
    assert gradient == pytest.approx(slopes(field, points, 1e-3 * cell), abs=0.02)


# -- outside ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", [0, 1])
def test_extrapolation_is_continuous(network: int) -> None:
    depth = 3
    cell = 2 / (1 << depth)
    symbols = symbols_of(ball_cells(depth), depth, 3, network=network, size=40)
    field = GridField(symbols)
    named = set(map(tuple, symbols.cells.tolist()))
    rng = np.random.default_rng(3)
    just_inside, just_outside = [], []
    for low in symbols.cells.tolist():
        for axis in range(3):
            beyond = list(low)
            beyond[axis] += 1
            if tuple(beyond) in named or beyond[axis] >= 1 << depth:
                continue
            point = (np.array(low) + rng.random(3)) * cell - 1
            point[axis] = beyond[axis] * cell - 1
            just_inside.append(point - 1e-5 * np.eye(3)[axis])
            just_outside.append(point + 1e-5 * np.eye(3)[axis])
    assert len(just_inside) > 50
    inside, outside = (field.distance(np.array(points, np.float32)) for points in (just_inside, just_outside))
    assert outside == pytest.approx(inside, abs=2e-4)


def test_nothing_is_said_far_away() -> None:
    depth = 3
    field = GridField(symbols_of(sorted_cells(np.array([[3, 3, 3]]), depth), depth, 2))
    far = np.array([[0.9, 0.9, 0.9], [-1, 0, 0]], np.float32)
    assert np.isnan(field.distance(far)).all()


def test_no_points() -> None:
    field = GridField(plane_symbols())
    assert field.distance(np.zeros((0, 3), np.float32)).shape == (0,)
    values, gradient = field.distance_and_gradient(np.zeros((0, 3), np.float32))
    assert (values.shape, gradient.shape) == ((0,), (0, 3))


@pytest.mark.gpu
def test_the_gpu_agrees() -> None:
    depth = 5
    symbols = symbols_of(ball_cells(depth), depth, 4, network=1)
    points = points_in(symbols.cells, depth, 20_000)
    expected, slope = GridField(symbols).distance_and_gradient(points)
    found, found_slope = GridField(symbols, torch.device("cuda"), "torch").distance_and_gradient(points)
    assert found == pytest.approx(expected, abs=1e-4)
    assert np.median(np.abs(found_slope - slope)) < 1e-4
