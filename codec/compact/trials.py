"""The search for the best `compact` file: a code alone where that will do, else a code and a residual."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

from ...formats.model_pack import ModelPack
from .. import latent_trials
from ..grid import trials as grid_trials
from ..grid.encode import GridSettings
from ..job import Encoded, Job
from ..latent_fit import CodeFit
from ..latent_trials import code_trial, code_trials
from ..packs.bundled import bundled_pack
from ..search import Trial
from ..settings import CODE_ALONE, DEFAULT_QUALITY
from ..sizing import LEAST_USED, sized_trials
from .field import evaluator
from .residual import ResidualSettings, coded_residual, encode_residual
from .shared import METHOD, Branches, PackNumbers, branches_of_numbers, numbers_of_pack
from .stream import pack_symbols

# Steps of a code in its unit: 4 at quality 0, nearly 200 at that quality. Then cells: twice as many every 5.
CODES = replace(latent_trials.SIZING, octave=9.0)
_RESIDUALS = replace(grid_trials.SIZING, at_zero=grid_trials.SIZING.at_zero / 2 ** (CODE_ALONE / 5), octave=5.0)
_CODE_STEP = 1 / 64  # of a code with a residual, which has the last word


@dataclass(frozen=True, eq=False)
class _Pack:
    """A model pack and what is in it."""

    file: ModelPack
    numbers: PackNumbers
    branches: Branches


def compact_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making."""
    file = job.pack_of(METHOD) or bundled_pack(METHOD)
    numbers = numbers_of_pack(file)
    pack = _Pack(file, numbers, branches_of_numbers(numbers))
    code = (METHOD, pack_symbols, file, evaluator(pack.branches), numbers.sizes.n_code)
    residuals = partial(sized_trials, job, _RESIDUALS, partial(_residual_trial, job, pack))
    if not job.settings.has_goal:
        quality = DEFAULT_QUALITY if job.settings.quality is None else job.settings.quality
        return residuals() if quality > CODE_ALONE else code_trials(job, *code, CODES)
    alone = code_trial(job, *code, CODES.of_quality(CODE_ALONE), False)
    # Of an error, more than is allowed; of a size, less than may be used.
    asks_more = alone.excess < LEAST_USED if job.settings.target_size is not None else alone.excess > 1
    return [alone, *(residuals() if asks_more else code_trials(job, *code, CODES))]


def _residual_trial(job: Job, pack: _Pack, n_cells: float, is_draft: bool) -> Trial[Encoded]:
    """The file of a code and a residual of a wanted number of cells."""
    settings = ResidualSettings(
        GridSettings(n_cells, grid_trials.iterations_of(job, is_draft), device=job.settings.device),
        CodeFit(_CODE_STEP, latent_trials.iterations_of(job, is_draft)),
    )
    with job.clock("fit"):
        frame, code, residual = encode_residual(job.target, pack.numbers, pack.branches, settings, job.progress)
    with job.clock("code"):
        sections = pack_symbols(code, coded_residual(pack.numbers, code, residual))
    grid = residual.grid
    detail = {"numbers": len(code.code), "depth": grid.depth, "cells": len(grid.cells), "levels": grid.n_levels}
    return job.trial(METHOD, n_cells, frame, sections, detail, pack.file)
