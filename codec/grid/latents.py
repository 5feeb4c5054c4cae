"""What a node's latent is coded with: the field so far, the cells around it and the decoded latents next to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .decisions import (
    LATENT,
    LATENT_VALUES,
    N_LATENT,
    N_RANKS,
    N_SIGN,
    NODES,
    IntArray,
    code_number,
    half_octaves,
    log_feature,
    mean_class,
    signed_class,
)

# Part of the format, never change.
_CAP, _SIGNED_CAP = 63, 20  # sizes count as at most this
_MIDDLE = 13  # of the 27 nodes from (-1, -1, -1) to (1, 1, 1)
_LAST_ROW = 43
_STRIDES = np.array([9, 3, 1])  # from the middle to the neighbours along an axis


@njit(cache=True)
def code_latents(
    coder: Any, order: IntArray, runs: IntArray, nodes: IntArray, index: NDArray[np.int32], base: IntArray,
    coarse: IntArray, cells_around: IntArray, weights: IntArray, depth: int, level: int, rank: int, gain: int,
    latents: IntArray,
) -> None:  # fmt: skip
    """Encode the latents of a level, or fill them in.

    Parameters
    ----------
    coder : mixing.Coder
    order, runs : (N,) int64
        The nodes in the order of coding, and the number of the pass that each of these is in.
    nodes : (N, 3) int64
    index : ((2**depth + 1)**3,) int32
        Positions of nodes, see `Lattice`.
    base, coarse : (N,) int64
        See `walk.Level`.
    cells_around : (N,) int64
        Which of the eight cells around a node are occupied, a bit each, see `Lattice.cells_around`.
    weights : (8, F) int64
        Context weights of the passes (`tables.GridTables.latent`).
    depth, level, rank : int
        Of the cells; from the coarsest level of latents; from the finest.
    gain : int
        Step of the latents, fixed point.
    latents : (N,) int64
    """
    contexts, signs = np.zeros(N_LATENT, np.int64), np.zeros(N_SIGN, np.int64)
    around, done = np.zeros(27, np.int64), np.zeros(len(nodes), np.bool_)
    weight_sets = min(rank, N_RANKS - 1) * NODES
    for t in range(len(order)):
        i, run = order[t], runs[t]
        _find(around, nodes[i], index, (1 << depth) + 1)
        _set_contexts(
            contexts, signs, around, done, latents, base, base[i], half_octaves(coarse[i] >> 3), cells_around[i],
            _row(weights[run], around, done, latents, base[i], coarse[i], cells_around[i], gain, depth),
            run, depth, level, min(rank, N_RANKS - 1),
        )  # fmt: skip
        latents[i] = code_number(
            coder, 0, LATENT_VALUES, N_LATENT, contexts, N_SIGN, signs, weight_sets, latents[i], LATENT
        )
        done[i] = True


@njit(cache=True)
def _find(around: IntArray, node: IntArray, index: NDArray[np.int32], edge: int) -> None:
    """Positions of the 27 nodes around one, itself in the middle; -1 where there is none."""
    for k in range(27):
        x, y, z = node[0] + k // 9 - 1, node[1] + k // 3 % 3 - 1, node[2] + k % 3 - 1
        inside = 0 <= x < edge and 0 <= y < edge and 0 <= z < edge
        around[k] = index[(x * edge + y) * edge + z] if inside else -1


@njit(cache=True)
def _type(k: int) -> int:
    """Along how many axes neighbour k differs, less one."""
    return abs(k // 9 - 1) + abs(k // 3 % 3 - 1) + abs(k % 3 - 1) - 1


@njit(cache=True)
def _ones(mask: int) -> int:
    count = 0
    while mask:
        count += mask & 1
        mask >>= 1
    return count


@njit(cache=True)
def _row(
    weights: IntArray, around: IntArray, done: Any, latents: IntArray, base: int, coarse: int, mask: int, gain: int,
    depth: int,
) -> int:  # fmt: skip
    """The row of the tables of version 0.1.0 for a latent, from the features of `passes`: how wide it is spread."""
    total = 16 * weights[0]
    n_nodes = 0
    for kind in range(3):
        n_done, size = 0, 0
        for k in range(27):
            if k != _MIDDLE and _type(k) == kind and around[k] >= 0:
                n_nodes += 1
                if done[around[k]]:
                    n_done += 1
                    size += min(abs(latents[around[k]]), _CAP)
        total += weights[1 + kind] * log_feature(8 * size // max(n_done, 1))
        if n_done == 0:
            total += 16 * weights[4 + kind]
    total += weights[7] * log_feature(abs(base) >> (13 - depth)) + weights[8] * 4 * _ones(mask)
    total += weights[9] * log_feature(gain >> (9 - depth)) + weights[10] * log_feature(coarse >> 3)
    total += weights[11] * n_nodes
    return min(max(total >> 8, 0), _LAST_ROW)


@njit(cache=True)
def _set_contexts(
    contexts: IntArray, signs: IntArray, around: IntArray, done: Any, latents: IntArray, base: IntArray, own: int,
    coarse: int, mask: int, row: int, run: int, depth: int, level: int, rank: int,
) -> None:  # fmt: skip
    """Fill in the contexts of a latent's size and sign, each below `LATENT_VALUES`.

    `own` is the field so far at the node, `coarse` the class of the coarser latents' sizes there.
    """
    sizes, counts = np.zeros(3, np.int64), np.zeros(3, np.int64)
    pull, n_nodes = np.int64(0), 0
    for k in range(27):
        j = around[k]
        if k == _MIDDLE or j < 0:
            continue
        n_nodes += 1
        if done[j]:
            kind = _type(k)
            counts[kind] += 1
            sizes[kind] += min(abs(latents[j]), _CAP)
            pull += _capped(latents[j]) << (2 - kind)
    axis = _steepest(around, base)
    along, across = np.int64(0), np.int64(0)
    for k in range(3):
        pair = _signed_sum(around, done, latents, _STRIDES[k])
        if k == axis:
            along = pair
        else:
            across += pair
    face, edge, corner = (
        mean_class(sizes[0], counts[0]),
        mean_class(sizes[1], counts[1]),
        mean_class(sizes[2], counts[2]),
    )
    share = 2 * counts[0] + counts[1] + (counts[2] + 1) // 2
    mean = half_octaves((16 * sizes[0] + 8 * sizes[1] + 4 * sizes[2]) // share) if share else 15
    near = min(abs(own) >> (18 - depth), 15)  # in eighths of an edge
    side = 0 if abs(own) * 10 < 1 << (21 - depth) else (1 if own > 0 else 2)
    cells = _ones(mask) - 1
    towards = signed_class(pull // 2 if pull >= 0 else -(-pull // 2))
    along, across = signed_class(along), signed_class(across)
    contexts[0] = (row * N_RANKS + rank) * 8 + run
    contexts[1] = (face * 16 + edge) * 16 + near
    contexts[2] = (mean * 16 + near) * 8 + cells
    contexts[3] = (mean * 16 + coarse) * 8 + level
    contexts[4] = (row * 16 + near) * 8 + cells
    contexts[5] = (face * 16 + corner) * 16 + coarse
    contexts[6] = ((coarse * 16 + near) * N_RANKS + rank) * 4 + min(counts[0], 3)
    contexts[7] = ((face * 8 + abs(along - 8)) * 8 + abs(across - 8)) * 8 + abs(towards - 8)
    contexts[8] = (level * 32 + n_nodes) * 8 + cells
    contexts[9] = mask * N_RANKS + rank
    signs[0] = along * 16 + across
    signs[1] = mask * 2 + (1 if own > 0 else 0)
    signs[2] = (towards * 16 + across) * 16 + along
    signs[3] = (near * 3 + side) * 8 + cells
    signs[4] = level * 32 + run * 3 + side
    signs[5] = run * N_RANKS + rank


@njit(cache=True)
def _capped(latent: int) -> int:
    return min(max(latent, -_SIGNED_CAP), _SIGNED_CAP)


@njit(cache=True)
def _steepest(around: IntArray, base: IntArray) -> int:
    """The axis along which the field so far differs most between two neighbours; 0 if no two are there."""
    axis, most = 0, np.int64(-1)
    for k in range(3):
        low, high = around[_MIDDLE - _STRIDES[k]], around[_MIDDLE + _STRIDES[k]]
        if low >= 0 and high >= 0 and abs(base[low] - base[high]) > most:
            axis, most = k, abs(base[low] - base[high])
    return axis


@njit(cache=True)
def _signed_sum(around: IntArray, done: Any, latents: IntArray, stride: int) -> int:
    """Sum of the decoded latents of the two neighbours along an axis."""
    total = np.int64(0)
    for j in (around[_MIDDLE - stride], around[_MIDDLE + stride]):
        if j >= 0 and done[j]:
            total += _capped(latents[j])
    return total
