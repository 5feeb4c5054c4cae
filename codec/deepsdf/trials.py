"""The search for the step of the code that meets a goal: one code has no other size to choose."""

from __future__ import annotations

from functools import partial

from ...formats.model_pack import ModelPack
from ..job import Encoded, Job
from ..packs.bundled import bundled_pack
from ..search import Trial
from ..sizing import Sizing, sized_trials
from .fit import FitSettings, encode_deepsdf
from .shared import METHOD
from .stream import pack_symbols

# Sizes are steps in a unit of the code: quality 0 is 4 of them, every 12.5 more double them.
SIZING = Sizing(
    at_zero=4.0,
    octave=12.5,
    low=2.0,
    high=2000.0,
    bytes_at_one=40.0,
    bytes_slope=0.3,
    slopes={"cd": -0.2, "rms": -0.2, "hd": -0.15},
    n_drafts=(2, 3, 3, 4, 4, 5, 6, 7, 8),
)
_ITERATIONS = (100, 200, 300, 450, 600, 1000, 1600, 2500, 4000)  # of a fit, by effort 1 to 9
_DRAFT_SHARE = 0.3  # of a fit's steps


def deepsdf_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making.

    Raises
    ------
    MissingPackError
        No pack is given.
    """
    pack = job.pack_of(METHOD) or bundled_pack(METHOD)
    return sized_trials(job, SIZING, partial(_trial, job, pack))


def _trial(job: Job, pack: ModelPack, fineness: float, is_draft: bool) -> Trial[Encoded]:
    """The file of so many steps in a unit of the code."""
    n_iterations = round((_DRAFT_SHARE if is_draft else 1) * _ITERATIONS[job.settings.effort - 1])
    with job.clock("fit"):
        frame, symbols = encode_deepsdf(job.target, FitSettings(1 / fineness, pack, n_iterations), job.progress)
    with job.clock("code"):
        sections = pack_symbols(symbols)
    detail = {"numbers": len(symbols.code), "step": symbols.step_code}
    return job.trial(METHOD, fineness, frame, sections, detail, pack)
