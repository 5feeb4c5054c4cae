"""The layout of the model that codes a `grid` file, and its numbers as binary decisions (`mixing`).

A number is a zero flag, a sign and a size; a size s > 0 is the bit length of s in unary, then the bits below the
leading one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bits import bit_length
from ..compiled import njit
from ..mixing import Priors, code, untrained

IntArray = NDArray[np.int64]

# Part of the format, never renumber. What is coded, for statistics.
LATENT, CELL, NETWORK, TRIM = range(4)
N_KINDS = 4

MOST_NUMBER = (1 << 25) - 1
_MOST_LENGTH = 24  # bits of a size below its leading one
_ZERO, _SIGN, _LENGTH, _FIRST, _SECOND, _REST = 0, 1, 2, 12, 17, 21
NODES = 24  # decisions of a number

# Contexts, and how many values each has room for.
N_LATENT, LATENT_VALUES = 10, 8192
N_SIGN = 6  # of a latent's sign, with the slots of the first contexts of its size
N_CELL, CELL_VALUES = 8, 8192
N_WEIGHT, WEIGHT_VALUES = 4, 1024
N_GAIN, GAIN_VALUES = 1, 8
N_TRIM, TRIM_VALUES = 3, 512
N_RANKS = 4  # levels from the finest; those beyond share the last one's weights
NO_FIELD_SET, FIELD_SET, PART_SET = range(3)  # sets of weights of cells

# Where slots and sets of weights start.
CELLS = N_LATENT * LATENT_VALUES * NODES
WEIGHTS = CELLS + N_CELL * CELL_VALUES
GAINS = WEIGHTS + N_WEIGHT * WEIGHT_VALUES * NODES
TRIMS = GAINS + N_GAIN * GAIN_VALUES * NODES
N_SLOTS = TRIMS + N_TRIM * TRIM_VALUES
CELL_SETS = N_RANKS * NODES
WEIGHT_SETS = CELL_SETS + 3
GAIN_SETS = WEIGHT_SETS + 2 * NODES
TRIM_SET = GAIN_SETS + NODES
N_SETS = TRIM_SET + 1


def blank() -> Priors:
    """A model of this layout that knows nothing."""
    return untrained(N_SLOTS, N_SETS, N_LATENT)


@njit(cache=True)
def log_feature(value: int) -> int:
    """`context.log_feature` of one value."""
    exponent = bit_length(value + 1) - 1
    return 16 * exponent + (16 * (((value + 1) << 10 >> exponent) - 1024) >> 10)


@njit(cache=True)
def half_octaves(value: int) -> int:
    """0 for 0 and what is negative, else 1 and the half octaves of a number; at most 15."""
    if value <= 0:
        return 0
    octave = bit_length(value) - 1
    half = value >> (octave - 1) & 1 if octave > 0 else 0
    return min(1 + 2 * octave + half, 15)


@njit(cache=True)
def mean_class(total: int, count: int) -> int:
    """Class of the mean of `count` sizes: of its eighths, 15 where there are none."""
    return half_octaves(8 * total // count) if count else 15


@njit(cache=True)
def signed_class(number: int) -> int:
    """8 for 0, up to 7 more for positive numbers, less for negative ones."""
    size = abs(number)
    step = size if size < 4 else min(bit_length(size) + 1, 7)
    return 8 + step if number > 0 else 8 - step


@njit(cache=True)
def _decide(
    coder: Any, slots: int, n_values: int, n: int, contexts: IntArray, weight_set: int, node: int, bit: int, kind: int
) -> int:
    for i in range(n):
        coder.chosen[i] = slots + (i * n_values + contexts[i]) * NODES + node
    return code(coder, n, 0, weight_set + node, bit, kind)


@njit(cache=True)
def code_number(
    coder: Any, slots: int, n_values: int, n: int, contexts: IntArray, n_signs: int, signs: IntArray, weight_sets: int,
    number: int, kind: int,
) -> int:  # fmt: skip
    """A number of size up to `MOST_NUMBER`, whichever the bits: encoded, or decoded and returned.

    Parameters
    ----------
    coder : mixing.Coder
    slots, weight_sets : int
        Where those of this sort of number start.
    n_values : int
        Room of a context.
    n, n_signs : int
        How many contexts there are of the size and of the sign.
    contexts, signs : (>= n,), (>= n_signs,) int64
        Below `n_values`.
    number : int
    kind : int
        For statistics.
    """
    if not _decide(coder, slots, n_values, n, contexts, weight_sets, _ZERO, 1 if number != 0 else 0, kind):
        return np.int64(0)
    bit = 1 if number < 0 else 0
    sign = -1 if _decide(coder, slots, n_values, n_signs, signs, weight_sets, _SIGN, bit, kind) else 1
    size, length = abs(number), 0
    goal = bit_length(size) - 1
    while length < _MOST_LENGTH:
        node, bit = _LENGTH + min(length, 9), 1 if length < goal else 0
        if not _decide(coder, slots, n_values, n, contexts, weight_sets, node, bit, kind):
            break
        length += 1
    found = np.int64(1)
    for place in range(length - 1, -1, -1):
        if place == length - 1:
            node = _FIRST + min(length, 5) - 1
        elif place == length - 2:
            node = _SECOND + min(length, 5) - 2
        else:
            node = _REST + min(length - place, 5) - 3
        found = found << 1 | _decide(coder, slots, n_values, n, contexts, weight_sets, node, size >> place & 1, kind)
    return sign * found
