"""Coded control meshes of any size for one surface: what a search for the best file tries."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import TypeVar

import numpy as np

from .. import mixing
from ..search import Trial, miss, smallest_that_meets
from .correspondences import match, plain_surface
from .decimate import Mesh, decimate, decimate_ladder
from .fit import FitSettings, Fitted, choose_creases, fit_control, fit_plain
from .fit_target import FitTarget
from .losses import SurfacePoints, spread_points
from .part_order import in_coding_order
from .quantize import Quantized, Steps, quantize

Result = TypeVar("Result")
Attempt = Callable[[float, float], Trial[Result]]

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
_NEAR, _FINE_TUNABLE = 0.06, 0.15
_FINE_TRIALS = 2  # kept for the steps
# How much less the error depends on the fineness of the steps than on the number of vertices.
_STEP_SLOPE = 0.35
# Up to so many vertices rounds and samples are as the settings say; beyond, the more vertices the fewer rounds, down to
# so few, and the fewer samples a vertex: the time then goes with the vertices only, at 5 % more error times bytes.
_MOST_WITH_ALL_ROUNDS, _LEAST_ROUNDS, _LEAST_SAMPLES_A_VERTEX = 1500, 2, 10
_SAMPLES_OF_DECIMATION = 10_000
# The kind of surface is chosen again where the size came to be so many times another than where it was chosen.
_FAR = 2.5

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
        self._standing: SurfacePoints | None = None
        self._first: dict[int, Fitted] = {}
        self._fitted: dict[tuple[int, bool], Fitted] = {}
        self._angles = settings.crease_angles

    def resampled(self, seed: int) -> ControlFits:
        """Other fits to the same surface: from other samples of it."""
        other = copy(self)
        other._target, other._first, other._fitted = self._target.resampled(seed), {}, {}
        return other

    def fitted(self, n_vertices: float, is_plain: bool = False) -> Fitted:
        """The fit of a control mesh with about so many vertices, as far as the surface's topology allows.

        Its limit surface is fitted, or its triangles themselves where it `is_plain`.
        """
        n_faces = _n_faces(n_vertices)
        if (n_faces, is_plain) not in self._fitted:
            self._fitted[n_faces, is_plain] = self._plain(n_vertices) if is_plain else self._creased(n_vertices)
        return self._fitted[n_faces, is_plain]

    def first(self, n_vertices: float, is_plain: bool = False) -> Fitted:
        """The fit before vertices are put where it is worst; the whole fit where it `is_plain`."""
        return self.fitted(n_vertices, is_plain) if is_plain else self._with_creases(n_vertices)

    def coded(self, n_vertices: float, fineness: float = 1.0, is_plain: bool = False) -> Quantized:
        """A control mesh with about so many vertices, coded with steps `fineness` times as fine as usual."""
        fitted = self.fitted(n_vertices, is_plain)
        matches = fitted.matches
        # A shape that is exact but for a few places is worth steps for what is exact: half-way, in octaves.
        evenness = float(np.sqrt(min(1.0, matches.typical / max(_TYPICAL_OF_MEAN * matches.cd, _LEAST_ERROR))))
        error = min(max(evenness * matches.cd, _LEAST_ERROR), 1.0)
        steps = Steps.near(_STEP_OF_ERROR * error * self._target.scale / fineness, _TANGENTIAL_RATIO)
        n = fitted.dense.control.n_vertices
        energy = 2 * min(max(evenness * matches.rms, _LEAST_ERROR), 1.0) ** 2
        settings = _affordable(self._settings, n)
        return quantize(
            self._target,
            fitted.dense,
            fitted.positions,
            steps,
            _BIT_PRICE * energy / (_BITS_A_VERTEX * n) / fineness**2,
            n_rounds=max(round(self._n_rounds * _share(n)), 1),
            n_samples=settings.n_samples(n),
            power=settings.power,
            far_weight=settings.far_weight,
            matches=fitted.matches,
            priors=self._priors,
        )

    def decimated(self, n_vertices: float) -> Mesh:
        """The mesh that is fitted, before it is: vertices (V, 3) in the target's frame, and faces (F, 3)."""
        n_faces = _n_faces(n_vertices)
        if not self._ladder:
            most = len(self._target.faces)
            counts = [count for count in (_MOST_FACES_OF_A_RUNG // _RUNG**k for k in range(6)) if count < most]
            self._ladder = [(self._target.points, self._target.faces)]
            self._standing = spread_points(self._target.points, self._target.faces)
            if counts:
                self._ladder += decimate_ladder(*self._ladder[0], counts, standing=self._standing)
        above = [mesh for mesh in self._ladder if len(mesh[1]) >= n_faces]
        points, faces = decimate(*(above[-1] if above else self._ladder[0]), n_faces, standing=self._standing)
        return points, in_coding_order(points, faces)

    def decimation_errors(self, n_vertices: float) -> dict[str, float]:
        """Errors of the mesh before it is fitted, as fractions of the diagonal: cd, rms and hd, roughly."""
        points, faces = self.decimated(n_vertices)
        return match(self._target, plain_surface(faces, len(points)), points, _SAMPLES_OF_DECIMATION).errors

    def _plain(self, n_vertices: float) -> Fitted:
        mesh = self.decimated(n_vertices)
        return fit_plain(self._target, *mesh, _affordable(self._settings, len(mesh[0])))

    def _creased(self, n_vertices: float) -> Fitted:
        first = self._with_creases(n_vertices)
        n_first = len(first.positions)
        # Never more than the surface has itself.
        n_inserted = min(self._n_inserted(n_vertices), max(len(self._target.points) - n_first, 0))
        return fit_control(self._target, first, _affordable(self._settings, n_first), n_inserted)

    def _with_creases(self, n_vertices: float) -> Fitted:
        """The first fit of a control mesh, to which vertices are still to be added."""
        n_faces = _n_faces(n_vertices)
        if n_faces not in self._first:
            mesh = self.decimated(n_vertices - self._n_inserted(n_vertices))
            settings = replace(_affordable(self._settings, len(mesh[0])), crease_angles=self._angles)
            self._first[n_faces], angles = choose_creases(self._target, *mesh, settings)
            self._angles = tuple(angles[:_ANGLES_AGAIN])
        return self._first[n_faces]

    def _n_inserted(self, n_vertices: float) -> int:
        return int(n_vertices * self._settings.inserted)


def _n_faces(n_vertices: float) -> int:
    """Faces of a closed mesh with about so many vertices: what stands for a size."""
    return max(round(2 * n_vertices), 1)


def _share(n_vertices: int) -> float:
    """Of the rounds that a small mesh gets, those that a mesh of this size does."""
    return min(_MOST_WITH_ALL_ROUNDS / n_vertices, 1.0)


def _affordable(settings: FitSettings, n_vertices: int) -> FitSettings:
    """The settings for a mesh of this size."""
    share = _share(n_vertices)
    if share == 1:
        return settings
    return replace(
        settings,
        n_rounds=max(round(settings.n_rounds * share), _LEAST_ROUNDS),
        n_trial_rounds=max(round(settings.n_trial_rounds * share), 1),
        samples_a_vertex=max(round(settings.samples_a_vertex * share), _LEAST_SAMPLES_A_VERTEX),
    )


def search_control(
    attempts: Sequence[Sequence[Attempt[Result]]],
    start: float,
    slope: float,
    cost: Callable[[Trial[Result]], float],
    *,
    low: float = 4.0,
    high: float = 20_000.0,
    n_trials: int = 6,
    near: float = 0.0,
    size_near: float = 0.0,
) -> list[Trial[Result]]:
    """Trials towards the smallest control mesh, and the coarsest steps, that meet a goal.

    Few sizes are tried, since each is a fit; the steps make up for the rest.

    Parameters
    ----------
    attempts : sequence of sequences of callable
        Each makes trials of a number of vertices and a fineness (`ControlFits.coded`). Those of a row make the same
        kind of surface in different ways. The kind that costs less at the first size, in the first way, is searched
        with, in all of its ways: a few percent lie between them, and nothing but the search tells.
    start : float
        First number of vertices.
    slope : float
        d log excess / d log vertices where nothing better is known.
    cost : callable
        Compares trials of about the same size, whether they meet the goal or not.
    low, high : float
        Numbers of vertices allowed.
    n_trials : int
        Most trials of the kind chosen.
    near : float
        Stop as soon as an excess is this close to 1 on either side, as a difference of logarithms.
    size_near : float
        Likewise, leave the rest to the steps as soon as an excess is this close.

    Returns
    -------
    list of Trial
        All of them, in order; `size` is the number of vertices.
    """
    trials = [ways[0](start, 1.0) for ways in attempts]
    first = min(trials, key=cost)
    ways = attempts[trials.index(first)]
    search = partial(
        _sizes,
        slope=slope,
        low=low,
        high=high,
        n_trials=max(n_trials - _FINE_TRIALS, 1),
        near=max(near, size_near, _NEAR),
    )
    sizes = search(ways[0], first)
    trials += sizes[1:]
    best = min(sizes, key=miss)
    if len(attempts) > 1 and abs(np.log(best.size / start)) > np.log(_FAR):
        others = [other for other in attempts if other is not ways]
        trials += (found := [other[0](best.size, 1.0) for other in others])
        other = min(found, key=cost)
        if cost(other) < cost(best):
            ways = others[found.index(other)]
            sizes = search(ways[0], other)
            trials += sizes[1:]
            best = min(sizes, key=miss)
    trials += _finer(ways[0], sizes, slope, n_trials, near)
    for way in ways[1:]:
        trials += (sizes := search(way, way(best.size, 1.0)))
        trials += _finer(way, sizes, slope, n_trials, near)
    return trials


def _sizes(
    attempt: Attempt[Result],
    first: Trial[Result],
    *,
    slope: float,
    low: float,
    high: float,
    n_trials: int,
    near: float,
) -> list[Trial[Result]]:
    """Trials of other numbers of vertices, after a first one, which comes first."""

    def sized(size: float) -> Trial[Result]:
        return first if size == first.size else attempt(size, 1.0)

    return smallest_that_meets(sized, first.size, low, high, n_trials, slope, near)


def _finer(
    attempt: Attempt[Result], sizes: list[Trial[Result]], slope: float, n_trials: int, near: float
) -> list[Trial[Result]]:
    """Trials of other steps for the mesh that is nearest to the goal, if it nearly meets it."""
    best = min(sizes, key=miss)
    if not near < miss(best) <= _FINE_TUNABLE or len(sizes) >= n_trials:
        return []

    def tuned(fineness: float) -> Trial[Result]:
        if fineness == 1.0:
            return replace(best, size=1.0)
        return replace(attempt(best.size, fineness), size=fineness)

    finer = smallest_that_meets(tuned, 1.0, 0.4, 2.5, n_trials - len(sizes) + 1, slope * _STEP_SLOPE, near)
    return [replace(trial, size=best.size) for trial in finer[1:]]
