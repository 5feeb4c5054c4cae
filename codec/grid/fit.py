"""Fit a field to a shape: least squares level by level, then gradient descent with the rate in the loss.

::

    samples near the surface --> sparse interpolation matrices, once
    levels, coarse to fine: least squares on what the coarser ones leave        (a start that uses the coarse levels)
    Adam on   log of the mean distance of f from [(1 - slack) d, (1 + slack) d]  +  elasticity * log bits
          (noise in place of rounding, then rounding itself)

The logarithms make the trade the same for every shape and size: a percent of bits against a percent of error. A fixed
price of a bit, scaled by the cell, spent a quarter too many bytes on rough shapes. The bits are those of the whole
file: without those of the octree, which no latent changes, all latents of rooms went to zero.

The slack is the point of the loss: only the zero set is coded, so away from the surface the field may have any slope
between 1 - slack and 1 + slack, and further out only the sign counts. That freedom saves a fifth of the bytes on scans.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import scipy.sparse
import scipy.sparse.linalg
import torch

from ...formats.model_pack import ModelPack
from ..backend import plain_network
from ..fitting import FallingRates, bounds, generator_on, rounded, with_noise
from ..gains import FIXED_ONE, code_of_gain, gain_of_code
from ..occupancy import Cells
from ..sample import Samples
from .lattice import Lattice, pyramid
from .model import OUTPUT_SCALE, known_at, network_inputs
from .rate import LevelRate, torch_csr
from .shared import layers_of_pack
from .symbols import OWN_NETWORK, WEIGHT_SCALE, GridSymbols, network_shapes
from .walk import FirstField

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class FitSettings:
    """How a field is fitted.

    Parameters
    ----------
    elasticity : float
        Percent of error that a percent of bits is worth.
    step : float
        First quantization step of the latents, in edges of a finest cell; learned from there.
    n_iterations : int
        Steps of Adam.
    n_levels : int
        Levels of latents.
    network : int
        Network code.
    pack : ModelPack, optional
        Whose network it is, where the code says that it is shared: it stays as it is.
    slack : float
        Relative error of the distance that costs nothing.
    batch_size : int
        Samples in a step.
    rounding_share : float
        Last part of the steps, in which symbols, gains and network weights are rounded.
    device : torch.device
        Where the descent runs. Another one draws other noise.
    """

    elasticity: float = 1.35
    step: float = 1 / 32
    n_iterations: int = 1500
    n_levels: int = 4
    network: int = OWN_NETWORK
    pack: ModelPack | None = None
    slack: float = 0.5
    batch_size: int = 16384
    rounding_share: float = 0.25
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


LATENT_RATE = 0.15  # Adam's rates; the latents' in first steps
GAIN_RATE = 0.01
SPREAD_RATE = 0.02
WEIGHT_RATE = 0.02
_HEADER_BITS, _CELL_BITS, _WEIGHT_BITS = 8 * 36, 1.8, 7.0  # what a file costs beside its latents, about
_LEAST_SQUARES_SAMPLES = 1 << 17
_LEAST_SQUARES_STEPS = 60
_RIDGE = 1e-3


def fit(
    cells: Cells,
    depth: int,
    samples: Samples,
    settings: FitSettings,
    generator: torch.Generator,
    progress: Progress | None = None,
    first: FirstField | None = None,
) -> GridSymbols:
    """Integers of the field that fits samples of a signed distance, at a price for each bit.

    Parameters
    ----------
    cells : (M, 3) int32
        Occupied finest cells, sorted.
    depth : int
        Their level.
    samples : Samples
        In random order; those outside the cells are ignored.
    settings : FitSettings
    generator : torch.Generator
        Of the noise and the first network weights.
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    first : FirstField, optional
        What the latents are added to: they are fitted to the rest.
    """
    n_levels = min(settings.n_levels, depth + 1)
    lattices = pyramid(cells, depth, n_levels)
    points, distances = inside(lattices[-1], samples)
    known = np.zeros(len(lattices[0].nodes), np.float32) if first is None else known_at(lattices[0], first)
    batches = _batches(lattices, points, distances, known, settings)
    start = least_squares(lattices, points, distances - _matrix(lattices[0], points) @ known)
    step = settings.step * lattices[-1].cell_size
    model = _Model(lattices, [latents / step for latents in start], step, settings, generator)
    fixed_bits = _HEADER_BITS + _CELL_BITS * len(cells) + _WEIGHT_BITS * sum(w.numel() for w in model.weights)
    _descend(model, batches, fixed_bits, settings, generator, progress)
    return model.symbols(cells, depth)


def inside(finest: Lattice, samples: Samples) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Points (N, 3) and distances (N,) of the samples in occupied cells."""
    corners = finest.interpolation(samples.points)[0]
    # A point is in an occupied cell when all corners are nodes; the few others that pass are as well defined.
    keep = (corners >= 0).all(1) & (np.abs(samples.points) < 1).all(1)
    return samples.points[keep], samples.distances[keep]


def _matrix(lattice: Lattice, points: npt.NDArray[np.float32]) -> scipy.sparse.csr_matrix:
    nodes, weights = lattice.interpolation(points)
    starts = np.arange(0, nodes.size + 1, nodes.shape[1])
    return scipy.sparse.csr_matrix((weights.ravel(), nodes.ravel(), starts), shape=(len(points), len(lattice.nodes)))


def least_squares(
    lattices: list[Lattice], points: npt.NDArray[np.float32], distances: npt.NDArray[np.float32]
) -> list[npt.NDArray[np.float64]]:
    """Each level fitted to what the coarser ones leave, slightly damped."""
    points, rest = points[:_LEAST_SQUARES_SAMPLES], distances[:_LEAST_SQUARES_SAMPLES].astype(np.float64)
    found = []
    for lattice in lattices:
        matrix = _matrix(lattice, points).astype(np.float64)
        damping = math.sqrt(_RIDGE * len(points) / len(lattice.nodes))
        latents = scipy.sparse.linalg.lsqr(matrix, rest, damp=damping, iter_lim=_LEAST_SQUARES_STEPS)[0]
        rest = rest - matrix @ latents
        found.append(latents)
    return found


class _Interpolate(torch.autograd.Function):
    """Sparse matrix times latents; the transpose is kept ready, since torch would sort it anew at every step."""

    @staticmethod
    def forward(ctx, matrix, transpose, latents):  # type: ignore[no-untyped-def]
        ctx.transpose = transpose
        return matrix @ latents

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return None, None, ctx.transpose @ gradient


@dataclass(frozen=True, eq=False)
class _Batch:
    matrices: list[tuple[torch.Tensor, torch.Tensor]]  # one pair a level: (B, N_l) and its transpose
    points: torch.Tensor  # (B, 3)
    known: torch.Tensor  # (B,) of the first field
    signs: torch.Tensor  # (B,) of the signed distances
    low: torch.Tensor  # (B,) where |f| should lie
    high: torch.Tensor


def _batches(
    lattices: list[Lattice], points: npt.NDArray[np.float32], distances: npt.NDArray[np.float32],
    known: npt.NDArray[np.float32], settings: FitSettings,
) -> list[_Batch]:  # fmt: skip
    size = settings.batch_size
    signs = np.sign(distances)
    low, high = bounds(np.abs(distances), lattices[-1].cell_size, settings.slack)
    batches = []
    for start in range(0, max(len(points) - size, 0) + 1, size):
        part = slice(start, start + size)
        matrices = [_matrix(lattice, points[part]) for lattice in lattices]
        pairs = [(torch_csr(m).to(settings.device), torch_csr(m.T.tocsr()).to(settings.device)) for m in matrices]
        of_first = (matrices[0] @ known).astype(np.float32)
        rest = (points[part], of_first, signs[part], low[part], high[part])
        batches.append(_Batch(pairs, *(torch.from_numpy(array).to(settings.device) for array in rest)))
    return batches


class _Model:
    """What is fitted: latents, a step a level, the spread of its symbols, and the network.

    Latents are kept in steps as these were at first: a step that changes must not scale the field.
    """

    def __init__(
        self, lattices: list[Lattice], latents: list[npt.NDArray[np.float64]], step: float, settings: FitSettings,
        generator: torch.Generator,
    ) -> None:  # fmt: skip
        device = settings.device
        self.cell_size = lattices[-1].cell_size
        starts = [torch.tensor(values, dtype=torch.float32, device=device)[:, None] for values in latents]
        self.latents = [start.requires_grad_() for start in starts]
        self.log_gains = torch.full((len(latents),), math.log(step), device=device, requires_grad=True)
        self._first_step = step
        self.rates = [LevelRate(lattice, device) for lattice in lattices]
        self.network = settings.network
        self.weights: list[torch.Tensor] = []  # of the file's own network
        self.shared: list[torch.Tensor] = []
        if settings.pack is not None:
            layers = layers_of_pack(settings.pack, len(latents))
            self.shared = [torch.tensor(layer, device=device) for layer in layers]
        for n_out, n_in in network_shapes(self.network, len(latents)):
            # The answer starts small: the sum of the levels is already a fair field.
            spread = math.sqrt(2 / n_in) * (0.1 if n_out == 1 else 1.0)
            first = torch.randn(n_out, n_in, generator=generator) * spread
            self.weights.append(first.to(device).requires_grad_())

    def groups(self) -> list[dict[str, object]]:
        """Adam's parameter groups."""
        spreads = [parameter for rate in self.rates for parameter in rate.parameters()]
        groups = [(self.latents, LATENT_RATE), ([self.log_gains], GAIN_RATE), (spreads, SPREAD_RATE)]
        if self.weights:
            groups.append((self.weights, WEIGHT_RATE))
        return [{"params": parameters, "lr": rate} for parameters, rate in groups]

    def scaled(self) -> list[torch.Tensor]:
        """Latents in the steps of now, not rounded."""
        return [q * (self._first_step / gain) for q, gain in zip(self.latents, self.log_gains.exp(), strict=True)]

    def fix_gains(self) -> None:
        """Round the gains to what the file can say; they stay so."""
        codes = [code_of_gain(math.exp(value)) for value in self.log_gains.tolist()]
        fixed = [math.log(gain_of_code(code) / FIXED_ONE) for code in codes]
        self.log_gains = torch.tensor(fixed, device=self.log_gains.device)

    def distances(self, batch: _Batch, symbols: list[torch.Tensor], weights: list[torch.Tensor]) -> torch.Tensor:
        """(B,) signed distances of a batch."""
        gains = self.log_gains.exp()
        levels = zip(gains, batch.matrices, symbols, strict=True)
        coarsest, *others = (gain * _Interpolate.apply(*pair, q) for gain, pair, q in levels)
        features = torch.cat([coarsest + batch.known[:, None], *others], 1)
        total = features.sum(1)
        layers = weights or self.shared
        if not layers:
            return total
        answer = plain_network(layers)(network_inputs(features, batch.points, self.cell_size))
        return total + answer[:, 0] * (OUTPUT_SCALE * self.cell_size)

    def bits(self, symbols: list[torch.Tensor]) -> torch.Tensor:
        """Bits that the symbols cost."""
        return torch.stack([rate(*pair) for rate, *pair in zip(self.rates, symbols, self.scaled(), strict=True)]).sum()

    def symbols(self, cells: Cells, depth: int) -> GridSymbols:
        """The rounded model."""
        return GridSymbols(
            depth=depth,
            cells=cells,
            gain_codes=tuple(code_of_gain(math.exp(value)) for value in self.log_gains.tolist()),
            network=self.network,
            weights=tuple(torch.round(w.detach() * WEIGHT_SCALE).to(torch.int32).cpu().numpy() for w in self.weights),
            latents=tuple(torch.round(q.detach()[:, 0]).to(torch.int32).cpu().numpy() for q in self.scaled()),
        )


def _descend(
    model: _Model, batches: list[_Batch], fixed_bits: float, settings: FitSettings, generator: torch.Generator,
    progress: Progress | None,
) -> None:  # fmt: skip
    n_steps = settings.n_iterations
    first_rounded = round(n_steps * (1 - settings.rounding_share))
    optimizer = torch.optim.Adam(model.groups(), betas=(0.9, 0.99))
    rates = FallingRates(optimizer, n_steps)
    noise = generator_on(settings.device, generator)
    for i in range(n_steps):
        if i == first_rounded:
            model.fix_gains()
        rates.set(i)
        batch = batches[i % len(batches)]
        if i < first_rounded:
            symbols = [with_noise(q, noise) for q in model.scaled()]
            weights = model.weights
        else:
            symbols = [rounded(q) for q in model.scaled()]
            weights = [rounded(w, WEIGHT_SCALE) for w in model.weights]
        outward = model.distances(batch, symbols, weights) * batch.signs
        error = (batch.low - outward).clamp(min=0) + (outward - batch.high).clamp(min=0)
        loss = torch.log(error.mean()) + settings.elasticity * torch.log(model.bits(symbols) + fixed_bits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress is not None:
            progress("fit", i + 1, n_steps)
