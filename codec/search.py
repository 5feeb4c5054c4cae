"""How large a field must be: one-dimensional search over noisy, monotone measurements."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Trial(Generic[Result]):
    """One measurement.

    Parameters
    ----------
    size : float
        What was tried (wanted cells of a grid, say); larger means more bytes and a smaller error.
    excess : float
        Measured over allowed: the goal is met at 1 or below.
    result : Result
        What was made, to be kept if it wins.
    """

    size: float
    excess: float
    result: Result


def smallest_that_meets(
    attempt: Callable[[float], Trial[Result]],
    start: float,
    low: float,
    high: float,
    n_trials: int,
    slope: float,
    near: float = 0.0,
) -> list[Trial[Result]]:
    """Trials towards the smallest size whose excess is at most 1, where excess falls with size.

    The logarithms are taken for a straight line: through the two trials nearest to the goal on either side if there are
    some, else through the last one, with the slope that the last two have, or the usual one. Measurements are noisy (a
    largest distance is one point's), so that a bracket is only trusted down to 3 % and a step beyond it is short.

    Parameters
    ----------
    attempt : callable
        Makes a trial of a size.
    start, low, high : float
        First size, and the sizes allowed.
    n_trials : int
        Most trials.
    slope : float
        d log excess / d log size where nothing better is known; negative. For a goal that is met below a size, give a
        positive slope: the search then goes for the largest size that meets it.
    near : float
        Stop as soon as an excess is this close to 1 on either side, as a difference of logarithms.

    Returns
    -------
    trials : list of Trial
        All of them, in order.
    """
    trials: list[Trial[Result]] = []
    size = min(max(start, low), high)
    for _ in range(n_trials):
        trials.append(attempt(size))
        if miss(trials[-1]) < near:
            break
        met = [t for t in trials if t.excess <= 1]
        missed = [t for t in trials if t.excess > 1]
        # The better end of the bracket: sizes that meet the goal lie above the others when the slope is negative.
        sign = -1 if slope < 0 else 1
        best = max(met, key=lambda t: sign * t.size, default=None)
        worst = min(missed, key=lambda t: sign * t.size, default=None)
        if best and worst and abs(math.log(best.size / worst.size)) < 0.03:
            break
        if best and best.excess > 0.97:
            break
        aim = math.log(0.985)
        if best and worst and sign * (worst.size - best.size) > 0:
            ends = math.log(best.excess), math.log(worst.excess)
            share = min(max((aim - ends[0]) / (ends[1] - ends[0]), 0.15), 0.85)
            following = math.exp(math.log(best.size) + share * math.log(worst.size / best.size))
        else:
            anchor = best or worst
            assert anchor is not None
            step = (aim - math.log(max(anchor.excess, 1e-9))) / _slope_there(trials, slope)
            if best is None:  # short of the goal by a hair is still short
                step = math.copysign(max(abs(step), 0.03), step)
            following = anchor.size * math.exp(min(max(step, -2.5), 2.5))
        following = min(max(following, low), high)
        if any(abs(math.log(following / t.size)) < 0.01 for t in trials):
            break
        size = following
    return trials


def _slope_there(trials: list[Trial[Result]], usual: float) -> float:
    """The slope through the last two trials, if it is at all like the usual one; else that."""
    if len(trials) < 2:
        return usual
    (x, y), (x_before, y_before) = ((math.log(t.size), math.log(max(t.excess, 1e-9))) for t in trials[-2:])
    return min(max((y - y_before) / (x - x_before) / usual, 0.5), 2.5) * usual


def miss(trial: Trial[Result]) -> float:
    """How far a trial is from just meeting the goal, as a difference of logarithms."""
    return abs(math.log(max(trial.excess, 1e-9)))


def best_of(trials: list[Trial[Result]], cost: Callable[[Result], float]) -> Trial[Result]:
    """The trial of the least cost among those that meet the goal, else the one closest to it."""
    met = [t for t in trials if t.excess <= 1]
    if met:
        return min(met, key=lambda t: cost(t.result))
    return min(trials, key=lambda t: t.excess)
