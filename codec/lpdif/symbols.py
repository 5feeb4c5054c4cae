"""What an `lpdif` file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..occupancy import Cells
from ..trim import NO_CELLS

# Part of the format, never renumber.
METHOD_ID = 6
MAX_DEPTH = 8
BORDER_UNIT = 100  # borders count hundredths of an edge
MAX_BORDER = 12  # as far as regions are fitted beyond their faces
PAPER_BORDER = 5


@dataclass(frozen=True, eq=False)
class LpdifSymbols:
    """Integers that describe a shape's field.

    Parameters
    ----------
    depth : int
        The grid of the regions has 2**depth cells along an axis.
    cells : (R, 3) int32
        Regions, sorted.
    border : int
        Distance from a face, in hundredths of an edge, up to which the neighbour beyond it counts as well; 0 for none.
    networks : (R,) int32
        Network of each region: 0 is the coarse one, the others are those of the patterns.
    n_codes : tuple of int
        Numbers of a code of each network.
    step_codes : tuple of int
        Of the step of each network's codes (`steps.step_of_code`).
    codes : (R, C) int32
        In steps; zeros behind those of a network with fewer.
    planes : bool
        Whether the first four numbers of each code are a plane (planes.py): they are then coded as what differs from
        the planes of neighbours.
    trimmed : (T, 3) int32
        Regions in which only some parts of the level set count, sorted.
    parts : (P, 3) int32
        Those parts: cells one level finer, sorted.
    """

    depth: int
    cells: Cells
    border: int
    networks: npt.NDArray[np.int32]
    n_codes: tuple[int, ...]
    step_codes: tuple[int, ...]
    codes: npt.NDArray[np.int32]
    planes: bool = False
    trimmed: Cells = field(default_factory=lambda: NO_CELLS)
    parts: Cells = field(default_factory=lambda: NO_CELLS)
