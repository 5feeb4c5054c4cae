"""The payload of an `lgcl` file: symbols to one section and back.

::

    head | octree of the key points, then their codes, key point by key point (one range coder)

The graph is known before the codes are: a number's contexts are those of the same channel at neighbours that were coded
before, and the head says for which channels their mean is taken off.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError
from ...formats.fields import U8, U16, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from ..compiled import njit
from ..numbers import NumberDecoder, NumberEncoder
from .key_points import nearest_neighbours
from .positions import put_cells, take_cells
from .symbols import MAX_CHANNELS, MAX_DEPTH, MAX_NEIGHBOURS, LocalSymbols

IntArray = npt.NDArray[np.int64]

PAYLOAD = FieldTable(
    "lgcl payload",
    [
        Field("depth", U8, "key points are middles of cells of the 2^depth grid", 1, MAX_DEPTH),
        Field("neighbours", U8, "nearest key points that the graph joins to each", 1, MAX_NEIGHBOURS),
        Field("channels", U8, "numbers of the global code for each key point", 1, MAX_CHANNELS),
        Field("step", U8, "step of these numbers: 2^((step - 128) / 8)"),
        Field("predicted", U16, "bit c: of channel c, what the neighbours predict is taken off"),
    ],
)

# Part of the format, never change.
_FIRST_KIND = 16  # of the codes' channels; the octree's levels come before
_N_PREDICTING = 3


def pack_symbols(symbols: LocalSymbols) -> list[Section]:
    """The section of a shape's symbols."""
    n_channels = symbols.codes.shape[1]
    coder = NumberEncoder()
    n_flags = put_cells(coder, symbols.cells, symbols.depth)
    known = known_neighbours(symbols.cells, symbols.n_neighbours)
    codes = symbols.codes.astype(np.int64)
    residuals = codes - _predictions(codes, known)
    is_predicted = _bits(residuals) < _bits(codes)
    coded = np.where(is_predicted, residuals, codes)
    coder.put(coded.ravel(), *_contexts(known, n_channels, n_flags))
    head = PAYLOAD.pack(
        {
            "depth": symbols.depth,
            "neighbours": symbols.n_neighbours,
            "channels": n_channels,
            "step": symbols.step_code,
            "predicted": int(is_predicted @ (1 << np.arange(n_channels))),
        }
    )
    return [Section(BASE_ID, head + coder.finish())]


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> LocalSymbols:
    """Symbols of a section.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or the coded data says what cannot be.
    LimitError
        More key points or symbols than the limits allow.
    """
    if len(sections) != 1:
        raise FormatError(f"lgcl payload: {len(sections)} sections, but it is one")
    values, end = PAYLOAD.unpack(sections[0].data)
    n_channels = values["channels"]
    if values["predicted"] >> n_channels:
        raise FormatError(f"lgcl payload: predicted {values['predicted']:#x} names more than {n_channels} channels")
    limits.check("max_depth", values["depth"], "octree depth")
    coder = NumberDecoder(sections[0].data[end:])
    cells, n_flags = take_cells(coder, values["depth"], limits)
    limits.check("max_symbols", n_flags + len(cells) * n_channels, "symbols")
    known = known_neighbours(cells, values["neighbours"])
    coded = coder.take(*_contexts(known, n_channels, n_flags)).reshape(-1, n_channels)
    coder.finish("lgcl payload")
    is_predicted = values["predicted"] >> np.arange(n_channels) & 1
    codes = _restored(coded, known, is_predicted)
    if np.abs(codes).max(initial=0) > np.iinfo(np.int32).max:
        raise FormatError("lgcl payload: a code is larger than any that is coded")
    return LocalSymbols(values["depth"], cells, values["neighbours"], values["step"], codes.astype(np.int32))


def known_neighbours(cells: npt.NDArray[np.integer], n_neighbours: int) -> IntArray:
    """(K, N) neighbours of each key point that come before it, nearest first; then -1."""
    neighbours = nearest_neighbours(cells, n_neighbours)
    neighbours = np.where(neighbours < np.arange(len(cells))[:, None], neighbours, -1)
    order = np.argsort(neighbours < 0, axis=1, kind="stable")
    found: IntArray = np.take_along_axis(neighbours, order, 1)
    return found


def _contexts(known: IntArray, n_channels: int, first: int) -> tuple[IntArray, IntArray, IntArray]:
    """Kinds, places and near of all codes, key point by key point; the first one's position is `first`."""
    n_points = len(known)
    channels = np.arange(n_channels)
    own = first + np.arange(n_points)[:, None] * n_channels + channels  # (K, C) positions
    around = np.where(known < 0, -1, first + known * n_channels)  # (K, N) of channel 0
    near = np.where(around[:, None] < 0, -1, around[:, None] + channels[:, None])  # (K, C, N)
    before = np.where(channels > 0, own - 1, -1)[:, :, None]
    places = np.broadcast_to((known >= 0).sum(1).clip(max=3)[:, None], own.shape)
    kinds = np.broadcast_to(_FIRST_KIND + channels, own.shape)
    near = np.concatenate([near[:, :, :2], before, near[:, :, 2:]], 2)
    return kinds.ravel(), places.ravel(), near.reshape(own.size, -1)


@njit(cache=True)
def _prediction(codes: IntArray, known: IntArray, point: int, channel: int) -> int:
    """Rounded mean of the nearest known neighbours; 0 where there is none."""
    total, n = np.int64(0), 0
    for k in range(min(len(known[point]), _N_PREDICTING)):
        if known[point, k] >= 0:
            total += codes[known[point, k], channel]
            n += 1
    return (2 * total + n) // (2 * n) if n else np.int64(0)


@njit(cache=True)
def _predictions(codes: IntArray, known: IntArray) -> IntArray:
    found = np.zeros_like(codes)
    for point in range(codes.shape[0]):
        for channel in range(codes.shape[1]):
            found[point, channel] = _prediction(codes, known, point, channel)
    return found


@njit(cache=True)
def _restored(coded: IntArray, known: IntArray, is_predicted: IntArray) -> IntArray:
    codes = coded.copy()
    for point in range(codes.shape[0]):
        for channel in range(codes.shape[1]):
            if is_predicted[channel]:
                codes[point, channel] += _prediction(codes, known, point, channel)
    return codes


def _bits(numbers: IntArray) -> npt.NDArray[np.float64]:
    """(C,) about what the columns cost, for a choice between them."""
    found: npt.NDArray[np.float64] = np.log2(1 + 2 * np.abs(numbers)).sum(0)
    return found
