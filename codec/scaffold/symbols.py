"""How the symbols of a control mesh become binary decisions, and which slots and weights of the model these use.

A signed number is a zero flag, a sign and a size; a size s > 0 is the bit length of s in unary, then the bits below the
leading one. The two that matter most have their own slots for each length.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bits import bit_length
from ..compiled import njit
from ..mixing import CDF_BITS, Priors, code, cost, logistic, stretch, untrained

IntArray = NDArray[np.int64]

# Part of the format, never renumber. What is coded, for statistics, and the sources of numbers.
CONNECTIVITY, JOINS, SEEDS, NORMAL, TANGENTIAL, CREASES = range(6)
N_KINDS = 6
ALONG, ACROSS, UP, SEED, RANK = range(5)  # numbers: residuals in the frame of a gate, a seed's coordinates, a join's
# 2^-f in 2^-16, for f in 2^-8; none is nearer to a half than 0.004 before rounding, so that all machines agree.
_INVERSES = np.array([round(65536 * 2 ** (-f / 256)) for f in range(256)])
_KIND_OF = np.array([TANGENTIAL, TANGENTIAL, NORMAL, SEEDS, JOINS])

# Contexts of a decision, and how many values each has room for.
N_NUMBER = 11
N_OPERATION = 10
N_CREASE = 8
N_GROUPS = 4  # sets of weights for each decision of a number
NUMBER_VALUES = 512
OPERATION_VALUES = 8192
CREASE_VALUES = 1024

# What is expected of a number: the mean of the places of a mixture of logistic distributions, in 2^-8, the mean of the
# logarithms of their widths, in 2^-8 octaves, and what of the mixture is not moved to zero, in 2^-16; then for each of
# the distributions its place, its width and its share, in 2^-16.
N_MIXED = 3
EXPECTED_PLACE, EXPECTED_WIDTH, EXPECTED_KEPT, MIXED = range(4)
N_EXPECTED = MIXED + 3 * N_MIXED

_NODES = 40  # decisions of a number
N_QUESTIONS = 4  # decisions of an operation
# Decisions about creases: any? everything? then of an edge: sharp? for ever? for more levels? of a vertex: pinned?
ANY, ALL, IS_SHARP, FOR_EVER, MORE, IS_CORNER = range(6)
_CREASE_STEPS = 6
_ZERO, _SIGN, _LENGTH, _FIRST, _SECOND, _REST = 0, 1, 2, 15, 24, 33
_MOST_LENGTH = 30  # bits of a size below its leading one

_NUMBERS = N_OPERATION * OPERATION_VALUES * N_QUESTIONS  # where their slots start
_CREASES = _NUMBERS + 5 * N_NUMBER * NUMBER_VALUES * _NODES
N_SLOTS = _CREASES + N_CREASE * CREASE_VALUES * _CREASE_STEPS
_NUMBER_SETS = 4 * N_QUESTIONS
_CREASE_SETS = _NUMBER_SETS + 5 * N_GROUPS * _NODES
N_SETS = _CREASE_SETS + _CREASE_STEPS


def blank() -> Priors:
    """A model of this layout that knows nothing."""
    return untrained(N_SLOTS, N_SETS, N_NUMBER + 1)


def without_flags(priors: Priors) -> Priors:
    """Priors that expect nothing of the decisions ANY and ALL: how many training meshes were creased means nothing."""
    slots, weights, start = priors.slots.copy(), priors.weights.copy(), blank()
    for node in (ANY, ALL):
        where = slice(_CREASES + node, None, _CREASE_STEPS)
        slots[where], weights[_CREASE_SETS + node] = start.slots[where], start.weights[_CREASE_SETS + node]
    return Priors(slots, weights)


@njit(cache=True)
def code_step(coder: Any, node: int, group: int, contexts: IntArray, odds: IntArray, bit: int) -> int:
    """One decision about an operation; `contexts` (N_OPERATION,) below OPERATION_VALUES, `group` 0 to 3.

    `odds` (N_QUESTIONS,) are those of `expectation.foresee`.
    """
    for i in range(N_OPERATION):
        coder.chosen[i] = (i * OPERATION_VALUES + contexts[i]) * N_QUESTIONS + node
    coder.inputs[N_OPERATION, 0], coder.inputs[N_OPERATION, 1] = odds[node], 0
    return code(coder, N_OPERATION, 1, group * N_QUESTIONS + node, bit, CONNECTIVITY)


@njit(cache=True)
def code_crease(coder: Any, node: int, contexts: IntArray, bit: int) -> int:
    """One decision about creases; `contexts` (N_CREASE,) below CREASE_VALUES."""
    for i in range(N_CREASE):
        coder.chosen[i] = _CREASES + (i * CREASE_VALUES + contexts[i]) * _CREASE_STEPS + node
    return code(coder, N_CREASE, 0, _CREASE_SETS + node, bit, CREASES)


@njit(cache=True)
def _choose(coder: Any, source: int, n: int, contexts: IntArray, node: int) -> None:
    for i in range(n):
        coder.chosen[i] = _NUMBERS + ((source * N_NUMBER + i) * NUMBER_VALUES + contexts[i]) * _NODES + node


@njit(cache=True)
def _decide(coder: Any, source: int, group: int, n: int, n_given: int, contexts: IntArray, node: int, bit: int) -> int:
    _choose(coder, source, n, contexts, node)
    return code(coder, n, n_given, _NUMBER_SETS + (source * N_GROUPS + group) * _NODES + node, bit, _KIND_OF[source])


@njit(cache=True)
def _price(coder: Any, source: int, group: int, n: int, n_given: int, contexts: IntArray, node: int, bit: int) -> float:
    _choose(coder, source, n, contexts, node)
    return cost(coder, n, n_given, _NUMBER_SETS + (source * N_GROUPS + group) * _NODES + node, bit)


@njit(cache=True)
def _node(length: int, place: int) -> int:
    """The decision about bit `place` of a size with `length` bits below its leading one."""
    if place == length - 1:
        return _FIRST + min(length, 8)
    if place == length - 2:
        return _SECOND + min(length, 8)
    return _REST + min(length - place, 6)


@njit(cache=True)
def _beyond(expected: IntArray, sign: int, size: int) -> int:
    """The probability, in 2^-CDF_BITS, that a number of this sign (1, -1) has at least this size."""
    total = np.int64(0)
    for i in range(MIXED, N_EXPECTED, 3):
        if expected[i + 2]:
            distance, width = sign * expected[i] - (size << 8) + 128, expected[i + 1]
            # In widths: 2^-8 times 2^-8 octaves makes 2^-16.
            total += logistic(distance * _INVERSES[width & 255] >> (8 + (width >> 8))) * expected[i + 2]
    return total >> 16


@njit(cache=True)
def _give(coder: Any, n: int, part: int, whole: int) -> None:
    coder.inputs[n, 0], coder.inputs[n, 1] = stretch(part, whole), 0


@njit(cache=True)
def code_size(coder: Any, source: int, group: int, n: int, contexts: IntArray, size: int) -> int:
    """A number from 1 to 2^31 - 1, with its first `n` contexts, below NUMBER_VALUES, and weights of a group."""
    goal, length = bit_length(size) - 1, 0
    while length < _MOST_LENGTH:
        if not _decide(coder, source, group, n, 0, contexts, _LENGTH + min(length, 12), 1 if length < goal else 0):
            break
        length += 1
    found = np.int64(1)
    for place in range(length - 1, -1, -1):
        found = found << 1 | _decide(coder, source, group, n, 0, contexts, _node(length, place), size >> place & 1)
    return found


@njit(cache=True)
def code_number(
    coder: Any, source: int, group: int, n: int, contexts: IntArray, signs: IntArray, expected: IntArray, number: int
) -> int:
    """A number of size below 2^31; `signs` are the contexts of its sign, `expected` is (N_EXPECTED,)."""
    above, below = _beyond(expected, 1, 1), _beyond(expected, -1, 1)
    _give(coder, n, (above + below >> 16) * expected[EXPECTED_KEPT], 1 << CDF_BITS)
    if not _decide(coder, source, group, n, 1, contexts, _ZERO, 1 if number != 0 else 0):
        return np.int64(0)
    _give(coder, n, below, above + below)
    sign = -1 if _decide(coder, source, group, n, 1, signs, _SIGN, 1 if number < 0 else 0) else 1
    goal, length = bit_length(abs(number)) - 1, 0
    whole = above if sign > 0 else below
    while length < _MOST_LENGTH:
        part = _beyond(expected, sign, np.int64(2) << length)
        _give(coder, n, part, whole)
        if not _decide(coder, source, group, n, 1, contexts, _LENGTH + min(length, 12), 1 if length < goal else 0):
            break
        length += 1
        whole = part
    found = np.int64(1)
    low, high = whole, _beyond(expected, sign, np.int64(2) << length)
    for place in range(length - 1, -1, -1):
        middle = _beyond(expected, sign, (found * 2 + 1) << place)
        _give(coder, n, middle - high, low - high)
        bit = _decide(coder, source, group, n, 1, contexts, _node(length, place), abs(number) >> place & 1)
        low, high = (middle, high) if bit else (low, middle)
        found = found << 1 | bit
    return sign * found


@njit(cache=True)
def number_cost(
    coder: Any, source: int, group: int, n: int, contexts: IntArray, signs: IntArray, expected: IntArray, number: int
) -> float:
    """Bits that `code_number` would spend."""
    above, below = _beyond(expected, 1, 1), _beyond(expected, -1, 1)
    _give(coder, n, (above + below >> 16) * expected[EXPECTED_KEPT], 1 << CDF_BITS)
    bits = _price(coder, source, group, n, 1, contexts, _ZERO, 1 if number != 0 else 0)
    if number == 0:
        return bits
    _give(coder, n, below, above + below)
    bits += _price(coder, source, group, n, 1, signs, _SIGN, 1 if number < 0 else 0)
    sign, size = (1 if number > 0 else -1), abs(number)
    whole = above if number > 0 else below
    length = bit_length(size) - 1
    for i in range(min(length + 1, _MOST_LENGTH)):
        part = _beyond(expected, sign, np.int64(2) << i)
        _give(coder, n, part, whole)
        bits += _price(coder, source, group, n, 1, contexts, _LENGTH + min(i, 12), 1 if i < length else 0)
        if i < length:
            whole = part
    low, high = whole, _beyond(expected, sign, np.int64(2) << length)
    for place in range(length - 1, -1, -1):
        bit = size >> place & 1
        middle = _beyond(expected, sign, ((size >> (place + 1)) * 2 + 1) << place)
        _give(coder, n, middle - high, low - high)
        bits += _price(coder, source, group, n, 1, contexts, _node(length, place), bit)
        low, high = (middle, high) if bit else (low, middle)
    return bits
