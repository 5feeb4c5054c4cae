"""The payload of an `overfit` file: symbols to its one section and back.

::

    head | cells (a range coder) | step codes, weights (a coder that mixes adaptive contexts)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError, TruncatedError
from ...formats.fields import U8, VARINT, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from ..numbers import MOST_KINDS, NumberDecoder, NumberEncoder
from ..octree import pack_cells, unpack_cells
from .architecture import ACTIVATIONS, MAX_HIDDEN, MAX_WIDTH, Architecture
from .symbols import MAX_CRUMBS, MAX_DEPTH, MAX_STEP_CODE, MAX_SYMBOL, OverfitSymbols

PAYLOAD = FieldTable(
    "overfit payload",
    [
        Field("width", VARINT, "units of a hidden layer", 1, MAX_WIDTH),
        Field("hidden", U8, "hidden layers", 1, MAX_HIDDEN),
        Field(
            "form",
            U8,
            "low four bits: octaves of Fourier features, 0 to 8; bit 4: sines in place of ReLU; bit 5: biases; "
            "bit 6: skip; bit 7: tanh at the end",
        ),
        Field("depth", U8, "of the cells; 0: the whole cube", 0, MAX_DEPTH),
        Field(
            "crumbs",
            U8,
            "edge of a cube, in 64ths of a unit: separate pieces that fit into it are dropped",
            0,
            MAX_CRUMBS,
        ),
        Field("cells_size", VARINT, "bytes of the coded cells"),
    ],
)

# Part of the format, never change.
STEP_BITS = 8
_SINE, _BIASES, _SKIP, _BOUNDED = 16, 32, 64, 128
_PLACES = 8  # classes of columns


def pack_symbols(symbols: OverfitSymbols) -> list[Section]:
    """Sections of a shape's symbols: there is one."""
    architecture = symbols.architecture
    cells = pack_cells(symbols.cells, symbols.depth)
    head = PAYLOAD.pack(
        {
            "width": architecture.width,
            "hidden": architecture.n_hidden,
            "form": _form_of(architecture),
            "depth": symbols.depth,
            "crumbs": symbols.crumbs,
            "cells_size": len(cells),
        }
    )
    coder = NumberEncoder()
    coder.put_bits(np.array(symbols.step_codes, np.int64), STEP_BITS)
    for layer, weights in enumerate(symbols.weights):
        coder.put(weights.ravel().astype(np.int64), *_contexts(architecture, layer))
    return [Section(BASE_ID, head + cells + coder.finish())]


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> OverfitSymbols:
    """Symbols of sections.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or a symbol says what cannot be.
    LimitError
        More cells or weights than the limits allow.
    """
    if [section.id for section in sections] != [BASE_ID]:
        raise FormatError(f"overfit payload: sections {[s.id for s in sections]}, not one with id {BASE_ID}")
    data = sections[0].data
    values, architecture, end = _unpack_head(data)
    depth, cells_size = values["depth"], values["cells_size"]
    limits.check("max_symbols", architecture.n_weights, "weights")
    limits.check("max_depth", depth, "octree depth")
    if cells_size > len(data) - end:
        raise TruncatedError(f"overfit payload: {cells_size} bytes of cells, but {len(data) - end} are left")
    cells = unpack_cells(data[end : end + cells_size], depth, limits)
    coder = NumberDecoder(data[end + cells_size :])
    step_codes = tuple(coder.take_bits(len(architecture.shapes), STEP_BITS).tolist())
    if max(step_codes) > MAX_STEP_CODE:
        raise FormatError(f"overfit payload: step code {max(step_codes)} is above {MAX_STEP_CODE}")
    weights = tuple(_take(coder, architecture, layer) for layer in range(len(architecture.shapes)))
    coder.finish("overfit payload")
    return OverfitSymbols(architecture, step_codes, weights, depth, cells, values["crumbs"])


def _take(coder: NumberDecoder, architecture: Architecture, layer: int) -> npt.NDArray[np.int32]:
    values = coder.take(*_contexts(architecture, layer))
    if np.abs(values).max() > MAX_SYMBOL:
        raise FormatError(f"overfit payload: a weight of size {np.abs(values).max()} is above {MAX_SYMBOL}")
    return values.reshape(architecture.shapes[layer]).astype(np.int32)


def _contexts(
    architecture: Architecture, layer: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Kinds (N,), places (N,) and what is near (N, 6) of a layer's weights, row after row.

    Weights of one unit, and weights from one unit, are about equally large: what tells most of a weight are those
    before it in its row, and above it in its column.
    """
    rows, columns = architecture.shapes[layer]
    start = sum(r * c for r, c in architecture.shapes[:layer])
    row, column = (index.ravel() for index in np.indices((rows, columns)))
    kinds = np.full(rows * columns, min(layer, MOST_KINDS - 1), np.int64)
    # The inputs of a first layer are of several kinds; in the others, units come first and then what else there is.
    places = np.minimum(column, _PLACES - 1) if layer == 0 else np.where(column < architecture.width, 0, 1)
    near = np.stack(
        [
            np.where((row >= up) & (column >= left), start + (row - up) * columns + column - left, -1)
            for up, left in ((1, 0), (0, 1), (2, 0), (0, 2), (3, 0), (0, 3))
        ],
        1,
    )
    return kinds, places.astype(np.int64), near


def _form_of(architecture: Architecture) -> int:
    return (
        architecture.n_frequencies
        | _SINE * ACTIVATIONS.index(architecture.activation)
        | _BIASES * architecture.biases
        | _SKIP * architecture.skip
        | _BOUNDED * architecture.bounded
    )


def _unpack_head(data: bytes) -> tuple[dict[str, Any], Architecture, int]:
    """Fields of the head, the architecture that they describe, and where the head ends."""
    values, end = PAYLOAD.unpack(data)
    form = values["form"]
    if form & _SKIP and values["hidden"] < 2:
        raise FormatError("overfit payload: skip, but there is no layer in the middle")
    flags = (bool(form & bit) for bit in (_BIASES, _SKIP, _BOUNDED))
    try:
        activation = ACTIVATIONS[bool(form & _SINE)]
        architecture = Architecture(values["width"], values["hidden"], activation, form & 15, *flags)
    except ValueError as error:
        raise FormatError(f"overfit payload: {error}") from error
    return values, architecture, end
