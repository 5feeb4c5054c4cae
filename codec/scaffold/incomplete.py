"""Incomplete Cholesky factors of sparse matrices: those entries only that the matrix itself has.

For choosing residuals (`choice`) that is enough: what a displacement asks of vertices far away dies off quickly, and
complete factors fill up with it. nefertiti with 300 vertices takes 0.4 % more bytes for its error than with the
complete factor, at a hundredth of the time.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array, tril

from ..compiled import njit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def incomplete_cholesky(matrix: csr_array, damping: float) -> csr_array:
    """A lower triangular L with L L^T about `matrix` and with its pattern.

    Parameters
    ----------
    matrix : (N, N) csr_array of float64
        Symmetric, positive semi-definite; its lower half is read.
    damping : float
        > 0, in units of the mean of the diagonal: added to it, and ten times as much as often as it takes for the
        incomplete factor to exist.
    """
    n = matrix.shape[0]
    mean = max(float(matrix.diagonal().mean()) if n else 0.0, float(np.finfo(np.float64).tiny))
    while True:
        lower = tril(matrix + damping * mean * eye_array(n), format="csr")
        lower.sort_indices()
        data = lower.data.astype(np.float64)
        if _factorize(lower.indptr.astype(np.int64), lower.indices.astype(np.int64), data):
            return csr_array((data, lower.indices, lower.indptr), shape=matrix.shape)
        damping *= 10


@njit(cache=True)
def _factorize(starts: IntArray, columns: IntArray, data: FloatArray) -> bool:
    """Replace the lower half of a matrix by its incomplete factor; False where a pivot is not positive."""
    n = len(starts) - 1
    row_values = np.zeros(n)  # the row at hand, spread out
    for row in range(n):
        start, last = starts[row], starts[row + 1] - 1  # the last entry is the diagonal's
        squares = 0.0
        for entry in range(start, last):
            column = columns[entry]
            end = starts[column + 1] - 1
            value = data[entry]
            for other in range(starts[column], end):
                value -= data[other] * row_values[columns[other]]
            value /= data[end]
            data[entry] = row_values[column] = value
            squares += value * value
        pivot = data[last] - squares
        for entry in range(start, last):
            row_values[columns[entry]] = 0.0
        if not pivot > 0.0:
            return False
        data[last] = np.sqrt(pivot)
    return True
