import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.codec.search import Trial, best_of, smallest_that_meets

LOW, HIGH = 10.0, 1e6


def searched(excess_at, start, slope, n_trials=10):
    return smallest_that_meets(lambda size: Trial(size, excess_at(size), size), start, LOW, HIGH, n_trials, slope)


powers = st.floats(0.4, 1.5)
misjudged = st.floats(0.7, 1.5)  # the slope that the search is told, over the true one
sizes = st.floats(2 * LOW, HIGH / 2)


@given(powers, sizes, sizes, misjudged)
def test_smallest_size_that_meets_an_error(power, goal, start, factor):
    """excess = (goal / size)^power: the smallest size that meets it is `goal`."""
    trials = searched(lambda size: (goal / size) ** power, start, -power * factor)
    assert 0.999999 * goal < best_of(trials, round).size < 1.15 * goal


@given(powers, sizes, sizes, misjudged)
def test_largest_size_that_meets_a_budget(power, goal, start, factor):
    trials = searched(lambda size: (size / goal) ** power, start, power * factor)
    met = [trial.size for trial in trials if trial.excess <= 1]
    assert goal / 1.15 < max(met) < 1.000001 * goal


@given(sizes, st.integers(0, 2**32 - 1))
def test_noise_costs_trials_and_nothing_else(goal, seed):
    rng = np.random.default_rng(seed)
    trials = searched(lambda size: (goal / size) ** 0.5 * np.exp(rng.normal(0, 0.1)), goal, -0.5)
    assert len(trials) <= 10
    assert all(LOW <= trial.size <= HIGH for trial in trials)
    assert len({trial.size for trial in trials}) == len(trials)


@pytest.mark.parametrize(("goal", "end"), [(1.0, LOW), (1e9, HIGH)])
def test_goals_out_of_reach_end_at_the_limit(goal, end):
    trials = searched(lambda size: goal / size, 1000.0, -1.0)
    assert trials[-1].size == pytest.approx(end)


def test_best_has_the_fewest_bytes_of_those_that_meet_the_goal():
    trials = [Trial(1.0, 0.9, 300), Trial(2.0, 0.5, 200), Trial(3.0, 1.1, 100)]
    assert best_of(trials, round) is trials[1]
    assert best_of(trials[2:] + [Trial(4.0, 1.05, 400)], round).result == 400
