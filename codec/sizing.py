"""How large the field of a file must be: the search that the methods share whose files have a size to choose.

A fit with a share of the steps tells nearly what a whole one gives, so that the search is made of such drafts, and only
what it ends at is fitted in full, moved a little if it then misses the goal or beats it by far::

    quality --> size --> fit
    goal --> drafts: smallest that meets --> fit --miss?--> fit, a little larger or smaller
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from .job import Encoded, Job
from .search import Trial, miss, smallest_that_meets
from .settings import DEFAULT_QUALITY

DRAFT_SHARE = 0.3  # of a fit's steps
_NEAR_ENOUGH = 0.06  # where the search with drafts ends: a whole fit moves the figures about as much
_MOST_FITS = 4
LEAST_USED = 0.93  # of what is allowed; below, a smaller file is tried
_AIM = 0.975
_LONGEST_STEP = 0.4  # from a fit to the next, as a difference of logarithms


@dataclass(frozen=True)
class Sizing:
    """What the sizes of a method mean.

    Attributes
    ----------
    at_zero : float
        Size of quality 0.
    octave : float
        Qualities after which the size doubles.
    low, high : float
        Sizes allowed.
    bytes_at_one : float
        Bytes of a file of size 1, by the power law below; for where to begin.
    bytes_slope : float
        d log bytes / d log size.
    slopes : mapping of str to float
        d log error / d log size of each metric; negative.
    n_drafts : sequence of int
        Most drafts of a search, by effort 1 to 9.
    """

    at_zero: float
    octave: float
    low: float
    high: float
    bytes_at_one: float
    bytes_slope: float
    slopes: Mapping[str, float]
    n_drafts: tuple[int, ...] = (4, 5, 5, 6, 6, 7, 8, 9, 10)

    def of_quality(self, quality: float | None) -> float:
        """Size of a quality from 0 to 100."""
        wanted = DEFAULT_QUALITY if quality is None else quality
        return self.clipped(self.at_zero * 2 ** (wanted / self.octave))

    def clipped(self, size: float) -> float:
        """The nearest size allowed."""
        return min(max(size, self.low), self.high)


def steps_of_fit(by_effort: Sequence[int], job: Job, is_draft: bool, draft_share: float = DRAFT_SHARE) -> int:
    """Steps of a fit: those of the effort asked for, one for each from 1 to 9, or their share that makes a draft."""
    return round((draft_share if is_draft else 1) * by_effort[job.settings.effort - 1])


def sized_trials(job: Job, sizing: Sizing, trial_of: Callable[[float, bool], Trial[Encoded]]) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making.

    Parameters
    ----------
    job : Job
    sizing : Sizing
    trial_of : callable
        Makes the file of a size; whether it is a draft, with a share of the steps, comes second.
    """
    settings = job.settings
    if not settings.has_goal:
        return [trial_of(sizing.of_quality(settings.quality), False)]
    if settings.target_size is not None:
        slope = sizing.bytes_slope
        start = (settings.target_size / sizing.bytes_at_one) ** (1 / slope)
    else:
        slope = sizing.slopes[settings.metric]
        start = sizing.of_quality(None)
    n_drafts = sizing.n_drafts[settings.effort - 1]
    drafts = smallest_that_meets(
        lambda size: trial_of(size, True), start, sizing.low, sizing.high, n_drafts, slope, _NEAR_ENOUGH
    )
    return drafts + _fits(min(drafts, key=miss).size, slope, sizing, trial_of)


def _fits(
    size: float, slope: float, sizing: Sizing, trial_of: Callable[[float, bool], Trial[Encoded]]
) -> list[Trial[Encoded]]:
    """Whole fits, from a size that drafts found to one that meets the goal closely."""
    fits = [trial_of(size, False)]
    sign = -1 if slope < 0 else 1
    while len(fits) < _MOST_FITS and not LEAST_USED < fits[-1].excess <= 1:
        step = -math.log(max(fits[-1].excess, 1e-9) / _AIM) / slope
        following = sizing.clipped(size * math.exp(min(max(step, -_LONGEST_STEP), _LONGEST_STEP)))
        towards_better = sign * (following - size) > 0
        if following == size or (towards_better and any(t.excess > 1 for t in fits)):
            break
        size = following
        fits.append(trial_of(size, False))
    return fits
