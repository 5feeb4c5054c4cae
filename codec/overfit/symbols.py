"""What an `overfit` file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..gains import GAIN_MANTISSAS, GAIN_OCTAVE
from ..occupancy import Cells
from .architecture import Architecture

# Part of the format, never change.
MAX_DEPTH = 8
MAX_CRUMBS = 128
CRUMB_UNIT = 1 / 64
MAX_STEP_CODE = 159
MAX_SYMBOL = (1 << 20) - 1  # of a weight, its size
_LARGEST_STEP = 16.0


def step_of_code(code: int) -> float:
    """Quantization step of a code: eight codes an octave, from 16 down.

    Examples
    --------
    >>> step_of_code(0), step_of_code(8), round(step_of_code(1), 4)
    (16.0, 8.0, 14.6721)
    """
    return _LARGEST_STEP * GAIN_MANTISSAS[code % GAIN_OCTAVE] / 2 ** (20 + code // GAIN_OCTAVE)


def code_of_step(step: float) -> int:
    """The code whose step is nearest, by the logarithm."""
    return int(np.clip(np.round(-GAIN_OCTAVE * np.log2(step / _LARGEST_STEP)), 0, MAX_STEP_CODE))


@dataclass(frozen=True, eq=False)
class OverfitSymbols:
    """Integers that describe a shape's network.

    Parameters
    ----------
    architecture : Architecture
    step_codes : tuple of int
        Quantization step of each layer (`step_of_code`).
    weights : tuple of (O, I) int32
        Weights of each layer in its steps.
    depth : int
        Of the cells; 0 where the field is defined in the whole cube.
    cells : (M, 3) int32
        Occupied cells, sorted.
    crumbs : int
        Separate pieces of surface that fit into a cube of so many 64ths of a unit are none of the shape's.
    """

    architecture: Architecture
    step_codes: tuple[int, ...]
    weights: tuple[npt.NDArray[np.int32], ...]
    depth: int
    cells: Cells
    crumbs: int

    def layers(self) -> list[npt.NDArray[np.float32]]:
        """Weights of each layer, (O, I) float32."""
        return [
            (weights * step_of_code(code)).astype(np.float32)
            for weights, code in zip(self.weights, self.step_codes, strict=True)
        ]
