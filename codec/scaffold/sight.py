"""What is seen at a gate, as the numbers that the networks of `expectation` take in.

They are the neighbourhood of the gate in its frame, around the place where its parallelogram ends, in units of the
gate's length and of the steps; which way the surface faces at its vertices, as far as it is known; angles and counts
that connectivity contexts know too; the residuals of the vertices near; how large residuals and how long gates were of
late. Fixed point, in 2^-10.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..bits import bit_length
from ..compiled import njit
from .border import AFTER, ANGLE, APEX, BEFORE, ORIGIN
from .contexts import (
    AHEAD,
    BACK,
    ENDS,
    KNOWN,
    LAST,
    LAST_BUT_ONE,
    LOOP_OF_THREE,
    TURN_AHEAD,
    TURN_BACK,
    A,
    B,
    C,
    offset_along,
)
from .integers import FRAME_BITS, TURN, set_frame, square_root, squared_distance
from .symbols import UP

IntArray = NDArray[np.int64]

# Part of the format, never change.
N_FEATURES = 88  # that matter to a new vertex
N_GATE_FEATURES = N_FEATURES + 13  # that matter to an operation
ONE = 1 << 10
_RECENT_AT_FIRST = 2 << 8
_LONGER = 64  # residuals

# None is nearer to a half than 0.001 before rounding, so that all machines agree.
_LOGARITHMS = np.array([round(256 * np.log2(1 + (i + 0.5) / 256)) for i in range(256)])


class Sight(NamedTuple):
    """What is seen at a gate; made by `empty_sight`.

    Attributes
    ----------
    frame : (3, 3) int64
        Of the gate, as `integers.set_frame` makes it.
    features : (N_GATE_FEATURES,) int64
    length : (1,) int64
        Of the gate, in lattice units.
    recent : (2, 3) int64
        How large the parts of residuals were on average, in 2^-8: of late, and over a longer time.
    usual : (2,) int64
        The logarithm of the lengths of gates with new vertices, in 2^-10 octaves, on the same averages.
    normals : (V, 3) int64
        Sums of the unit normals of the known faces at each vertex, in 2^-14.
    face : (3, 3) int64
        Scratch.
    """

    frame: IntArray
    features: IntArray
    length: IntArray
    recent: IntArray
    usual: IntArray
    normals: IntArray
    face: IntArray


@njit(cache=True)
def empty_sight(n_vertices: int) -> Sight:
    """Nothing seen yet of a mesh of so many vertices."""
    return Sight(
        np.zeros((3, 3), np.int64),
        np.zeros(N_GATE_FEATURES, np.int64),
        np.ones(1, np.int64),
        np.full((2, 3), _RECENT_AT_FIRST),
        np.zeros(2, np.int64),
        np.zeros((n_vertices, 3), np.int64),
        np.zeros((3, 3), np.int64),
    )


@njit(cache=True)
def logarithm(number: int) -> int:
    """256 log2 of a number above 0, to the nearest of a table."""
    length = bit_length(number) - 1
    mantissa = number >> (length - 8) if length >= 8 else number << (8 - length)
    return (length << 8) + _LOGARITHMS[mantissa & 255]


@njit(cache=True)
def signed_logarithm(number: int, unit: int) -> int:
    size = logarithm(unit + abs(number)) - logarithm(unit)
    return size if number > 0 else -size


@njit(cache=True)
def within(number: int, most: int) -> int:
    return min(max(number, -most), most)


@njit(cache=True)
def _see_place(
    features: IntArray, n: int, frame: IntArray, points: IntArray, vertex: int, view: IntArray, length: int
) -> int:
    """Three features of where a vertex lies from number `n` on; the number of the next."""
    for axis in range(3):
        features[n + axis] = within(offset_along(frame, axis, points, vertex, view) * ONE // length, 4 * ONE)
    return n + 3


@njit(cache=True)
def _see_residual(features: IntArray, n: int, residual: IntArray, steps: IntArray, length: int) -> int:
    """Six features of a residual from number `n` on; the number of the next."""
    for axis in range(3):
        features[n] = signed_logarithm(residual[axis], 1)
        features[n + 1] = within(residual[axis] * steps[axis] * ONE // length, 2 * ONE)
        n += 2
    return n


@njit(cache=True)
def _see_normal(features: IntArray, n: int, frame: IntArray, normal: IntArray) -> int:
    """Three features of the direction of a normal from number `n` on; the number of the next."""
    x, y, z = normal
    size = square_root(x * x + y * y + z * z) + 1
    for axis in range(3):
        along = (frame[axis, 0] * x + frame[axis, 1] * y + frame[axis, 2] * z) >> FRAME_BITS
        features[n + axis] = along * ONE // size
    return n + 3


@njit(cache=True)
def see(
    sight: Any,
    border: Any,
    gate: int,
    view: IntArray,
    points: IntArray,
    residuals: IntArray,
    steps: IntArray,
) -> None:
    """Take in the surroundings of a gate."""
    gates, frame, features = border.gates, sight.frame, sight.features
    set_frame(frame, points, view[A], view[B], view[C])
    before, after = gates[gate, BEFORE], gates[gate, AFTER]
    a, b, c = view[A], view[B], view[C]
    length = square_root(squared_distance(points, a, points[b, 0], points[b, 1], points[b, 2])) + 1
    n = 0
    for i in range(5):
        if i < 3:
            vertex = c if i == 0 else (view[BACK] if i == 1 else view[AHEAD])
        else:
            vertex = gates[before, APEX] if i == 3 else gates[after, APEX]
        n = _see_place(features, n, frame, points, vertex, view, length)
        if i:
            features[n] = signed_logarithm(offset_along(frame, UP, points, vertex, view), 8)
            n += 1
    features[n], features[n + 1] = logarithm(length) - (3 << 8), logarithm(steps[0]) - (3 << 8)
    features[n + 2] = min(max((TURN - gates[gate, ANGLE]) * 8, -ONE), 2 * ONE)
    features[n + 3] = min(max((TURN - gates[after, ANGLE]) * 8, -ONE), 2 * ONE)
    features[n + 4], features[n + 5] = (view[ENDS] >> 1) * ONE, (view[ENDS] & 1) * ONE
    for i in range(4):
        features[n + 6 + i] = view[KNOWN + i] * 205
    n += 10
    for vertex in (a, b, c, view[BACK], view[AHEAD]):
        n = _see_residual(features, n, residuals[vertex], steps, length)
        n = _see_normal(features, n, frame, sight.normals[vertex])
    for end in (gates[before, BEFORE], gates[gates[after, AFTER], AFTER]):
        n = _see_place(features, n, frame, points, gates[end, ORIGIN], view, length)
    for i in range(2):
        for axis in range(3):
            features[n] = logarithm(sight.recent[i, axis] + 256) - (8 << 8)
            n += 1
        features[n] = logarithm(length) * 4 - sight.usual[i]
        n += 1
    features[n:] = 0
    features[n + view[LAST]] = ONE
    features[n + 5 + view[LAST_BUT_ONE]] = ONE
    features[n + 10], features[n + 11] = view[TURN_BACK] << 6, view[TURN_AHEAD] << 6
    features[n + 12] = view[LOOP_OF_THREE] * ONE
    sight.length[0] = length


@njit(cache=True)
def remember(sight: Any, vertex: int, residual: IntArray) -> None:
    """Take note of how large the residual (3,) of a new vertex is, and its gate."""
    recent, usual = sight.recent, sight.usual
    for axis in range(3):
        size = abs(residual[axis]) << 8
        recent[0, axis] += (size - recent[0, axis]) >> 3
        recent[1, axis] += (size - recent[1, axis]) // min(vertex + 2, _LONGER)
    size = logarithm(sight.length[0]) * 4
    usual[0] += (size - usual[0]) >> 3
    usual[1] += (size - usual[1]) // min(vertex + 2, _LONGER)


@njit(cache=True)
def know_face(sight: Any, points: IntArray, a: int, b: int, c: int) -> None:
    """Take note of which way a new face looks."""
    set_frame(sight.face, points, a, b, c)
    for vertex in (a, b, c):
        for k in range(3):
            sight.normals[vertex, k] += sight.face[2, k]
