"""Envelopes are what no point beats; bytes and BD-rates of curves whose answers are known; nothing is extrapolated."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.bench.envelope import CHORD, BdRate, Curve, Refusal, bd_rate, bytes_at, lower_envelope

CURVE: Curve = [(100.0 * 1.7**i, 4e-3 * 2.1**-i) for i in range(8)]

positive = st.floats(1e-6, 1e6)


@given(st.lists(st.tuples(positive, positive)))
def test_envelope(points: list[tuple[float, float]]) -> None:
    curve = lower_envelope(points)
    assert set(curve) <= set(points)
    assert all(a < b and x > y for (a, x), (b, y) in pairwise(curve))
    for n_bytes, error in points:
        cheaper = [(b, e) for b, e in curve if b <= n_bytes]
        assert cheaper, "nothing is cheaper than the first point"
        assert cheaper[-1][1] <= error or _is_above_a_short_chord((n_bytes, error), cheaper[-1], curve)


def _is_above_a_short_chord(point: tuple[float, float], left: tuple[float, float], curve: Curve) -> bool:
    right = curve[curve.index(left) + 1]
    share = math.log(point[0] / left[0]) / math.log(right[0] / left[0])
    chord = math.exp((1 - share) * math.log(left[1]) + share * math.log(right[1]))
    return right[0] <= CHORD * left[0] and point[1] >= chord * (1 - 1e-9)


def test_a_point_above_a_short_chord_goes_and_one_above_a_long_chord_stays() -> None:
    near: Curve = [(100, 1e-3), (120, 9.5e-4), (145, 5e-4)]
    assert lower_envelope(near) == [near[0], near[2]]
    assert lower_envelope([near[0], (120, 6e-4), near[2]])[1] == (120, 6e-4)
    far: Curve = [(100, 1e-3), (150, 9.5e-4), (200, 3e-4)]
    assert lower_envelope(far) == far


@given(st.lists(st.tuples(st.floats(100, 1e5), st.floats(1e-5, 1e-2)), min_size=2))
def test_the_envelope_of_an_envelope_is_itself(points: list[tuple[float, float]]) -> None:
    curve = lower_envelope(points)
    assert lower_envelope(curve) == curve


def test_points_without_a_logarithm_are_left_out() -> None:
    assert lower_envelope([(1, 0.0), (2, math.inf), (3, math.nan), (0, 1.0), (4, 0.5)]) == [(4, 0.5)]


def test_bytes_at() -> None:
    assert bytes_at(CURVE, CURVE[3][1]) == pytest.approx(CURVE[3][0])
    between = math.sqrt(CURVE[3][1] * CURVE[4][1])
    assert bytes_at(CURVE, between) == pytest.approx(math.sqrt(CURVE[3][0] * CURVE[4][0]))
    for outside in (1.001 * CURVE[0][1], 0.999 * CURVE[-1][1]):
        assert bytes_at(CURVE, outside) is None
    assert bytes_at([], 1e-3) is None


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_a_curve_against_a_multiple_of_itself(factor: float) -> None:
    found = bd_rate([(factor * b, e) for b, e in CURVE], CURVE, 1e-4, 1e-3)
    assert isinstance(found, BdRate)
    assert found.percent == pytest.approx(100 * (factor - 1))
    assert (found.lo, found.hi) == (1e-4, 1e-3)


def test_power_laws_sampled_elsewhere() -> None:
    """bytes = error^-1 against error^-0.5, both times 1: the mean log ratio is the mean of -ln(error) / 2."""
    steep = [(1 / e, e) for e in (1e-4, 3e-4, 1e-3, 2e-3)]
    flat = [(e**-0.5, e) for e in (5e-5, 2e-4, 9e-4, 5e-3)]
    found = bd_rate(lower_envelope(steep), lower_envelope(flat), 1e-4, 1e-3)
    assert isinstance(found, BdRate)
    assert found.log_ratio == pytest.approx(0.5 * 3.5 * math.log(10))
    swapped = bd_rate(lower_envelope(flat), lower_envelope(steep), 1e-4, 1e-3)
    assert isinstance(swapped, BdRate)
    assert swapped.log_ratio == pytest.approx(-found.log_ratio)


def test_only_what_both_cover() -> None:
    fine = [(b, e) for b, e in CURVE if e < 6e-4]
    found = bd_rate(fine, CURVE, 1e-5, 1e-2)
    assert isinstance(found, BdRate)
    assert (found.lo, found.hi) == (CURVE[-1][1], fine[0][1])


@pytest.mark.parametrize(
    ("curve", "reason"),
    [
        ([(b, 1000 * e) for b, e in CURVE], "the curves do not meet within 0.0001..0.001"),
        ([(10.0, 2e-3), (20.0, 5e-4)], "the curves meet only over 0.0005..0.001, 0.30 decades"),
        (CURVE[:1], "the curve has 1 usable points, 2 are needed"),
        ([], "the curve has 0 usable points, 2 are needed"),
    ],
)
def test_refusals(curve: Curve, reason: str) -> None:
    assert bd_rate(lower_envelope(curve), CURVE, 1e-4, 1e-3) == Refusal(reason)
    swapped = bd_rate(CURVE, lower_envelope(curve), 1e-4, 1e-3)
    assert swapped == Refusal(reason.replace("the curve has", "the reference has"))
