"""The border between the part of a mesh that is known and the rest, while one is grown over the other.

A known part starts with one triangle a component. Its border is a set of loops of *gates*, directed edges that run with
the known part on their left; one at a time is processed, which takes it off the border or adds a face to it::

    PREVIOUS   the face closes the gap to the gate before       (the vertex where they meet is done)
    NEXT       the same on the other side
    NEW        the face has a vertex that was not there yet
    JOIN       its third vertex is on the border already, elsewhere: loops split, merge, or close a handle
    BOUNDARY   no face: the mesh ends here

(the operations of the cut-border machine [1]_ and of Edgebreaker [2]_). The gate to process is the one at whose first
vertex most faces are known, since these are nearly complete and easily guessed, and of equal ones the one that got
there first: taking the last one instead makes a ragged border and a sixth more JOINs. So the order follows from
connectivity alone; positions have no part in it.

Everything here is called with bytes that may be hostile: `grow` and `link` refuse what cannot be, and each gate is
processed once, so that a walk ends.

References
----------
.. [1] S. Gumhold, W. Strasser, Real time compression of triangle mesh connectivity, SIGGRAPH 1998.
.. [2] J. Rossignac, Edgebreaker: connectivity compression for triangle meshes, IEEE TVCG 5(1), 1999.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit

IntArray = NDArray[np.int64]

# Part of the format, never renumber.
PREVIOUS, NEW, NEXT, BOUNDARY, JOIN = range(5)

# Columns of `Border.gates`.
ORIGIN = 0  # the vertex where it starts; it ends where the next one starts
AFTER, BEFORE = 1, 2  # its neighbours in the loop
APEX = 3  # the third vertex of the known face behind it
STATUS = 4
N_KNOWN = 5  # known faces at its origin, between the gate before and this one
ANGLE = 6  # the sum of their angles there, in integers.TURN
OUTER = 7  # of an encoder: the half-edge of the face beyond it, -1 at the boundary
SLOT = 8  # where it stands in `Border.alive`
_N_COLUMNS = 9

GONE, OPEN, CLOSED = range(3)  # STATUS: no longer on the border; a gate; boundary of the mesh

# Entries of `Border.sizes`.
_N_GATES, N_ALIVE, _N_QUEUED, _TOP = range(4)

_MOST_KNOWN = 31  # gates with more known faces at their origins are queued with these


class Border(NamedTuple):
    """The loops; made by `empty_border`.

    Attributes
    ----------
    gates : (G, 9) int64
        A row a gate that is or was, in the order in which they came.
    alive : (G,) int64
        Gates that are on the border, closed ones included, in no particular but a reproducible order.
    queue : (Q, 2) int64
        A gate, and the entry queued after it with as many known faces, -1 if there is none.
    ends : (32, 2) int64
        The first and the last entry queued, by known faces; -1 if there is none.
    sizes : (4,) int64
        How much of the above is in use.
    """

    gates: IntArray
    alive: IntArray
    queue: IntArray
    ends: IntArray
    sizes: IntArray


def empty_border(n_faces: int) -> Border:
    """Room for a walk over `n_faces` faces."""
    most = 3 * n_faces  # gates: three for a seed, one or two for any other face
    return Border(
        np.zeros((most, _N_COLUMNS), np.int64),
        np.zeros(most, np.int64),
        np.zeros((4 * n_faces, 2), np.int64),  # entries: at most four for a face
        np.full((_MOST_KNOWN + 1, 2), -1),
        np.zeros(4, np.int64),
    )


@njit(cache=True)
def pop(border: Any) -> int:
    """The gate to process now, taken from the queue; -1 if there is none."""
    gates, queue, sizes = border.gates, border.queue, border.sizes
    while sizes[_TOP] >= 0:
        ends = border.ends[sizes[_TOP]]
        if ends[0] < 0:
            sizes[_TOP] -= 1
            continue
        gate = queue[ends[0], 0]
        ends[0] = queue[ends[0], 1]
        # A gate is queued again when more becomes known; what it left behind is out of date.
        if gates[gate, STATUS] == OPEN and min(gates[gate, N_KNOWN], _MOST_KNOWN) == sizes[_TOP]:
            return gate
    sizes[_TOP] = 0
    return -1


@njit(cache=True)
def _push(border: Any, gate: int) -> None:
    queue, sizes = border.queue, border.sizes
    if border.gates[gate, STATUS] != OPEN:
        return
    known, entry = min(border.gates[gate, N_KNOWN], _MOST_KNOWN), sizes[_N_QUEUED]
    ends = border.ends[known]
    queue[entry, 0], queue[entry, 1] = gate, -1
    if ends[0] < 0:
        ends[0] = entry
    else:
        queue[ends[1], 1] = entry
    ends[1] = entry
    sizes[_N_QUEUED] += 1
    sizes[_TOP] = max(sizes[_TOP], known)


@njit(cache=True)
def _add(border: Any, origin: int, apex: int, n_known: int, turn: int, outer: int) -> int:
    """A new gate, not yet in a loop nor in the queue."""
    gates, sizes = border.gates, border.sizes
    gate = sizes[_N_GATES]
    sizes[_N_GATES] += 1
    gates[gate, ORIGIN], gates[gate, APEX], gates[gate, STATUS] = origin, apex, OPEN
    gates[gate, N_KNOWN], gates[gate, ANGLE], gates[gate, OUTER] = n_known, turn, outer
    gates[gate, SLOT] = sizes[N_ALIVE]
    border.alive[sizes[N_ALIVE]] = gate
    sizes[N_ALIVE] += 1
    return gate


@njit(cache=True)
def _drop(border: Any, gate: int) -> None:
    gates, alive, sizes = border.gates, border.alive, border.sizes
    gates[gate, STATUS] = GONE
    sizes[N_ALIVE] -= 1
    last, slot = alive[sizes[N_ALIVE]], gates[gate, SLOT]
    alive[slot] = last
    gates[last, SLOT] = slot


@njit(cache=True)
def _link(gates: IntArray, before: int, after: int) -> None:
    gates[before, AFTER] = after
    gates[after, BEFORE] = before


@njit(cache=True)
def _learn(border: Any, gate: int, turn: int) -> None:
    """One more face is known at the origin of a gate."""
    border.gates[gate, N_KNOWN] += 1
    border.gates[gate, ANGLE] += turn
    _push(border, gate)


@njit(cache=True)
def seed(border: Any, vertex: int, turns: IntArray, outers: IntArray) -> int:
    """A loop around a triangle of the vertices `vertex`, + 1 and + 2; its first gate.

    `turns` (3,) are the angles at these, `outers` (3,) what `OUTER` says.
    """
    for k in range(3):
        _add(border, vertex + k, vertex + (k + 2) % 3, 1, turns[k], outers[k])
    first = border.sizes[_N_GATES] - 3
    for k in range(3):
        _link(border.gates, first + k, first + (k + 1) % 3)
    for k in range(3):
        _push(border, first + k)
    return first


@njit(cache=True)
def close(border: Any, gate: int) -> None:
    """BOUNDARY: the mesh ends at a gate."""
    border.gates[gate, STATUS] = CLOSED


@njit(cache=True)
def fill_previous(border: Any, gate: int, turns: IntArray, outer: int) -> None:
    """PREVIOUS: a face on a gate a, b and on the one before it, from w; one gate from w to b takes their place.

    `turns` are the face's angles at a, b and w; `outer` is what `OUTER` says for the new gate.
    """
    gates = border.gates
    before, after = gates[gate, BEFORE], gates[gate, AFTER]
    first, apex, origin = gates[before, BEFORE], gates[gate, ORIGIN], gates[before, ORIGIN]
    n_known, turn = gates[before, N_KNOWN] + 1, gates[before, ANGLE] + turns[2]
    last = gates[after, AFTER]
    _drop(border, gate)
    _drop(border, before)
    if gates[after, STATUS] == OPEN and gates[last, ORIGIN] == origin:
        # The new gate and the one after it would be the two sides of one edge.
        _drop(border, after)
        if first != after:
            _link(gates, first, last)
            gates[last, N_KNOWN] += n_known - 1
            _learn(border, last, turn)
        return
    new = _add(border, origin, apex, n_known, turn, outer)
    _link(gates, first, new)
    _link(gates, new, after)
    _push(border, new)
    _learn(border, after, turns[1])


@njit(cache=True)
def fill_next(border: Any, gate: int, turns: IntArray, outer: int) -> None:
    """NEXT: a face on a gate a, b and on the one after it, to w; one gate from a to w takes their place."""
    gates = border.gates
    before, after = gates[gate, BEFORE], gates[gate, AFTER]
    last, apex, origin = gates[after, AFTER], gates[after, ORIGIN], gates[gate, ORIGIN]
    n_known, turn = gates[gate, N_KNOWN] + 1, gates[gate, ANGLE] + turns[0]
    _drop(border, gate)
    _drop(border, after)
    new = _add(border, origin, apex, n_known, turn, outer)
    _link(gates, before, new)
    _link(gates, new, last)
    _push(border, new)
    _learn(border, last, turns[2])


@njit(cache=True)
def grow(border: Any, gate: int, vertex: int, turns: IntArray, outers: IntArray) -> None:
    """NEW: a face on a gate a, b with a new vertex w; gates from a to w and from w to b take its place."""
    gates = border.gates
    before, after = gates[gate, BEFORE], gates[gate, AFTER]
    a, b = gates[gate, ORIGIN], gates[after, ORIGIN]
    n_known, turn = gates[gate, N_KNOWN] + 1, gates[gate, ANGLE] + turns[0]
    _drop(border, gate)
    left = _add(border, a, b, n_known, turn, outers[0])
    right = _add(border, vertex, a, 1, turns[2], outers[1])
    _link(gates, before, left)
    _link(gates, left, right)
    _link(gates, right, after)
    _push(border, right)
    _push(border, left)
    _learn(border, after, turns[1])


@njit(cache=True)
def join(border: Any, gate: int, place: int, turns: IntArray, outers: IntArray) -> None:
    """JOIN: a face on a gate a, b with the origin w of another gate, `place`; not a nor b."""
    gates = border.gates
    before, after, before_place = gates[gate, BEFORE], gates[gate, AFTER], gates[place, BEFORE]
    a, b, w = gates[gate, ORIGIN], gates[after, ORIGIN], gates[place, ORIGIN]
    n_known, turn = gates[gate, N_KNOWN] + 1, gates[gate, ANGLE] + turns[0]
    # The face cuts the known fan around w in two; nobody counted where, so each part gets half.
    half_known, half_turn = gates[place, N_KNOWN] // 2, gates[place, ANGLE] // 2
    _drop(border, gate)
    left = _add(border, a, b, n_known, turn, outers[0])
    right = _add(border, w, a, half_known + 1, half_turn + turns[2], outers[1])
    gates[place, N_KNOWN], gates[place, ANGLE] = half_known, half_turn
    _link(gates, before, left)
    _link(gates, left, place)
    _link(gates, before_place, right)
    _link(gates, right, after)
    _push(border, right)
    _push(border, place)
    _push(border, left)
    _learn(border, after, turns[1])
