"""The order in which a mesh is coded: its faces one after the other, as the border grows over it.

The order depends on connectivity alone, so that the vertices can be moved for what they cost without changing what they
are predicted from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .border import (
    AFTER,
    BEFORE,
    BOUNDARY,
    JOIN,
    NEW,
    NEXT,
    OPEN,
    ORIGIN,
    OUTER,
    PREVIOUS,
    STATUS,
    close,
    empty_border,
    fill_next,
    fill_previous,
    grow,
    join,
    pop,
    seed,
)
from .halfedges import opposites

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Traversal:
    """A mesh as a walk over it.

    Attributes
    ----------
    order : (V,) int64
        The input's number of each vertex, in coding order.
    parents : (V, 3) int64
        Vertices a, b, c, by their places in coding order, from which each is predicted as a + b - c; -1 for the three
        of a component's first face.
    faces : (F, 3) int64
        In coding order, of places in coding order, counter-clockwise.
    operations : (N,) int64
        What to do at each gate that is processed: PREVIOUS, NEW, NEXT, BOUNDARY or JOIN of `border`.
    places : (N,) int64
        For JOIN the gate at whose origin the third vertex is, -1 for the others.
    """

    order: IntArray
    parents: IntArray
    faces: IntArray
    operations: IntArray
    places: IntArray


def traverse(faces: IntArray) -> Traversal:
    """The walk over a mesh.

    Parameters
    ----------
    faces : (F, 3) int64
        An oriented 2-manifold with or without boundary, of any number of components and handles; every vertex from 0
        to V - 1 has a face.

    Raises
    ------
    ValueError
        It is not one.
    """
    n_faces, n_vertices = len(faces), int(faces.max(initial=-1)) + 1
    order, number = np.zeros(n_vertices, np.int64), np.full(n_vertices, -1)
    parents, coded = np.full((n_vertices, 3), -1), np.zeros((n_faces, 3), np.int64)
    operations, places = np.zeros(4 * n_faces, np.int64), np.full(4 * n_faces, -1)
    n_coded, n_steps = _traverse(
        faces, opposites(faces), empty_border(n_faces), order, number, parents, coded, operations, places
    )
    if n_coded != n_vertices:
        raise ValueError("not an oriented 2-manifold in which every vertex has a face")
    return Traversal(order, parents, coded, operations[:n_steps], places[:n_steps])


@njit(cache=True)
def _traverse(
    faces: IntArray,
    twins: IntArray,
    border: Any,
    order: IntArray,
    number: IntArray,
    parents: IntArray,
    coded: IntArray,
    operations: IntArray,
    places: IntArray,
) -> tuple[int, int]:
    """Fill the arrays; how many vertices and steps there are, or (-1, -1) where the mesh is no manifold."""
    gates = border.gates
    is_known = np.zeros(len(faces), np.bool_)
    gate_of = np.full(3 * len(faces), -1)  # by the half-edge beyond it
    turns, outers = np.zeros(3, np.int64), np.zeros(3, np.int64)
    n_vertices, n_faces, n_steps, start = 0, 0, 0, 0
    while n_faces < len(faces):
        while is_known[start]:
            start += 1
        is_known[start] = True
        for k in range(3):
            vertex = faces[start, k]
            if number[vertex] >= 0:
                return -1, -1
            order[n_vertices + k], number[vertex], coded[n_faces, k] = vertex, n_vertices + k, n_vertices + k
            outers[k] = twins[3 * start + k]
        gate = seed(border, n_vertices, turns, outers)
        for k in range(3):
            if outers[k] >= 0:
                gate_of[outers[k]] = gate + k
        n_vertices += 3
        n_faces += 1
        while n_faces < len(faces):
            gate = pop(border)
            if gate < 0:
                break
            outer, before, after = gates[gate, OUTER], gates[gate, BEFORE], gates[gate, AFTER]
            if outer < 0:
                operations[n_steps] = BOUNDARY
                n_steps += 1
                close(border, gate)
                continue
            a, b, face, side = gates[gate, ORIGIN], gates[after, ORIGIN], outer // 3, outer % 3
            if is_known[face]:
                return -1, -1
            is_known[face] = True
            vertex = faces[face, (side + 2) % 3]
            outers[0], outers[1] = twins[3 * face + (side + 1) % 3], twins[3 * face + (side + 2) % 3]
            step, place, n_gates = NEW, -1, border.sizes[0]
            if gates[before, STATUS] == OPEN and gates[before, OUTER] // 3 == face:
                step = PREVIOUS
                fill_previous(border, gate, turns, outers[1])
                outers[0] = outers[1]
            elif gates[after, STATUS] == OPEN and gates[after, OUTER] // 3 == face:
                step = NEXT
                fill_next(border, gate, turns, outers[0])
            elif number[vertex] < 0:
                order[n_vertices], number[vertex] = vertex, n_vertices
                parents[n_vertices] = a, b, gates[gate, 3]
                grow(border, gate, n_vertices, turns, outers)
                n_vertices += 1
            else:
                step, place = JOIN, _place(twins, is_known, gate_of, gates, face, side)
                if place < 0 or gates[place, ORIGIN] != number[vertex]:
                    return -1, -1
                join(border, gate, place, turns, outers)
            for k in range(border.sizes[0] - n_gates):
                if outers[k] >= 0:
                    gate_of[outers[k]] = n_gates + k
            operations[n_steps], places[n_steps] = step, place
            n_steps += 1
            coded[n_faces, 0], coded[n_faces, 1], coded[n_faces, 2] = b, a, number[vertex]
            n_faces += 1
    return n_vertices, n_steps


@njit(cache=True)
def _place(
    twins: IntArray, is_known: NDArray[np.bool_], gate_of: IntArray, gates: IntArray, face: int, side: int
) -> int:
    """The gate that starts at a face's corner opposite `side`, after the gap that the face lies in; -1 if none."""
    half_edge = 3 * face + (side + 1) % 3  # to the corner
    while twins[half_edge] >= 0 and not is_known[twins[half_edge] // 3]:
        half_edge = _before(twins[half_edge])
    if twins[half_edge] >= 0:
        return gate_of[half_edge]
    # The gap ends at the boundary of the mesh: look on its other side.
    half_edge = 3 * face + (side + 2) % 3  # from the corner
    while twins[half_edge] >= 0 and not is_known[twins[half_edge] // 3]:
        half_edge = _after(twins[half_edge])
    if twins[half_edge] < 0 or gate_of[half_edge] < 0:
        return -1
    return gates[gate_of[half_edge], AFTER]


@njit(cache=True)
def _before(half_edge: int) -> int:
    return 3 * (half_edge // 3) + (half_edge % 3 + 2) % 3


@njit(cache=True)
def _after(half_edge: int) -> int:
    return 3 * (half_edge // 3) + (half_edge % 3 + 1) % 3
