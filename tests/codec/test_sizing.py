"""The search over sizes: drafts first, then whole fits that meet the goal closely."""

from types import SimpleNamespace

import pytest
from sdfz.codec.search import Trial, best_of
from sdfz.codec.settings import EncodeSettings, ErrorBound
from sdfz.codec.sizing import Sizing, sized_trials

SIZING = Sizing(10.0, 10.0, 8.0, 1e5, 4.0, 0.8, {"cd": -1.0, "rms": -1.0, "hd": -0.5})


def _searched(settings, excess_of):
    made = []

    def trial_of(size, is_draft):
        made.append((size, is_draft))
        return Trial(size, excess_of(size, is_draft), size)

    trials = sized_trials(SimpleNamespace(settings=settings), SIZING, trial_of)
    assert [trial.size for trial in trials] == [size for size, _ in made]
    n_drafts = sum(is_draft for _, is_draft in made)
    assert all(is_draft for _, is_draft in made[:n_drafts])
    return trials, n_drafts


@pytest.mark.parametrize(("quality", "size"), [(0, 10), (10, 20), (30, 80), (None, 1280)])
def test_a_quality_is_one_fit_of_its_size(quality, size):
    trials, n_drafts = _searched(EncodeSettings(method="grid", quality=quality), lambda size, is_draft: 0.0)
    assert (len(trials), n_drafts) == (1, 0)
    assert trials[0].size == pytest.approx(size)


@pytest.mark.parametrize("draft_is_worse", [1.0, 1.2, 0.85])
def test_an_error_is_met_by_a_whole_fit(draft_is_worse):
    settings = EncodeSettings(method="grid", max_error=ErrorBound(1e-3), metric="cd")
    trials, n_drafts = _searched(settings, lambda size, is_draft: 500 / size * (draft_is_worse if is_draft else 1))
    fits = trials[n_drafts:]
    assert 1 <= len(fits) <= 4 and n_drafts >= 1
    assert 500 <= best_of(fits, round).size < 1.12 * 500


def test_a_size_is_kept_to():
    trials, n_drafts = _searched(
        EncodeSettings(method="grid", target_size=2000), lambda size, is_draft: 5 * size**0.8 / 2000
    )
    met = [trial.size for trial in trials[n_drafts:] if trial.excess <= 1]
    goal = (2000 / 5) ** (1 / 0.8)
    assert 0.88 * goal < max(met) <= goal


def test_what_cannot_be_met_ends_at_the_largest():
    settings = EncodeSettings(method="grid", max_error=ErrorBound(1e-3), metric="cd")
    trials, n_drafts = _searched(settings, lambda size, is_draft: 1e9 / size)
    assert trials[-1].size == SIZING.high
    assert len(trials) - n_drafts == 1
