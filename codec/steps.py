"""Quantization steps that a file says by a byte, evenly spaced by their logarithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Part of the format, never change.
_AN_OCTAVE = 8


@dataclass(frozen=True)
class StepScale:
    """Eight codes an octave, rising, around one that stands for 1.

    Parameters
    ----------
    zero : int
        The code of step 1, 0 to 255.
    """

    zero: int

    def step_of_code(self, code: int) -> float:
        """The step that a code stands for."""
        return float(2.0 ** ((code - self.zero) / _AN_OCTAVE))

    def code_of_step(self, step: float) -> int:
        """The code, 0 to 255, whose step is nearest."""
        return int(np.clip(round(_AN_OCTAVE * np.log2(step)) + self.zero, 0, 255))
