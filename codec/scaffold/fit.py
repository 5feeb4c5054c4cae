"""Fit a control mesh to a surface: positions of its vertices, and the creases, before anything is quantized.

decimated mesh -> creases at several angles -> closest points, least squares, again and again -> the best of them
               -> edges turned where that serves, and again
               -> a few vertices more where it is worst, and again -> closest points, least squares
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from ..threads import in_parallel
from .correspondences import DenseSurface, Matches, dense_surface, match, plain_surface
from .fit_creases import creased_at, merged, relative_bits
from .fit_target import FitTarget
from .insertion import best_apart, edge_scores, split_edges
from .normal_equations import LEAST_DAMPING, normal_equations, step
from .subdivision import Creased
from .turns import corners_of, promising, turned

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class FitSettings:
    """How much work a fit is.

    Attributes
    ----------
    crease_angles : tuple of float
        Dihedral angles in degrees above which edges are creased, to try; 180 is without creases.
    n_trial_rounds : int
        Most rounds of closest points and least squares for each of them.
    n_merges : int
        How often the best of them takes over the chains of each other one that serve it.
    n_rounds : int
        Most rounds for the final fit.
    samples_a_vertex : int
        Samples of the target for each control vertex in the final fit; half of them while creases are chosen.
    least_samples : int
        Samples of the target at least; half of them while creases are chosen.
    power, far_weight : float
        What the fit minimizes: a sum of distances to this power, large ones weighing more (`correspondences.match`).
    n_turns : int
        How often edges are turned.
    inserted : float
        Share of the control vertices that are put where the fit is worst, once there are creases.
    n_insertions : int
        In so many steps, each after
    n_insertion_rounds : int
        most rounds of closest points and least squares.
    insertion_power : float
        Of the errors that ask for a vertex (`insertion.edge_scores`).
    levels : int
        Subdivisions of the surface that is fitted.
    """

    crease_angles: tuple[float, ...] = (180.0, 65.0, 45.0, 28.0)
    n_trial_rounds: int = 5
    n_merges: int = 1
    n_rounds: int = 8
    samples_a_vertex: int = 40
    least_samples: int = 20_000
    power: float = 1.5
    far_weight: float = 2.0
    n_turns: int = 2
    inserted: float = 0.08
    n_insertions: int = 3
    n_insertion_rounds: int = 3
    insertion_power: float = 2.0
    levels: int = 2

    def n_samples(self, n_vertices: int) -> int:
        """Samples for a control mesh of this size."""
        return max(self.least_samples, self.samples_a_vertex * n_vertices)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A control mesh with its fitted positions.

    Attributes
    ----------
    dense : DenseSurface
    positions : (V, 3) float64
        Of the control vertices, in the target's frame.
    matches : Matches
        At these positions.
    """

    dense: DenseSurface
    positions: FloatArray
    matches: Matches

    @property
    def score(self) -> float:
        """Error times bits, about: what is least for the best creases."""
        return self.matches.cd * relative_bits(self.dense.control)

    def face_errors(self) -> FloatArray:
        """(F,) what each control face adds to the sum of the two mean distances."""
        n_forward, n_backward = len(self.matches.forward), len(self.matches.backward)
        # Subdivision puts the children of a face in its place.
        n_faces = len(self.dense.control.faces)
        face = self.matches.pairs.face[: n_forward + n_backward] // (len(self.dense.mesh.faces) // n_faces)
        shares = np.concatenate([self.matches.forward / n_forward, self.matches.backward / n_backward])
        return np.asarray(np.bincount(face, shares, minlength=n_faces), np.float64)

    def errors_at(self, vertices: IntArray) -> FloatArray:
        """(N,) the `face_errors` at each of several vertices (N, K), added up; a face counts with each of its own."""
        control = self.dense.control
        at_vertex = np.bincount(control.faces.ravel(), np.repeat(self.face_errors(), 3), minlength=control.n_vertices)
        return np.asarray(at_vertex[vertices].sum(axis=1), np.float64)


# Edges that come nearer to the target by this share of the mean error are turned to try; after so many rounds those
# stay turned around which the error has become this many times what it was, or less.
_LEAST_TURN, _TURN_ROUNDS, _TURN_GAIN = 0.3, 2, 0.97
# A round that improves the error by less than this share is the last one.
_CONVERGED = 0.003
# While closest points are still far from where they will be, a long step throws vertices off: rounds begin with this
# damping, take so many times less after each that improved the error, and begin again after one that did not.
_FIRST_DAMPING, _LESS_DAMPING = 1e-2, 0.2
# A fit that is nearer needs no more vertices: it is flat where the target is.
_EXACT = 1e-6


def fit_control(target: FitTarget, first: Fitted, settings: FitSettings, n_inserted: int = 0) -> Fitted:
    """The best fit of a mesh with its creases, with edges turned, and more vertices where it is worst.

    Parameters
    ----------
    target : FitTarget
    first : Fitted
        With creases chosen (`choose_creases`).
    settings : FitSettings
    n_inserted : int
        Vertices to add.
    """
    n_samples = settings.n_samples(len(first.positions) + n_inserted)
    best = first
    for _ in range(settings.n_turns):
        best = _with_turns(target, best, settings, n_samples // 2)
    best = _with_vertices(target, best, settings, n_inserted, n_samples // 2)
    return fit_positions(target, best.dense.control, best.positions, settings, settings.n_rounds, n_samples)


def _with_turns(target: FitTarget, fitted: Fitted, settings: FitSettings, n_samples: int) -> Fitted:
    """A fit with those edges turned around which the error falls; the same one if there are none."""
    control = fitted.dense.control
    points = (fitted.dense.matrix @ fitted.positions)[: control.n_vertices]
    edges = promising(control, points, target.surface, _LEAST_TURN * fitted.matches.cd)

    def with_turned(some: IntArray) -> Fitted:
        return fit_positions(target, turned(control, some), fitted.positions, settings, _TURN_ROUNDS, n_samples)

    if not len(edges):
        return fitted
    around = corners_of(control.topology, edges)
    before, after = (found.errors_at(around) for found in (fitted, with_turned(edges)))
    better = edges[after < _TURN_GAIN * before]
    return min(fitted, with_turned(better), key=lambda found: found.matches.cd) if len(better) else fitted


def _with_vertices(target: FitTarget, fitted: Fitted, settings: FitSettings, n: int, n_samples: int) -> Fitted:
    """A fit with about `n` more control vertices where it was worst; with none where there is no error to speak of."""
    until = np.round(np.linspace(0, n, settings.n_insertions + 1)).astype(int)
    for n_now in np.diff(until):
        if not n_now or fitted.matches.cd < _EXACT:
            continue
        scores = edge_scores(fitted.dense, fitted.positions, fitted.matches, settings.insertion_power)
        edges = best_apart(scores, fitted.dense.control.topology, int(n_now))
        control, positions = split_edges(fitted.dense.control, fitted.positions, edges)
        fitted = fit_positions(target, control, positions, settings, settings.n_insertion_rounds, n_samples)
    return fitted


def fit_plain(target: FitTarget, points: FloatArray, faces: IntArray, settings: FitSettings) -> Fitted:
    """The best fit of a decimated mesh that is not subdivided; arguments as of `choose_creases`."""
    dense = plain_surface(faces, len(points))
    return _fit_surface(target, dense, points, settings, settings.n_rounds, settings.n_samples(len(points)))


def choose_creases(
    target: FitTarget, points: FloatArray, faces: IntArray, settings: FitSettings
) -> tuple[Fitted, list[float]]:
    """A first fit of a decimated mesh, with creases where they serve.

    Parameters
    ----------
    target : FitTarget
    points : (V, 3) float64
        A decimated mesh, in the target's frame, all vertices in use.
    faces : (F, 3) int64
        A simplicial manifold.
    settings : FitSettings

    Returns
    -------
    fitted : Fitted
    angles : list of float
        The angles of `settings` that gave different creases, best first.
    """
    n_samples = settings.n_samples(len(points)) // 2
    controls: dict[float, Creased] = {}
    for angle in settings.crease_angles:
        control = creased_at(faces, points, np.radians(angle))
        if not any((control.sharpness == other.sharpness).all() for other in controls.values()):
            controls[angle] = control

    def fitted_with(control: Creased) -> Fitted:
        return fit_positions(target, control, points, settings, settings.n_trial_rounds, n_samples)

    tried = dict(zip(controls, in_parallel(fitted_with, list(controls.values())), strict=True))
    angles = sorted(tried, key=lambda angle: tried[angle].score)
    best = tried[angles[0]]
    for angle in angles[1:] * settings.n_merges:
        other = tried[angle]
        control = merged(best.dense.control, other.dense.control, best.face_errors(), other.face_errors(), points)
        if (control.sharpness == best.dense.control.sharpness).all():
            continue
        found = fit_positions(target, control, best.positions, settings, settings.n_trial_rounds - 1, n_samples)
        best = min(best, found, key=lambda fitted: fitted.score)
    return best, angles


def fit_positions(
    target: FitTarget, control: Creased, positions: FloatArray, settings: FitSettings, n_rounds: int, n_samples: int
) -> Fitted:
    """Control vertices moved until the error no longer falls, at most `n_rounds` times; the best of all rounds."""
    return _fit_surface(target, dense_surface(control, settings.levels), positions, settings, n_rounds, n_samples)


def _fit_surface(
    target: FitTarget, dense: DenseSurface, positions: FloatArray, settings: FitSettings, n_rounds: int, n_samples: int
) -> Fitted:
    matched = partial(match, n_samples=n_samples, power=settings.power, far_weight=settings.far_weight)
    best = Fitted(dense, positions, matched(target, dense, dense.matrix @ positions))
    damping = _FIRST_DAMPING
    for _ in range(n_rounds):
        positions = best.positions + step(normal_equations(dense, best.matches.pairs), damping=damping)
        matches = matched(target, dense, dense.matrix @ positions, before=best.matches)
        gain = 1 - matches.cd / best.matches.cd if best.matches.cd else 0.0
        if gain > 0:
            best = Fitted(dense, positions, matches)
        if gain < _CONVERGED and damping in (_FIRST_DAMPING, LEAST_DAMPING):
            break
        damping = max(damping * _LESS_DAMPING, LEAST_DAMPING) if gain > 0 else _FIRST_DAMPING
    return best
