"""Coded control meshes of any size for one surface: what a search for the best file tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import numpy as np

from .. import mixing
from ..search import Trial, smallest_that_meets
from .decimate import Mesh, decimate, decimate_ladder
from .fit import FitSettings, Fitted, fit_control
from .fit_target import FitTarget
from .losses import spread_points
from .quantize import Quantized, Steps, quantize

Result = TypeVar("Result")

# The normal step over the mean error of the fit, the tangential step over the normal one, where they lose least.
_STEP_OF_ERROR, _TANGENTIAL_RATIO = 6.0, 2.0
# The typical distance over the mean one where distances are normally distributed (`Matches`).
_TYPICAL_OF_MEAN = 0.85
# What a bit may cost, over the energy of a fit divided by the bits it takes, about so many a vertex.
_BIT_PRICE, _BITS_A_VERTEX = 1.0, 18.0
# Rungs of the ladder from which meshes of other sizes are decimated have this many times fewer faces each.
_RUNG = 4
_MOST_FACES_OF_A_RUNG = 65_536
# Of the angles at which creases are tried with the first size, so many of the best are tried with others.
_ANGLES_AGAIN = 2
# How near to the goal a size is good enough, and up to where steps can make up for it, as differences of logarithms.
_NEAR, _FINE_TUNABLE = 0.06, 0.3
# How much less the error depends on the fineness of the steps than on the number of vertices.
_STEP_SLOPE = 0.35


# Fits that are closer are coded as if they were not: a box may be exact.
_LEAST_ERROR = 1e-7


class ControlFits:
    """Fits and codes control meshes of a surface.

    Parameters
    ----------
    target : FitTarget
        Of vertices in normalized units.
    settings : FitSettings
    n_rounds : int
        Of quantizing and fitting again.
    priors : mixing.Priors, optional
        Where the coder's model starts, if not as files have it.
    """

    def __init__(
        self,
        target: FitTarget,
        settings: FitSettings,
        *,
        n_rounds: int = 4,
        priors: mixing.Priors | None = None,
    ) -> None:
        self._target, self._settings = target, settings
        self._n_rounds, self._priors = n_rounds, priors
        self._ladder: list[Mesh] = []
        self._fitted: dict[int, Fitted] = {}
        self._angles = settings.crease_angles

    def fitted(self, n_vertices: float) -> Fitted:
        """The fit of a control mesh with about so many vertices, as far as the surface's topology allows."""
        n_faces = max(round(2 * n_vertices), 1)
        if n_faces not in self._fitted:
            points, faces = self._decimated(n_faces)
            found, angles = fit_control(
                self._target, points, faces, replace(self._settings, crease_angles=self._angles)
            )
            self._angles = tuple(angles[:_ANGLES_AGAIN])
            self._fitted[n_faces] = found
        return self._fitted[n_faces]

    def coded(self, n_vertices: float, fineness: float = 1.0) -> Quantized:
        """A control mesh with about so many vertices, coded with steps `fineness` times as fine as usual."""
        fitted = self.fitted(n_vertices)
        matches = fitted.matches
        # A shape that is exact but for a few places is worth steps for what is exact: half-way, in octaves.
        evenness = float(np.sqrt(min(1.0, matches.typical / max(_TYPICAL_OF_MEAN * matches.cd, _LEAST_ERROR))))
        error = min(max(evenness * matches.cd, _LEAST_ERROR), 1.0)
        steps = Steps.near(_STEP_OF_ERROR * error * self._target.scale / fineness, _TANGENTIAL_RATIO)
        n = fitted.dense.control.n_vertices
        energy = 2 * min(max(evenness * matches.rms, _LEAST_ERROR), 1.0) ** 2
        return quantize(
            self._target,
            fitted.dense,
            fitted.positions,
            steps,
            _BIT_PRICE * energy / (_BITS_A_VERTEX * n) / fineness**2,
            n_rounds=self._n_rounds,
            n_samples=self._settings.n_samples(n),
            power=self._settings.power,
            matches=fitted.matches,
            priors=self._priors,
        )

    def _decimated(self, n_faces: int) -> Mesh:
        if not self._ladder:
            most = len(self._target.faces)
            counts = [count for count in (_MOST_FACES_OF_A_RUNG // _RUNG**k for k in range(6)) if count < most]
            self._ladder = [(self._target.points, self._target.faces)]
            self._standing = spread_points(self._target.points, self._target.faces)
            if counts:
                self._ladder += decimate_ladder(self._target.points, self._target.faces, counts)
        above = [mesh for mesh in self._ladder if len(mesh[1]) >= n_faces]
        return decimate(*(above[-1] if above else self._ladder[0]), n_faces, standing=self._standing)


def search_control(
    attempt: Callable[[float, float], Trial[Result]],
    start: float,
    slope: float,
    *,
    low: float = 4.0,
    high: float = 20_000.0,
    n_trials: int = 6,
) -> list[Trial[Result]]:
    """Trials towards the smallest control mesh, and the coarsest steps, that meet a goal.

    Few sizes are tried, since each is a fit; the steps make up for the rest.

    Parameters
    ----------
    attempt : callable
        Makes a trial of a number of vertices and a fineness (`ControlFits.coded`).
    start : float
        First number of vertices.
    slope : float
        d log excess / d log vertices where nothing better is known.
    low, high : float
        Numbers of vertices allowed.
    n_trials : int
        Most trials in all.

    Returns
    -------
    list of Trial
        All of them, in order; `size` is the number of vertices.
    """
    sizes = smallest_that_meets(
        lambda size: attempt(size, 1.0), start, low, high, max(n_trials // 2, 1), slope, near=_NEAR
    )
    best = min(sizes, key=lambda trial: abs(np.log(max(trial.excess, 1e-9))))
    if abs(np.log(max(best.excess, 1e-9))) > _FINE_TUNABLE or len(sizes) >= n_trials:
        return sizes
    n = best.size

    def tuned(fineness: float) -> Trial[Result]:
        if fineness == 1.0:
            return replace(best, size=1.0)
        return replace(attempt(n, fineness), size=fineness)

    finer = smallest_that_meets(tuned, 1.0, 0.4, 2.5, n_trials - len(sizes) + 1, slope * _STEP_SLOPE)
    return sizes + [replace(trial, size=n) for trial in finer[1:]]
