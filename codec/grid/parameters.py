"""The few numbers of a file that are not on the lattice: gain codes and the weights of its network."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiled import njit
from .decisions import (
    GAIN_SETS,
    GAIN_VALUES,
    GAINS,
    N_GAIN,
    N_WEIGHT,
    NETWORK,
    NODES,
    WEIGHT_SETS,
    WEIGHT_VALUES,
    WEIGHTS,
    IntArray,
    code_number,
    mean_class,
    signed_class,
)

# Part of the format, never change.
_GAIN_OCTAVES = 4  # steps are expected to be 2^-4 normalized units over 2^depth at first, then as the level before
_MOST_COLUMN = 31
_N_WEIGHT_SIGN = 3


@njit(cache=True)
def code_gains(coder: Any, depth: int, codes: IntArray) -> None:
    """Encode gain codes (L,), coarse to fine, or fill them in: any number where the bits say so."""
    contexts = np.zeros(N_GAIN, np.int64)
    expected = np.int64(8 * (depth + _GAIN_OCTAVES))
    for level in range(len(codes)):
        contexts[0] = level
        codes[level] = expected + code_number(
            coder, GAINS, GAIN_VALUES, N_GAIN, contexts, N_GAIN, contexts, GAIN_SETS, codes[level] - expected, NETWORK
        )
        expected = codes[level]


@njit(cache=True)
def code_weights(coder: Any, layer: int, weights: IntArray) -> None:
    """Encode the weights (O, I) of layer 0 or 1, row after row, or fill them in."""
    contexts, signs = np.zeros(N_WEIGHT, np.int64), np.zeros(_N_WEIGHT_SIGN, np.int64)
    n_rows, n_columns = weights.shape
    for i in range(n_rows):
        for j in range(n_columns):
            column = layer * 32 + min(n_columns - 1 - j, _MOST_COLUMN)
            above, before = _mean(weights[:i, j]), _mean(weights[i, :j])
            upper = signed_class(weights[i - 1, j] if i else 0)
            left = signed_class(weights[i, j - 1] if j else 0)
            contexts[0] = column
            contexts[1] = column * 16 + above
            contexts[2] = above * 16 + before
            contexts[3] = layer
            signs[0] = column
            signs[1] = (layer * 16 + left) * 16 + upper
            signs[2] = upper * 64 + column
            weights[i, j] = code_number(
                coder, WEIGHTS, WEIGHT_VALUES, N_WEIGHT, contexts, _N_WEIGHT_SIGN, signs, WEIGHT_SETS + layer * NODES,
                weights[i, j], NETWORK,
            )  # fmt: skip


@njit(cache=True)
def _mean(weights: IntArray) -> int:
    """Class of the mean size of halves of weights; 15 where there are none."""
    total = np.int64(0)
    for weight in weights:
        total += abs(weight)
    return mean_class(total // 2, len(weights))
