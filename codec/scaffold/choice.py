"""Which residual to code for a new vertex: the nearest, or the one with the best sum of error and bits.

With a quadratic error d^T H d of the displacements d of all vertices and its Cholesky factor, H = L L^T, each vertex in
turn takes the residual that is best if all later vertices make up for it as well as they can: sequential decisions that
know what they do to the rest. With the vertices in reverse coding order along L, the error is a sum of squares of which
the next vertex adds three, |L_vv^T d_v + (what is decided already)|^2.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..bits import bit_length
from ..compiled import njit
from .contexts import PX, residual_contexts
from .expectation import expect
from .integers import FRAME_BITS
from .symbols import ALONG, N_NUMBER, UP, number_cost

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Aim(NamedTuple):
    """Where an encoder wants the vertices to be.

    Attributes
    ----------
    targets : (V, 3) float64
        In coding order, in lattice units.
    own : (V, 3, 3) float64
        The blocks of L on its diagonal, lower, in coding order; row 3 (V - 1 - v) + k of L is axis k of vertex v.
        Empty: the identity.
    starts, columns, values
        The rows of L without these blocks, as in a csr matrix.
    pull : (3 V,) float64
        What the decided displacements add to the terms of the later ones, by rows of L.
    weight : float
        Bits times this are added to the squared error, in squared lattice units of the identity; 0 to round.
    """

    targets: FloatArray
    own: FloatArray
    starts: IntArray
    columns: IntArray
    values: FloatArray
    pull: FloatArray
    weight: float


def aim_at(targets: FloatArray, factor: csr_array | None = None, weight: float = 0.0) -> Aim:
    """What `Aim` says, from the targets in coding order and L as a matrix; None for the identity."""
    n = len(targets)
    targets = np.ascontiguousarray(targets, np.float64)
    if factor is None:
        none = np.zeros(0, np.int64)
        return Aim(targets, np.zeros((0, 3, 3)), none, none, np.zeros(0), np.zeros(0), weight)
    entries = factor.tocoo()
    row, column = entries.row.astype(np.int64), entries.col.astype(np.int64)
    is_own = row // 3 == column // 3
    own = np.zeros((n, 3, 3))
    own[n - 1 - row[is_own] // 3, row[is_own] % 3, column[is_own] % 3] = entries.data[is_own]
    others = (entries.data[~is_own], (row[~is_own], column[~is_own]))
    rest = csr_array(others, shape=factor.shape)
    starts, columns = rest.indptr.astype(np.int64), rest.indices.astype(np.int64)
    return Aim(targets, own, starts, columns, rest.data.astype(np.float64), np.zeros(3 * n), weight)


@njit(cache=True)
def displaced(aim: Any, vertex: int, points: IntArray) -> None:
    """Take note of where a vertex came to lie."""
    if len(aim.own) == 0:
        return
    row = 3 * (len(aim.targets) - 1 - vertex)
    for k in range(3):
        displacement = points[vertex, k] - aim.targets[vertex, k]
        for entry in range(aim.starts[row + k], aim.starts[row + k + 1]):
            aim.pull[aim.columns[entry]] += aim.values[entry] * displacement


@njit(cache=True)
def nearest(residual: IntArray, aim: Any, vertex: int, frame: IntArray, view: IntArray, steps: IntArray) -> None:
    """(3,) the residual whose vertex is nearest to its target, axis by axis."""
    residual[:] = 0
    # Frames are orthonormal up to 2^-13, which matters to large residuals: what is missed is added again.
    for _ in range(3):
        for axis in range(2, -1, -1):
            along = 0.0
            for k in range(3):
                missed = aim.targets[vertex, k] - view[PX + k]
                for other in range(3):
                    missed -= frame[other, k] * residual[other] * steps[other] / (1 << FRAME_BITS)
                along += frame[axis, k] * missed
            residual[axis] += np.int64(np.floor(along / (steps[axis] << FRAME_BITS) + 0.5))


@njit(cache=True)
def _terms(
    squares: FloatArray, offset: FloatArray, aim: Any, vertex: int, frame: IntArray, view: IntArray, steps: IntArray
) -> None:
    """The error of a residual r is |offset + squares r|^2: fills (3, 3) and (3,)."""
    row = 3 * (len(aim.targets) - 1 - vertex)
    is_plain = len(aim.own) == 0
    for i in range(3):
        offset[i] = 0.0 if is_plain else aim.pull[row + i]
        squares[i, 0], squares[i, 1], squares[i, 2] = 0.0, 0.0, 0.0
        for k in range(i, 3):
            weight = (1.0 if k == i else 0.0) if is_plain else aim.own[vertex, k, i]
            offset[i] += weight * (view[PX + k] - aim.targets[vertex, k])
            for axis in range(3):
                squares[i, axis] += weight * frame[axis, k] * steps[axis] / (1 << FRAME_BITS)


@njit(cache=True)
def candidates(found: IntArray, best: float) -> int:
    """Fill in (5,) numbers near `best`, and smaller ones that cost fewer bits; how many."""
    low = np.int64(np.floor(min(max(best, -1e9), 1e9)))
    found[0], found[1], found[2] = low, low + 1, 0
    inner = low + 1 if best < 0 else low
    sign, size = (-1 if best < 0 else 1), abs(inner)
    length = bit_length(size)
    found[3] = sign * (1 << (length - 1)) if length >= 2 else sign * max(size - 1, 0)
    found[4] = sign * (size >> 1 << 1) if length >= 2 else found[3]
    n = 1
    for i in range(1, 5):
        is_new = True
        for j in range(n):
            is_new = is_new and found[j] != found[i]
        if is_new:
            found[n] = found[i]
            n += 1
    return n


@njit(cache=True)
def best_residual(
    residuals: IntArray,
    coder: Any,
    aim: Any,
    network: Any,
    vertex: int,
    view: IntArray,
    sight: Any,
    foresight: Any,
    classes: IntArray,
    steps: IntArray,
) -> None:
    """Set a row of `residuals` to the one with the least error and weighted bits."""
    squares, offset = np.zeros((3, 3)), np.zeros(3)
    _terms(squares, offset, aim, vertex, sight.frame, view, steps)
    free = _solve(squares, offset)
    along, across, up = np.zeros(5, np.int64), np.zeros(5, np.int64), np.zeros(5, np.int64)
    n_along, n_across = candidates(along, free[0]), candidates(across, free[1])
    contexts, signs = np.zeros(N_NUMBER, np.int64), np.zeros(N_NUMBER, np.int64)
    least, best = 1e300, np.zeros(3, np.int64)
    trial = residuals[vertex]
    norm = squares[0, 2] ** 2 + squares[1, 2] ** 2 + squares[2, 2] ** 2
    for i in range(n_along):
        for j in range(n_across):
            # The best third part, given the two.
            dot = 0.0
            for k in range(3):
                dot += squares[k, 2] * (offset[k] + squares[k, 0] * along[i] + squares[k, 1] * across[j])
            for m in range(candidates(up, -dot / norm if norm > 0 else 0.0)):
                total = 0.0
                for k in range(3):
                    total += (
                        offset[k] + squares[k, 0] * along[i] + squares[k, 1] * across[j] + squares[k, 2] * up[m]
                    ) ** 2
                trial[:] = 0
                for axis in range(UP, ALONG - 1, -1):
                    if total >= least:
                        break
                    expect(foresight, sight, axis, trial, steps, network)
                    group = residual_contexts(
                        contexts, signs, axis, vertex, residuals, view, classes, foresight.expected
                    )
                    number = up[m] if axis == UP else (along[i] if axis == ALONG else across[j])
                    total += aim.weight * number_cost(
                        coder, axis, group, N_NUMBER, contexts, signs, foresight.expected, number
                    )
                    trial[axis] = number
                if total < least:
                    least = total
                    best[0], best[1], best[2] = along[i], across[j], up[m]
    trial[:] = best


@njit(cache=True)
def _solve(squares: FloatArray, offset: FloatArray) -> FloatArray:
    """The residual without error, by Cramer's rule; zero where there is none."""
    s = squares
    minors = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            i1, i2, j1, j2 = (i + 1) % 3, (i + 2) % 3, (j + 1) % 3, (j + 2) % 3
            minors[i, j] = s[i1, j1] * s[i2, j2] - s[i1, j2] * s[i2, j1]
    determinant = s[0, 0] * minors[0, 0] + s[0, 1] * minors[0, 1] + s[0, 2] * minors[0, 2]
    found = np.zeros(3)
    if determinant != 0:
        for j in range(3):
            for i in range(3):
                found[j] -= minors[i, j] * offset[i] / determinant
    return found
