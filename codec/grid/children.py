"""Which children of occupied cells are occupied, and which cells are trimmed: one bit each, from what is around."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from ..mixing import code
from ..occupancy import NO_FIELD
from .decisions import (
    CELL,
    CELL_SETS,
    CELL_VALUES,
    CELLS,
    FIELD_SET,
    N_CELL,
    N_TRIM,
    NO_FIELD_SET,
    PART_SET,
    TRIM,
    TRIM_SET,
    TRIM_VALUES,
    TRIMS,
    IntArray,
)

# Part of the format, never change.
_EMPTY, _OCCUPIED, _UNKNOWN = 0, 1, 2
_MIDDLE = 13  # of the 27 cells from (-1, -1, -1) to (1, 1, 1)
_LAST_ROW = 63
_FAR, _NOWHERE = 30, 31  # of the distance from the zero set, in eighths of an edge; where there is no field


@njit(cache=True)
def unknown_children(parents: IntArray, depth: int) -> NDArray[np.uint8]:
    """The `state` of `code_octant` before any child of the parents (M, 3) is known."""
    edge = (1 << depth) + 2
    state = np.zeros(edge * edge * edge, np.uint8)
    for m in range(len(parents)):
        for octant in range(8):
            x, y, z = (
                2 * parents[m, 0] + (octant >> 2 & 1) + 1,
                2 * parents[m, 1] + (octant >> 1 & 1) + 1,
                2 * parents[m, 2] + (octant & 1) + 1,
            )
            state[(x * edge + y) * edge + z] = _UNKNOWN
    return state


@njit(cache=True)
def code_octant(
    coder: Any, state: NDArray[np.uint8], parents: IntArray, marks: IntArray, octant: int, depth: int,
    closeness: IntArray, values: IntArray, weights: IntArray, is_part: int, occupied: IntArray,
) -> None:  # fmt: skip
    """Encode which children in an octant are occupied, or fill it in.

    Parameters
    ----------
    coder : mixing.Coder
    state : ((2**depth + 2)**3,) uint8
        Of all cells of the level and a layer around them: empty, occupied, or not known yet; brought up to date.
    parents : (M, 3) int64
    marks : (M,) int64
        The octants of each parent that are known to be occupied, a bit each; brought up to date.
    octant, depth : int
        Of the children.
    closeness, values : (M,) int64
        Class of the field so far at the children's centres (`occupancy.closeness_of`), and itself in fixed point.
    weights : (16, F) int64
        Context weights (`tables.GridTables.occupancy`).
    is_part : int
        1 for parts of trimmed cells.
    occupied : (M,) int64
        0 or 1.
    """
    edge = (1 << depth) + 2
    steps = np.array([edge * edge, edge, 1])
    corner = np.array([octant >> 2 & 1, octant >> 1 & 1, octant & 1])
    keys = np.empty(len(parents), np.int64)
    for m in range(len(parents)):
        keys[m] = 0
        for axis in range(3):
            keys[m] += (2 * parents[m, axis] + corner[axis] + 1) * steps[axis]
        has_field = closeness[m] != NO_FIELD
        near = min(abs(values[m]) >> (18 - depth), _FAR) if has_field else _NOWHERE
        kind = weights[octant if has_field else 8 + octant]
        _set_contexts(coder.chosen, state, keys[m], steps, corner, kind, closeness[m], near, marks[m], octant, depth,
                      is_part)  # fmt: skip
        weight_set = PART_SET if is_part else (FIELD_SET if has_field else NO_FIELD_SET)
        occupied[m] = code(coder, N_CELL, 0, CELL_SETS + weight_set, occupied[m], CELL)
        marks[m] |= occupied[m] << octant
    for m in range(len(parents)):
        state[keys[m]] = _OCCUPIED if occupied[m] else _EMPTY


@njit(cache=True)
def _set_contexts(
    chosen: IntArray, state: NDArray[np.uint8], key: int, steps: IntArray, corner: IntArray, weights: IntArray,
    closeness: int, near: int, marks: int, octant: int, depth: int, is_part: int,
) -> None:  # fmt: skip
    """Choose the slots of a child."""
    total = 16 * weights[52 + closeness]
    n_occupied, n_faces, n_edges, n_open = 0, 0, 0, 0
    for k in range(27):
        if k == _MIDDLE:
            continue
        found = state[key + (k // 9 - 1) * steps[0] + (k // 3 % 3 - 1) * steps[1] + k % 3 - 1]
        place = k if k < _MIDDLE else k - 1
        n_axes = abs(k // 9 - 1) + abs(k // 3 % 3 - 1) + abs(k % 3 - 1)
        if found == _OCCUPIED:
            total += 16 * weights[place]
            n_occupied += 1
            n_faces += 1 if n_axes == 1 else 0
            n_edges += 1 if n_axes == 2 else 0
        elif found == _UNKNOWN:
            total += 16 * weights[26 + place]
            n_open += 1 if n_axes == 1 else 0
    outer = 0  # what is known across the faces to other parents
    for axis in range(3):
        outer = 3 * outer + state[key + (steps[axis] if corner[axis] else -steps[axis])]
    row = min(max(total >> 8, 0), _LAST_ROW)
    siblings = (1 << octant) + marks
    chosen[0] = CELLS + (near * 16 + depth) * 2 + is_part
    chosen[1] = CELLS + CELL_VALUES + ((near * 7 + n_faces) * 7 + n_open) * 2 + is_part
    chosen[2] = CELLS + 2 * CELL_VALUES + near * 32 + n_occupied
    chosen[3] = CELLS + 3 * CELL_VALUES + ((n_faces * 7 + n_open) * 16 + n_edges) * 8 + min(depth, 7)
    chosen[4] = CELLS + 4 * CELL_VALUES + siblings * 32 + near
    chosen[5] = CELLS + 5 * CELL_VALUES + outer * 64 + row
    chosen[6] = CELLS + 6 * CELL_VALUES + (row * 32 + near) * 2 + is_part
    chosen[7] = CELLS + 7 * CELL_VALUES + siblings * 32 + outer


@njit(cache=True)
def code_trims(coder: Any, order: IntArray, around: IntArray, trimmed: IntArray) -> None:
    """Encode which cells are trimmed, or fill it in.

    Parameters
    ----------
    coder : mixing.Coder
    order : (M,) int64
        The cells in the order of coding.
    around : (M, 26) int64
        Positions of their neighbours, -1 for none.
    trimmed : (M,) int64
        0 or 1.
    """
    done = np.zeros(len(trimmed), np.bool_)
    for i in order:
        n_trimmed, n_known, n_around = 0, 0, 0
        for j in around[i]:
            if j >= 0:
                n_around += 1
                if done[j]:
                    n_known += 1
                    n_trimmed += trimmed[j]
        coder.chosen[0] = TRIMS + min(n_trimmed, 15) * 32 + n_known
        coder.chosen[1] = TRIMS + TRIM_VALUES + min(n_trimmed, 7) * 32 + n_around
        coder.chosen[2] = TRIMS + 2 * TRIM_VALUES + n_trimmed
        trimmed[i] = code(coder, N_TRIM, 0, TRIM_SET, trimmed[i], TRIM)
        done[i] = True
