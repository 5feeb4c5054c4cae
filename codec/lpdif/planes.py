"""Planes of regions out of those of their neighbours, in integers: what is told of a code in advance.

Where codes have planes (network.py), the first three numbers of a code are the gradient of a linear function of the
point and the fourth is its value at the middle, all in the same scale. The same function, in the coordinates of a
neighbour that is `s` cells away, has the same gradient g and the value d + 2 g . s at the middle, since a cell's edge
has the length 2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..gains import gain_of_code
from .network import N_AXES, PLANE_ROWS

IntArray = npt.NDArray[np.int64]

# Part of the format, never change: a number is at most so many steps from zero where it is expected.
_MOST_EXPECTED = 1 << 20


def expected_planes(
    codes: npt.NDArray[np.int32],
    networks: npt.NDArray[np.int32],
    step_codes: Sequence[int],
    regions: IntArray,
    near: IntArray,
    steps: IntArray,
) -> IntArray:
    """(N, 4) the first numbers of the codes of some regions, in steps, as their neighbours let expect them.

    Parameters
    ----------
    codes : (R, C) int32
        In steps; known for those that are near.
    networks : (R,) int32
    step_codes : sequence of int
        Of each network.
    regions : (N,) int64
        Which ones.
    near : (N, K) int64
        Regions near each, -1 for none.
    steps : (N, K, 3) int64
        From each of these to the region, in cells.
    """
    gains = np.array([gain_of_code(code) for code in step_codes], np.int64)
    there = near >= 0
    found = np.clip(codes[near, :PLANE_ROWS].astype(np.int64), -_MOST_EXPECTED, _MOST_EXPECTED)
    planes = found * gains[networks[near]][..., None]  # (N, K, 4), in 2^-20
    planes[..., N_AXES] += 2 * (planes[..., :N_AXES] * steps).sum(-1)
    counts = np.maximum(there.sum(1), 1)[:, None]
    gain = gains[networks[regions]][:, None]
    divisor = counts * gain
    return (2 * (planes * there[..., None]).sum(1) + divisor) // (2 * divisor)  # rounded
