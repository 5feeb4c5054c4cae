"""The field in integers as far as it is decoded, going from the coarsest level to the finest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..gains import gain_of_code
from ..occupancy import OCTANTS, Cells, parents_of
from .lattice import Lattice

_MAGNITUDE_CAP = 63  # part of the format, never change

FirstField = Callable[[Cells, int], npt.NDArray[np.int64]]
"""A field known before any latent, to which these are added: fixed-point values (N,) at nodes (N, 3) of the grid with
2**depth cells along an axis. In integers, since the symbols' probabilities depend on it."""


@dataclass(frozen=True, eq=False)
class Level:
    """What is known of a level of latents before these are.

    Attributes
    ----------
    lattice : Lattice
    index : int
        From the coarsest level.
    rank : int
        From the finest level of the file.
    gain_code : int
        Step of its latents.
    base : (N,) int64
        Field of the coarser levels at the nodes, fixed point.
    coarse_magnitude : (N,) int64
        Magnitude of the next coarser level's symbols around the nodes, in 64ths; zeros at the coarsest level.
    """

    lattice: Lattice
    index: int
    rank: int
    gain_code: int
    base: npt.NDArray[np.int64]
    coarse_magnitude: npt.NDArray[np.int64]


class Walk:
    """Where encoder and decoder are, between two levels.

    Parameters
    ----------
    depth : int
        Of the finest cells.
    n_base : int
        Levels of latents in the base section.
    gain_codes : sequence of int
    first : FirstField, optional
        What the coarsest level's latents are added to; zero by default.
    """

    def __init__(self, depth: int, n_base: int, gain_codes: Sequence[int], first: FirstField | None = None) -> None:
        self._first_depth = depth - len(gain_codes) + 1
        self._n_base = n_base
        self._depth = depth
        self._gain_codes = gain_codes
        self._first = first
        self._lattice: Lattice | None = None
        self._field = np.zeros(0, np.int64)
        self._symbols = np.zeros(0, np.int32)

    def index_of(self, depth: int) -> int:
        """Index of the latents at a depth, coarsest first; negative above them."""
        return depth - self._first_depth

    def at_children(self, cells: Cells, depth: int) -> npt.NDArray[np.int64] | None:
        """(8, M) field at the centres of the children of the cells of level depth - 1, by octant; None if unknown."""
        if self._lattice is None and self._first is not None:
            centres = 4 * cells + 2 * OCTANTS[:, None] + 1  # (8, M, 3) nodes of the level below the children's
            return self._first(centres.reshape(-1, 3), depth + 1).reshape(len(OCTANTS), -1)
        # The octree is in the base section, so that it may only depend on latents that are there as well.
        if self._lattice is None or self._lattice.depth != depth - 1 or self.index_of(depth - 1) >= self._n_base:
            return None
        return self._lattice.at_children(self._field)

    def enter(self, cells: Cells, depth: int) -> Level:
        """The level of latents at a depth whose cells are known."""
        lattice = Lattice.of_cells(cells, depth)
        index = self.index_of(depth)
        if self._lattice is None:
            base, magnitude = np.zeros((2, len(lattice.nodes)), np.int64)
            if self._first is not None:
                base = self._first(lattice.nodes, depth)
        else:
            sizes = np.minimum(np.abs(self._symbols.astype(np.int64)), _MAGNITUDE_CAP)
            base = self._lattice.upsample(self._field, lattice)
            magnitude = self._lattice.upsample(sizes << 6, lattice)
        self._lattice, self._field = lattice, base
        return Level(lattice, index, self._depth - depth, self._gain_codes[index], base, magnitude)

    def leave(self, symbols: npt.NDArray[np.int32]) -> None:
        """Add the level's latents to the field."""
        assert self._lattice is not None
        gain = gain_of_code(self._gain_codes[self.index_of(self._lattice.depth)])
        self._field = self._field + gain * symbols.astype(np.int64)
        self._symbols = symbols

    def finest(self) -> tuple[Lattice, npt.NDArray[np.int64]]:
        """Lattice of the last level and the whole field at its nodes."""
        assert self._lattice is not None
        return self._lattice, self._field


def octree_of(cells: Cells, depth: int) -> list[Cells]:
    """Occupied cells of every level, the root first."""
    levels = [cells]
    for d in range(depth - 1, -1, -1):
        levels.append(parents_of(levels[-1], d + 1))
    return levels[::-1]
