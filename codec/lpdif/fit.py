"""Fit the codes of a shape's regions, with the decoders as they are (LP-DIF at test time), at a price for each bit.

::

    all regions, coarse network --> codes, errors --> easy regions stay, the others go to the nearest pattern
    each region, its own network: Adam on  log of the mean error  +  price * bits a region
                                           (noise in place of rounding, then rounding itself)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..fitting import falling_share, laplace_bits, rounded, with_noise
from .clusters import nearest_centre
from .losses import clamped
from .network import N_AXES, PLANE_ROWS, code_part, evaluate
from .patterns import FIRST_STEP, first_codes
from .regions import planes_of
from .shared import LpdifDecoders
from .steps import code_of_step, step_of_code
from .walk import RegionWalk

Progress = Callable[[str, int, int], None]
Float32Array = npt.NDArray[np.float32]

_CODE_RATE = 3e-2
_RATE_RATE = 2e-2  # of steps and spreads
_BETAS = (0.9, 0.99)
# Distances are cut off here, in halves of a region's edge: only the zero set is coded.
MOST_DISTANCE = 0.4
_SAMPLES_A_STEP = (4, 16)
_BATCH_REGIONS = 1 << 10  # that are evaluated at once


@dataclass(frozen=True)
class CodeFit:
    """How codes are fitted.

    Parameters
    ----------
    n_iterations : int
        Steps of Adam with the network that a region keeps.
    coarse_share : float
        Of these, steps with the coarse network before that.
    easy_error : float
        Mean error, in halves of a region's edge, below which a region stays with the coarse network.
    bit_price : float
        Logarithms of error that a bit a region is worth.
    points_a_step : int
        Samples of all regions together; of a region 4 at least, 16 at most.
    rounding_share : float
        Last part of the steps, in which codes and steps are rounded.
    """

    n_iterations: int = 400
    coarse_share: float = 0.5
    easy_error: float = 0.04
    bit_price: float = 0.01
    points_a_step: int = 1 << 15
    rounding_share: float = 0.25


@dataclass(frozen=True, eq=False)
class FittedCodes:
    """Quantized codes of regions.

    Attributes
    ----------
    networks : (R,) int32
        Number of each region's network.
    symbols : (R, C) int32
        Codes in steps; zeros behind those of a network with fewer.
    step_codes : tuple of int
        Of each network's step.
    bits_a_region : float
        As estimated.
    decoders : LpdifDecoders
    """

    networks: npt.NDArray[np.int32]
    symbols: npt.NDArray[np.int32]
    step_codes: tuple[int, ...]
    bits_a_region: float
    decoders: LpdifDecoders

    def errors(self, points: Float32Array, distances: Float32Array) -> npt.NDArray[np.float32]:
        """(R,) mean errors at (R, S, 3) points of the regions, in halves of an edge."""
        found = np.zeros(len(points), np.float32)
        wanted = clamped(torch.from_numpy(distances), MOST_DISTANCE)
        with torch.inference_mode():
            for number, layers in enumerate(self.decoders.networks):
                rows = np.flatnonzero(self.networks == number)
                codes = self.symbols[rows, : self.decoders.n_codes[number]] * step_of_code(self.step_codes[number])
                tensors = [torch.from_numpy(layer) for layer in layers]
                part = code_part(tensors, torch.from_numpy(codes.astype(np.float32)))[:, None]
                answer = evaluate(tensors, part, torch.from_numpy(points[rows]))
                found[rows] = (clamped(answer, MOST_DISTANCE) - wanted[rows]).abs().mean(1).numpy()
        return found


def fit_codes(
    points: Float32Array,
    distances: Float32Array,
    decoders: LpdifDecoders,
    settings: CodeFit,
    generator: torch.Generator,
    progress: Progress | None = None,
    walk: RegionWalk | None = None,
) -> FittedCodes:
    """Codes of regions from their samples.

    Parameters
    ----------
    points : (R, S, 3) float32
        In the coordinates of the regions, in random order.
    distances : (R, S) float32
    decoders : LpdifDecoders
    settings : CodeFit
    generator : torch.Generator
        Of the noise.
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    walk : RegionWalk, optional
        Of the regions, where neighbours are to tell their planes.
    """
    n_coarse = round(settings.coarse_share * settings.n_iterations)
    n_steps = n_coarse + settings.n_iterations
    report = progress or (lambda stage, done, total: None)
    samples = torch.from_numpy(points), clamped(torch.from_numpy(distances), MOST_DISTANCE)
    planes = planes_of(points, distances)
    first = _Codes(decoders, np.zeros(len(points), np.int64), planes, walk)
    for i in range(n_coarse):
        first.step(samples, i, n_coarse, settings, generator, quantized=False)
        report("fit", i + 1, n_steps)
    coarse = first.values.detach()[:, : decoders.n_codes[0]].numpy()
    easy = first.errors(samples) < settings.easy_error
    networks = np.where(easy, 0, 1 + nearest_centre(coarse, decoders.centres))
    codes = _Codes(decoders, networks, planes, walk)
    codes.keep(first)
    for i in range(settings.n_iterations):
        codes.step(samples, i, settings.n_iterations, settings, generator, quantized=True)
        report("fit", n_coarse + i + 1, n_steps)
    return codes.fitted()


_Samples = tuple[torch.Tensor, torch.Tensor]  # (R, S, 3) points, (R, S) distances


class _Codes:
    """Codes of regions on their way: values, steps, and the spread of the symbols of each network."""

    def __init__(
        self,
        decoders: LpdifDecoders,
        networks: npt.NDArray[np.int64],
        planes: Float32Array,
        walk: RegionWalk | None,
    ) -> None:
        self.decoders = decoders
        self.networks = networks
        self._walk = walk
        self._networks = torch.from_numpy(networks)
        n_codes = torch.tensor(decoders.n_codes)[self._networks]
        self._used = torch.arange(max(decoders.n_codes)) < n_codes[:, None]  # (R, C)
        self.rows = [torch.from_numpy(np.flatnonzero(networks == k)) for k in range(len(decoders.networks))]
        self.layers = [[torch.from_numpy(layer) for layer in layers] for layers in decoders.networks]
        self.values = first_codes(planes, max(decoders.n_codes)).requires_grad_()
        self.log_steps = torch.full((len(self.rows),), math.log(FIRST_STEP), requires_grad=True)
        self.log_spreads = torch.zeros(len(self.rows), self.values.shape[1], requires_grad=True)
        groups = [([self.values], _CODE_RATE), ([self.log_steps, self.log_spreads], _RATE_RATE)]
        self._rates = [rate for _, rate in groups]
        self._optimizer = torch.optim.Adam([{"params": p, "lr": rate} for p, rate in groups], betas=_BETAS)

    def keep(self, coarse: _Codes) -> None:
        """Take over the codes of the regions that stay with the coarse network."""
        with torch.no_grad():
            self.values[self.rows[0]] = coarse.values[self.rows[0]]

    def step(
        self,
        samples: _Samples,
        i: int,
        n_steps: int,
        settings: CodeFit,
        generator: torch.Generator,
        *,
        quantized: bool,
    ) -> None:
        """Step `i` of `n_steps`."""
        first_rounded = round(n_steps * (1 - settings.rounding_share))
        if quantized and i == first_rounded:
            self.log_steps = torch.tensor([math.log(step_of_code(code)) for code in self.step_codes()])
        share = falling_share(i, n_steps)
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        rounding = quantized and i >= first_rounded
        n_each = min(max(settings.points_a_step // len(self.values), _SAMPLES_A_STEP[0]), _SAMPLES_A_STEP[1])
        columns = torch.arange(i * n_each, (i + 1) * n_each) % samples[0].shape[1]
        codes, bits = self.values, torch.zeros(())
        if quantized:
            symbols = self.values / self._steps()
            symbols = rounded(symbols) if rounding else with_noise(symbols, generator)
            codes, bits = symbols * self._steps(), self._bits(symbols)
        errors = []
        for k, rows in enumerate(self.rows):
            if len(rows):
                points, distances = (array[rows][:, columns] for array in samples)
                of_codes = code_part(self.layers[k], codes[rows, : self.decoders.n_codes[k]])[:, None]
                found = evaluate(self.layers[k], of_codes, points)
                errors.append((clamped(found, MOST_DISTANCE) - distances).abs().sum())
        error = torch.stack(errors).sum() / (len(self.values) * n_each)
        loss = torch.log(error) + settings.bit_price * bits / len(self.values)
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()
        with torch.no_grad():
            self.values /= torch.linalg.vector_norm(self.values, dim=1, keepdim=True).clamp(min=1)

    def step_codes(self) -> tuple[int, ...]:
        """Of the step of each network."""
        return tuple(code_of_step(math.exp(value)) for value in self.log_steps.tolist())

    def errors(self, samples: _Samples) -> Float32Array:
        """(R,) mean errors of all samples with the codes as they are."""
        found = np.zeros(len(self.values), np.float32)
        with torch.inference_mode():
            for k, rows in enumerate(self.rows):
                for part in rows.split(_BATCH_REGIONS):
                    of_codes = code_part(self.layers[k], self.values[part, : self.decoders.n_codes[k]])[:, None]
                    answer = evaluate(self.layers[k], of_codes, samples[0][part])
                    found[part.numpy()] = (clamped(answer, MOST_DISTANCE) - samples[1][part]).abs().mean(1).numpy()
        return found

    def _steps(self) -> torch.Tensor:
        """(R, 1) step of each region's code."""
        return self.log_steps.exp()[self._networks][:, None]

    def _bits(self, symbols: torch.Tensor) -> torch.Tensor:
        """Bits of (R, C) symbols: Laplace distributions, those of planes around what neighbours let expect."""
        if self._walk is not None and self.decoders.planes:
            steps = self._steps()
            planes = symbols[:, :PLANE_ROWS] * steps
            there = torch.from_numpy(self._walk.near >= 0)[..., None]
            around = planes[torch.from_numpy(self._walk.near)]  # (R, K, 4)
            moved = 2 * (around[..., :N_AXES] * torch.from_numpy(self._walk.steps)).sum(-1, keepdim=True)
            around = torch.cat([around[..., :N_AXES], around[..., N_AXES:] + moved], -1) * there
            expected = around.sum(1) / there.sum(1).clamp(min=1)
            symbols = torch.cat([symbols[:, :PLANE_ROWS] - expected / steps, symbols[:, PLANE_ROWS:]], 1)
        return (laplace_bits(symbols, self.log_spreads.exp()[self._networks]) * self._used).sum()

    def fitted(self) -> FittedCodes:
        """The rounded codes."""
        with torch.no_grad():
            rounded = (self.values / self._steps()).round() * self._used
            bits = float(self._bits(rounded))
        symbols = rounded.to(torch.int32).numpy()
        return FittedCodes(
            self.networks.astype(np.int32), symbols, self.step_codes(), bits / len(symbols), self.decoders
        )
