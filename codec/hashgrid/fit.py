"""Fit a hash grid to a shape: least squares level by level, then gradient descent with the rate in the loss.

::

    samples near the surface --> entries around each and their shares, once
    levels, coarse to fine: least squares on what the coarser ones leave; the network starts as their sum
    Adam on   log of the mean distance of f from [(1 - slack) d, (1 + slack) d]  +  elasticity * log bits
          (noise in place of rounding, then rounding itself)

The rate is that of Laplace distributions whose widths are fitted, one for each level and layer: it makes most entries
small and many zero. Entries that no occupied cell touches are not fitted and not coded.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse
import scipy.sparse.linalg
import torch

from ..fitting import FallingRates, bounds, generator_on, laplace_bits, rounded, with_noise
from ..gains import FIXED_ONE, code_of_gain, gain_of_code
from ..occupancy import Cells
from ..sample import Samples
from ..tensor_field import cosines_in_cells
from .descent import Observed, mean_error
from .encoding import HashGrid
from .symbols import LOCAL_SCALE, N_LOCAL, WEIGHT_SCALE, HashgridSymbols, network_shapes
from .touched import TouchedLevel, to_unit

Progress = Callable[[str, int, int], None]
Floats = npt.NDArray[np.float32]

TABLE_RATE, GAIN_RATE, SPREAD_RATE, WEIGHT_RATE = 0.15, 0.01, 0.02, 0.02  # Adam's; the tables' in symbols
# Of the tables' quantization, in edges of a cell; learned from there. A coarse one is not found back from: with 0.15
# smooth shapes took a sixth more bytes at equal error.
_FIRST_STEP = 1 / 32
_FIRST_WEIGHT_SPREAD = 30.0
_LEAST_SQUARES_SAMPLES = 1 << 15
_LEAST_SQUARES_STEPS = 40
_RIDGE = 1e-3
# Bytes that the rate counts beside numbers: the header, and the octree a cell.
_FIXED_BYTES, _OCTREE_BITS = 45, 1.8


@dataclass(frozen=True)
class FitSettings:
    """How a field is fitted.

    Parameters
    ----------
    elasticity : float
        Percent of error that a percent of bits is worth.
    n_iterations : int
        Steps of Adam.
    width : int
        Hidden units of the network.
    slack : float
        What a distance may be off, as a share of itself, where only the zero set matters.
    batch_size : int
        Samples of a step.
    rounding_share : float
        Share of the steps, the last ones, that see rounded numbers.
    device : torch.device
        Where the descent runs. Another one draws other noise.
    """

    elasticity: float = 1.0
    n_iterations: int = 2000
    width: int = 16
    slack: float = 0.5
    batch_size: int = 8192
    rounding_share: float = 0.25
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


def fit(
    cells: Cells,
    depth: int,
    grid: HashGrid,
    samples: Samples,
    settings: FitSettings,
    generator: torch.Generator,
    progress: Progress | None = None,
) -> HashgridSymbols:
    """Integers of the field that fits samples of a signed distance, at a price for each bit.

    Parameters
    ----------
    cells : (M, 3) int32
        Occupied cells, sorted.
    depth : int
        Their level.
    grid : HashGrid
    samples : Samples
        In random order, in the cells or close to them.
    settings : FitSettings
    generator : torch.Generator
        Of the noise and the first network weights.
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    levels = [TouchedLevel(grid, level, cells, depth) for level in range(grid.n_levels)]
    cell = 2.0 / (1 << depth)
    observed = _observe(levels, samples, depth, cell, settings.slack)
    start = _least_squares(levels, observed, samples.distances / np.float32(cell / LOCAL_SCALE))
    first_step = _FIRST_STEP * LOCAL_SCALE
    model = _Model(levels, [values / first_step for values in start], first_step, settings, generator)
    _descend(model, observed, _FIXED_BYTES * 8 + _OCTREE_BITS * len(cells), settings, generator, progress)
    return model.symbols(cells, depth)


def _observe(levels: Sequence[TouchedLevel], samples: Samples, depth: int, cell: float, slack: float) -> Observed:
    """Rows are those of all levels' touched entries, further inputs cosines of the position within a cell."""
    position = to_unit(samples.points, depth)
    entries, shares, first = [], [], 0
    for level in levels:
        nodes, weights = level.grid.corners(level.level, position)
        places = level.places(nodes)
        entries.append(np.maximum(places, 0) + first)
        shares.append(np.where(places >= 0, weights, 0))
        first += len(level)
    low, high = bounds(np.abs(samples.distances), cell, slack)
    unit = cell / LOCAL_SCALE
    arrays = (np.sign(samples.distances), low / unit, high / unit)
    return Observed(
        torch.from_numpy(np.stack(entries, 1).astype(np.int32)),
        torch.from_numpy(np.stack(shares, 1).astype(np.float32)),
        cosines_in_cells(torch.from_numpy(samples.points), cell),
        *(torch.from_numpy(array.astype(np.float32)) for array in arrays),
    )


def _least_squares(
    levels: Sequence[TouchedLevel], observed: Observed, distances: Floats
) -> list[npt.NDArray[np.float64]]:
    """Each level fitted to what the coarser ones leave, slightly damped, in the unit of `distances`."""
    rest = distances[:_LEAST_SQUARES_SAMPLES].astype(np.float64)
    n, first, found = len(rest), 0, []
    for i, level in enumerate(levels):
        columns = observed.entries[:n, i].flatten().numpy() - first
        shares = observed.shares[:n, i].flatten().double().numpy()
        matrix = scipy.sparse.csr_matrix((shares, columns, np.arange(0, 8 * n + 1, 8)), shape=(n, len(level)))
        damping = math.sqrt(_RIDGE * n / len(level))
        values = scipy.sparse.linalg.lsqr(matrix, rest, damp=damping, iter_lim=_LEAST_SQUARES_STEPS)[0]
        rest = rest - matrix @ values
        found.append(values)
        first += len(level)
    return found


class _Model:
    """What is fitted: entries in symbols, a step a level, the network, and the spreads of all these numbers."""

    def __init__(
        self, levels: Sequence[TouchedLevel], start: Sequence[npt.NDArray[np.float64]], first_step: float,
        settings: FitSettings, generator: torch.Generator,
    ) -> None:  # fmt: skip
        self.grid = levels[0].grid
        self.sizes = [len(level) for level in levels]
        n_features = self.grid.n_features
        values = torch.randn(sum(self.sizes), n_features, generator=generator) * 0.3
        values[:, 0] = torch.from_numpy(np.concatenate(start)).float()
        weights = _first_weights(self.grid, settings.width, generator)
        device = settings.device
        self.values = values.to(device).requires_grad_()
        self.log_gains = torch.full((len(levels),), math.log(first_step), device=device, requires_grad=True)
        self.log_spreads = torch.zeros(len(levels), device=device, requires_grad=True)
        self.weights = [layer.to(device).requires_grad_() for layer in weights]
        self.log_weight_spreads = torch.full((2,), math.log(_FIRST_WEIGHT_SPREAD), device=device, requires_grad=True)
        self._level_of = torch.repeat_interleave(torch.arange(len(levels)), torch.tensor(self.sizes)).to(device)

    def groups(self) -> list[dict[str, object]]:
        """Adam's parameter groups."""
        spreads = [self.log_spreads, self.log_weight_spreads]
        groups = [([self.values], TABLE_RATE), ([self.log_gains], GAIN_RATE), (spreads, SPREAD_RATE)]
        return [{"params": found, "lr": rate} for found, rate in [*groups, (self.weights, WEIGHT_RATE)]]

    def fix_gains(self) -> None:
        """Round the gains to what the file can say; they stay so."""
        steps = [gain_of_code(code) / FIXED_ONE for code in self._gain_codes()]
        fixed = [math.log(LOCAL_SCALE * step) for step in steps]
        self.log_gains = torch.tensor(fixed, device=self.log_gains.device)

    def _gain_codes(self) -> tuple[int, ...]:
        return tuple(code_of_gain(math.exp(value) / LOCAL_SCALE) for value in self.log_gains.tolist())

    def bits(self, values: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.Tensor:
        """Bits that the numbers cost under a Laplace distribution a level and a layer."""
        total = laplace_bits(values, self.log_spreads.exp()[self._level_of, None]).sum()
        for layer, spread in zip(weights, self.log_weight_spreads.exp(), strict=True):
            total = total + laplace_bits(layer * WEIGHT_SCALE, spread).sum()
        return total

    def symbols(self, cells: Cells, depth: int) -> HashgridSymbols:
        """The rounded model."""
        values = torch.round(self.values.detach()).to(torch.int64).cpu()
        return HashgridSymbols(
            depth,
            cells,
            self.grid,
            self._gain_codes(),
            tuple(torch.round(w.detach() * WEIGHT_SCALE).to(torch.int64).cpu().numpy() for w in self.weights),
            tuple(table.numpy() for table in torch.split(values, self.sizes)),
        )


def _first_weights(grid: HashGrid, width: int, generator: torch.Generator) -> list[torch.Tensor]:
    """A network that answers about the sum of the first features: two units carry its two signs."""
    (_, n_in), _ = network_shapes(grid, width)
    first = torch.randn(width, n_in, generator=generator) * math.sqrt(0.5 / n_in)
    second = torch.randn(1, width, generator=generator) * (0.1 * math.sqrt(2 / width))
    sums = torch.zeros(n_in)
    sums[: n_in - N_LOCAL - 1 : grid.n_features] = 1
    first[0], first[1], second[0, 0], second[0, 1] = sums, -sums, 1, -1
    return [first, second]


def _descend(
    model: _Model, observed: Observed, fixed_bits: float, settings: FitSettings, generator: torch.Generator,
    progress: Progress | None,
) -> None:  # fmt: skip
    n_steps, size = settings.n_iterations, settings.batch_size
    n_batches = max(len(observed) // size, 1)
    observed, noise = observed.to(settings.device), generator_on(settings.device, generator)
    first_rounded = round(n_steps * (1 - settings.rounding_share))
    optimizer = torch.optim.Adam(model.groups(), betas=(0.9, 0.99))
    rates = FallingRates(optimizer, n_steps)
    for i in range(n_steps):
        if i == first_rounded:
            model.fix_gains()
        rates.set(i)
        if i < first_rounded:
            values = with_noise(model.values, noise)
            weights: Sequence[torch.Tensor] = model.weights
        else:
            values, weights = rounded(model.values), [rounded(w, WEIGHT_SCALE) for w in model.weights]
        first, second = weights
        error = mean_error(values, model.log_gains.exp(), first, second, observed.part((i % n_batches) * size, size))
        bits = model.bits(values, weights) + fixed_bits
        loss = torch.log(error) + settings.elasticity * torch.log(bits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress is not None:
            progress("fit", i + 1, n_steps)
