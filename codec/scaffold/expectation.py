"""What to expect: small networks that say how likely operations are and how a residual is distributed, in integers.

Four networks see what `sight` describes: one of the operation at a gate, and one for each part of a residual, which
knows the parts before it too. All have two hidden layers of rectified linear units. The first says the odds of each
question that tells the operation; the others the places, widths and shares of a mixture of logistic distributions and
how much of it is moved to zero, since an encoder that trades error for bits makes many zeros. Each is one opinion on a
binary decision, beside those of the adaptive contexts, whose mixing learns how far to believe it.

Fixed point throughout: numbers going through the networks are in 2^-10, weights in 2^-12, the place in 2^-8 steps, the
logarithm of the width in 2^-8 octaves, and what is not moved in 2^-16.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from ..mixing import CDF_BITS, STRETCH_LIMIT, logistic
from .sight import N_FEATURES, N_GATE_FEATURES, ONE, signed_logarithm, within
from .symbols import EXPECTED_KEPT, EXPECTED_PLACE, EXPECTED_WIDTH, MIXED, N_EXPECTED, N_MIXED, N_QUESTIONS, UP

IntArray = NDArray[np.int64]

# Part of the format, never change.
N_KNOWN_FEATURES = 4  # of the parts of the residual that are known: of UP, then of ACROSS
N_FIRST, N_SECOND = 64, 32  # units of the hidden layers of residuals
N_GATE_FIRST, N_GATE_SECOND = 32, 16  # and of operations
# Outputs: places in lengths of four gates, widths, what each distribution but the last takes of what those before it
# leave, and what of the mixture is not moved to zero.
PLACES, WIDTHS, TAKEN, KEPT = 0, N_MIXED, 2 * N_MIXED, 3 * N_MIXED - 1
N_OUTPUTS = 3 * N_MIXED
WEIGHT_BITS = 12
_MOST_ACTIVE = 1 << 20
_NARROWEST, _WIDEST = -3 << 8, 12 << 8


class Network(NamedTuple):
    """Weights: by network, by input, the constant last, by unit. The first three are of ALONG, ACROSS and UP.

    Attributes
    ----------
    first : (3, N_FEATURES + N_KNOWN_FEATURES + 1, N_FIRST) int32
    second : (3, N_FIRST + 1, N_SECOND) int32
    last : (3, N_SECOND + 1, N_OUTPUTS) int32
    gate_first : (N_GATE_FEATURES + 1, N_GATE_FIRST) int32
        Of operations, like the next two.
    gate_second : (N_GATE_FIRST + 1, N_GATE_SECOND) int32
    gate_last : (N_GATE_SECOND + 1, N_QUESTIONS) int32
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    last: NDArray[np.int32]
    gate_first: NDArray[np.int32]
    gate_second: NDArray[np.int32]
    gate_last: NDArray[np.int32]


class Foresight(NamedTuple):
    """What is expected; made by `empty_foresight`.

    Attributes
    ----------
    odds : (N_QUESTIONS,) int64
        Of a yes to each question about the operation, as `mixing.Coder.inputs` has them.
    expected : (N_EXPECTED,) int64
        Of the part of the residual at hand, as `symbols.code_number` takes it.
    begun : (3, N_FIRST) int64
        The first layers, as far as they do not depend on the residual.
    first : (N_FIRST,) int64
        Scratch.
    second : (N_SECOND,) int64
        Scratch.
    outputs : (N_OUTPUTS,) int64
        Scratch.
    gate_first : (N_GATE_FIRST,) int64
        Scratch.
    gate_second : (N_GATE_SECOND,) int64
        Scratch.
    """

    odds: IntArray
    expected: IntArray
    begun: IntArray
    first: IntArray
    second: IntArray
    outputs: IntArray
    gate_first: IntArray
    gate_second: IntArray


@njit(cache=True)
def empty_foresight() -> Foresight:
    """Nothing expected yet."""
    return Foresight(
        np.zeros(N_QUESTIONS, np.int64),
        np.zeros(N_EXPECTED, np.int64),
        np.zeros((3, N_FIRST), np.int64),
        np.zeros(N_FIRST, np.int64),
        np.zeros(N_SECOND, np.int64),
        np.zeros(N_OUTPUTS, np.int64),
        np.zeros(N_GATE_FIRST, np.int64),
        np.zeros(N_GATE_SECOND, np.int64),
    )


@njit(cache=True)
def unknown() -> IntArray:
    """What is expected of a number by a network that says nothing."""
    expected = np.zeros(N_EXPECTED, np.int64)
    expected[EXPECTED_KEPT] = 1 << 16
    expected[MIXED + 2] = 1 << 16
    return expected


def no_network() -> Network:
    """Networks that expect anything of operations and residuals of about a step around zero, whatever they see."""
    return Network(
        np.zeros((3, N_FEATURES + N_KNOWN_FEATURES + 1, N_FIRST), np.int32),
        np.zeros((3, N_FIRST + 1, N_SECOND), np.int32),
        np.zeros((3, N_SECOND + 1, N_OUTPUTS), np.int32),
        np.zeros((N_GATE_FEATURES + 1, N_GATE_FIRST), np.int32),
        np.zeros((N_GATE_FIRST + 1, N_GATE_SECOND), np.int32),
        np.zeros((N_GATE_SECOND + 1, N_QUESTIONS), np.int32),
    )


@njit(cache=True)
def _feed(sums: IntArray, numbers: IntArray, n: int, weights: Any) -> None:
    """Set a layer's sums, in 2^-22, from its `n` inputs and the constant, which has the last row of the weights."""
    for j in range(len(sums)):
        sums[j] = weights[len(weights) - 1, j] * ONE
    for i in range(n):
        # All of them are small; compilers have instructions for products of these.
        number = np.int32(numbers[i])
        if number:
            for j in range(len(sums)):
                sums[j] += np.int64(number) * np.int64(weights[i, j])


@njit(cache=True)
def _rectify(sums: IntArray) -> None:
    for j in range(len(sums)):
        sums[j] = min(max(sums[j] >> WEIGHT_BITS, 0), _MOST_ACTIVE)


@njit(cache=True)
def foresee(foresight: Any, sight: Any, network: Any) -> None:
    """Fill in the odds of what may be done at a gate."""
    first, second, odds = foresight.gate_first, foresight.gate_second, foresight.odds
    _feed(first, sight.features, N_GATE_FEATURES, network.gate_first)
    _rectify(first)
    _feed(second, first, N_GATE_FIRST, network.gate_second)
    _rectify(second)
    _feed(odds, second, N_GATE_SECOND, network.gate_last)
    for k in range(N_QUESTIONS):
        odds[k] = within(odds[k] >> (WEIGHT_BITS + 2), STRETCH_LIMIT)


@njit(cache=True)
def begin(foresight: Any, sight: Any, network: Any) -> None:
    """Begin the first layers of the networks of a residual."""
    for part in range(3):
        _feed(foresight.begun[part], sight.features, N_FEATURES, network.first[part])


@njit(cache=True)
def expect(foresight: Any, sight: Any, part: int, residual: IntArray, steps: IntArray, network: Any) -> None:
    """Fill in what is expected of a part of a residual, whose known parts are in `residual` (3,)."""
    first, second, length = foresight.first, foresight.second, sight.length[0]
    first[:] = foresight.begun[part]
    for known in range(UP, part, -1):
        i = N_FEATURES + (0 if known == UP else 2)
        size = signed_logarithm(residual[known], 1)
        share = within(residual[known] * steps[known] * ONE // length, 2 * ONE)
        for j in range(N_FIRST):
            first[j] += size * network.first[part, i, j] + share * network.first[part, i + 1, j]
    _rectify(first)
    _feed(second, first, N_FIRST, network.second[part])
    _rectify(second)
    _feed(foresight.outputs, second, N_SECOND, network.last[part])
    _mix(foresight.expected, foresight.outputs, length, steps[part])


@njit(cache=True)
def _mix(expected: IntArray, outputs: IntArray, length: int, step: int) -> None:
    """Set what is expected from a network's last sums."""
    place_of_all, width_of_all, left = np.int64(0), np.int64(0), np.int64(1) << 16
    for i in range(N_MIXED):
        place = (within(outputs[PLACES + i] >> WEIGHT_BITS, 1 << 16) * length) // (step << 4)
        width = min(max(outputs[WIDTHS + i] >> WEIGHT_BITS, _NARROWEST), _WIDEST)
        share = left * _probability(outputs[TAKEN + i]) >> 16 if i + 1 < N_MIXED else left
        left -= share
        expected[MIXED + 3 * i], expected[MIXED + 3 * i + 1], expected[MIXED + 3 * i + 2] = place, width, share
        place_of_all += place * share
        width_of_all += width * share
    expected[EXPECTED_PLACE], expected[EXPECTED_WIDTH] = place_of_all >> 16, width_of_all >> 16
    expected[EXPECTED_KEPT] = _probability(outputs[KEPT])


@njit(cache=True)
def _probability(output: int) -> int:
    """The logistic function of twice an output of the last layer, in 2^-16."""
    return logistic(within(output >> WEIGHT_BITS, 1 << 14) << 7) >> (CDF_BITS - 16)
