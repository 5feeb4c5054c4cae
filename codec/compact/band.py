"""The band around the coarse surface in which the fine branch answers, and how the two become one field.

::

    coarse distances at the nodes of a grid --> cells that its surface crosses --n layers of neighbours--> band
    f = s_g + w (s_o - s_g),  w = 1 up to the layer before the last, down to 0 at the band's border

The paper switches from one branch to the other at the border. There the two differ, and a mesher would see a wall; with
the weight, a trilinear function over the last layer, the field is continuous. Outside the band the coarse branch keeps
its sign: all of the surface lies in it.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from ..occupancy import OCTANTS, Cells

LAYERS = 3  # n; the paper's best
DEPTH = 6  # of the cells that are looked at
_AROUND = np.ones((3, 3, 3), bool)


def band_of(distances: npt.NDArray[np.float32], n_layers: int = LAYERS) -> tuple[Cells, npt.NDArray[np.float32]]:
    """Cells of the band, and the weights of the fine branch.

    Parameters
    ----------
    distances : (C + 1, C + 1, C + 1) float32
        Of the coarse branch, at the corners of C^3 cells.
    n_layers : int
        Layers of cells around those that the coarse surface crosses, at least 1.

    Returns
    -------
    cells : (M, 3) int32
        Sorted; none where there is no surface.
    weights : (C + 1, C + 1, C + 1) float32
        At the nodes; 0 outside the band and on its border.
    """
    n_cells = distances.shape[0] - 1
    inside = distances < 0
    corners = [_corner(inside, corner, n_cells) for corner in OCTANTS]
    crossed = np.any(corners, 0) & ~np.all(corners, 0)
    if not crossed.any():
        return np.zeros((0, 3), np.int32), np.zeros(distances.shape, np.float32)
    within = scipy.ndimage.binary_dilation(crossed, _AROUND, n_layers - 1) if n_layers > 1 else crossed
    weights = np.zeros(distances.shape, np.float32)
    for corner in OCTANTS:
        _corner(weights, corner, n_cells)[within] = 1
    return np.argwhere(scipy.ndimage.binary_dilation(within, _AROUND)).astype(np.int32), weights


def _corner(nodes: npt.NDArray[np.generic], corner: npt.NDArray[np.int32], n_cells: int) -> npt.NDArray[np.generic]:
    """What nodes say at one corner of every cell, as a view."""
    x, y, z = corner.tolist()
    return nodes[x : x + n_cells, y : y + n_cells, z : z + n_cells]
