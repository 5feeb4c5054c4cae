"""Where the nodes are in each frame: predictions and residuals, for both directions.

A frame is predicted from one before it, mostly the last; where a motion comes round again, from an older one. A node
is expected to move as those before it do that it is joined to, by the rotation and the shift that take their positions
in that frame to those in this one::

    p(t) = rigid(p(s)) + step * residual

Before the first frame there is the base shape. Nothing here chooses a probability: positions are floats, and residuals
are coded by residuals (`stream`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..compiled import njit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Part of the format, never change: how much speaks for no rotation, of what the neighbours say.
STIFFNESS = 0.01


def positions_of(
    base: FloatArray, known: IntArray, back: IntArray, residuals: npt.NDArray[np.integer], step: float
) -> FloatArray:
    """Positions of the nodes in each frame.

    Parameters
    ----------
    base : (K, 3) float64
        In the base shape, in order.
    known : (K, N) int64
        Nodes before each that it is joined to; -1 for none.
    back : (T,) int64
        How many frames back that is which a frame is predicted from; at most its number and one, for the base shape.
    residuals : (T, K, 3) integer array
    step : float
        Of the residuals, in the unit of `base`.

    Returns
    -------
    positions : (T, K, 3) float64
    """
    symbols = np.array(residuals, np.int64)
    return _walk(base, known, _weights(base, known), back, step, symbols, np.zeros((0, 0, 3)), 0.0)


def residuals_of(
    base: FloatArray, known: IntArray, back: IntArray, wanted: FloatArray, step: float, dead_zone: float
) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """Residuals that take the nodes near where they are wanted, and the positions that a decoder has then.

    Parameters
    ----------
    base, known, back, step
        As those of `positions_of`.
    wanted : (T, K, 3) float64
    dead_zone : float
        Steps by which a residual is made smaller before it is rounded.

    Returns
    -------
    residuals : (T, K, 3) int32
    positions : (T, K, 3) float64
    """
    symbols = np.zeros(wanted.shape, np.int64)
    found = _walk(base, known, _weights(base, known), back, step, symbols, wanted, dead_zone)
    return symbols.astype(np.int32), found


def _weights(base: FloatArray, known: IntArray) -> FloatArray:
    """(K, N) inverse squared distances in the base shape, 0 for none."""
    square = ((base[known] - base[:, None]) ** 2).sum(2)
    found: FloatArray = np.where(known < 0, 0.0, 1 / np.maximum(square, np.finfo(np.float64).tiny))
    return found


@njit(cache=True)
def _walk(
    base: FloatArray, known: IntArray, weights: FloatArray, back: IntArray, step: float, symbols: IntArray,
    wanted: FloatArray, dead_zone: float,
) -> FloatArray:  # fmt: skip
    """Positions of all frames; where some are wanted, the residuals towards them are put into `symbols`."""
    n_frames, n_nodes = symbols.shape[0], symbols.shape[1]
    positions = np.zeros((n_frames, n_nodes, 3))
    for t in range(n_frames):
        before = base if back[t] > t else positions[t - back[t]]
        for k in range(n_nodes):
            predicted = _rigid(before, positions[t], known[k], weights[k], k)
            for axis in range(3):
                if len(wanted):
                    residual = (wanted[t, k, axis] - predicted[axis]) / step
                    size = np.floor(max(abs(residual) - dead_zone, 0.0) + 0.5)
                    symbols[t, k, axis] = np.int64(size if residual > 0 else -size)
                positions[t, k, axis] = predicted[axis] + step * symbols[t, k, axis]
    return positions


@njit(cache=True)
def _rigid(before: FloatArray, now: FloatArray, known: IntArray, weights: FloatArray, k: int) -> FloatArray:
    """Where the rotation and the shift of those that a node is joined to take it."""
    total = weights.sum()
    if total == 0:
        return before[k].copy()
    middle_before, middle_now = np.zeros(3), np.zeros(3)
    for n in range(len(known)):
        if known[n] >= 0:
            middle_before += weights[n] / total * before[known[n]]
            middle_now += weights[n] / total * now[known[n]]
    moment, spread = np.zeros((3, 3)), 0.0
    for n in range(len(known)):
        if known[n] >= 0:
            a, b = before[known[n]] - middle_before, now[known[n]] - middle_now
            spread += weights[n] * (a * a).sum()
            for row in range(3):
                moment[row] += weights[n] * b[row] * a
    for axis in range(3):
        moment[axis, axis] += STIFFNESS * spread + 1e-30
    return middle_now + _rotation_of(moment) @ (before[k] - middle_before)


@njit(cache=True)
def _rotation_of(moment: FloatArray) -> FloatArray:
    """The rotation nearest to a (3, 3) matrix."""
    left, _, right = np.linalg.svd(moment)
    if np.linalg.det(left) * np.linalg.det(right) < 0:
        left[:, 2] = -left[:, 2]
    return left @ right
