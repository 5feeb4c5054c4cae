"""Quantization steps of a control mesh, by the codes that a file has for them.

Positions lie on a lattice whose unit is an eighth of the *normal step*; residuals along the surface are multiples of
the *tangential step*, a whole number of these units.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ...formats.frame import STEPS_PER_SCALE

# Part of the format, never change.
UNITS_A_STEP = 8  # lattice units in a normal step
MAX_STEP_CODE = 168  # so that the cube [-2, 2]^3 is within 2^25 lattice units of its middle
_STEP_OCTAVE = 8  # step codes an octave
# 2^(20 - i / 8), rounded: written out, since a power computed in floating point could differ in its last bit.
_MANTISSAS = (1048576, 961548, 881744, 808563, 741455, 679917, 623487, 571740)
# In lattice units, by code: the first is the normal step, and every second one doubles it.
TANGENTIAL_STEPS = (8, 11, 16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448)


def normal_step(code: int) -> float:
    """The normal step of a code in normalized units: about 2^(-code / 8), the same float64 everywhere.

    Examples
    --------
    >>> normal_step(0), normal_step(80)
    (1.0, 0.0009765625)
    """
    return math.ldexp(_MANTISSAS[code % _STEP_OCTAVE], -20 - code // _STEP_OCTAVE)


def lattice_unit(code: int) -> float:
    """Length of a lattice unit in normalized units, by the code of the normal step."""
    return normal_step(code) / UNITS_A_STEP


def code_of_step(step: float) -> int:
    """Code of the normal step nearest to `step` > 0 in normalized units, on a logarithmic scale."""
    return min(max(round(-_STEP_OCTAVE * math.log2(step)), 0), MAX_STEP_CODE)


def code_of_ratio(ratio: float) -> int:
    """Code of the tangential step that is nearest to `ratio` > 0 normal steps, on a logarithmic scale."""
    return min(max(round(2 * math.log2(ratio)), 0), len(TANGENTIAL_STEPS) - 1)


def snapped(point: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Where the lattice of a file can be zero: the place nearest to a point of the home frame, normalized units.

    A file's frame can be moved by multiples of this at no cost, so that its zero is near the first vertex that is
    coded, which then takes few bits.
    """
    return np.rint(point * STEPS_PER_SCALE) / STEPS_PER_SCALE
