"""From a shape to symbols: the size asked for, a price that works, the same from the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
import torch
from numpy.typing import NDArray
from sdfz.codec.fineness import choose_grid
from sdfz.codec.gains import FIXED_ONE
from sdfz.codec.grid.encode import GridSettings, encode_grid
from sdfz.codec.grid.fit import FitSettings, fit
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.stream import pack_symbols, unpack_symbols
from sdfz.codec.grid.symbols import MAX_DEPTH, NO_NETWORK, GridSymbols
from sdfz.codec.occupancy import Cells
from sdfz.codec.sample import Samples
from sdfz.codec.target import Target

DEPTH = 3


@pytest.fixture(scope="module")
def torus() -> Target:
    return Target(*shapes.torus())


@pytest.fixture(scope="module")
def cells_and_samples(torus: Target) -> tuple[np.ndarray, Samples]:
    """Of the torus, on a grid of depth 3."""
    frame = torus.frame(0.95)
    cells = torus.cells(frame, DEPTH)
    return cells, torus.samples(frame, cells, DEPTH, 1 << 15)


def fitted(cells: np.ndarray, samples: Samples, *, seed: int = 0, **settings: object) -> GridSymbols:
    chosen = FitSettings(**{"n_iterations": 60, "n_levels": 3, **settings})  # type: ignore[arg-type]
    return fit(cells, DEPTH, samples, chosen, torch.Generator().manual_seed(seed))


def error_of(symbols: GridSymbols, samples: Samples) -> float:
    """Mean error of the field close to the surface, in cells."""
    near = np.abs(samples.distances) < 0.02
    return float(np.abs(GridField(symbols).distance(samples.points[near]) - samples.distances[near]).mean() / 0.25)


def n_bytes(symbols: GridSymbols) -> int:
    return sum(len(section.data) for section in pack_symbols(symbols))


# -- the grid ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_cells", [30, 300, 3000])
def test_about_as_many_cells_as_wanted(torus: Target, n_cells: int) -> None:
    frame, depth = choose_grid(torus, n_cells)
    assert 0.7 * n_cells < len(torus.cells(frame, depth)) < 1.4 * n_cells
    assert np.abs(frame.to_normalized(shapes.torus()[0])).max() <= 0.95


def test_a_wire_gets_the_finest_grid_at_most() -> None:
    frame, depth = choose_grid(Target(*shapes.box((1, 1e-4, 1e-4), 3)), 5000)
    assert depth == MAX_DEPTH
    assert frame.scale >= 1


@pytest.mark.usefixtures("quick")
def test_encode_grid_says_what_the_sections_say(torus: Target) -> None:
    calls: list[tuple[str, int, int]] = []
    frame, symbols = encode_grid(torus, GridSettings(100, n_iterations=15), lambda *call: calls.append(call))
    assert [call for call in calls if call[0] == "fit"] == [("fit", i + 1, 15) for i in range(15)]
    again = unpack_symbols(pack_symbols(symbols))
    assert np.array_equal(again.cells, symbols.cells)
    assert again.gain_codes == symbols.gain_codes
    for arrays in zip(again.latents + again.weights, symbols.latents + symbols.weights, strict=True):
        assert np.array_equal(*arrays)
    assert frame.scale > 0.85  # the half-extent of the torus


# -- the fit ----------------------------------------------------------------------------------------------------------


def test_the_field_is_close(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    symbols = fitted(cells, samples)
    assert error_of(symbols, samples) < 0.05
    assert [latents.dtype for latents in symbols.latents] == [np.int32] * 3
    assert symbols.depth == DEPTH
    assert np.array_equal(symbols.cells, cells)


def test_dear_bits_are_fewer(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    cheap, dear = (fitted(cells, samples, elasticity=price, n_iterations=150) for price in (0.0, 20.0))
    assert n_bytes(dear) < 0.9 * n_bytes(cheap)
    assert error_of(dear, samples) > error_of(cheap, samples)


def test_without_a_network(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    symbols = fitted(cells, samples, network=0)
    assert symbols.weights == ()
    assert error_of(symbols, samples) < 0.05


def test_no_steps_leave_the_least_squares_start(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    assert error_of(fitted(cells, samples, n_iterations=0, network=0), samples) < 0.1


def test_the_generator_decides(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    packed = [pack_symbols(fitted(cells, samples, seed=seed, n_iterations=10)) for seed in (1, 1, 2)]
    assert packed[0] == packed[1]
    assert packed[0] != packed[2]


def test_the_caller_keeps_its_arrays(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    before = cells.copy(), samples.points.copy(), samples.distances.copy()
    fitted(cells, samples, n_iterations=3)
    for array, copy in zip((cells, samples.points, samples.distances), before, strict=True):
        assert np.array_equal(array, copy)


def test_points_outside_the_cells_do_not_matter(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    astray = np.array([[0.99, 0.99, 0.99], [-3, 0, 0]], np.float32)
    more = Samples(np.concatenate([samples.points, astray]), np.concatenate([samples.distances, np.float32([9, 9])]))
    assert pack_symbols(fitted(cells, more, n_iterations=3)) == pack_symbols(fitted(cells, samples, n_iterations=3))


@pytest.mark.gpu
def test_a_gpu_fits_as_well(cells_and_samples: tuple[np.ndarray, Samples]) -> None:
    cells, samples = cells_and_samples
    found = [fitted(cells, samples, n_iterations=300, device=torch.device(name)) for name in ("cpu", "cuda")]
    assert error_of(found[1], samples) < 1.15 * error_of(found[0], samples)
    assert n_bytes(found[1]) < 1.15 * n_bytes(found[0])


# -- fields that begin with one that is known --------------------------------------------------------------------------


def test_a_grid_that_begins_with_the_shape_needs_fewer_bytes() -> None:
    """Latents of one level, fitted to a ball: with its distances known, few are left."""
    target = Target(*shapes.sphere(1.0, 4))
    frame = target.frame(0.9)
    cells = target.cells(frame, 3)
    samples = target.samples(frame, cells, 3, 1 << 14)
    settings = FitSettings(n_iterations=100, n_levels=1, network=NO_NETWORK)

    def ball(nodes: Cells, depth: int) -> NDArray[np.int64]:
        distances = np.linalg.norm(nodes / (1 << depth) * 2 - 1, axis=1) - 1 / frame.scale
        return np.rint(distances * FIXED_ONE).astype(np.int64)

    sizes, errors = [], []
    for first in (None, ball):
        symbols = fit(cells, 3, samples, settings, torch.Generator().manual_seed(0), first=first)
        sections = pack_symbols(symbols, first=first)
        assert plain(unpack_symbols(sections, first=first)) == plain(symbols)
        sizes.append(sum(len(section.data) for section in sections))
        near = np.abs(samples.distances) < 0.02
        found = GridField(symbols, first=first).distance(samples.points[near])
        errors.append(np.abs(found - samples.distances[near]).mean())
    assert sizes[1] < 0.6 * sizes[0]
    assert errors[1] < 1.2 * errors[0]


def plain(symbols: GridSymbols) -> list[object]:
    arrays = [symbols.cells, *symbols.weights, *symbols.latents, symbols.trimmed, symbols.parts]
    return [symbols.depth, symbols.gain_codes, symbols.network, *(array.tolist() for array in arrays)]
