"""The search for the step of one latent code that meets a goal: such a code has no other size to choose."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..formats.container import Section
from ..formats.model_pack import ModelPack
from .job import Encoded, Job
from .latent_code import LatentCode
from .latent_fit import CodeFit, Evaluate, encode_code
from .search import Trial
from .sizing import Sizing, sized_trials, steps_of_fit

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
PackSymbols = Callable[[LatentCode], list[Section]]
_ITERATIONS = (100, 200, 300, 450, 600, 1000, 1600, 2500, 4000)  # of a fit, by effort 1 to 9


def iterations_of(job: Job, is_draft: bool) -> int:
    """Steps of a fit."""
    return steps_of_fit(_ITERATIONS, job, is_draft)


def code_trials(
    job: Job, method: str, pack_symbols: PackSymbols, pack: ModelPack, evaluate: Evaluate, n_code: int,
    sizing: Sizing = SIZING,
) -> list[Trial[Encoded]]:  # fmt: skip
    """Files towards the smallest that meets the goal, in the order of their making.

    Parameters
    ----------
    job : Job
    method : str
        Whose files they are.
    pack_symbols : callable
        That method's sections of a code.
    pack : ModelPack
        That they need.
    evaluate : callable
        The field of a code with that pack.
    n_code : int
        Numbers of a code.
    sizing : Sizing
    """
    return sized_trials(job, sizing, partial(code_trial, job, method, pack_symbols, pack, evaluate, n_code))


def code_trial(
    job: Job, method: str, pack_symbols: PackSymbols, pack: ModelPack, evaluate: Evaluate, n_code: int, fineness: float,
    is_draft: bool,
) -> Trial[Encoded]:  # fmt: skip
    """The file of so many steps in a unit of the code; other arguments as of `code_trials`."""
    with job.clock("fit"):
        settings = CodeFit(1 / fineness, iterations_of(job, is_draft))
        frame, symbols = encode_code(job.target, evaluate, n_code, settings, job.progress)
    with job.clock("code"):
        sections = pack_symbols(symbols)
    detail = {"numbers": len(symbols.code), "step": symbols.step_code}
    return job.trial(method, fineness, frame, sections, detail, pack)
