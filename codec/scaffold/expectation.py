"""What to expect of a residual: a logistic distribution whose place and width a small network says, in integers.

The network sees the neighbourhood of the new vertex in the frame of the gate, in units of the gate's length and of the
steps, what the residuals of the neighbours were, and the parts of this residual that are known. One for each part; two
hidden layers of rectified linear units. Its distribution is one opinion on each binary decision of the residual, beside
those of the adaptive contexts, which learn how far to believe it.

Fixed point throughout: numbers going through the network are in 2^-10, weights in 2^-12, the place in 2^-8 steps and
the logarithm of the width in 2^-8 octaves.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .border import AFTER, ANGLE, APEX, BEFORE
from .contexts import AHEAD, BACK, ENDS, KNOWN, PX, A, B, C
from .integers import FRAME_BITS, TURN, bit_length, square_root, squared_distance
from .symbols import UP

IntArray = NDArray[np.int64]

# Part of the format, never change.
N_FEATURES = 47
N_KNOWN_FEATURES = 4  # of the parts of the residual that are known: of UP, then of ACROSS
N_FIRST, N_SECOND = 32, 16  # units of the hidden layers
ONE = 1 << 10
WEIGHT_BITS = 12
_MOST_ACTIVE = 1 << 20
_NARROWEST, _WIDEST = -3 << 8, 12 << 8

_LOGARITHMS = np.array([round(256 * np.log2(1 + (i + 0.5) / 256)) for i in range(256)])


class Network(NamedTuple):
    """Weights of the three networks, of the parts ALONG, ACROSS and UP.

    Attributes
    ----------
    first : (3, N_FEATURES + N_KNOWN_FEATURES + 1, N_FIRST) int32
        By input, the constant last.
    second : (3, N_FIRST + 1, N_SECOND) int32
    last : (3, N_SECOND + 1, 2) int32
        Of the place in lengths of four gates, and of the width.
    """

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    last: NDArray[np.int32]


class Sight(NamedTuple):
    """What is seen around a new vertex; made by `empty_sight`.

    Attributes
    ----------
    frame : (3, 3) int64
        Of the gate, as `integers.set_frame` makes it.
    classes : (3, 3) int64
        As `contexts.neighbour_classes` makes them.
    features : (N_FEATURES,) int64
    length : (1,) int64
        Of the gate, in lattice units.
    first : (3, N_FIRST) int64
        The first layers, as far as they do not depend on the residual.
    hidden : (2, N_FIRST) int64
        Scratch.
    expected : (2,) int64
        The place of the part at hand in 2^-8 steps, and the logarithm of its width in 2^-8 octaves.
    """

    frame: IntArray
    classes: IntArray
    features: IntArray
    length: IntArray
    first: IntArray
    hidden: IntArray
    expected: IntArray


@njit(cache=True)
def empty_sight() -> Sight:
    """Nothing seen yet."""
    return Sight(
        np.zeros((3, 3), np.int64),
        np.zeros((3, 3), np.int64),
        np.zeros(N_FEATURES, np.int64),
        np.ones(1, np.int64),
        np.zeros((3, N_FIRST), np.int64),
        np.zeros((2, N_FIRST), np.int64),
        np.zeros(2, np.int64),
    )


def no_network() -> Network:
    """A network that expects residuals of about a step around zero, whatever it sees."""
    return Network(
        np.zeros((3, N_FEATURES + N_KNOWN_FEATURES + 1, N_FIRST), np.int32),
        np.zeros((3, N_FIRST + 1, N_SECOND), np.int32),
        np.zeros((3, N_SECOND + 1, 2), np.int32),
    )


@njit(cache=True)
def logarithm(number: int) -> int:
    """256 log2 of a number above 0, to the nearest of a table."""
    length = bit_length(number) - 1
    mantissa = number >> (length - 8) if length >= 8 else number << (8 - length)
    return (length << 8) + _LOGARITHMS[mantissa & 255]


@njit(cache=True)
def _signed_logarithm(number: int, unit: int) -> int:
    size = logarithm(unit + abs(number)) - logarithm(unit)
    return size if number > 0 else -size


@njit(cache=True)
def _within(number: int, most: int) -> int:
    return min(max(number, -most), most)


@njit(cache=True)
def set_features(
    sight: Any,
    border: Any,
    gate: int,
    view: IntArray,
    points: IntArray,
    residuals: IntArray,
    steps: IntArray,
) -> None:
    """Fill in the features, which are what is known before the residual, and the length."""
    gates, frame, features = border.gates, sight.frame, sight.features
    before, after = gates[gate, BEFORE], gates[gate, AFTER]
    a, b, c = view[A], view[B], view[C]
    length = square_root(squared_distance(points, a, points[b, 0], points[b, 1], points[b, 2])) + 1
    n = 0
    for i in range(5):
        if i < 3:
            vertex = c if i == 0 else (view[BACK] if i == 1 else view[AHEAD])
        else:
            vertex = gates[before, APEX] if i == 3 else gates[after, APEX]
        for axis in range(3):
            offset = np.int64(0)
            for k in range(3):
                offset += frame[axis, k] * (points[vertex, k] - view[PX + k])
            offset >>= FRAME_BITS
            features[n] = _within(offset * ONE // length, 4 * ONE)
            n += 1
        if i:
            features[n] = _signed_logarithm(offset, 8)
            n += 1
    features[n], features[n + 1] = logarithm(length) - (3 << 8), logarithm(steps[0]) - (3 << 8)
    features[n + 2] = min(max((TURN - gates[gate, ANGLE]) * 8, -ONE), 2 * ONE)
    features[n + 3] = min(max((TURN - gates[after, ANGLE]) * 8, -ONE), 2 * ONE)
    features[n + 4], features[n + 5] = (view[ENDS] >> 1) * ONE, (view[ENDS] & 1) * ONE
    for i in range(4):
        features[n + 6 + i] = view[KNOWN + i] * 205
    n += 10
    for i in range(3):
        vertex = a if i == 0 else (b if i == 1 else c)
        for axis in range(3):
            number = residuals[vertex, axis]
            features[n] = _signed_logarithm(number, 1)
            features[n + 1] = _within(number * steps[axis] * ONE // length, 2 * ONE)
            n += 2
    sight.length[0] = length


@njit(cache=True)
def set_first(sight: Any, network: Any) -> None:
    """Begin the first layers."""
    first, features = sight.first, sight.features
    for part in range(3):
        for j in range(N_FIRST):
            first[part, j] = network.first[part, N_FEATURES + N_KNOWN_FEATURES, j] * ONE
        for i in range(N_FEATURES):
            for j in range(N_FIRST):
                first[part, j] += features[i] * network.first[part, i, j]


@njit(cache=True)
def expect(sight: Any, part: int, residual: IntArray, steps: IntArray, network: Any) -> None:
    """Fill in what is expected of a part of a residual, whose known parts are in `residual` (3,)."""
    hidden, length, expected = sight.hidden, sight.length[0], sight.expected
    hidden[0] = sight.first[part]
    for known in range(UP, part, -1):
        i = N_FEATURES + (0 if known == UP else 2)
        size = _signed_logarithm(residual[known], 1)
        share = _within(residual[known] * steps[known] * ONE // length, 2 * ONE)
        for j in range(N_FIRST):
            hidden[0, j] += size * network.first[part, i, j] + share * network.first[part, i + 1, j]
    for j in range(N_FIRST):
        hidden[0, j] = min(max(hidden[0, j] >> WEIGHT_BITS, 0), _MOST_ACTIVE)
    for j in range(N_SECOND):
        hidden[1, j] = network.second[part, N_FIRST, j] * ONE
    for i in range(N_FIRST):
        if hidden[0, i]:
            for j in range(N_SECOND):
                hidden[1, j] += hidden[0, i] * network.second[part, i, j]
    place, width = np.int64(network.last[part, N_SECOND, 0]) * ONE, np.int64(network.last[part, N_SECOND, 1]) * ONE
    for i in range(N_SECOND):
        active = min(max(hidden[1, i] >> WEIGHT_BITS, 0), _MOST_ACTIVE)
        place += active * network.last[part, i, 0]
        width += active * network.last[part, i, 1]
    expected[0] = (_within(place >> WEIGHT_BITS, 1 << 16) * length) // (steps[part] << 4)
    expected[1] = min(max(width >> WEIGHT_BITS, _NARROWEST), _WIDEST)
