"""How finely the cells say where a surface is, for a network of a size.

Cells spare the network what is far from the surface, and the finer they are the more: they may cost a small part of
the file. Where a sheet ends they end it too. A signed distance changes its sign there without being zero, which a
network makes a surface of: then they may cost more.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from ...formats.frame import Frame
from ..occupancy import Cells
from ..octree import pack_cells
from ..target import Target
from ..whole import FILL

_BYTES_A_WEIGHT = 0.85
_SHARE, _OPEN_SHARE = 0.06, 0.4  # of the file
_MIN_DEPTH, _MAX_DEPTH = 2, 6
# Cells are occupied when the surface comes this close, in cells: what is fitted lies in them too.
_REACH = 0.05
_PHANTOM = 0.02  # part of the sign changes, of open sheets
_N_PROBES, _STEP = 4000, 0.15  # the second in cells


def cells_of(target: Target, frame: Frame, depth: int) -> Cells:
    """Cells of a depth that the surface meets or nearly meets, (M, 3) int32, sorted."""
    return target.cells(frame, depth, reach=_REACH)


class DepthChoice:
    """The depth of the cells of a shape, for any number of weights.

    Parameters
    ----------
    target : Target
    """

    def __init__(self, target: Target) -> None:
        self._target, self._frame = target, target.frame(FILL)
        self._cost, self._phantom = cache(self._cost_at), cache(self._phantom_at)

    def __call__(self, n_weights: float) -> int:
        """Depth for a network of so many weights."""
        n_bytes = _BYTES_A_WEIGHT * n_weights
        depth = _MIN_DEPTH
        while depth < _MAX_DEPTH and self._cost(depth + 1) <= _SHARE * n_bytes:
            depth += 1
        while depth < _MAX_DEPTH and self._phantom(depth) > _PHANTOM and self._cost(depth + 1) <= _OPEN_SHARE * n_bytes:
            depth += 1
        return depth

    def _cost_at(self, depth: int) -> int:
        """Bytes of the cells of a depth."""
        return len(pack_cells(cells_of(self._target, self._frame, depth), depth))

    def _phantom_at(self, depth: int) -> float:
        cells = cells_of(self._target, self._frame, depth)
        return phantom_share(self._target, self._frame, cells, depth)


def phantom_share(target: Target, frame: Frame, cells: Cells, depth: int) -> float:
    """Part of the changes of sign within cells that are farther from the surface than a signed distance can be zero."""
    rng = np.random.default_rng(target.seed)
    cell = 2 / (1 << depth)
    starts = (cells[rng.integers(0, len(cells), _N_PROBES)] + rng.random((_N_PROBES, 3))) * cell - 1
    steps = rng.standard_normal((_N_PROBES, 3))
    steps *= _STEP * cell / np.linalg.norm(steps, axis=1)[:, None]
    ends = np.concatenate([starts, starts + steps])
    first, second = np.split(target.oracle.signed(target.to_home(ends, frame)) / target.to_home_ratio(frame), 2)
    changes = first * second < 0
    far = np.minimum(np.abs(first), np.abs(second)) > _STEP * cell
    return float((changes & far).sum() / max(changes.sum(), 1))
