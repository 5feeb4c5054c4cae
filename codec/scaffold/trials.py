"""The search for the best `scaffold` file: how many control vertices it needs, or how fine a step.

fitted      a control mesh whose limit surface is fitted to the input: what a file normally holds
decimated   fewer of the input's triangles as they are, where a fit would take too long
kept        the input's own triangles
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ...formats.frame import Frame
from ..job import Encoded, Job
from ..search import Trial, smallest_that_meets
from ..settings import DEFAULT_QUALITY
from .coder import encode_control
from .control_fits import ControlFits, search_control
from .decimate import decimate
from .fit import FitSettings
from .fit_target import FitTarget
from .head import MAX_LEVELS, Head
from .sheets import Sheets, manifold_sheets
from .steps import code_of_step
from .stream import pack_encoded
from .surface import enough_levels
from .topology import IntArray
from .traversal import traverse

FloatArray = NDArray[np.float64]

# Trials of a search, rounds of fitting and of quantizing, by effort 1 to 9.
_TRIALS = (4, 5, 5, 6, 6, 7, 8, 10, 12)
_FIT_ROUNDS = (5, 7, 8, 10, 12, 14, 18, 24, 30)
_CODE_ROUNDS = (2, 2, 3, 3, 4, 4, 6, 8, 10)
_MOST_FITTED = 2500  # control vertices: rate-distortion quantization takes memory with the square of them
# The mean distance between the decoded triangles and the limit surface, over the error of the fit; and how many
# triangles there may be by default.
_FLATNESS, _MOST_TRIANGLES = 0.1, 200_000
_STEP_OF_ERROR = 2.0  # the normal step over the mean error of the mesh that is quantized with it


@dataclass(frozen=True)
class _Scale:
    """What a search is over: a size that means more bytes and a smaller error where it is larger.

    Attributes
    ----------
    at_zero : float
        The size of quality 0; every 10 more double it.
    low, high : float
        Sizes allowed.
    laws : mapping
        For each metric (c, s) such that the error is about (size / c)^s.
    of_bytes : callable
        Where to begin for a file of so many bytes.
    bytes_slope : float
        How the bytes go with the size, as an exponent.
    """

    at_zero: float
    low: float
    high: float
    laws: Mapping[str, tuple[float, float]]
    of_bytes: Callable[[int], float]
    bytes_slope: float


_VERTICES = _Scale(
    at_zero=8.0,
    low=4.0,
    high=200_000.0,
    laws={"cd": (0.06, -1.0), "rms": (0.08, -0.9), "hd": (0.01, -0.5)},
    of_bytes=lambda n_bytes: 0.3 * n_bytes ** (1 / 0.95),
    bytes_slope=0.95,
)
# Normalized units over the normal step. Bytes hardly go with it: they begin anywhere.
_FINENESS = _Scale(
    at_zero=16.0,
    low=4.0,
    high=2.0**21,
    laws={"cd": (0.06, -1.0), "rms": (0.08, -1.0), "hd": (0.3, -1.0)},
    of_bytes=lambda _: 512.0,
    bytes_slope=0.25,
)


def scaffold_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making."""
    with job.clock("prepare"):
        sheets = manifold_sheets(job.target.vertices, job.target.faces)
    if job.settings.preserve_mesh:
        return _search(job, _FINENESS, partial(_kept, job, sheets))
    trials = _fitted_trials(job, sheets)
    if any(trial.excess <= 1 for trial in trials):
        return trials
    return trials + _search(job, _VERTICES, partial(_decimated, job, sheets))


def _fitted_trials(job: Job, sheets: Sheets) -> list[Trial[Encoded]]:
    """Those with fitted control meshes; none where quality asks for more vertices than are fitted."""
    settings, effort = job.settings, job.settings.effort - 1
    with job.clock("prepare"):
        target = FitTarget(sheets.vertices, sheets.faces, settings.seed)
    n_rounds = _FIT_ROUNDS[effort]
    fits = ControlFits(
        target, FitSettings(n_rounds=n_rounds, n_trial_rounds=n_rounds * 2 // 5), n_rounds=_CODE_ROUNDS[effort]
    )
    attempt = partial(_fitted, job, fits)
    start, slope = _start(job, _VERTICES)
    if slope is None:
        return [attempt(start, 1.0)] if start <= _MOST_FITTED else []
    return search_control(
        attempt, min(start, _MOST_FITTED), slope, low=_VERTICES.low, high=_MOST_FITTED, n_trials=_TRIALS[effort]
    )


def _start(job: Job, scale: _Scale) -> tuple[float, float | None]:
    """The size to begin with, and how the goal's excess goes with the size; None where there is nothing to search."""
    settings, bound = job.settings, job.allowed_error
    slope: float | None = None
    if settings.target_size is not None:
        size, slope = scale.of_bytes(settings.target_size), scale.bytes_slope
    elif bound is not None:
        constant, slope = scale.laws[settings.metric]
        size = constant * bound ** (1 / slope)
    else:
        quality = DEFAULT_QUALITY if settings.quality is None else settings.quality
        size = scale.at_zero * 2 ** (quality / 10)
    return min(max(size, scale.low), scale.high), slope


def _search(job: Job, scale: _Scale, attempt: Callable[[float], Trial[Encoded]]) -> list[Trial[Encoded]]:
    start, slope = _start(job, scale)
    if slope is None:
        return [attempt(start)]
    return smallest_that_meets(attempt, start, scale.low, scale.high, _TRIALS[job.settings.effort - 1], slope)


def _fitted(job: Job, fits: ControlFits, n_vertices: float, fineness: float) -> Trial[Encoded]:
    """A control mesh fitted to the surface, with steps `fineness` times as fine as usual."""
    with job.clock("fit"):
        control = fits.fitted(n_vertices).dense.control
    with job.clock("code"):
        found = fits.coded(n_vertices, fineness)
        n_levels = enough_levels(control, found.positions, _FLATNESS * found.matches.cd, _MOST_TRIANGLES)
        head = Head(
            control.n_vertices,
            len(control.faces),
            found.steps.normal,
            found.steps.tangential,
            min(n_levels, MAX_LEVELS),
        )
        sections = pack_encoded(head, found.encoded)
    home = job.target.frame(1.0)
    x, y, z = (np.array(home.centre_steps) + found.shift).tolist()
    detail = {**_detail(head), "creases": int((found.encoded.mesh.sharpness > 0).sum())}
    return job.trial("scaffold", n_vertices, Frame(home.scale_code, (x, y, z)), sections, detail)


def _kept(job: Job, sheets: Sheets, fineness: float) -> Trial[Encoded]:
    """The input's own triangles, with vertices on a lattice.

    A bound on the largest distance holds for each vertex and its own place, not just for the surfaces.
    """
    trial, farthest = _plain(job, fineness, sheets.vertices, sheets.faces, 1 / fineness)
    if job.allowed_error is None or job.settings.metric != "hd":
        return trial
    excess = max(trial.excess, farthest / job.reference.diagonal / job.allowed_error)
    return Trial(fineness, excess, replace(trial.result, target_met=excess <= 1))


def _decimated(job: Job, sheets: Sheets, n_vertices: float) -> Trial[Encoded]:
    """Fewer triangles, with vertices on a lattice as fine as they are exact."""
    with job.clock("fit"):
        vertices, faces = decimate(sheets.vertices, sheets.faces, max(round(2 * n_vertices), 1))
        error = job.reference.measure(vertices, faces).cd * job.reference.diagonal
    return _plain(job, n_vertices, vertices, faces, _STEP_OF_ERROR * max(error, 1e-7))[0]


def _plain(job: Job, size: float, vertices: FloatArray, faces: IntArray, step: float) -> tuple[Trial[Encoded], float]:
    """A mesh as it is, in the home frame, with one step for all directions; and how far the farthest vertex moved."""
    with job.clock("code"):
        head = Head(len(vertices), len(faces), code_of_step(step), 0, 0, is_plain=True)
        traversal = traverse(faces)
        encoded = encode_control(traversal, vertices / head.unit, head.tangential_step)
        sections = pack_encoded(head, encoded)
    moved = np.linalg.norm(encoded.mesh.positions * head.unit - vertices[traversal.order], axis=1)
    return job.trial("scaffold", size, job.target.frame(1.0), sections, _detail(head)), float(moved.max())


def _detail(head: Head) -> dict[str, object]:
    return {"vertices": head.n_vertices, "faces": head.n_faces, "levels": head.n_levels}
