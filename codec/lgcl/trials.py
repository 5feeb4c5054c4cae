"""The search for the number of key points that meets a goal."""

from __future__ import annotations

from functools import partial

from ...formats.model_pack import ModelPack
from ..job import Encoded, Job
from ..packs.bundled import bundled_pack
from ..search import Trial
from ..sizing import Sizing, sized_trials, steps_of_fit
from .fit import FitSettings, encode_lgcl
from .shared import METHOD
from .stream import pack_symbols
from .symbols import MAX_KEY_POINTS

# Sizes are wanted key points: quality 0 is 16 of them, every 14 more double them.
SIZING = Sizing(
    at_zero=16.0,
    octave=14.0,
    low=4,
    high=MAX_KEY_POINTS / 2,
    bytes_at_one=4.0,
    bytes_slope=1.0,
    slopes={"cd": -0.8, "rms": -0.8, "hd": -0.5},
    n_drafts=(3, 4, 4, 5, 5, 6, 7, 8, 9),
)
_ITERATIONS = (100, 200, 300, 450, 600, 1000, 1600, 2500, 4000)  # of a fit, by effort 1 to 9
_LEAST_DRAFT = 60  # steps; with fewer the codes have hardly moved, and errors are five times those of the fit


def lgcl_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making.

    Raises
    ------
    MissingPackError
        No pack is given and none is bundled.
    """
    pack = job.pack_of(METHOD) or bundled_pack(METHOD)
    return sized_trials(job, SIZING, partial(_trial, job, pack))


def _trial(job: Job, pack: ModelPack, n_key_points: float, is_draft: bool) -> Trial[Encoded]:
    """The file of a wanted number of key points."""
    n_iterations = steps_of_fit(_ITERATIONS, job, is_draft)
    if is_draft:
        n_iterations = max(n_iterations, _LEAST_DRAFT)
    with job.clock("fit"):
        frame, symbols = encode_lgcl(job.target, FitSettings(n_key_points, pack, n_iterations), job.progress)
    with job.clock("code"):
        sections = pack_symbols(symbols)
    detail = {"depth": symbols.depth, "key points": len(symbols.cells), "step": symbols.step_code}
    return job.trial(METHOD, n_key_points, frame, sections, detail, pack)
