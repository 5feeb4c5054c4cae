"""The search for the best `overfit` file: how many weights its network needs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from ..job import Encoded, Job
from ..search import Trial
from ..sizing import Sizing, sized_trials, steps_of_fit
from .choice import DepthChoice
from .encode import MAX_SIZE, MIN_SIZE, OverfitSettings, Prepared, encode_overfit, prepare
from .stream import pack_symbols

# Sizes are wanted weights.
SIZING = Sizing(
    at_zero=150.0,
    octave=16.0,
    low=MIN_SIZE,
    high=MAX_SIZE,
    bytes_at_one=0.9,
    bytes_slope=1.0,
    slopes={"cd": -0.8, "rms": -0.7, "hd": -0.4},
    n_drafts=(2, 2, 3, 3, 4, 4, 5, 6, 7),
)
_ITERATIONS = (800, 1500, 2500, 4000, 6000, 10_000, 16_000, 30_000, 60_000)  # of a fit, by effort 1 to 9


def overfit_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making."""
    with job.clock("prepare"):
        depth_of = DepthChoice(job.target)
    prepared_at = cache(partial(prepare, job.target))
    return sized_trials(job, SIZING, partial(_trial, job, lambda n_weights: prepared_at(depth_of(n_weights))))


def _trial(job: Job, prepared_for: Callable[[float], Prepared], n_weights: float, is_draft: bool) -> Trial[Encoded]:
    """The file of a wanted number of weights."""
    n_iterations = steps_of_fit(_ITERATIONS, job, is_draft)
    with job.clock("fit"):
        prepared = prepared_for(n_weights)
        symbols = encode_overfit(
            prepared, OverfitSettings(n_weights, n_iterations, device=job.settings.device), job.progress
        )
    with job.clock("code"):
        sections = pack_symbols(symbols)
    architecture = symbols.architecture
    detail = {"width": architecture.width, "hidden": architecture.n_hidden, "weights": architecture.n_weights}
    return job.trial("overfit", n_weights, prepared.frame, sections, detail)
