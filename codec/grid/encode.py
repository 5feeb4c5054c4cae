"""From a shape and a size to the symbols of its field: the grid is chosen, then fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...formats.frame import Frame
from ...formats.model_pack import ModelPack
from ..astray import trims_of
from ..backend import pick_device
from ..fineness import choose_grid
from ..target import Target
from .fit import FitSettings, Progress, fit
from .model import GridField
from .symbols import OWN_NETWORK, SHARED_NETWORK, GridSymbols
from .walk import FirstField

MIN_CELLS, MAX_CELLS = 24, 80_000
N_LEVELS = 4  # of latents, where there are as many
_SAMPLES_A_CELL = 96
_MIN_SAMPLES, _MAX_SAMPLES = 1 << 17, 1 << 21


@dataclass(frozen=True)
class GridSettings:
    """How large a field a shape gets.

    Parameters
    ----------
    n_cells : float
        Wanted number of occupied finest cells: the size of the file is nearly proportional to it.
    n_iterations : int
        Steps of the fit.
    elasticity : float
        Percent of error that a percent of bits is worth; chosen on scans of the training corpus.
    n_samples : int
        Distance samples, at least; large grids get more.
    pack : ModelPack, optional
        Its network is taken in place of one of the file's own.
    device : str
        Where it is fitted, as of ``--device``.
    n_levels : int
        Levels of latents, where the grid has as many.
    """

    n_cells: float
    n_iterations: int = 1500
    elasticity: float = 1.35
    n_samples: int = 1 << 18
    pack: ModelPack | None = None
    device: str = "cpu"
    n_levels: int = N_LEVELS


def encode_grid(target: Target, settings: GridSettings, progress: Progress | None = None) -> tuple[Frame, GridSymbols]:
    """Frame and symbols of a shape's field; arguments as of `fit_grid`."""
    frame, depth = choose_grid(target, settings.n_cells)
    return frame, fit_grid(target, frame, depth, settings, progress)


def fit_grid(
    target: Target, frame: Frame, depth: int, settings: GridSettings, progress: Progress | None = None,
    first: FirstField | None = None,
) -> GridSymbols:  # fmt: skip
    """Symbols of a shape's field on the grid of a frame and a depth.

    Parameters
    ----------
    target : Target
    frame : Frame
    depth : int
        Of the finest cells.
    settings : GridSettings
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    first : FirstField, optional
        What the latents are added to.
    """
    cells = target.cells(frame, depth)
    n_samples = min(max(settings.n_samples, _SAMPLES_A_CELL * len(cells), _MIN_SAMPLES), _MAX_SAMPLES)
    samples = target.samples(frame, cells, depth, n_samples)
    fit_settings = FitSettings(
        settings.elasticity,
        n_iterations=settings.n_iterations,
        n_levels=min(settings.n_levels, depth),
        network=OWN_NETWORK if settings.pack is None else SHARED_NETWORK,
        pack=settings.pack,
        device=pick_device(settings.device),
    )
    generator = torch.Generator().manual_seed(target.seed)
    symbols = fit(cells, depth, samples, fit_settings, generator, progress, first)
    trimmed, parts = trims_of(target, frame, GridField(symbols, pack=settings.pack, first=first))
    return replace(symbols, trimmed=trimmed, parts=parts)
