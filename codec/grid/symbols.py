"""What a `grid` file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..occupancy import Cells
from ..trim import NO_CELLS

# Part of the format, never renumber.
METHOD_ID = 1
MAX_DEPTH = 8
MAX_LEVELS = 6
NETWORK_WIDTHS = (0, 16, 0)  # by network code: hidden units of the network that the file holds; 0 if it holds none
NO_NETWORK, OWN_NETWORK, SHARED_NETWORK = range(3)  # network codes
N_LOCAL = 3  # cosines of the position within a finest cell
WEIGHT_SCALE = 64  # network weights count 64ths


def network_shapes(code: int, n_levels: int) -> tuple[tuple[int, int], ...]:
    """(outputs, inputs) of each layer: a feature a level, local coordinates and a constant 1 go in, one value out."""
    width = NETWORK_WIDTHS[code]
    return ((width, n_levels + N_LOCAL + 1), (1, width)) if width else ()


@dataclass(frozen=True, eq=False)
class GridSymbols:
    """Integers that describe a shape's field.

    Parameters
    ----------
    depth : int
        Level of the finest cells.
    cells : (M, 3) int32
        Occupied finest cells, sorted.
    gain_codes : tuple of int
        Step of the latents of each level, coarse to fine (`lattice.gain_of_code`).
    network : int
        Network code, an index of NETWORK_WIDTHS.
    weights : tuple of (O, I) int32
        The network's layers, in 64ths.
    latents : tuple of (N_l,) int32
        One symbol for each node, coarse to fine; fewer levels than gain codes when the finest are missing or not
        wanted.
    trimmed : (T, 3) int32
        Cells in which only some parts of the level set count, sorted.
    parts : (P, 3) int32
        Those parts: cells one level finer, sorted.
    """

    depth: int
    cells: Cells
    gain_codes: tuple[int, ...]
    network: int
    weights: tuple[npt.NDArray[np.int32], ...]
    latents: tuple[npt.NDArray[np.int32], ...]
    trimmed: Cells = field(default_factory=lambda: NO_CELLS)
    parts: Cells = field(default_factory=lambda: NO_CELLS)

    @property
    def n_levels(self) -> int:
        """Levels of latents that the whole file has; the coarsest has depth ``depth - n_levels + 1``."""
        return len(self.gain_codes)
