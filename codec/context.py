"""Contexts: which row of a probability table codes a symbol, from integers that are already decoded.

A context is one linear layer in integers: small integer features of the decoded neighbourhood times trained integer
weights, shifted and clamped to a row index. No float takes part, so that encoder and decoder always agree
(DESIGN.md section 4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

# Part of the format, never change.
CONTEXT_SHIFT = 8  # weights count 256ths of a row
LOG_STEPS = 16  # `log_feature` counts 16ths of an octave

_CHUNK = 1 << 16  # symbols whose features are multiplied at once: bounds the memory


@dataclass(frozen=True)
class LinearContext:
    """Row index = clamp(floor(weights[kind] . features / 256), 0, n_rows - 1).

    Parameters
    ----------
    weights : (K, F) int32
        One row for each kind of symbol (a pass over the lattice, say), one column for each feature.
    n_rows : int
        Rows of the probability table.
    """

    weights: npt.NDArray[np.int32]
    n_rows: int

    def rows(self, kind: int, features: npt.NDArray[np.int32]) -> npt.NDArray[np.int64]:
        """(N,) row indices of symbols with (N, F) features."""
        weights = self.weights[kind].astype(np.int64)
        total = np.empty(len(features), np.int64)
        for start in range(0, len(features), _CHUNK):
            part = slice(start, start + _CHUNK)
            total[part] = features[part].astype(np.int64) @ weights
        return np.clip(total >> CONTEXT_SHIFT, 0, self.n_rows - 1)


def log_feature(values: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
    """Sixteenths of log2(1 + value), piecewise linear between powers of two, in integers.

    Parameters
    ----------
    values : (N,) integer array
        From 0 to 2**52 - 1.

    Examples
    --------
    >>> log_feature(np.array([0, 1, 2, 3, 7, 1023]))
    array([  0,  16,  24,  32,  48, 160], dtype=int32)
    """
    shifted = values.astype(np.int64) + 1
    exponent = np.frexp(shifted.astype(np.float64))[1].astype(np.int64) - 1  # exact: below 2**53
    fraction = (shifted << 10 >> exponent) - (1 << 10)  # in 1024ths of the octave
    return (LOG_STEPS * exponent + (fraction * LOG_STEPS >> 10)).astype(np.int32)
