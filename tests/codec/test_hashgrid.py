"""The hash grid: tiny-cuda-nn's levels, entries and interpolation, which of them cells touch, and what a field says."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
import shapes
import torch
from numpy.typing import NDArray
from sdfz.codec.backend import TOLERANCE, check_backend
from sdfz.codec.hashgrid.descent import Observed, error_by_autograd, mean_error
from sdfz.codec.hashgrid.encoding import HashGrid
from sdfz.codec.hashgrid.fit import FitSettings
from sdfz.codec.hashgrid.model import Features, HashgridField
from sdfz.codec.hashgrid.symbols import LOCAL_SCALE, WEIGHT_SCALE, HashgridSymbols, grid_of, network_shapes
from sdfz.codec.hashgrid.touched import TouchedLevel, to_unit
from sdfz.codec.hashgrid.trials import encode_hashgrid
from sdfz.codec.occupancy import Cells, cells_of_points
from sdfz.codec.target import Target
from sdfz.formats.errors import BackendError

GRIDS = [HashGrid(4, 4, 19), HashGrid(4, 4, 9, 2, smooth=True), HashGrid(1, 3, 8), HashGrid(6, 2, 12)]


def ball_cells(depth: int, radius: float = 0.6) -> Cells:
    """Cells around a sphere."""
    points = np.random.default_rng(0).standard_normal((20_000, 3))
    return cells_of_points(radius * points / np.linalg.norm(points, axis=1, keepdims=True), depth)


def some_symbols(depth: int = 5, log2_table: int = 10, n_features: int = 1, *, smooth: bool = False) -> HashgridSymbols:
    """Random numbers on the cells of a ball, its finest level hashed."""
    rng, grid, cells = np.random.default_rng(1), grid_of(depth, 3, log2_table, n_features, smooth), ball_cells(depth)
    levels = [TouchedLevel(grid, level, cells, depth) for level in range(3)]
    return HashgridSymbols(
        depth=depth,
        cells=cells,
        grid=grid,
        gain_codes=(8, 16, 24),
        weights=tuple(rng.integers(-90, 90, shape) for shape in network_shapes(grid, 16)),
        tables=tuple(rng.integers(-9, 10, (len(level), n_features)) for level in levels),
    )


def test_levels_are_those_of_the_paper() -> None:
    grid = HashGrid(16, 16, 19, 2)  # the defaults of tiny-cuda-nn
    assert grid.resolutions[:4] == (16, 32, 64, 128)
    assert grid.sizes == (4096, 32768, 262144, *[1 << 19] * 13)
    assert [grid.is_hashed(level) for level in range(16)] == [False] * 3 + [True] * 13
    assert grid.offsets == (0, *itertools.accumulate(grid.sizes))
    odd = HashGrid(2, 3, 19)
    assert odd.sizes == (32, 216)  # 27 nodes take 32 entries: multiples of 8


@pytest.mark.parametrize("grid", GRIDS)
def test_entries_are_those_of_tiny_cuda_nn(grid: HashGrid) -> None:
    """Worked out node by node as its grid_index does, in 32 bits."""
    rng = np.random.default_rng(0)
    for level, (resolution, size) in enumerate(zip(grid.resolutions, grid.sizes, strict=True)):
        nodes = rng.integers(0, resolution + 1, (50, 3))
        expected = []
        for x, y, z in nodes.tolist():
            stride, index = 1, 0
            for coordinate in (x, y, z):
                index, stride = (index + coordinate * stride) % 2**32, stride * resolution
            if size < stride:
                index = (x ^ (y * 2654435761) ^ (z * 805459861)) % 2**32
            expected.append(index % size)
        assert grid.entries(level, nodes).tolist() == expected


@pytest.mark.parametrize("grid", GRIDS)
def test_features_interpolate_the_corners(grid: HashGrid) -> None:
    rng = np.random.default_rng(0)
    points = rng.random((200, 3)).astype(np.float32)
    tables = rng.standard_normal((grid.offsets[-1], grid.n_features)).astype(np.float32)
    found = Features(grid, torch.from_numpy(tables))(torch.from_numpy(points)).numpy()
    assert found.shape == (200, grid.n_levels * grid.n_features)
    for level in range(grid.n_levels):
        nodes, shares = grid.corners(level, points)
        assert shares.sum(1) == pytest.approx(1, abs=1e-5)
        values = tables[grid.offsets[level] + grid.entries(level, nodes)]  # (N, 8, F)
        columns = slice(level * grid.n_features, (level + 1) * grid.n_features)
        assert found[:, columns] == pytest.approx((values * shares[..., None]).sum(1), abs=1e-4)
    position = points[0] * (grid.resolutions[0] - 1) + 0.5
    assert (grid.corners(0, points[:1])[0][0, 0] == np.floor(position)).all()


def test_configuration() -> None:
    assert GRIDS[1].configuration() == {
        "otype": "HashGrid",
        "n_levels": 4,
        "n_features_per_level": 2,
        "log2_hashmap_size": 9,
        "base_resolution": 4,
        "per_level_scale": 2.0,
        "interpolation": "Smoothstep",
    }


# -- touched entries --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "n_levels", "log2_table"), [(5, 4, 19), (5, 4, 9), (4, 4, 19), (1, 1, 8)])
def test_all_entries_that_points_in_cells_need_are_touched(depth: int, n_levels: int, log2_table: int) -> None:
    grid, cells = grid_of(depth, n_levels, log2_table), ball_cells(depth)
    rng = np.random.default_rng(0)
    inside = cells[rng.integers(0, len(cells), 20_000)] + rng.uniform(0.001, 0.999, (20_000, 3))
    unit = to_unit((inside * (2 / 2**depth) - 1).astype(np.float32), depth)
    for level in range(n_levels):
        touched = TouchedLevel(grid, level, cells, depth)
        nodes, _ = grid.corners(level, unit)
        assert (touched.places(nodes) >= 0).all()
        assert set(touched.entries.tolist()) == set(grid.entries(level, touched.nodes).tolist())
        assert len(set(touched.entries.tolist())) == len(touched)
        assert len(touched) <= 1.6 * len(np.unique(grid.entries(level, nodes))) + 30  # hardly more than that


def test_the_finest_nodes_are_the_corners_of_the_cells() -> None:
    cells = ball_cells(4)
    touched = TouchedLevel(grid_of(4, 3, 19), 2, cells, 4)
    corners = (cells[:, None] + np.array(list(itertools.product((0, 1), repeat=3)))).reshape(-1, 3)
    assert np.array_equal(touched.nodes, np.unique(corners, axis=0))


def test_neighbours_and_sums() -> None:
    grid, cells = grid_of(4, 2, 19), ball_cells(4)
    coarse, fine = (TouchedLevel(grid, level, cells, 4) for level in range(2))
    (around,) = fine.neighbours(fine.nodes)
    steps = fine.nodes[np.maximum(around, 0)] - fine.nodes[:, None]
    assert (np.abs(steps[around >= 0]).max(1) == 1).all()
    assert (np.abs(steps[:, :6]).sum(2)[around[:, :6] >= 0] == 1).all()  # across faces first
    sums = coarse.sum_around(fine, np.ones(len(coarse), np.int64))
    assert 1 <= sums.min() <= sums.max() == 8


# -- field and fit ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"n_features": 2}, {"smooth": True}])
def test_field_of_random_symbols(options: dict[str, bool]) -> None:
    """Worked out from the definitions: entries, shares, a layer, a cell."""
    symbols = some_symbols(**options)
    grid = symbols.grid
    rng = np.random.default_rng(0)
    points = ((symbols.cells[rng.integers(0, len(symbols.cells), 50)] + rng.random((50, 3))) / 16 - 1).astype(
        np.float32
    )
    unit = ((points + 1) * 16 - 0.5) / 31
    inputs = [np.cos(2 * np.pi * 16 * (points + 1)), np.ones((50, 1))]
    for level in reversed(range(grid.n_levels)):
        touched = TouchedLevel(grid, level, symbols.cells, symbols.depth)
        table = np.zeros((grid.sizes[level], grid.n_features))
        table[touched.entries] = symbols.tables[level] * 2.0 ** -(symbols.gain_codes[level] // 8)
        nodes, shares = grid.corners(level, unit)
        inputs.insert(0, LOCAL_SCALE * (table[grid.entries(level, nodes)] * shares[..., None]).sum(1))
    first, second = (w / WEIGHT_SCALE for w in symbols.weights)
    expected = np.maximum(np.concatenate(inputs, 1) @ first.T, 0) @ second[0] / 16 / LOCAL_SCALE
    field = HashgridField(symbols)
    assert field.distance(points) == pytest.approx(expected, rel=1e-3, abs=1e-4)
    position = torch.from_numpy(points).requires_grad_()
    values = field.by_tensors(position)
    (slope,) = torch.autograd.grad(values.sum(), position)
    found = field.distance_and_gradient(points)
    assert found[0] == pytest.approx(values.detach().numpy(), rel=1e-4, abs=1e-5)
    assert found[1] == pytest.approx(slope.numpy(), rel=1e-3, abs=1e-3 * float(np.abs(found[1]).max()))
    step = np.eye(3, dtype=np.float32) * 1e-4
    _, gradient = field.distance_and_gradient(points)
    slopes = [(field.distance(points + s) - field.distance(points - s)) / 2e-4 for s in step]
    close = np.abs(gradient - np.stack(slopes, 1)).max(1) < 0.05 * np.abs(gradient).max()
    assert close.mean() > 0.9  # but for points on a kink


def test_gradient_of_the_error() -> None:
    """Of the compiled pass, against autograd's."""
    rng = np.random.default_rng(0)
    n, n_levels, n_features, width, n_entries = 300, 3, 2, 16, 40
    parameters = [
        torch.from_numpy(rng.standard_normal(shape).astype(np.float32)).requires_grad_()
        for shape in ((n_entries, n_features), (n_levels,), (width, n_levels * n_features + 3), (1, width))
    ]
    entries = rng.integers(0, n_entries, (n, n_levels, 8)).astype(np.int32)
    low = rng.random(n)
    shares, local, signs = rng.random((n, n_levels, 8)), rng.standard_normal((n, 2)), rng.choice([-1, 1], n)
    others = (shares, local, signs, low, low + rng.random(n))
    observed = Observed(torch.from_numpy(entries), *(torch.from_numpy(a.astype(np.float32)) for a in others))
    error, expected = mean_error(*parameters, observed), error_by_autograd(*parameters, observed)
    assert float(error.detach()) == pytest.approx(float(expected.detach()), rel=1e-4)
    found = torch.autograd.grad(error, parameters)
    for a, b in zip(found, torch.autograd.grad(expected, parameters), strict=True):
        assert a.numpy() == pytest.approx(b.numpy(), rel=1e-2, abs=1e-3)


def test_fit_of_a_ball() -> None:
    vertices, faces = shapes.sphere(subdivisions=3)
    target = Target(vertices, faces)
    calls: list[tuple[str, int, int]] = []
    frame, symbols = encode_hashgrid(
        target, 150, FitSettings(n_iterations=60, batch_size=2048), lambda *call: calls.append(call)
    )
    assert calls[-1] == ("fit", 60, 60)
    field, rng = HashgridField(symbols), np.random.default_rng(0)
    directions = rng.standard_normal((500, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radius = np.linalg.norm(vertices, axis=1).max() / frame.scale
    centre = frame.to_normalized(np.zeros((1, 3)))
    values = field.distance((centre + radius * directions).astype(np.float32))
    assert np.abs(values).mean() < 0.1 * field.region.cell_size
    _, again = encode_hashgrid(target, 150, FitSettings(n_iterations=60, batch_size=2048))
    assert all(np.array_equal(a, b) for a, b in zip(symbols.tables, again.tables, strict=True))


# -- on a GPU ---------------------------------------------------------------------------------------------------------


def _has_tinycudann() -> bool:
    try:
        check_backend("cuda", "tcnn")
    except BackendError:
        return False
    return True


@pytest.mark.gpu
def test_a_gpu_fits_as_well() -> None:
    target = Target(*shapes.sphere(subdivisions=3))
    settings = FitSettings(n_iterations=300, batch_size=2048)
    errors = []
    for name in ("cpu", "cuda"):
        frame, symbols = encode_hashgrid(target, 150, replace(settings, device=torch.device(name)))
        samples = target.samples(frame, symbols.cells, symbols.depth, 1 << 14)
        near = np.abs(samples.distances) < 0.02
        errors.append(np.abs(HashgridField(symbols).distance(samples.points[near]) - samples.distances[near]).mean())
    assert errors[1] < 1.3 * errors[0]


@pytest.mark.gpu
@pytest.mark.skipif(not _has_tinycudann(), reason="tinycudann cannot run here: no CUDA, or not built")
@pytest.mark.parametrize("options", [{}, {"n_features": 2}, {"smooth": True}, {"log2_table": 19}])
def test_tinycudann_agrees(options: dict[str, int]) -> None:
    symbols = some_symbols(**options)
    rng = np.random.default_rng(0)
    points = ((symbols.cells[rng.integers(0, len(symbols.cells), 5000)] + rng.random((5000, 3))) / 16 - 1).astype(
        np.float32
    )
    expected: NDArray[np.float32] = HashgridField(symbols).distance(points)
    found = HashgridField(symbols, torch.device("cuda"), "tcnn").distance(points)
    assert np.abs(found - expected).max() < TOLERANCE * np.abs(expected).max()
    assert math.isfinite(float(found.sum()))
