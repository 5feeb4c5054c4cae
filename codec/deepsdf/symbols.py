"""What a `deepsdf` file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Part of the format, never renumber.
METHOD_ID = 8
MAX_CODE = 1024
STEP_ZERO, STEPS_AN_OCTAVE = 192, 8  # a code of the step stands for 2^((code - 192) / 8)


@dataclass(frozen=True, eq=False)
class CodeSymbols:
    """Integers that describe a shape's field.

    Parameters
    ----------
    step_code : int
        Step of the latent code, 0 to 255.
    code : (C,) int32
        The latent code, in steps.
    """

    step_code: int
    code: npt.NDArray[np.int32]


def step_of_code(code: int) -> float:
    """The step that a code stands for."""
    return float(2.0 ** ((code - STEP_ZERO) / STEPS_AN_OCTAVE))


def code_of_step(step: float) -> int:
    """The code whose step is nearest."""
    return int(np.clip(round(STEPS_AN_OCTAVE * np.log2(step)) + STEP_ZERO, 0, 255))
