"""The search for the best `lpdif` file: how many regions it needs."""

from __future__ import annotations

from functools import partial

from ..job import Encoded, Job
from ..packs.bundled import bundled_pack
from ..search import Trial
from ..sizing import Sizing, sized_trials, steps_of_fit
from .encode import LpdifSettings, encode_lpdif
from .fit import CodeFit
from .shared import METHOD, decoders_of_pack
from .stream import pack_symbols

# Sizes are wanted regions: quality 0 is 10 of them, every 10 more double them.
SIZING = Sizing(
    at_zero=10.0,
    octave=10.0,
    low=8,
    high=40_000,
    bytes_at_one=5.0,
    bytes_slope=0.95,
    slopes={"cd": -0.9, "rms": -0.9, "hd": -0.5},
    n_drafts=(3, 4, 4, 5, 5, 6, 7, 8, 9),
)
_ITERATIONS = (60, 100, 150, 250, 400, 600, 900, 1300, 2000)  # of a fit, by effort 1 to 9
_DRAFT_SHARE = 0.4  # of a fit's steps


def lpdif_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making."""
    return sized_trials(job, SIZING, partial(_trial, job))


def _trial(job: Job, n_regions: float, is_draft: bool) -> Trial[Encoded]:
    """The file of a wanted number of regions."""
    pack = job.pack_of(METHOD) or bundled_pack(METHOD)
    n_iterations = steps_of_fit(_ITERATIONS, job, is_draft, _DRAFT_SHARE)
    with job.clock("fit"):
        settings = LpdifSettings(n_regions, CodeFit(n_iterations))
        frame, symbols = encode_lpdif(job.target, decoders_of_pack(pack), settings, job.progress)
    with job.clock("code"):
        sections = pack_symbols(symbols)
    detail = {"depth": symbols.depth, "regions": len(symbols.cells), "easy": int((symbols.networks == 0).sum())}
    return job.trial(METHOD, n_regions, frame, sections, detail, pack)
