"""What the motion section of a file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..occupancy import Cells
from ..steps import StepScale

# Part of the format, never change.
_STEPS = StepScale(192)  # a code of the step stands for 2^((code - 192) / 8)
step_of_code, code_of_step = _STEPS.step_of_code, _STEPS.code_of_step


@dataclass(frozen=True, eq=False)
class MotionSymbols:
    """Integers that describe how nodes move.

    Parameters
    ----------
    depth : int
        In the base shape, nodes are middles of cells of the 2**depth grid over [-2, 2]^3, 1 to 10.
    cells : (K, 3) int32
        Those cells, sorted, none twice.
    joined : (K, N) bool
        Which of the candidates of `nodes.candidates_of`, up to 12 a node, a node moves with; False where there is none.
    step_code : int
        Step of the residuals, 0 to 255.
    back : (T,) int32
        How many frames back that is which a frame is predicted from; at most its number and one, for the base shape.
    residuals : (T, K, 3) int32
        What is added to the prediction, in steps, node by node in the order of `nodes.order_of`.
    """

    depth: int
    cells: Cells
    joined: npt.NDArray[np.bool_]
    step_code: int
    back: npt.NDArray[np.int32]
    residuals: npt.NDArray[np.int32]
