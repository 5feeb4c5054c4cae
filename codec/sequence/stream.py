"""The motion section of a file: symbols to bytes and back.

::

    head | octree of the nodes | which candidates are joined | how far back, each frame | residuals, frame by frame
           `------------------- coded numbers, one stream -----------------------------------------------------'

A residual's contexts are those of the same node and axis in the frame before, of the first two nodes that it is joined
to in its own frame, and of the axis before.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...formats.errors import FormatError
from ...formats.limits import DEFAULT, Limits
from ..lgcl.positions import put_cells, take_cells
from ..numbers import NumberDecoder, NumberEncoder
from .head import MAX_NODES, MOTION
from .nodes import candidates_of, order_of
from .symbols import MotionSymbols

IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
_JOINED_KIND, _BACK_KIND = 16, 17
_RESIDUAL_KIND = 18  # of nodes 0; 1; 2, 3; 4 to 7; and so on
_MOST_KNOWN = 7


def pack_motion(symbols: MotionSymbols) -> bytes:
    """The payload of a motion."""
    n_frames = len(symbols.residuals)
    coder = NumberEncoder()
    first = put_cells(coder, symbols.cells, symbols.depth)
    cells = symbols.cells[order_of(symbols.cells)]
    candidates = candidates_of(cells, symbols.joined.shape[1])
    node, which = np.nonzero(candidates >= 0)
    kinds, _, near = _run_contexts(len(node), _JOINED_KIND, first)
    coder.put(symbols.joined[node, which].astype(np.int64), kinds, which, near)
    first += len(node)
    coder.put(symbols.back.astype(np.int64) - 1, *_run_contexts(n_frames, _BACK_KIND, first))
    first += n_frames
    contexts = _Contexts(np.where(symbols.joined, candidates, -1))
    for t in range(n_frames):
        coder.put(symbols.residuals[t].ravel().astype(np.int64), *contexts.of_frame(first, t))
    head = MOTION.pack(
        {
            "frames": n_frames,
            "depth": symbols.depth,
            "candidates": symbols.joined.shape[1],
            "step": symbols.step_code,
        }
    )
    return head + coder.finish()


def unpack_motion(data: bytes, *, limits: Limits = DEFAULT) -> MotionSymbols:
    """Symbols of a payload.

    Raises
    ------
    FormatError
        A field is out of range, or the coded data says what cannot be.
    LimitError
        More frames, nodes or numbers than the limits allow.
    """
    values, end = MOTION.unpack(data)
    n_frames = limits.check("max_frames", values["frames"], "frames")
    limits.check("max_depth", values["depth"], "octree depth")
    coder = NumberDecoder(data[end:])
    cells, first = take_cells(coder, values["depth"], limits, "motion", MAX_NODES)
    n = len(cells)
    limits.check("max_symbols", first + n * values["candidates"] + (3 * n + 1) * n_frames, "symbols")
    candidates = candidates_of(cells[order_of(cells)], values["candidates"])
    node, which = np.nonzero(candidates >= 0)
    kinds, _, near = _run_contexts(len(node), _JOINED_KIND, first)
    flags = coder.take(kinds, which, near)
    if ((flags != 0) & (flags != 1)).any():
        raise FormatError("motion: whether nodes are joined is neither 0 nor 1")
    joined = np.zeros(candidates.shape, bool)
    joined[node, which] = flags == 1
    first += len(node)
    back = coder.take(*_run_contexts(n_frames, _BACK_KIND, first)) + 1
    if (back < 1).any() or (back > 1 + np.arange(n_frames)).any():
        raise FormatError("motion: a frame is predicted from one that does not come before it")
    first += n_frames
    contexts = _Contexts(np.where(joined, candidates, -1))
    residuals = [coder.take(*contexts.of_frame(first, t)).astype(np.int32) for t in range(n_frames)]
    coder.finish("motion")
    return MotionSymbols(
        values["depth"], cells, joined, values["step"], back.astype(np.int32),
        np.stack(residuals).reshape(n_frames, n, 3),
    )  # fmt: skip


def _run_contexts(n: int, kind: int, first: int) -> tuple[IntArray, IntArray, IntArray]:
    """Kinds, places and near of numbers of one kind: the two before are near."""
    own = first + np.arange(n)
    near = np.stack([own - 1, own - 2], 1)
    return np.full(n, kind), np.zeros(n, np.int64), np.where(near < first, -1, near)


class _Contexts:
    """Contexts of the residuals.

    Parameters
    ----------
    known : (K, N) int64
        Nodes before each that it is joined to, nearest first, with -1 for the others.
    """

    def __init__(self, known: IntArray) -> None:
        n = len(known)
        order = np.argsort(known < 0, axis=1, kind="stable")
        nearest = np.take_along_axis(known, order, 1)[:, :2]
        nearest = np.concatenate([nearest, np.full((n, 2 - nearest.shape[1]), -1)], 1)
        level = np.array([k.bit_length() for k in range(n)])
        axis = np.arange(3)
        self._n = n
        self._kinds = np.repeat(_RESIDUAL_KIND + level, 3)
        self._places = (3 * (known >= 0).sum(1).clip(max=_MOST_KNOWN)[:, None] + axis).ravel()
        # (K, 3, 3) positions within the frame: two neighbours, the axis before.
        around = np.where(nearest < 0, -1, 3 * nearest)[:, None] + np.where(nearest < 0, 0, 1)[:, None] * axis[:, None]
        own = 3 * np.arange(n)[:, None] + axis
        before = np.where(axis > 0, own - 1, -1)
        self._within = np.concatenate([around, before[:, :, None]], 2).reshape(3 * n, 3)

    def of_frame(self, first: int, t: int) -> tuple[IntArray, IntArray, IntArray]:
        """Kinds, places and near of a frame's residuals; those of the first begin at `first`."""
        start = first + 3 * self._n * t
        last = np.arange(start, start + 3 * self._n) - 3 * self._n if t else np.full(3 * self._n, -1)
        within = np.where(self._within < 0, -1, start + self._within)
        return self._kinds, self._places, np.concatenate([last[:, None], within], 1)
