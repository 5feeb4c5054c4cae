"""The search for a control mesh that meets a goal."""

from functools import partial

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


def _cost(trial):
    """Bytes times error."""
    return trial.result * trial.excess


@pytest.mark.parametrize("start", [60.0, 280.0, 3000.0])
def test_few_sizes_and_then_steps(start):
    calls = []
    trials = search_control([[partial(_modelled, calls)]], start, -1.0, _cost, n_trials=7)
    assert len(calls) == len(trials) <= 7
    best = best_of(trials, lambda n_bytes: n_bytes)
    assert 0.9 < best.excess <= 1
    assert len({n for n, _ in calls}) <= 4
    assert all(trial.size in {n for n, _ in calls} for trial in trials)


def test_a_goal_that_is_out_of_reach_ends_at_the_largest():
    calls = []
    trials = search_control([[lambda n, f: Trial(n, 100.0, n)]], 100.0, -1.0, _cost, high=500.0)
    assert max(trial.size for trial in trials) == 500.0
    assert not calls


@pytest.mark.parametrize(("start", "kinds"), [(280.0, {1}), (20.0, {0, 1})])
def test_the_kind_that_costs_less_where_the_search_ends(start, kinds):
    """The second kind is better from 100 vertices on: the first is tried again, and left, where it began too small."""
    calls = []

    def attempt(kind, n, fineness):
        calls.append((kind, n, fineness))
        better = (n / 100) ** 0.5 if kind else 1.0
        return Trial(n, 300 / n / better / fineness**0.35, n * fineness**0.1)

    attempts = [[partial(attempt, kind)] for kind in (0, 1)]
    trials = search_control(attempts, start, -1.0, _cost, n_trials=7)
    assert {kind for kind, *_ in calls[2:] if kind} == {1}
    assert {kind for kind, *_ in calls[2:]} == kinds
    assert 0.9 < best_of(trials, lambda n_bytes: n_bytes).excess <= 1
    assert best_of(trials, lambda n_bytes: n_bytes).size < 220


def test_every_way_of_the_kind_is_searched_with():
    calls = []

    def attempt(way, n, fineness):
        calls.append((way, n, fineness))
        return Trial(n, (1.0, 0.92, 1.1)[way] * 300 / n / fineness**0.35, n * fineness**0.1)

    trials = search_control([[partial(attempt, way) for way in range(3)]], 200.0, -1.0, _cost, n_trials=7)
    assert len(trials) == len(calls)
    for way in range(3):
        met = [t.excess for t, (made_by, *_) in zip(trials, calls, strict=True) if made_by == way and t.excess <= 1]
        assert max(met) > 0.9
    alone = search_control([[partial(attempt, 0)]], 200.0, -1.0, _cost, n_trials=7)
    assert best_of(trials, float).result < best_of(alone, float).result


def test_fits_to_other_samples_differ_a_little():
    fits = ControlFits(FitTarget(*torus(n_major=48, n_minor=24)), QUICK, n_rounds=2)
    first, other = fits.fitted(60), fits.resampled(1).fitted(60)
    assert fits.resampled(0).fitted(60).matches.cd == first.matches.cd != other.matches.cd
    assert other.matches.cd == pytest.approx(first.matches.cd, rel=0.3)


def test_near_enough_is_the_end():
    calls = []
    attempt = partial(_modelled, calls)
    assert len(search_control([[attempt]], 300.0, -1.0, _cost, near=0.1)) == len(calls) == 1


def test_plain_triangles_are_fitted_and_coded_as_they_are():
    fits = ControlFits(FitTarget(*torus(n_major=48, n_minor=24)), QUICK, n_rounds=2)
    fitted = fits.fitted(80, is_plain=True)
    assert fitted.matches.cd < 0.9 * fits.decimation_errors(80)["cd"]
    assert (fitted.dense.mesh.faces == fitted.dense.control.faces).all()
    found = fits.coded(80, is_plain=True)
    assert found.matches.cd < 2 * fitted.matches.cd
    assert found.encoded.bits["creases"] < 8


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
