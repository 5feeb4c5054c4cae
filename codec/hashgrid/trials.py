"""The search for the best `hashgrid` file: how many cells it needs."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from ...formats.frame import Frame
from ..astray import trims_of
from ..backend import pick_device
from ..fineness import choose_grid
from ..job import Encoded, Job, Progress
from ..occupancy import Cells
from ..sample import Samples
from ..search import Trial
from ..sizing import Sizing, sized_trials, steps_of_fit
from ..target import Target
from ..trim import in_cells
from .encoding import HashGrid
from .fit import FitSettings, fit
from .model import HashgridField
from .stream import pack_symbols
from .symbols import LOG2_TABLE_RANGE, HashgridSymbols, grid_of

# Sizes are wanted cells: quality 0 is 20 of them, every 10 more double them.
SIZING = Sizing(
    at_zero=20.0,
    octave=10.0,
    low=24,
    high=80_000,
    bytes_at_one=4.5,
    bytes_slope=0.85,
    slopes={"cd": -0.9, "rms": -0.9, "hd": -0.5},
)
_ITERATIONS = (300, 600, 1000, 1500, 2000, 3500, 6000, 9000, 14000)  # of a fit, by effort 1 to 9
N_LEVELS = 4  # of the hash grid, where there are as many
# Entries of a hashed table for each cell. Nodes that share an entry cost more error than the entry costs bytes: with 8
# a cell files of the same error are 4 % larger, with 16 no longer.
_ENTRIES_A_CELL = 16
_SAMPLES_A_CELL = 96
_MIN_SAMPLES, _MAX_SAMPLES = 1 << 17, 1 << 20
_MARGIN = 0.25  # of a cell: as far as the mesher goes beyond the cells, the field is fitted


def hashgrid_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making."""
    return sized_trials(job, SIZING, partial(_trial, job))


def _trial(job: Job, n_cells: float, is_draft: bool) -> Trial[Encoded]:
    """The file of a wanted number of cells."""
    n_iterations = steps_of_fit(_ITERATIONS, job, is_draft)
    with job.clock("fit"):
        settings = FitSettings(n_iterations=n_iterations, device=pick_device(job.settings.device))
        frame, symbols = encode_hashgrid(job.target, n_cells, settings, job.progress)
    with job.clock("code"):
        sections = pack_symbols(symbols)
    detail = {"depth": symbols.depth, "cells": len(symbols.cells), "levels": symbols.grid.n_levels}
    return job.trial("hashgrid", n_cells, frame, sections, detail)


def encode_hashgrid(
    target: Target, n_cells: float, settings: FitSettings, progress: Progress | None = None
) -> tuple[Frame, HashgridSymbols]:
    """Frame and symbols of a shape's field.

    Parameters
    ----------
    target : Target
    n_cells : float
        Wanted number of occupied cells: the size of the file is nearly proportional to it.
    settings : FitSettings
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    frame, depth = choose_grid(target, n_cells)
    cells = target.cells(frame, depth)
    n_samples = min(max(_SAMPLES_A_CELL * len(cells), _MIN_SAMPLES), _MAX_SAMPLES)
    samples = _within_reach(target.samples(frame, cells, depth, n_samples), cells, depth)
    grid = grid_for(len(cells), depth)
    generator = torch.Generator().manual_seed(target.seed)
    symbols = fit(cells, depth, grid, samples, settings, generator, progress)
    trimmed, parts = trims_of(target, frame, HashgridField(symbols))
    return frame, replace(symbols, trimmed=trimmed, parts=parts)


def grid_for(n_cells: int, depth: int) -> HashGrid:
    """The hash grid that a file of so many occupied cells of a depth gets."""
    low, high = LOG2_TABLE_RANGE
    log2_table = min(max((_ENTRIES_A_CELL * n_cells - 1).bit_length(), low), high)
    return grid_of(depth, min(N_LEVELS, depth), log2_table)


def _within_reach(samples: Samples, cells: Cells, depth: int) -> Samples:
    """Those of the samples that lie in the cells or in the mesher's margin around them."""
    reach = _MARGIN * 2 / (1 << depth)
    points = samples.points.astype(np.float64)
    found = in_cells(points, cells, depth)
    for step in itertools.product((-reach, reach), repeat=3):
        found |= in_cells(points + step, cells, depth)
    return Samples(samples.points[found], samples.distances[found])
