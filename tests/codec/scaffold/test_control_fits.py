"""The search for a control mesh that meets a goal."""

import numpy as np
import pytest
from sdfz.codec.scaffold.control_fits import ControlFits, search_control
from sdfz.codec.scaffold.fit import FitSettings
from sdfz.codec.scaffold.fit_target import FitTarget
from sdfz.codec.search import Trial, best_of
from shapes import torus

QUICK = FitSettings(least_samples=3000, crease_angles=(180.0,), n_rounds=6)


def _modelled(calls, n_vertices, fineness):
    """Errors and bytes as they usually go."""
    calls.append((n_vertices, fineness))
    error = 1.1 * (300 / n_vertices) ** 1.1 * fineness**-0.35
    return Trial(n_vertices, error, n_vertices * (2.2 + np.log2(fineness) * 0.15))


@pytest.mark.parametrize("start", [60.0, 280.0, 3000.0])
def test_few_sizes_and_then_steps(start):
    calls = []
    trials = search_control(lambda n, fineness: _modelled(calls, n, fineness), start, -1.0, n_trials=7)
    assert len(calls) == len(trials) <= 7
    best = best_of(trials, lambda n_bytes: n_bytes)
    assert 0.9 < best.excess <= 1
    assert len({n for n, _ in calls}) <= 3
    assert all(trial.size in {n for n, _ in calls} for trial in trials)


def test_a_goal_that_is_out_of_reach_ends_at_the_largest():
    calls = []
    trials = search_control(lambda n, f: Trial(n, 100.0, n), 100.0, -1.0, high=500.0)
    assert max(trial.size for trial in trials) == 500.0
    assert not calls


def test_more_vertices_less_error_and_finer_steps_more_bytes():
    fits = ControlFits(FitTarget(*torus(n_major=48, n_minor=24)), QUICK, n_rounds=2)
    few, many = fits.coded(40), fits.coded(120)
    assert len(few.positions) < len(many.positions) <= 130
    assert many.matches.cd < 0.6 * few.matches.cd
    fine = fits.coded(120, 2.0)
    assert fine.steps.normal == many.steps.normal + 8
    assert fine.n_bytes > many.n_bytes and fine.matches.cd < many.matches.cd


def test_sizes_out_of_reach_give_what_there_is():
    target = FitTarget(*torus(n_major=8, n_minor=6))
    fits = ControlFits(target, QUICK, n_rounds=1)
    assert len(fits.fitted(1).positions) >= 4
    assert len(fits.fitted(1e6).positions) == 48


def test_what_the_steps_cannot_hold_is_coded_all_the_same():
    vertices, faces = torus(n_major=8, n_minor=6)
    found = ControlFits(FitTarget(vertices * 1e-12, faces), QUICK, n_rounds=1).coded(20)
    assert np.isfinite(found.positions).all() and found.matches.cd > 0.1
