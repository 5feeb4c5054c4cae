"""The walk over a control mesh that codes it: at each gate an operation, and a position for each vertex that is new.

One function for both directions, as `mixing.code` is: an encoder hands in a traversal and an aim, a decoder neither.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..bits import bit_length
from ..compiled import njit
from . import border as bd
from .border import BOUNDARY, JOIN, N_ALIVE, NEW, NEXT, ORIGIN, PREVIOUS, SLOT
from .choice import best_residual, candidates, displaced, nearest
from .contexts import (
    AHEAD,
    BACK,
    ENDS,
    LAST,
    LAST_BUT_ONE,
    LENGTH,
    N_VIEW,
    PX,
    A,
    B,
    look,
    neighbour_classes,
    operation_contexts,
    residual_contexts,
)
from .expectation import begin, empty_foresight, expect, foresee, unknown
from .integers import FRAME_BITS, MOST, angle, squared_distance
from .sight import empty_sight, know_face, remember, see
from .symbols import N_NUMBER, N_OPERATION, RANK, SEED, UP, code_number, code_size, code_step, number_cost

IntArray = NDArray[np.int64]

# Part of the format, never change.
NORMAL_STEP = 8  # in lattice units
_MOST_LOOKED_AT = 1 << 30  # candidates of joins, all together: more would take a decoder seconds

# What can be wrong with a stream; `walk` returns these.
TOO_MANY_VERTICES, TOO_FAR, NO_SUCH_PLACE, DEGENERATE, TOO_MANY_JOINS = -1, -2, -3, -4, -5


@njit(cache=True)
def walk(
    coder: Any,
    is_decoding: bool,
    operations: IntArray,
    places: IntArray,
    aim: Any,
    network: Any,
    border: Any,
    steps: IntArray,
    points: IntArray,
    residuals: IntArray,
    faces: IntArray,
    seen: IntArray,
) -> int:
    """Code a mesh.

    Parameters
    ----------
    coder : mixing.Coder
    is_decoding : bool
    operations, places : (N,) int64
        As in `Traversal`; empty to decode.
    aim : choice.Aim
        Empty to decode.
    network : expectation.Network
    border : border.Border
        Empty, with room for F faces.
    steps : (3,) int64
        Of the residuals in lattice units: along the gate, across it, along the normal.
    points, residuals : (V, 3) int64
        Set: lattice positions, coded residuals; in coding order.
    faces : (F, 3) int64
        Set.
    seen : (N, N_GATE_FEATURES + 2) int64
        Set: what the networks see at each gate that is processed, its length, and the operation. May be empty.

    Returns
    -------
    n_vertices : int
        How many there were, of V, or what was wrong, which is negative.
    """
    view, sight, foresight = np.zeros(N_VIEW, np.int64), empty_sight(len(points)), empty_foresight()
    turns, outers = np.zeros(3, np.int64), np.full(3, -1)
    n_vertices, n_faces, n_steps, n_looked_at = 0, 0, 0, 0
    scale = np.zeros(3, np.int64)  # of the seeds: sum of edge lengths, edges, the last component's start
    while n_faces < len(faces):
        if n_vertices + 3 > len(points):
            return TOO_MANY_VERTICES
        if not _code_seed(coder, is_decoding, aim, n_vertices, points, scale):
            return TOO_FAR
        for k in range(3):
            turns[k] = angle(points, n_vertices + k, n_vertices + (k + 1) % 3, n_vertices + (k + 2) % 3)
            faces[n_faces, k] = n_vertices + k
        bd.seed(border, n_vertices, turns, outers)
        know_face(sight, points, n_vertices, n_vertices + 1, n_vertices + 2)
        n_vertices += 3
        n_faces += 1
        while n_faces < len(faces):
            gate = bd.pop(border)
            if gate < 0:
                break
            look(view, border, gate, points)
            see(sight, border, gate, view, points, residuals, steps)
            foresee(foresight, sight, network)
            step = np.int64(0) if is_decoding else operations[n_steps]
            step = _code_operation(coder, view, foresight.odds, n_vertices < len(points), step)
            if len(seen):
                seen[n_steps, :-2], seen[n_steps, -2], seen[n_steps, -1] = sight.features, sight.length[0], step
            view[LAST_BUT_ONE], view[LAST] = view[LAST], step
            place = -1 if is_decoding else places[n_steps]
            n_steps += 1
            if step == BOUNDARY:
                bd.close(border, gate)
                continue
            a, b = view[A], view[B]
            if step == NEW:
                third = n_vertices
                begin(foresight, sight, network)
                _code_vertex(coder, is_decoding, aim, network, third, points, residuals, view, sight, foresight, steps)
                if not _is_near(points, third):
                    return TOO_FAR
                n_vertices += 1
                scale[0] += np.int64(1) << (view[LENGTH] // 2)
                scale[1] += 1
            elif step == PREVIOUS:
                third = view[BACK]
            elif step == NEXT:
                third = view[AHEAD]
            else:
                n_looked_at += border.sizes[N_ALIVE]
                if n_looked_at > _MOST_LOOKED_AT:
                    return TOO_MANY_JOINS
                place = _code_place(coder, is_decoding, border, view, points, place)
                if place < 0:
                    return NO_SUCH_PLACE
                third = border.gates[place, ORIGIN]
            if third == a or third == b:
                return DEGENERATE
            turns[0], turns[1], turns[2] = (
                angle(points, a, b, third),
                angle(points, b, a, third),
                angle(points, third, a, b),
            )
            if step == NEW:
                bd.grow(border, gate, third, turns, outers)
            elif step == PREVIOUS:
                bd.fill_previous(border, gate, turns, -1)
            elif step == NEXT:
                bd.fill_next(border, gate, turns, -1)
            else:
                bd.join(border, gate, place, turns, outers)
            faces[n_faces, 0], faces[n_faces, 1], faces[n_faces, 2] = b, a, third
            know_face(sight, points, b, a, third)
            n_faces += 1
    return n_vertices


@njit(cache=True)
def _is_near(points: IntArray, vertex: int) -> bool:
    return max(abs(points[vertex, 0]), abs(points[vertex, 1]), abs(points[vertex, 2])) < MOST


@njit(cache=True)
def _code_seed(coder: Any, is_decoding: bool, aim: Any, first: int, points: IntArray, scale: IntArray) -> bool:
    """The positions of a component's first three vertices; whether they are in range.

    The first is coded against the first of the component before, the second against the first, the third against the
    middle of these; in normal steps along the axes, on the scale of what came before.
    """
    contexts = np.zeros(N_NUMBER, np.int64)
    nothing = unknown()
    usual = min(bit_length(scale[0] // max(scale[1], 1)), 29) if first else np.int64(-1)
    guess, goal = np.zeros(3, np.int64), np.zeros(3, np.int64)
    for k in range(3):
        vertex, size = first + k, np.int64(0)
        for axis in range(3):
            if k == 0:
                guess[axis] = points[scale[2], axis] if first else np.int64(0)
            elif k == 1:
                guess[axis] = points[first, axis]
            else:
                guess[axis] = (points[first, axis] + points[first + 1, axis]) >> 1
        if not is_decoding:
            _aim_seed(goal, coder, aim, vertex, k, usual, guess)
        for axis in range(3):
            _seed_contexts(contexts, k, usual, axis, size)
            number = code_number(coder, SEED, 0, 3, contexts, contexts, nothing, goal[axis])
            points[vertex, axis] = guess[axis] + number * NORMAL_STEP
            size = max(size, abs(number))
        if not _is_near(points, vertex):
            return False
        if not is_decoding:
            displaced(aim, vertex, points)
        if k:
            scale[0] += size * NORMAL_STEP
            scale[1] += 1
    scale[2] = first
    return True


@njit(cache=True)
def _seed_contexts(contexts: IntArray, k: int, usual: int, axis: int, size: int) -> None:
    """Of a coordinate of vertex `k`; `usual` is the size of what came before, -1 for the first component."""
    contexts[0] = 3 + k if usual < 0 else k
    contexts[1] = 300 + k if usual < 0 else (k * 30 + usual) * 3 + axis
    contexts[2] = k * 31 + min(bit_length(size), 30) + (1 + min(axis, 1)) * 100


@njit(cache=True)
def _aim_seed(goal: IntArray, coder: Any, aim: Any, vertex: int, k: int, usual: int, guess: IntArray) -> None:
    """Set the numbers (3,) of a vertex, axis by axis from the last, to those with the least error and weighted bits."""
    contexts, nothing, found = np.zeros(N_NUMBER, np.int64), unknown(), np.zeros(5, np.int64)
    row = 3 * (len(aim.targets) - 1 - vertex)
    for axis in range(2, -1, -1):
        free = aim.targets[vertex, axis] - guess[axis]
        if len(aim.own) == 0 or aim.own[vertex, axis, axis] == 0 or aim.weight == 0:
            goal[axis] = np.int64(np.floor(free / NORMAL_STEP + 0.5))
            continue
        stiffness, force = aim.own[vertex, axis, axis], aim.pull[row + axis]
        for other in range(axis + 1, 3):
            moved = guess[other] + goal[other] * NORMAL_STEP - aim.targets[vertex, other]
            force += aim.own[vertex, other, axis] * moved
        best = (free - force / stiffness) / NORMAL_STEP
        least = 1e300
        _seed_contexts(contexts, k, usual, axis, 0)
        for i in range(candidates(found, best)):
            error = stiffness * (found[i] - best) * NORMAL_STEP
            bits = number_cost(coder, SEED, 0, 3, contexts, contexts, nothing, found[i])
            if error * error + aim.weight * bits < least:
                least, goal[axis] = error * error + aim.weight * bits, found[i]


@njit(cache=True)
def _code_operation(coder: Any, view: IntArray, odds: IntArray, may_grow: bool, step: int) -> int:
    """An operation, by yes or no: PREVIOUS? NEW? NEXT? BOUNDARY? What cannot be is not asked for."""
    contexts = np.zeros(N_OPERATION, np.int64)
    operation_contexts(contexts, view)
    group = view[ENDS]
    if not view[ENDS] & 2 and code_step(coder, 0, group, contexts, odds, 1 if step == PREVIOUS else 0):
        return PREVIOUS
    if may_grow and code_step(coder, 1, group, contexts, odds, 1 if step == NEW else 0):
        return NEW
    if not view[ENDS] & 1 and code_step(coder, 2, group, contexts, odds, 1 if step == NEXT else 0):
        return NEXT
    return BOUNDARY if code_step(coder, 3, group, contexts, odds, 1 if step == BOUNDARY else 0) else JOIN


@njit(cache=True)
def _code_vertex(
    coder: Any,
    is_decoding: bool,
    aim: Any,
    network: Any,
    new: int,
    points: IntArray,
    residuals: IntArray,
    view: IntArray,
    sight: Any,
    foresight: Any,
    steps: IntArray,
) -> None:
    """The position of a new vertex: its residual to the parallelogram, the normal part first."""
    frame, classes = sight.frame, np.zeros((3, 3), np.int64)
    neighbour_classes(classes, frame, points, view, NORMAL_STEP)
    goal = np.zeros(3, np.int64)
    if not is_decoding:
        if aim.weight > 0:
            best_residual(residuals, coder, aim, network, new, view, sight, foresight, classes, steps)
            goal[:] = residuals[new]
            residuals[new] = 0
        else:
            nearest(goal, aim, new, frame, view, steps)
    contexts, signs, expected = np.zeros(N_NUMBER, np.int64), np.zeros(N_NUMBER, np.int64), foresight.expected
    for axis in range(UP, -1, -1):
        expect(foresight, sight, axis, residuals[new], steps, network)
        group = residual_contexts(contexts, signs, axis, new, residuals, view, classes, expected)
        residuals[new, axis] = code_number(coder, axis, group, N_NUMBER, contexts, signs, expected, goal[axis])
    remember(sight, new, residuals[new])
    for k in range(3):
        total = np.int64(0)
        for axis in range(3):
            total += frame[axis, k] * residuals[new, axis] * steps[axis]
        points[new, k] = view[PX + k] + ((total + (1 << (FRAME_BITS - 1))) >> FRAME_BITS)
    if not is_decoding:
        displaced(aim, new, points)


@njit(cache=True)
def _code_place(coder: Any, is_decoding: bool, border: Any, view: IntArray, points: IntArray, place: int) -> int:
    """The gate whose origin a JOIN takes, by its rank among all, nearest to the predicted place first; -1 if none."""
    gates, alive = border.gates, border.alive[: border.sizes[N_ALIVE]]
    x, y, z = view[PX], view[PX + 1], view[PX + 2]
    distances, found = np.empty(len(alive), np.int64), np.empty(len(alive), np.int64)
    n, rank = 0, 0
    for gate in alive:
        vertex = gates[gate, ORIGIN]
        if vertex != view[A] and vertex != view[B]:
            distances[n], found[n] = squared_distance(points, vertex, x, y, z), gate
            n += 1
    if not is_decoding:
        goal = squared_distance(points, gates[place, ORIGIN], x, y, z)
        for i in range(n):
            is_before = gates[found[i], SLOT] < gates[place, SLOT]
            if distances[i] < goal or (distances[i] == goal and is_before):
                rank += 1
    contexts = np.zeros(N_NUMBER, np.int64)
    contexts[1] = min(bit_length(n), 31)
    rank = code_size(coder, RANK, 0, 2, contexts, rank + 1) - 1
    if rank >= n:
        return -1
    if not is_decoding:
        return place
    return found[np.argsort(distances[:n], kind="mergesort")[rank]]
