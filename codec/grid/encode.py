"""From a shape and a size to the symbols of its field: the grid is chosen, then fitted."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch

from ...formats.frame import Frame
from ...formats.model_pack import ModelPack
from ..mesher import extract
from ..occupancy import NEIGHBOURS
from ..target import Target
from .fit import FitSettings, Progress, fit
from .model import GridField
from .symbols import MAX_DEPTH, OWN_NETWORK, SHARED_NETWORK, GridSymbols

MIN_CELLS, MAX_CELLS = 24, 80_000
N_LEVELS = 4  # of latents, where there are as many
# A triangle is astray when it is this far from the surface, in cells; a cell is trimmed for so many of them on a mesh
# of so many voxels a cell. Its parts stay when the surface comes this close to them, in parts.
_ASTRAY, _LEAST_ASTRAY, _TRIM_VOXELS, _PART_REACH = 0.35, 2, 4, 0.1
_FILLS = (0.475, 0.95)
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
    """

    n_cells: float
    n_iterations: int = 1500
    elasticity: float = 1.1
    n_samples: int = 1 << 18
    pack: ModelPack | None = None


def choose_grid(target: Target, n_cells: float) -> tuple[Frame, int]:
    """Frame and depth of the grid in which about `n_cells` cells meet the surface.

    The number of cells along the shape's longest side is a continuous choice: the depth gives powers of two, the
    share of the cube that the shape fills gives what is between.
    """
    side = 16.0  # cells along the longest side
    for _ in range(4):
        fill, depth = _fill_of(side)
        found = len(target.cells(target.frame(fill), depth))
        if abs(math.log(found / n_cells)) < 0.03:
            break
        # The exponent is 2 for a surface, 1 for a wire that is thinner than a cell.
        side = min(max(side * (n_cells / found) ** 0.5, 2.0), _FILLS[1] * (1 << MAX_DEPTH))
    fill, depth = _fill_of(side)
    return target.frame(fill), depth


def _fill_of(side: float) -> tuple[float, int]:
    depth = min(max(math.ceil(math.log2(side / _FILLS[1])), 2), MAX_DEPTH)
    return min(max(side / (1 << depth), 0.25), _FILLS[1]), depth


def encode_grid(target: Target, settings: GridSettings, progress: Progress | None = None) -> tuple[Frame, GridSymbols]:
    """Frame and symbols of a shape's field.

    Parameters
    ----------
    target : Target
    settings : GridSettings
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    frame, depth = choose_grid(target, settings.n_cells)
    cells = target.cells(frame, depth)
    n_samples = min(max(settings.n_samples, _SAMPLES_A_CELL * len(cells), _MIN_SAMPLES), _MAX_SAMPLES)
    samples = target.samples(frame, cells, depth, n_samples)
    fit_settings = FitSettings(
        settings.elasticity,
        n_iterations=settings.n_iterations,
        n_levels=min(N_LEVELS, depth),
        network=OWN_NETWORK if settings.pack is None else SHARED_NETWORK,
        pack=settings.pack,
    )
    generator = torch.Generator().manual_seed(target.seed)
    symbols = fit(cells, depth, samples, fit_settings, generator, progress)
    return frame, _with_trims(target, frame, symbols, settings.pack)


def _with_trims(target: Target, frame: Frame, symbols: GridSymbols, pack: ModelPack | None) -> GridSymbols:
    """The symbols, with cells trimmed where the level set runs on beyond the surface."""
    vertices, faces = extract(GridField(symbols, pack=pack), _TRIM_VOXELS << symbols.depth)
    if not len(faces):
        return symbols
    middles = vertices[faces].mean(1)
    cell = 2 / (1 << symbols.depth)
    distances = target.oracle.unsigned(target.to_home(middles, frame)) / target.to_home_ratio(frame)
    astray = middles[distances > _ASTRAY * cell]
    # A triangle outside the occupied cells belongs to the cell that it sticks out of.
    probes = np.concatenate([astray, *(astray + step * (cell / 4) for step in NEIGHBOURS)])
    cells, counts = np.unique(np.floor((probes + 1) / cell).astype(np.int64), axis=0, return_counts=True)
    flagged = set(map(tuple, cells[counts >= _LEAST_ASTRAY].tolist()))
    trimmed = np.array([c for c in symbols.cells.tolist() if tuple(c) in flagged], np.int32).reshape(-1, 3)
    parts = target.cells(frame, symbols.depth + 1, reach=_PART_REACH)
    parents = set(map(tuple, trimmed.tolist()))
    stays = np.array([tuple(p) in parents for p in (parts >> 1).tolist()], bool)
    return replace(symbols, trimmed=trimmed, parts=parts[stays])
