"""What is known at a gate when a symbol is coded there, as small integers that choose the slots of the model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bits import bit_length
from ..compiled import njit
from .border import AFTER, ANGLE, APEX, BEFORE, CLOSED, N_KNOWN, ORIGIN, STATUS
from .integers import FRAME_BITS, TURN, angle, squared_distance
from .symbols import ACROSS, ALONG, EXPECTED_PLACE, EXPECTED_WIDTH, UP

IntArray = NDArray[np.int64]

# Entries of a view: what a gate sees. Vertices first.
A, B, C = 0, 1, 2  # its ends, and the third vertex of the known face behind it
BACK, AHEAD = 3, 4  # where the gate before it starts and the one after it ends
GAP, GAP_AHEAD = 5, 6  # angles that no known face fills, at a and at b
TURN_BACK, TURN_AHEAD = 7, 8  # angles at a and b if the face were closed on that side
FAR_BACK, FAR_AHEAD = 9, 10  # distances of these vertices from the predicted place, relative to the gate's length
KNOWN, KNOWN_AHEAD, KNOWN_BACK, KNOWN_FAR = 11, 12, 13, 14  # faces known at a, b, back, ahead
ENDS = 15  # whether the gates before (2) and after (1) are the boundary of the mesh
LENGTH = 16  # bit length of the gate's squared length
LOOP_OF_THREE = 17
LAST, LAST_BUT_ONE = 18, 19  # operations
PX, PY, PZ = 20, 21, 22  # the predicted place
N_VIEW = 23


@njit(cache=True)
def look(view: IntArray, border: Any, gate: int, points: IntArray) -> None:
    """Fill in a view but for LAST and LAST_BUT_ONE."""
    gates = border.gates
    before, after = gates[gate, BEFORE], gates[gate, AFTER]
    a, b, c = gates[gate, ORIGIN], gates[after, ORIGIN], gates[gate, APEX]
    back, ahead = gates[before, ORIGIN], gates[gates[after, AFTER], ORIGIN]
    view[A], view[B], view[C], view[BACK], view[AHEAD] = a, b, c, back, ahead
    view[GAP] = min(max(TURN - gates[gate, ANGLE], 0) >> 3, 24)
    view[GAP_AHEAD] = min(max(TURN - gates[after, ANGLE], 0) >> 3, 24)
    view[TURN_BACK] = angle(points, a, b, back) >> 3 if back != b else 0
    view[TURN_AHEAD] = angle(points, b, a, ahead) >> 3 if ahead != a else 0
    x = points[a, 0] + points[b, 0] - points[c, 0]
    y = points[a, 1] + points[b, 1] - points[c, 1]
    z = points[a, 2] + points[b, 2] - points[c, 2]
    view[PX], view[PY], view[PZ] = x, y, z
    square = squared_distance(points, a, points[b, 0], points[b, 1], points[b, 2]) + 1
    view[FAR_BACK] = min(bit_length(squared_distance(points, back, x, y, z) * 16 // square), 11)
    view[FAR_AHEAD] = min(bit_length(squared_distance(points, ahead, x, y, z) * 16 // square), 11)
    view[KNOWN], view[KNOWN_AHEAD] = min(gates[gate, N_KNOWN], 9), min(gates[after, N_KNOWN], 9)
    view[KNOWN_BACK] = min(gates[before, N_KNOWN], 9)
    view[KNOWN_FAR] = min(gates[gates[after, AFTER], N_KNOWN], 9)
    view[ENDS] = (2 if gates[before, STATUS] == CLOSED else 0) + (1 if gates[after, STATUS] == CLOSED else 0)
    view[LENGTH] = min(bit_length(square), 31)
    view[LOOP_OF_THREE] = 1 if gates[after, AFTER] == before else 0


@njit(cache=True)
def operation_contexts(contexts: IntArray, view: IntArray) -> None:
    """(N_OPERATION,) contexts below OPERATION_VALUES of what to do at a gate."""
    gap, turn, ends = view[GAP], view[TURN_BACK], view[ENDS]
    contexts[0] = (gap * 17 + turn) * 4 + ends
    contexts[1] = (view[FAR_BACK] * 12 + view[FAR_AHEAD]) * 4 + ends
    contexts[2] = (gap * 25 + view[GAP_AHEAD]) * 4 + ends
    contexts[3] = (view[LAST] * 5 + view[LAST_BUT_ONE]) * 25 + gap
    contexts[4] = (turn * 17 + view[TURN_AHEAD]) * 4 + ends + 1200 * view[LOOP_OF_THREE]
    contexts[5] = (view[FAR_BACK] * 17 + turn) * 4 + ends
    contexts[6] = (view[KNOWN] * 25 + gap) * 4 + ends
    contexts[7] = ((view[KNOWN] * 10 + view[KNOWN_BACK]) * 10 + view[KNOWN_AHEAD]) * 4 + ends
    contexts[8] = (view[KNOWN_AHEAD] * 25 + view[GAP_AHEAD]) * 12 + view[FAR_AHEAD]
    contexts[9] = (view[KNOWN] * 12 + view[FAR_BACK]) * 25 + gap


@njit(cache=True)
def _sign(number: int) -> int:
    return 1 if number > 0 else (2 if number < 0 else 0)


@njit(cache=True)
def _class(number: int, unit: int) -> int:
    """A signed number as 0 to 8: its sign, and its size against `unit` on a scale of doublings."""
    size = min(bit_length(abs(number) * 4 // unit), 4)
    return 4 + size if number > 0 else 4 - size


@njit(cache=True)
def offset_along(frame: IntArray, axis: int, points: IntArray, vertex: int, view: IntArray) -> int:
    """How far a vertex lies from the predicted place along an axis of the frame."""
    dx, dy, dz = points[vertex, 0] - view[PX], points[vertex, 1] - view[PY], points[vertex, 2] - view[PZ]
    return (frame[axis, 0] * dx + frame[axis, 1] * dy + frame[axis, 2] * dz) >> FRAME_BITS


@njit(cache=True)
def neighbour_classes(classes: IntArray, frame: IntArray, points: IntArray, view: IntArray, step: int) -> None:
    """(3, 3): for each axis how the vertices back and ahead lie to the predicted place, as 0 to 8 and in steps."""
    length = np.int64(1) << (view[LENGTH] // 2)
    for axis in range(3):
        back = offset_along(frame, axis, points, view[BACK], view)
        ahead = offset_along(frame, axis, points, view[AHEAD], view)
        unit = 8 * step if axis == UP else length
        classes[axis, 0], classes[axis, 1] = _class(back, unit), _class(ahead, unit)
        classes[axis, 2] = _class(back + ahead, 4 * step if axis == UP else length)


@njit(cache=True)
def residual_contexts(
    contexts: IntArray,
    signs: IntArray,
    axis: int,
    new: int,
    residuals: IntArray,
    view: IntArray,
    classes: IntArray,
    expected: IntArray,
) -> int:
    """(N_NUMBER,) contexts below NUMBER_VALUES of the size and of the sign of a residual.

    `residuals` (V, 3) are those of the vertices up to `new`, of which the ones before `axis` in the order UP, ACROSS,
    ALONG are known. `expected` is as `symbols.code_number` takes it. Returned is a group of weights, by the width
    expected.
    """
    expected_place, expected_width = expected[EXPECTED_PLACE], expected[EXPECTED_WIDTH]
    width = expected_width >> 6  # in quarters of an octave, from -12
    group = min(max((width - 4) >> 3, 0), 3)
    spread = min(max(width, 0), 30)
    # The place expected, in half widths.
    place = expected_place * 2 >> (8 + max(expected_width >> 8, 0))
    contexts[9] = spread * 12 + min(abs(place), 11)
    signs[9] = min(max(place, -12), 12) + 12
    contexts[10] = min(max(expected_width >> 5, 0), 60) * 8 + min(bit_length(abs(expected_place) >> 6), 7)
    signs[10] = (min(max(place, -4), 4) + 4) * 9 + classes[axis, 2]
    a, b, c, length = view[A], view[B], view[C], view[LENGTH]
    ra, rb, rc = residuals[a, axis], residuals[b, axis], residuals[c, axis]
    ma, mb, mc = min(bit_length(abs(ra)), 7), min(bit_length(abs(rb)), 7), min(bit_length(abs(rc)), 7)
    up, across = min(bit_length(abs(residuals[new, UP])), 7), min(bit_length(abs(residuals[new, ACROSS])), 7)
    energy = np.int64(0)
    for k in range(3):
        energy += 2 * abs(residuals[a, k]) + 2 * abs(residuals[b, k]) + abs(residuals[c, k])
    around = min(bit_length(2 * abs(ra) + 2 * abs(rb) + abs(rc)), 9)
    contexts[0] = min(ma + mb + mc, 21)
    contexts[1] = length * 8 + min(view[GAP] >> 2, 7)
    contexts[2] = mb * 8 + ma
    contexts[4] = length * 8 + min((ma + mb + mc) // 3, 7)
    contexts[5] = classes[axis, 0] * 9 + classes[axis, 1]
    contexts[6] = length * 12 + min(bit_length(energy), 11)
    contexts[7] = around * 9 + classes[axis, 2]
    sa, sb, sc = _sign(ra), _sign(rb), _sign(rc)
    signs[0] = sa * 9 + sb * 3 + sc
    signs[1] = view[GAP]
    signs[2] = view[GAP_AHEAD] + 32 * sb
    signs[3] = view[TURN_BACK] * 8 + (view[TURN_AHEAD] >> 1)
    signs[4] = view[FAR_BACK] * 12 + view[FAR_AHEAD]
    signs[5] = classes[axis, 0] * 9 + classes[axis, 1]
    signs[6] = classes[axis, 2] * 9 + sa * 3 + sb
    if axis == UP:
        contexts[3] = (view[TURN_BACK] >> 1) * 8 + (view[TURN_AHEAD] >> 1)
        contexts[8] = classes[UP, 2] * 32 + length
        signs[7] = classes[UP, 2] * 12 + min(view[GAP] >> 1, 11)
        signs[8] = classes[UP, 2] * 32 + length
        return group
    signs[7] = classes[axis, 2] * 27 + _sign(residuals[new, UP]) * 9 + _sign(residuals[new, ACROSS]) * 3
    signs[8] = classes[ALONG, 2] * 9 + classes[ACROSS, 2]
    if axis == ACROSS:
        contexts[3] = up * 8 + (view[TURN_AHEAD] >> 1)
        contexts[8] = up * 32 + length
    else:
        contexts[3] = up * 8 + across
        contexts[8] = across * 32 + length
    return group
