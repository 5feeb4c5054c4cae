"""Codes of quantization steps."""

import numpy as np
import pytest
from sdfz.codec.scaffold.integers import MOST
from sdfz.codec.scaffold.steps import (
    MAX_STEP_CODE,
    TANGENTIAL_STEPS,
    UNITS_A_STEP,
    code_of_ratio,
    code_of_step,
    lattice_unit,
    normal_step,
    snapped,
)
from sdfz.codec.scaffold.walk import NORMAL_STEP


def test_normal_steps_fall_by_an_eighth_of_an_octave() -> None:
    steps = [normal_step(code) for code in range(MAX_STEP_CODE + 1)]
    assert np.log2(steps) == pytest.approx(-np.arange(MAX_STEP_CODE + 1) / 8, abs=1e-5)
    assert [code_of_step(step) for step in steps] == list(range(MAX_STEP_CODE + 1))


def test_steps_out_of_range_get_the_last_code() -> None:
    assert (code_of_step(10.0), code_of_step(1e-30)) == (0, MAX_STEP_CODE)


def test_the_lattice_is_that_of_the_walk() -> None:
    assert UNITS_A_STEP == NORMAL_STEP
    # Twice the cube, for vertices outside it and for a frame whose middle is not the shape's.
    assert 2 / lattice_unit(MAX_STEP_CODE) <= MOST / 2


def test_tangential_steps_double_every_second_code() -> None:
    expected = UNITS_A_STEP * 2 ** (np.arange(len(TANGENTIAL_STEPS)) / 2)
    assert np.abs(TANGENTIAL_STEPS - expected).max() <= 0.5
    assert [code_of_ratio(step / UNITS_A_STEP) for step in TANGENTIAL_STEPS] == list(range(16))


def test_snapped_is_a_64th_or_less_away() -> None:
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3))
    found = snapped(points)
    assert (found * 64 == np.rint(found * 64)).all()
    assert np.abs(found - points).max() <= 1 / 128
