"""A binary heap of numbered items whose keys can change, for compiled loops.

Three arrays, made by `empty_heap(n)`: `items` (the heap, smallest key first), `place` (where an item is in it, -1 if it
is not) and `key`. The heap's size is kept by the caller and handed back by each operation. Equal keys are ordered by
item, so that what comes out does not depend on how it went in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@njit(cache=True)
def empty_heap(n_items: int) -> tuple[IntArray, IntArray, FloatArray]:
    """Room for items 0 to n_items - 1."""
    return np.empty(n_items, np.int64), np.full(n_items, -1), np.empty(n_items)


@njit(cache=True)
def put(items: IntArray, place: IntArray, key: FloatArray, size: int, item: int, new_key: float) -> int:
    """Insert an item, or change its key; the new size."""
    key[item] = new_key
    if place[item] < 0:
        place[item] = size
        items[size] = item
        size += 1
    _sift(items, place, key, size, item)
    return size


@njit(cache=True)
def remove(items: IntArray, place: IntArray, key: FloatArray, size: int, item: int) -> int:
    """Take out an item that may or may not be in; the new size."""
    hole = place[item]
    if hole < 0:
        return size
    place[item] = -1
    size -= 1
    last = items[size]
    if last != item:
        items[hole] = last
        place[last] = hole
        _sift(items, place, key, size, last)
    return size


@njit(cache=True)
def _sift(items: IntArray, place: IntArray, key: FloatArray, size: int, item: int) -> None:
    """Move an item up or down to where it belongs."""
    here = place[item]
    while here > 0:
        above = (here - 1) // 2
        if not _before(key, item, items[above]):
            break
        items[here] = items[above]
        place[items[here]] = here
        here = above
    while True:
        below = 2 * here + 1
        if below >= size:
            break
        if below + 1 < size and _before(key, items[below + 1], items[below]):
            below += 1
        if not _before(key, items[below], item):
            break
        items[here] = items[below]
        place[items[here]] = here
        here = below
    items[here] = item
    place[item] = here


@njit(cache=True)
def _before(key: FloatArray, first: int, second: int) -> bool:
    return key[first] < key[second] or (key[first] == key[second] and first < second)
