"""The order in which numbers of regions are coded, and which regions are near one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..cell_walk import CENTRE_ORDER, N_NEAR, CellWalk, first_known
from ..occupancy import NEIGHBOURS, Cells
from .planes import expected_planes

IntArray = npt.NDArray[np.int64]


class RegionWalk(CellWalk):
    """The order of the regions' numbers, and where those near a number stand among all that come before it.

    Parameters
    ----------
    cells : (R, 3) int32
        Regions, sorted.

    Attributes
    ----------
    near : (R, K) int64
        Regions near each that come before it, those across faces first; -1 for none.
    steps : (R, K, 3) int64
        From each of these to the region, in cells.
    """

    def __init__(self, cells: Cells) -> None:
        super().__init__(cells)
        # The numbers of neighbours that are near, moved to the front.
        chosen = np.argsort(self.before < 0, axis=1, kind="stable")[:, :N_NEAR]
        self.near = np.take_along_axis(self.before, chosen, 1)  # (R, K)
        self.steps = -NEIGHBOURS[CENTRE_ORDER].astype(np.int64)[chosen]  # (R, K, 3), from there to here

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
        starts[self.order] = 2 * len(networks) + np.cumsum(sizes[self.order]) - sizes[self.order]
        alike = (self.before >= 0) & (networks[self.before] == networks[:, None])
        near = first_known(np.where(alike, starts[self.before], -1))  # (R, K) starts of codes nearby
        found = []
        for part in self.passes:
            region = np.repeat(part, sizes[part])
            place = np.arange(len(region)) - np.repeat(np.cumsum(sizes[part]) - sizes[part], sizes[part])
            found.append((region, place, np.where(near[region] >= 0, near[region] + place[:, None], -1)))
        return found
