"""The search for the best `scaffold` file: how many control vertices it needs, or how fine a step.

creased   a control mesh whose limit surface is fitted to the input: for what is round
plain     triangles that are fitted as they are: for what is flat, and for very many vertices
kept      the input's own triangles
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...formats.frame import Frame
from ..job import Encoded, Job
from ..search import Trial, best_of, miss, smallest_that_meets
from ..settings import ErrorBound, cd_of_quality
from .coder import encode_control
from .control_fits import ControlFits, search_control
from .fit import FitSettings
from .fit_target import FitTarget
from .head import MAX_LEVELS, Head
from .sheets import Sheets, manifold_sheets
from .steps import code_of_step
from .stream import pack_encoded
from .surface import enough_levels
from .traversal import traverse

# Trials of a search, rounds of fitting and of quantizing, by effort 1 to 9.
_TRIALS = (4, 5, 5, 6, 6, 7, 8, 10, 12)
_FIT_ROUNDS = (5, 7, 8, 10, 12, 14, 18, 24, 30)
_CODE_ROUNDS = (2, 2, 3, 3, 4, 4, 6, 8, 10)
# From other samples of the surface the same work comes out up to a few percent better or worse: the best of so many.
_STARTS = (1, 1, 1, 1, 1, 1, 2, 4, 6)
# What effort 1 leaves out: fewer angles and no chains taken over take a sixth less time at the same bytes times error.
_QUICK: dict[str, Any] = {
    "crease_angles": (180.0, 65.0, 28.0),
    "n_merges": 0,
    "n_turns": 0,
    "n_insertions": 1,
    "samples_a_vertex": 16,
    "least_samples": 10_000,
}
_MOST_CREASED = 6000  # control vertices: with more, plain triangles are nearly as good, and fitted much faster
# The mean distance between the decoded triangles and the limit surface, over the error of the fit; and how many
# triangles there may be by default.
_FLATNESS, _MOST_TRIANGLES = 0.1, 200_000
# Bytes at equal error go about like bytes times error to this power.
_COST_OF_ERROR = {"cd": 1.0, "rms": 1.1, "hd": 1.4}
# How far below the error that a quality stands for is aimed; twice that is near enough, as a difference of logarithms.
# Effort 1, whose last trial may be its first, may come nearer the surface than that.
_NEAR_QUALITY = (0.15, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
# How near a quality a size has to come, by effort: a size more is a fit more, other steps are another coding only.
_SIZE_NEAR = (0.2, 0.15, 0.12, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1)
# A search for an error begins where decimation comes this near, as a difference of logarithms, or after so many tries.
_START_TRIALS, _START_NEAR = 5, 0.2
_FITTED_SHARE = 0.65  # of the vertices that decimation takes, those that fitting does
# It goes on with first fits, so often or until they come so near. The largest distance of a first fit says too little.
_FIRST_TRIALS, _FIRST_NEAR = 3, 0.12
_ERROR_OF_FIRST = ("cd", "rms")
# Where it is open which kind is better, first fits move the beginning by at most this factor: far from the error that
# is wanted, the kind that is better there would be taken.
_MOST_MOVED = 1.6
# The score of a plain first fit over that of a creased one above which only the creased one is worth more work, and
# below which only the plain one is; for effort 1, which tries one kind, where they take about the same bytes.
_WORSE, _BETTER, _EVEN = 1.05, 0.78, 0.85
# The error of a coded mesh over that of its first fit: of plain ones, of creased ones that are much better than plain
# ones, since more fitting gains more than coding loses, and of creased ones that are not.
_LOSS_OF_PLAIN, _LOSS_OF_CREASED = 1.45, (0.92, 1.2)
_BYTES_BESIDE, _BYTES_A_VERTEX = 40, 2.2  # where a search for a size begins


@dataclass(frozen=True)
class _Scale:
    """What a search is over: a size that means more bytes and a smaller error where it is larger.

    Attributes
    ----------
    low, high : float
        Sizes allowed.
    laws : mapping
        For each metric (c, s) such that the error is about (size / c)^s.
    of_bytes : callable
        Where to begin for a file of so many bytes.
    bytes_slope : float
        How the bytes go with the size, as an exponent.
    """

    low: float
    high: float
    laws: Mapping[str, tuple[float, float]]
    of_bytes: Callable[[int], float]
    bytes_slope: float


_VERTICES = _Scale(
    low=4.0,
    high=200_000.0,
    laws={"cd": (0.25, -1.1), "rms": (0.34, -1.0), "hd": (0.03, -0.5)},
    of_bytes=lambda n_bytes: max(n_bytes - _BYTES_BESIDE, 10) / _BYTES_A_VERTEX,
    bytes_slope=0.95,
)
# Normalized units over the normal step. Bytes hardly go with it: they begin anywhere.
_FINENESS = _Scale(
    low=4.0,
    high=2.0**21,
    laws={"cd": (0.06, -1.0), "rms": (0.08, -1.0), "hd": (0.3, -1.0)},
    of_bytes=lambda _: 512.0,
    bytes_slope=0.25,
)


def scaffold_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making; of a quality, one file."""
    with job.clock("prepare"):
        sheets = manifold_sheets(job.target.vertices, job.target.faces)
    trials_of = _kept_trials if job.settings.preserve_mesh else _fitted_trials
    if job.settings.has_goal:
        return trials_of(job, sheets)
    # At most the error that the quality stands for, and not much less.
    near = _NEAR_QUALITY[job.settings.effort - 1]
    bound = ErrorBound(cd_of_quality(job.settings.quality) * np.exp(-near))
    settings = replace(job.settings, quality=None, max_error=bound, metric="cd")
    trials = trials_of(replace(job, settings=settings), sheets, near=near)
    near_enough = [replace(trial, excess=trial.excess * np.exp(-near)) for trial in trials]
    best = best_of(near_enough, lambda made: len(made.data))
    return [replace(best, excess=0.0, result=replace(best.result, target_met=True))]


def _kept_trials(job: Job, sheets: Sheets, near: float = 0.0) -> list[Trial[Encoded]]:
    start, slope = _start(job, _FINENESS)
    n_trials = _TRIALS[job.settings.effort - 1]
    attempt = partial(_kept, job, sheets)
    return smallest_that_meets(attempt, start, _FINENESS.low, _FINENESS.high, n_trials, slope, near)


def _fitted_trials(job: Job, sheets: Sheets, near: float = 0.0) -> list[Trial[Encoded]]:
    """Those with fitted control meshes, of the kind that serves better."""
    settings, effort = job.settings, job.settings.effort - 1
    most = min(float(len(sheets.vertices)), _VERTICES.high)
    with job.clock("prepare"):
        target = FitTarget(sheets.vertices, sheets.faces, settings.seed)
        fits = ControlFits(target, _fit_settings(settings.effort), n_rounds=_CODE_ROUNDS[effort])
        start, slope = _start(job, _VERTICES)
        if (bound := job.allowed_error) is not None:
            start = _start_by_decimation(fits, settings.metric, bound, start, slope, most)
    start = min(start, most)
    with job.clock("fit"):
        kinds = _kinds(fits, start, settings.effort)
        if bound is not None and settings.metric in _ERROR_OF_FIRST:
            start = _start_by_first_fits(fits, kinds, settings.metric, bound, start, slope, most)
    starts = [fits, *(fits.resampled(settings.seed + i) for i in range(1, _STARTS[effort]))]
    return search_control(
        [[partial(_fitted, job, start_of, is_plain) for start_of in starts] for is_plain in kinds],
        start,
        slope,
        partial(_cost, settings.metric),
        low=_VERTICES.low,
        high=most,
        n_trials=_TRIALS[effort],
        near=near,
        size_near=_SIZE_NEAR[effort] if near else 0.0,
    )


def _kinds(fits: ControlFits, n_vertices: float, effort: int) -> list[bool]:
    """Whether the surfaces to try are plain; both kinds where first fits do not tell which will take fewer bytes."""
    if n_vertices > _MOST_CREASED:
        return [True]
    creased, plain = (fits.first(n_vertices, is_plain).score for is_plain in (False, True))
    worse, better = (_EVEN, _EVEN) if effort == 1 else (_WORSE, _BETTER)
    if plain > worse * creased:
        return [False]
    return [True] if plain <= better * creased else [False, True]


def _fit_settings(effort: int) -> FitSettings:
    """The work of a fit by effort, 1 to 9."""
    n_rounds = _FIT_ROUNDS[effort - 1]
    settings = FitSettings(n_rounds=n_rounds, n_trial_rounds=n_rounds * 2 // 5)
    return replace(settings, **_QUICK) if effort == 1 else settings


def _start_by_decimation(
    fits: ControlFits, metric: str, bound: float, start: float, slope: float, most: float
) -> float:
    """The number of vertices with which decimation alone comes near an error, less those that fitting saves."""

    def attempt(n_vertices: float) -> Trial[None]:
        return Trial(n_vertices, fits.decimation_errors(n_vertices)[metric] / bound, None)

    trials = smallest_that_meets(attempt, start, _VERTICES.low, most, _START_TRIALS, slope, _START_NEAR)
    met = [trial for trial in trials if trial.excess <= 1]
    # What so many vertices hold exactly, as those of a box, no fit of fewer comes near.
    nearest = min(trials, key=miss)
    if met and miss(nearest) > 1:
        return min(trial.size for trial in met)
    return max(_FITTED_SHARE * nearest.size, _VERTICES.low)


def _start_by_first_fits(
    fits: ControlFits, kinds: list[bool], metric: str, bound: float, start: float, slope: float, most: float
) -> float:
    """The number of vertices with which a first fit comes near what it may be for an error, once coded."""
    allowed = bound / (_LOSS_OF_PLAIN if kinds[0] else _LOSS_OF_CREASED[len(kinds) - 1])

    def attempt(n_vertices: float) -> Trial[None]:
        return Trial(n_vertices, fits.first(n_vertices, kinds[0]).matches.errors[metric] / allowed, None)

    high = most if kinds[0] else min(most, _MOST_CREASED)
    trials = smallest_that_meets(attempt, start, _VERTICES.low, high, _FIRST_TRIALS, slope, _FIRST_NEAR)
    size = min(trials, key=miss).size
    return size if len(kinds) == 1 else min(max(size, start / _MOST_MOVED), start * _MOST_MOVED)


def _start(job: Job, scale: _Scale) -> tuple[float, float]:
    """The size to begin with, and how the goal's excess goes with the size."""
    bound = job.allowed_error
    if bound is None:
        assert job.settings.target_size is not None
        size, slope = scale.of_bytes(job.settings.target_size), scale.bytes_slope
    else:
        constant, slope = scale.laws[job.settings.metric]
        size = constant * bound ** (1 / slope)
    return min(max(size, scale.low), scale.high), slope


def _cost(metric: str, trial: Trial[Encoded]) -> float:
    """The bytes that a trial's kind of surface takes, relative to others at an equal error, as a logarithm."""
    error = max(float(getattr(trial.result.distortion, metric)), np.finfo(np.float64).tiny)
    return float(np.log(len(trial.result.data)) + _COST_OF_ERROR[metric] * np.log(error))


def _fitted(job: Job, fits: ControlFits, is_plain: bool, n_vertices: float, fineness: float) -> Trial[Encoded]:
    """A control mesh fitted to the surface, with steps `fineness` times as fine as usual."""
    with job.clock("fit"):
        control = fits.fitted(n_vertices, is_plain).dense.control
    with job.clock("code"):
        found = fits.coded(n_vertices, fineness, is_plain)
        n_levels = 0
        if not is_plain:
            levels = enough_levels(control, found.positions, _FLATNESS * found.matches.cd, _MOST_TRIANGLES)
            n_levels = min(levels, MAX_LEVELS)
        head = Head(
            control.n_vertices,
            len(control.faces),
            found.steps.normal,
            found.steps.tangential,
            n_levels,
            is_plain,
        )
        sections = pack_encoded(head, found.encoded)
    home = job.target.frame(1.0)
    x, y, z = (np.array(home.centre_steps) + found.shift).tolist()
    creases = found.encoded.mesh.sharpness > 0
    detail = {**_detail(head), "creases": int(creases.sum())}
    return job.trial("scaffold", n_vertices, Frame(home.scale_code, (x, y, z)), sections, detail)


def _kept(job: Job, sheets: Sheets, fineness: float) -> Trial[Encoded]:
    """The input's own triangles in the home frame, with vertices on a lattice of one step for all directions.

    A bound on the largest distance holds for each vertex and its own place, not just for the surfaces.
    """
    vertices, faces = sheets.vertices, sheets.faces
    with job.clock("code"):
        head = Head(len(vertices), len(faces), code_of_step(1 / fineness), 0, 0, is_plain=True)
        traversal = traverse(faces)
        encoded = encode_control(traversal, vertices / head.unit, head.tangential_step)
        sections = pack_encoded(head, encoded)
    trial = job.trial("scaffold", fineness, job.target.frame(1.0), sections, _detail(head))
    if job.allowed_error is None or job.settings.metric != "hd":
        return trial
    moved = np.linalg.norm(encoded.mesh.positions * head.unit - vertices[traversal.order], axis=1)
    excess = max(trial.excess, float(moved.max()) / job.reference.diagonal / job.allowed_error)
    return Trial(fineness, excess, replace(trial.result, target_met=excess <= 1))


def _detail(head: Head) -> dict[str, object]:
    return {"vertices": head.n_vertices, "faces": head.n_faces, "levels": head.n_levels}
