"""From a shape and a size to the symbols of its network: cells and layers are chosen, then the network is fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ...formats.frame import Frame
from ..backend import pick_device
from ..crumbs import pieces_of
from ..occupancy import Cells
from ..sample import Samples
from ..target import Target
from ..whole import FILL
from .architecture import Architecture, architecture_of_size
from .choice import cells_of
from .decode import MARGIN, OverfitSurface
from .fit import FitSettings, Progress, fit_symbols
from .losses import slack_band
from .symbols import CRUMB_UNIT, MAX_CRUMBS, OverfitSymbols

MIN_SIZE, MAX_SIZE = 100.0, 60_000.0
_SLACK, _FAR = 0.4, 1 / 16  # of the loss; the second in normalized units
_NEAR = (1 / 128, 1 / 20)  # standard deviations of samples near the surface, normalized units
# Of the samples: with a tenth, as grids have it, pieces of surface appear in corners of cells.
_SPREAD_SHARE = 0.3
_N_SAMPLES = 1 << 18
_CRUMB_RESOLUTION = 128
_ASTRAY = 1 / 32  # mean distance of a piece that is none of the shape's, normalized units


@dataclass(frozen=True)
class OverfitSettings:
    """How large a network a shape gets, and how it is fitted.

    Parameters
    ----------
    n_weights : float
        Wanted number of weights: the size of the file is nearly proportional to it.
    n_iterations : int
        Steps of the fit.
    architecture : Architecture, optional
        By default the codec's own of that size; `PAPER` is the paper's.
    elasticity : float
        Percent of error that a percent of bits is worth.
    batch_size : int
        Samples in a step.
    learning_rate : float, optional
        Adam's first one; by default the wider the network the smaller (`learning_rate_of`).
    device : str
        Where it is fitted, as of ``--device``.
    """

    n_weights: float
    n_iterations: int = 6000
    architecture: Architecture | None = None
    elasticity: float = 0.8
    batch_size: int = 1024
    learning_rate: float | None = None
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class Prepared:
    """What fits of all sizes learn from.

    Attributes
    ----------
    target : Target
    frame : Frame
    depth : int
        Of the cells.
    cells : (M, 3) int32
        Occupied cells, sorted; the cube where the depth is 0.
    samples : Samples
        In these cells.
    """

    target: Target
    frame: Frame
    depth: int
    cells: Cells
    samples: Samples


def prepare(target: Target, depth: int) -> Prepared:
    """Cells of a depth, 0 for the whole cube, and samples in them."""
    frame = target.frame(FILL)
    cells = cells_of(target, frame, depth)
    fine, wide = (length / 2 * (1 << depth) for length in _NEAR)
    samples = target.samples(
        frame, cells, depth, _N_SAMPLES, spread_share=_SPREAD_SHARE, scales=(fine, wide), beyond=MARGIN
    )
    return Prepared(target, frame, depth, cells, samples)


def encode_overfit(prepared: Prepared, settings: OverfitSettings, progress: Progress | None = None) -> OverfitSymbols:
    """Symbols of a shape's network.

    Parameters
    ----------
    prepared : Prepared
    settings : OverfitSettings
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    architecture = settings.architecture or architecture_of_size(settings.n_weights)
    fit_settings = FitSettings(
        loss=slack_band(_SLACK, _FAR),
        n_iterations=settings.n_iterations,
        batch_size=settings.batch_size,
        learning_rate=settings.learning_rate or learning_rate_of(architecture.width),
        schedule="cosine",
        elasticity=settings.elasticity,
        device=pick_device(settings.device),
    )
    generator = torch.Generator().manual_seed(prepared.target.seed)
    step_codes, weights = fit_symbols(architecture, prepared.samples, fit_settings, generator, progress)
    symbols = OverfitSymbols(architecture, step_codes, weights, prepared.depth, prepared.cells, 0)
    return replace(symbols, crumbs=_crumbs(prepared, symbols))


def learning_rate_of(width: int) -> float:
    """Adam's first learning rate for a network of a width: wide ones of sines come apart with that of narrow ones.

    Examples
    --------
    >>> learning_rate_of(20), round(learning_rate_of(49), 4)
    (0.02, 0.0096)
    """
    return 0.02 * min(1.0, 30 / width) ** 1.5


def _crumbs(prepared: Prepared, symbols: OverfitSymbols) -> int:
    """The size below which pieces of the decoded surface are rather none of the shape's, in `CRUMB_UNIT`s."""
    vertices, faces = OverfitSurface(symbols, "cpu").whole(_CRUMB_RESOLUTION)
    if not len(faces):
        return 0
    piece, size = pieces_of(vertices, faces)
    distances = prepared.target.oracle.unsigned(prepared.target.to_home(vertices, prepared.frame))
    distances /= prepared.target.to_home_ratio(prepared.frame)
    counts = np.bincount(piece)
    astray = np.bincount(piece, distances) / counts > _ASTRAY
    # Dropping up to a size gets rid of what is astray and loses what is not.
    units = np.ceil(size / CRUMB_UNIT).astype(np.int64)
    gains = [int(np.where(astray, counts, -counts)[units <= unit].sum()) for unit in range(MAX_CRUMBS + 1)]
    return int(np.argmax(gains))
