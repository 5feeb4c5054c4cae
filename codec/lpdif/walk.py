"""The order in which numbers of regions are coded, and which regions are near one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..occupancy import NEIGHBOURS, Cells
from ..parity import parity_passes
from .planes import expected_planes
from .regions import find_cells

IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
_NEAR = 6  # numbers near a number
_CENTRE_ORDER = np.argsort((NEIGHBOURS**2).sum(1), kind="stable")  # those across faces first, then edges, corners


class RegionWalk:
    """The order of the regions' numbers, and where those near a number stand among all that come before it.

    Parameters
    ----------
    cells : (R, 3) int32
        Regions, sorted.

    Attributes
    ----------
    passes : list of (N,) int64
        Regions of each pass.
    near : (R, K) int64
        Regions near each that come before it, those across faces first; -1 for none.
    steps : (R, K, 3) int64
        From each of these to the region, in cells.
    """

    def __init__(self, cells: Cells) -> None:
        self.passes = parity_passes(cells)
        self._order = np.concatenate(self.passes)  # regions as they come
        self._rank = np.empty(len(cells), np.int64)
        self._rank[self._order] = np.arange(len(cells))
        around = find_cells(cells, cells[:, None].astype(np.int64) + NEIGHBOURS[_CENTRE_ORDER])
        known = (around >= 0) & (self._rank[around] < self._rank[:, None])
        self._before = np.where(known, around, -1)  # (R, 26)
        # The numbers of neighbours that are near, moved to the front.
        chosen = np.argsort(~known, axis=1, kind="stable")[:, :_NEAR]
        self.near = np.take_along_axis(self._before, chosen, 1)  # (R, K)
        self.steps = -NEIGHBOURS[_CENTRE_ORDER].astype(np.int64)[chosen]  # (R, K, 3), from there to here

    @property
    def n_regions(self) -> int:
        """Of the grid."""
        return len(self._rank)

    def once_each(self, second: bool) -> list[tuple[IntArray, IntArray]]:
        """Each pass over numbers of which a region has one: its regions, and the numbers near theirs.

        There are two such numbers; `second` tells which.
        """
        ranks = np.where(self._before >= 0, self._rank[self._before] + second * self.n_regions, -1)
        return [(part, _first(ranks[part])) for part in self.passes]

    def expected(
        self,
        part: IntArray,
        codes: npt.NDArray[np.int32],
        networks: npt.NDArray[np.int32],
        step_codes: Sequence[int],
    ) -> IntArray:
        """(N, 4) what the planes of the regions of a pass are expected to be, from passes before it."""
        return expected_planes(codes, networks, step_codes, part, self.near[part], self.steps[part])

    def of_codes(
        self, networks: npt.NDArray[np.int32], n_codes: Sequence[int]
    ) -> list[tuple[IntArray, IntArray, IntArray]]:
        """Each pass: of each of its codes' numbers the region, the place in the code, and the numbers near it."""
        sizes = np.array(n_codes)[networks]
        starts = np.empty(len(networks), np.int64)  # of a region's code among all numbers
        starts[self._order] = 2 * len(networks) + np.cumsum(sizes[self._order]) - sizes[self._order]
        alike = (self._before >= 0) & (networks[self._before] == networks[:, None])
        near = _first(np.where(alike, starts[self._before], -1))  # (R, K) starts of codes nearby
        found = []
        for part in self.passes:
            region = np.repeat(part, sizes[part])
            place = np.arange(len(region)) - np.repeat(np.cumsum(sizes[part]) - sizes[part], sizes[part])
            found.append((region, place, np.where(near[region] >= 0, near[region] + place[:, None], -1)))
        return found


def _first(near: IntArray) -> IntArray:
    """The first few of each row that are not -1, moved to the front."""
    order = np.argsort(near < 0, axis=1, kind="stable")[:, :_NEAR]
    return np.take_along_axis(near, order, 1)
