"""Quantization steps as a file states them: a code k stands for about 2^(-k / 8)."""

from __future__ import annotations

from ..gains import FIXED_ONE, code_of_gain, gain_of_code

# Part of the format, never change.
STEP_BITS = 7
MAX_STEP_CODE = (1 << STEP_BITS) - 1


def step_of_code(code: int) -> float:
    """The step that a code stands for, from 1 down to 2^-15.875: exact in 2^-20."""
    return gain_of_code(code) / FIXED_ONE


def code_of_step(step: float) -> int:
    """Code of the nearest step."""
    return min(code_of_gain(step), MAX_STEP_CODE)
