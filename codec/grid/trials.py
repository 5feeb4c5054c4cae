"""The search for the best `grid` file: how many cells it needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..job import Encoded, Job
from ..search import Trial, smallest_that_meets
from ..settings import DEFAULT_QUALITY
from .encode import MAX_CELLS, MIN_CELLS, GridSettings, encode_grid
from .stream import pack_symbols

_CELLS_AT_ZERO, _QUALITY_OCTAVE = 20.0, 10.0  # quality 0 is 20 cells, every 10 more double them
# Steps of a fit and trials of a search, by effort 1 to 9.
_ITERATIONS = (300, 600, 1000, 1500, 2000, 3500, 6000, 9000, 14000)
_TRIALS = (4, 5, 5, 6, 6, 7, 8, 9, 10)
_SEARCH_SHARE = 0.3  # of a fit's steps, while searching
_NEAR_ENOUGH = 0.06  # where the search with short fits ends: a whole fit moves the figures about as much
# How the errors and the bytes go with the number of cells, as exponents: where a search begins to look.
_SLOPES = {"cd": -0.9, "rms": -0.9, "hd": -0.5}
_BYTES_SLOPE = 0.85
_BYTES_A_CELL = 1.3
_ONE_SECTION_BYTES = 1000  # a small file is not worth a second section's 7 bytes


def cells_of_quality(quality: float) -> float:
    """Wanted cells of a quality from 0 to 100."""
    return float(_CELLS_AT_ZERO * 2 ** (quality / _QUALITY_OCTAVE))


def grid_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making."""
    settings, trial_of = job.settings, _GridTrials(job)
    quality = DEFAULT_QUALITY if settings.quality is None else settings.quality
    if settings.max_error is None and settings.target_size is None:
        return [trial_of(cells_of_quality(quality))]
    n_trials = _TRIALS[settings.effort - 1]
    if settings.target_size is not None:
        start, slope = settings.target_size / _BYTES_A_CELL, _BYTES_SLOPE
    else:
        start, slope = cells_of_quality(quality), _SLOPES[settings.metric]
    rough = replace(trial_of, share=_SEARCH_SHARE)
    trials = smallest_that_meets(rough, start, MIN_CELLS, MAX_CELLS, n_trials, slope, _NEAR_ENOUGH)
    # The whole fit is better than those of the search, so that it may meet the goal where they just missed it.
    size = min(trials, key=lambda t: abs(np.log(max(t.excess, 1e-9)))).size
    final = [trial_of(size)]
    sign = -1 if slope < 0 else 1
    for _ in range(3):
        if final[-1].excess <= 1 and final[-1].excess > 0.93:
            break
        step = min(max(-np.log(final[-1].excess / 0.975) / slope, -0.4), 0.4)
        following = float(np.clip(size * np.exp(step), MIN_CELLS, MAX_CELLS))
        better = sign * (following - size) > 0
        if following == size or (better and len(final) > 1 and any(t.excess > 1 for t in final)):
            break
        size = following
        final.append(trial_of(size))
    return trials + final


@dataclass(frozen=True, eq=False)
class _GridTrials:
    """Makes a file of a wanted number of cells, with a share of the steps."""

    job: Job
    share: float = 1.0

    def __call__(self, n_cells: float) -> Trial[Encoded]:
        job = self.job
        n_iterations = round(self.share * _ITERATIONS[job.settings.effort - 1])
        with job.clock("fit"):
            settings = GridSettings(n_cells, n_iterations, pack=job.pack_of("grid"))
            frame, symbols = encode_grid(job.target, settings, job.progress)
        with job.clock("code"):
            sections = pack_symbols(symbols)
            if sum(len(section.data) for section in sections) < _ONE_SECTION_BYTES:
                sections = pack_symbols(symbols, n_base_levels=symbols.n_levels)
        detail = {"depth": symbols.depth, "cells": len(symbols.cells), "levels": symbols.n_levels}
        return job.trial("grid", n_cells, frame, sections, detail, job.pack_of("grid"))
