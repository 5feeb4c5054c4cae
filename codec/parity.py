"""Lattice points in eight passes, so that one is coded at once and most still see neighbours on all sides."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Part of the format, never change.
PARITY_ORDER = (0, 3, 5, 6, 1, 2, 4, 7)


def parity_passes(coordinates: npt.NDArray[np.integer]) -> list[npt.NDArray[np.intp]]:
    """Positions of (N, 3) lattice coordinates in eight passes, by parity: the four even ones first."""
    parity = (coordinates & 1) @ np.array([4, 2, 1])
    return [np.flatnonzero(parity == p) for p in PARITY_ORDER]
