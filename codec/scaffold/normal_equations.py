"""The least squares of a fit as one symmetric matrix over the control vertices, and its solution.

A pair is a row of weights of the control vertices that support its patch (`stencils`). Sums of products of rows are
made patch by patch and put in their places in the matrix, which consists of blocks of 3 x 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import bsr_array

from ..compiled import njit
from .correspondences import DenseSurface, Pairs

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CG_TOLERANCE = 1e-4
_MOST_CG_STEPS = 400
# Pull towards where the vertices are, relative to the mean pull of the pairs: what nothing else holds stays in place.
LEAST_DAMPING = 1e-4
_LEAST_PULL = 1e-90  # its third power is a number, too


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """A quadratic model of the energy around the present positions: E(x + d) = E(x) - 2 g d + d H d.

    Unknown 3 v + i is coordinate i of control vertex v.

    Attributes
    ----------
    matrix : (3 V, 3 V) bsr_array of float64
        H, symmetric, positive semi-definite, in blocks of 3 x 3.
    slope : (3 V,) float64
        g.
    """

    matrix: bsr_array
    slope: FloatArray


def normal_equations(dense: DenseSurface, pairs: Pairs) -> NormalEquations:
    """What pairs ask of the control vertices."""
    of_dense, n = dense.stencils, dense.control.n_vertices
    sums, slope = np.zeros((len(of_dense.columns), 6)), np.zeros((n, 3))
    _sum_up(
        np.ascontiguousarray(pairs.face),
        np.ascontiguousarray(pairs.share),
        np.ascontiguousarray(pairs.offset),
        np.ascontiguousarray(pairs.counts),
        of_dense.corners,
        of_dense.starts,
        of_dense.support,
        of_dense.weights,
        of_dense.places,
        sums,
        slope,
    )
    blocks = np.empty((len(sums), 3, 3))
    _mirror(sums, of_dense.rows, of_dense.columns, blocks)
    matrix = bsr_array((blocks, of_dense.columns, of_dense.rows), shape=(3 * n, 3 * n))
    return NormalEquations(matrix, slope.ravel())


@njit(cache=True, nogil=True)
def _sum_up(
    face: IntArray,
    share: FloatArray,
    offset: FloatArray,
    counts: FloatArray,
    corners: IntArray,
    starts: IntArray,
    support: IntArray,
    weights: FloatArray,
    places: IntArray,
    sums: FloatArray,
    slope: FloatArray,
) -> None:
    """Add up the lower half of the matrix (B, 6), `ENTRIES` of each block, and the slope."""
    n_patches, n_triangles, n_vertices = len(starts) - 1, len(corners), corners.max() + 1
    ends, order = _by_patch(face, n_triangles, n_patches)
    most = 0
    for patch in range(n_patches):
        most = max(most, starts[patch + 1] - starts[patch])
    row, products, force = np.zeros(most), np.zeros((most, most, 6)), np.zeros(3)
    first, until = 0, 0
    for patch in range(n_patches):
        begin, size = starts[patch], starts[patch + 1] - starts[patch]
        products[:size, :size] = 0.0
        for pair in order[first : ends[patch]]:
            triangle = face[pair] - patch * n_triangles
            c0, c1, c2 = counts[pair, 0], counts[pair, 1], counts[pair, 2]
            c3, c4, c5 = counts[pair, 3], counts[pair, 4], counts[pair, 5]
            force[0] = c0 * offset[pair, 0] + c3 * offset[pair, 1] + c4 * offset[pair, 2]
            force[1] = c3 * offset[pair, 0] + c1 * offset[pair, 1] + c5 * offset[pair, 2]
            force[2] = c4 * offset[pair, 0] + c5 * offset[pair, 1] + c2 * offset[pair, 2]
            row[:size] = 0.0
            for k in range(3):
                at = n_vertices * begin + size * corners[triangle, k]
                for i in range(size):
                    row[i] += share[pair, k] * weights[at + i]
            for i in range(size):
                if row[i] == 0.0:
                    continue
                for x in range(3):
                    slope[support[begin + i], x] += row[i] * force[x]
                for j in range(i + 1):
                    product = row[i] * row[j]
                    products[i, j, 0] += product * c0
                    products[i, j, 1] += product * c1
                    products[i, j, 2] += product * c2
                    products[i, j, 3] += product * c3
                    products[i, j, 4] += product * c4
                    products[i, j, 5] += product * c5
        first = ends[patch]
        for i in range(size):
            for j in range(i + 1):
                for entry in range(6):
                    sums[places[until], entry] += products[i, j, entry]
                until += 1


@njit(cache=True, nogil=True)
def _by_patch(face: IntArray, n_triangles: int, n_patches: int) -> tuple[IntArray, IntArray]:
    """The pairs in the order of their patches (N,), and where those of each patch end (F,)."""
    ends = np.zeros(n_patches + 1, np.int64)
    for pair in range(len(face)):
        ends[face[pair] // n_triangles + 1] += 1
    for patch in range(n_patches):
        ends[patch + 1] += ends[patch]
    order = np.empty(len(face), np.int64)
    for pair in range(len(face)):
        patch = face[pair] // n_triangles
        order[ends[patch]] = pair
        ends[patch] += 1
    return ends[:-1], order


@njit(cache=True, nogil=True)
def _mirror(sums: FloatArray, rows: IntArray, columns: IntArray, blocks: FloatArray) -> None:
    """Fill in all blocks (B, 3, 3) from the lower half (B, 6)."""
    # Of each row, the block whose mirror image comes next: these come in ascending order.
    following = np.empty(len(rows) - 1, np.int64)
    for i in range(len(rows) - 1):
        for entry in range(rows[i], rows[i + 1]):
            j = columns[entry]
            if j > i:
                break
            _fill(sums[entry], blocks[entry])
            if j == i:
                following[i] = entry + 1
            else:
                blocks[following[j]] = blocks[entry]
                following[j] += 1


@njit(cache=True, nogil=True)
def _fill(entries: FloatArray, block: FloatArray) -> None:
    """A symmetric block from its `ENTRIES`."""
    block[0, 0], block[1, 1], block[2, 2] = entries[0], entries[1], entries[2]
    block[0, 1] = block[1, 0] = entries[3]
    block[0, 2] = block[2, 0] = entries[4]
    block[1, 2] = block[2, 1] = entries[5]


def step(
    equations: NormalEquations,
    extra: bsr_array | None = None,
    extra_slope: FloatArray | None = None,
    damping: float = LEAST_DAMPING,
) -> FloatArray:
    """The move (V, 3) that minimizes the energy, with a pull towards staying of `damping` times the mean one.

    `extra` (3 V, 3 V), a sparse matrix, and `extra_slope` (3 V,) are another quadratic term, such as the rate.
    """
    matrix, slope = equations.matrix, equations.slope
    n = len(slope) // 3
    pull = max(damping * float(matrix.diagonal().mean()), _LEAST_PULL)
    if extra is not None:
        matrix = matrix + extra.tobsr((3, 3))
    if extra_slope is not None:
        slope = slope + extra_slope
    stay = bsr_array((np.tile(pull * np.eye(3), (n, 1, 1)), np.arange(n), np.arange(n + 1)), shape=matrix.shape)
    matrix = (matrix + stay).tobsr((3, 3))
    move = np.zeros((n, 3))
    arrays = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), np.ascontiguousarray(matrix.data)
    _conjugate_gradients(*arrays, slope.reshape(-1, 3), move)
    return move


@njit(cache=True, nogil=True)
def _conjugate_gradients(
    rows: IntArray, columns: IntArray, blocks: FloatArray, right: FloatArray, solution: FloatArray
) -> None:
    """Solve a symmetric positive definite system in blocks, preconditioned by those on its diagonal; from zero."""
    n = len(right)
    inverse = np.empty((n, 3, 3))
    for i in range(n):
        for entry in range(rows[i], rows[i + 1]):
            if columns[entry] == i:
                _invert(blocks[entry], inverse[i])
    residual, preconditioned, image = right.copy(), np.empty((n, 3)), np.empty((n, 3))
    energy = _precondition(inverse, residual, preconditioned)
    direction = preconditioned.copy()
    enough = energy * _CG_TOLERANCE**2
    for _ in range(_MOST_CG_STEPS):
        if energy <= enough:
            break
        along = 0.0
        for i in range(n):
            s0, s1, s2 = 0.0, 0.0, 0.0
            for entry in range(rows[i], rows[i + 1]):
                d, b = direction[columns[entry]], blocks[entry]
                s0 += b[0, 0] * d[0] + b[0, 1] * d[1] + b[0, 2] * d[2]
                s1 += b[1, 0] * d[0] + b[1, 1] * d[1] + b[1, 2] * d[2]
                s2 += b[2, 0] * d[0] + b[2, 1] * d[1] + b[2, 2] * d[2]
            image[i, 0], image[i, 1], image[i, 2] = s0, s1, s2
            along += s0 * direction[i, 0] + s1 * direction[i, 1] + s2 * direction[i, 2]
        length = energy / along
        for i in range(n):
            for x in range(3):
                solution[i, x] += length * direction[i, x]
                residual[i, x] -= length * image[i, x]
        before, energy = energy, _precondition(inverse, residual, preconditioned)
        for i in range(n):
            for x in range(3):
                direction[i, x] = preconditioned[i, x] + energy / before * direction[i, x]


@njit(cache=True, nogil=True)
def _precondition(inverse: FloatArray, residual: FloatArray, preconditioned: FloatArray) -> float:
    """Multiply by the inverse blocks; the product of what goes in and what comes out."""
    energy = 0.0
    for i in range(len(residual)):
        for x in range(3):
            total = 0.0
            for y in range(3):
                total += inverse[i, x, y] * residual[i, y]
            preconditioned[i, x] = total
            energy += total * residual[i, x]
    return energy


@njit(cache=True, nogil=True)
def _invert(block: FloatArray, inverse: FloatArray) -> None:
    """The inverse of a symmetric positive definite 3 x 3 matrix."""
    a, b, c, d, e, f = block[0, 0], block[0, 1], block[0, 2], block[1, 1], block[1, 2], block[2, 2]
    inverse[0, 0], inverse[0, 1], inverse[0, 2] = d * f - e * e, c * e - b * f, b * e - c * d
    inverse[1, 1], inverse[1, 2], inverse[2, 2] = a * f - c * c, b * c - a * e, a * d - b * b
    determinant = a * inverse[0, 0] + b * inverse[0, 1] + c * inverse[0, 2]
    for i in range(3):
        for j in range(i, 3):
            inverse[i, j] /= determinant
            inverse[j, i] = inverse[i, j]
