"""Fit codes to a shape, through networks that stay as they are: gradient descent with the rate in the loss.

::

    surface --farthest points, cells--> key points, graph
    Adam on   log of the mean distance of f from [(1 - slack) d, (1 + slack) d]  +  elasticity * log bits
          (noise in place of rounding, then rounding itself)

The loss is that of `grid` (`grid.fit`), but for far away: there the field has to stay a fair part of the distance, or
a mesher that looks for the surface in the whole cube would have to look everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.spatial import cKDTree

from ...formats.frame import Frame
from ...formats.model_pack import ModelPack
from ..fitting import FallingRates, laplace_bits, rounded, with_noise
from ..occupancy import cells_of_points
from ..sample import Samples, surface_points
from ..target import Target
from ..whole import FILL
from .field import key_points_of
from .key_points import farthest_points
from .model import LocalNetwork, Regions, local_distances
from .shared import network_of_pack
from .symbols import MAX_DEPTH, LocalSymbols, code_of_step, middles, step_of_code

Progress = Callable[[str, int, int], None]

_CELLS_A_SPACING = 3.0  # how finely positions are coded
_CANDIDATES_A_POINT = 24  # surface samples that key points are chosen of
_FAR = 0.5  # spacings; beyond, the field may be any larger than the distance
_LEAST_FAR = 1.0  # spacings that are enough anywhere
_BITS_A_POSITION = 9.0
_CODE_RATE, _STEP_RATE, _SPREAD_RATE = 0.15, 0.01, 0.02
_SPREAD_CELLS = 4096  # of the cube and of the space some way from the surface, for samples all over them
_SPREAD_SHARE, _AWAY = 0.2, 1.5


@dataclass(frozen=True)
class FitSettings:
    """How codes are fitted.

    Parameters
    ----------
    n_key_points : float
        Wanted; as many as come to lie in cells of their own.
    pack : ModelPack
    n_iterations : int
        Steps of Adam.
    elasticity : float
        Percent of error that a percent of bits is worth.
    slack : float
        Relative error of the distance that costs nothing.
    n_samples : int
        Distance samples.
    batch_size : int
        Samples in a step.
    rounding_share : float
        Last part of the steps, in which codes and step are rounded.
    n_neighbours : int
        Of a key point in the graph.
    """

    n_key_points: float
    pack: ModelPack
    n_iterations: int = 600
    elasticity: float = 1.1
    slack: float = 0.5
    n_samples: int = 1 << 17
    batch_size: int = 4096
    rounding_share: float = 0.25
    n_neighbours: int = 8


def encode_lgcl(target: Target, settings: FitSettings, progress: Progress | None = None) -> tuple[Frame, LocalSymbols]:
    """Frame and symbols of a shape's field.

    Parameters
    ----------
    target : Target
    settings : FitSettings
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    frame = target.frame(FILL)
    rng = np.random.default_rng(target.seed)
    network = network_of_pack(settings.pack)
    start = spread_key_points(target, frame, settings.n_key_points, settings.n_neighbours, rng)
    key_points = key_points_of(start, torch.device("cpu"))
    samples = distance_samples(target, frame, float(key_points.spacing.mean()), settings.n_samples, rng)
    generator = torch.Generator().manual_seed(target.seed)
    return frame, fit_codes(start, network, samples, settings, generator, progress)


def spread_key_points(
    target: Target, frame: Frame, n: float, n_neighbours: int, rng: np.random.Generator
) -> LocalSymbols:
    """Symbols of about `n` key points spread over a shape's surface, without codes."""
    wanted = max(round(n), 1)
    points, _ = surface_points(target.vertices, target.faces, _CANDIDATES_A_POINT * wanted, rng)
    points = target.from_home(points, frame)
    chosen = points[farthest_points(points, wanted)]
    spacing = float(cKDTree(chosen).query(chosen, 2)[0][:, 1].mean()) if wanted > 1 else 1.0
    depth = int(np.clip(math.ceil(math.log2(2 * _CELLS_A_SPACING / spacing)), 1, MAX_DEPTH))
    cells = cells_of_points(chosen, depth)
    return LocalSymbols(depth, cells, n_neighbours, code_of_step(1.0), np.zeros((len(cells), 0), np.int32))


def distance_samples(target: Target, frame: Frame, spacing: float, n: int, rng: np.random.Generator) -> Samples:
    """Distance samples near the surface, at scales of the spacing of key points, and a share of them all over.

    Half of these lie some spacings from the surface: there a key point answers for what none is near, deep inside
    above all, of which the cube holds little.
    """
    depth = int(np.clip(round(math.log2(2 / spacing)), 1, MAX_DEPTH))
    anywhere = rng.integers(0, 1 << depth, (_SPREAD_CELLS, 3)).astype(np.int32)
    points, _ = surface_points(target.vertices, target.faces, _SPREAD_CELLS, rng)
    points = target.from_home(points, frame) + _AWAY * spacing * rng.standard_normal((_SPREAD_CELLS, 3))
    around = np.floor((points.clip(-0.999, 0.999) + 1) * (1 << depth) / 2).astype(np.int32)
    return target.samples(frame, np.concatenate([anywhere, around]), depth, n, spread_share=_SPREAD_SHARE)


def bounds(
    distances: npt.NDArray[np.float32], spacing: npt.NDArray[np.float32] | float, slack: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Least and largest |f| that costs nothing at points of an unsigned distance."""
    low = np.minimum((1 - slack) * distances, np.float32(_LEAST_FAR) * spacing)
    high = np.where(distances < _FAR * spacing, (1 + slack) * distances, np.float32(np.inf))
    return low.astype(np.float32), high.astype(np.float32)


def relative_error(found: torch.Tensor, signs: torch.Tensor, low: torch.Tensor, high: torch.Tensor) -> torch.Tensor:
    """Mean distance of f, taken with the sign that it should have, from its bounds."""
    outward = found * signs
    return ((low - outward).clamp(min=0) + (outward - high).clamp(min=0)).mean()


def bits_of(symbols: torch.Tensor, log_spreads: torch.Tensor) -> torch.Tensor:
    """Bits of (noisy) codes under a Laplace distribution a channel, and of the positions of their key points."""
    return laplace_bits(symbols, log_spreads.exp()).sum() + _BITS_A_POSITION * len(symbols)


def fit_codes(
    start: LocalSymbols, network: LocalNetwork, samples: Samples, settings: FitSettings, generator: torch.Generator,
    progress: Progress | None = None,
) -> LocalSymbols:  # fmt: skip
    """The symbols of key points with the codes that fit samples of a signed distance, at a price for each bit.

    Parameters
    ----------
    start : LocalSymbols
        Its codes do not matter.
    network : LocalNetwork
        Stays as it is.
    samples : Samples
        In random order.
    settings : FitSettings
    generator : torch.Generator
        Of the noise.
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    key_points = key_points_of(start, torch.device("cpu"))
    low, high = bounds(np.abs(samples.distances), float(key_points.spacing.mean()), settings.slack)
    nearest = Regions(middles(start.cells, start.depth), network.sizes.blend).nearest(samples.points)
    data = [torch.from_numpy(a) for a in (samples.points, nearest, np.sign(samples.distances), low, high)]
    codes = torch.zeros(len(start.cells), network.sizes.channels[0], requires_grad=True)
    log_step = torch.zeros((), requires_grad=True)
    log_spreads = torch.zeros(codes.shape[1], requires_grad=True)
    groups = [(codes, _CODE_RATE), (log_step, _STEP_RATE), (log_spreads, _SPREAD_RATE)]
    optimizer = torch.optim.Adam([{"params": [p], "lr": rate} for p, rate in groups], betas=(0.9, 0.99))
    n_steps, n_batches = settings.n_iterations, max(len(samples.points) // settings.batch_size, 1)
    first_rounded = round(n_steps * (1 - settings.rounding_share))
    rates = FallingRates(optimizer, n_steps)
    for i in range(n_steps):
        rates.set(i)
        if i == first_rounded:
            log_step = torch.tensor(math.log(step_of_code(code_of_step(math.exp(log_step.item())))))
        symbols = with_noise(codes, generator) if i < first_rounded else rounded(codes)
        part = slice(i % n_batches * settings.batch_size, (i % n_batches + 1) * settings.batch_size)
        points, near, signs, low_, high_ = (array[part] for array in data)
        inputs = key_points.inputs(symbols * log_step.exp(), network.sizes.geometry)
        local = network.local_codes(inputs, key_points.graph)
        found = local_distances(points, near, key_points, local, network.decoder)
        error = relative_error(found, signs, low_, high_)
        loss = torch.log(error) + settings.elasticity * torch.log(bits_of(symbols, log_spreads))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress is not None:
            progress("fit", i + 1, n_steps)
    integers = torch.round(codes.detach()).to(torch.int32).numpy()
    step_code = code_of_step(math.exp(log_step.item()))
    return LocalSymbols(start.depth, start.cells, start.n_neighbours, step_code, integers)
