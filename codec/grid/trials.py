"""The search for the best `grid` file: how many cells it needs."""

from __future__ import annotations

from functools import partial

from ...formats.container import Section
from ..job import Encoded, Job
from ..search import Trial
from ..sizing import Sizing, sized_trials, steps_of_fit
from .encode import MAX_CELLS, MIN_CELLS, GridSettings, encode_grid
from .stream import pack_symbols
from .symbols import GridSymbols
from .walk import FirstField

# Sizes are wanted cells: quality 0 is 20 of them, every 10 more double them.
SIZING = Sizing(
    at_zero=20.0,
    octave=10.0,
    low=MIN_CELLS,
    high=MAX_CELLS,
    bytes_at_one=4.0,
    bytes_slope=0.85,
    slopes={"cd": -0.9, "rms": -0.9, "hd": -0.5},
)
_ITERATIONS = (300, 600, 1000, 1500, 2000, 3500, 6000, 9000, 14000)  # of a fit, by effort 1 to 9
_ONE_SECTION_BYTES = 1000  # a small file is not worth a second section's 7 bytes


def grid_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making."""
    return sized_trials(job, SIZING, partial(_trial, job))


def iterations_of(job: Job, is_draft: bool) -> int:
    """Steps of a fit."""
    return steps_of_fit(_ITERATIONS, job, is_draft)


def sections_of(symbols: GridSymbols, first: FirstField | None = None) -> list[Section]:
    """Sections of symbols: the finest latents in one of their own, if they are worth it."""
    sections = pack_symbols(symbols, first=first)
    if sum(len(section.data) for section in sections) < _ONE_SECTION_BYTES:
        sections = pack_symbols(symbols, symbols.n_levels, first)
    return sections


def _trial(job: Job, n_cells: float, is_draft: bool) -> Trial[Encoded]:
    """The file of a wanted number of cells."""
    with job.clock("fit"):
        settings = GridSettings(
            n_cells, iterations_of(job, is_draft), pack=job.pack_of("grid"), device=job.settings.device
        )
        frame, symbols = encode_grid(job.target, settings, job.progress)
    with job.clock("code"):
        sections = sections_of(symbols)
    detail = {"depth": symbols.depth, "cells": len(symbols.cells), "levels": symbols.n_levels}
    return job.trial("grid", n_cells, frame, sections, detail, job.pack_of("grid"))
