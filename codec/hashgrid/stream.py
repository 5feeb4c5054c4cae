"""The payload of a `hashgrid` file: symbols to a section and back.

::

    shape, options, octree bytes | octree (range coder) | gains, weights, tables, trims (adaptive numbers)

The octree of occupied cells says which entries of the tables count. These are coded level by level, coarse to fine, and
within a level in eight passes by the parity of their nodes' coordinates, so that most see neighbours on all sides. What
a number is expected to be follows from its pass, from how many cells use its node (a sixteenth of the bytes), from the
sizes of the coarser level around it and from the numbers of its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError, TruncatedError
from ...formats.fields import U8, VARINT, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from ..gains import MAX_GAIN_CODE
from ..numbers import NumberDecoder, NumberEncoder
from ..occupancy import Cells
from ..octree import pack_cells, unpack_cells
from ..parity import parity_passes
from ..trim import NO_CELLS
from .encoding import HashGrid
from .symbols import (
    LOG2_TABLE_RANGE,
    MAX_DEPTH,
    MAX_LEVELS,
    N_LOCAL,
    WIDTHS,
    HashgridSymbols,
    grid_of,
    network_shapes,
)
from .touched import TouchedLevel
from .trims import put_trims, take_trims

IntArray = npt.NDArray[np.int64]
# Codes the entries of some places of a level, or decodes them: (level, places, kinds, classes, near) -> values.
Exchange = Callable[[int, IntArray, IntArray, IntArray, IntArray], IntArray]

PAYLOAD = FieldTable(
    "hashgrid payload",
    [
        Field(
            "shape",
            U8,
            "low four bits: depth of the cells, 1 to 8; next three: levels of the hash grid, 1 to 6; highest: the "
            "network sees the position within a cell, and trimmed cells follow the tables",
        ),
        Field(
            "options",
            U8,
            "low four bits: T - 8, where levels of more than 2^T nodes are hashed; then a bit for smoothstep "
            "interpolation, a bit for two features an entry, two bits for the width code of the network, 0 to 2",
        ),
        Field("octree_bytes", VARINT, "length of the coded octree that follows", 0, (1 << 27) - 1),
    ],
)

# Part of the format, never change.
GAIN_BITS = 8
_LOCAL = 1 << 7
_SMOOTH, _TWO_FEATURES = 1 << 4, 1 << 5
_N_NEAR = 6  # neighbours that a number is expected from
_LAYER_KINDS = 2
_MOST_FEATURE = 6  # features of the finest levels have kinds of their own, those beyond share one
_COARSE_EDGES = np.array([1, 2, 4, 7, 12, 20, 40])  # classes of the sizes around on the coarser level
_OCTAVES = 1 << np.arange(9)
_SIZE_CAP = 63


def pack_symbols(symbols: HashgridSymbols) -> list[Section]:
    """The section of a shape's symbols."""
    grid = symbols.grid
    options = (
        (grid.log2_table - LOG2_TABLE_RANGE[0])
        | (_SMOOTH if grid.smooth else 0)
        | (_TWO_FEATURES if grid.n_features == 2 else 0)
        | WIDTHS.index(len(symbols.weights[0])) << 6
    )
    octree = pack_cells(symbols.cells, symbols.depth)
    shape = symbols.depth | grid.n_levels << 4 | (_LOCAL if symbols.n_local else 0)
    head = PAYLOAD.pack({"shape": shape, "options": options, "octree_bytes": len(octree)})
    coder = NumberEncoder()
    coder.put_bits(np.array(symbols.gain_codes), GAIN_BITS)
    for layer, weights in enumerate(symbols.weights):
        coder.put(weights.ravel().astype(np.int64), *_weight_contexts(layer, symbols.weights[0].size, weights.shape))
    n_weights = sum(weights.size for weights in symbols.weights)

    def put(level: int, places: IntArray, kinds: IntArray, classes: IntArray, near: IntArray) -> IntArray:
        values = symbols.tables[level][places].ravel().astype(np.int64)
        coder.put(values, kinds, classes, near)
        return values

    levels = _levels(grid, symbols.cells, symbols.depth)
    _walk(levels, n_weights, put)
    if symbols.n_local:
        n_before = n_weights + _n_entries(levels)
        put_trims(coder, n_before, symbols.cells, symbols.trimmed, symbols.parts)
    return [Section(BASE_ID, head + octree + coder.finish())]


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> HashgridSymbols:
    """Symbols of a section.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or coded data is damaged.
    LimitError
        More cells, entries or symbols than the limits allow.
    """
    if [section.id for section in sections] != [BASE_ID]:
        raise FormatError(f"hashgrid payload: sections {[s.id for s in sections]}, but it has one, {BASE_ID}")
    data = sections[0].data
    values, start = PAYLOAD.unpack(data)
    depth, n_levels = values["shape"] & 15, values["shape"] >> 4 & 7
    width_code = values["options"] >> 6
    if not 1 <= depth <= MAX_DEPTH or not 1 <= n_levels <= min(MAX_LEVELS, depth):
        raise FormatError(f"hashgrid payload: depth {depth} with {n_levels} levels is not allowed")
    if width_code >= len(WIDTHS):
        raise FormatError(f"hashgrid payload: width code {width_code} is not in 0..{len(WIDTHS) - 1}")
    limits.check("max_depth", depth, "octree depth")
    grid = grid_of(
        depth,
        n_levels,
        (values["options"] & 15) + LOG2_TABLE_RANGE[0],
        2 if values["options"] & _TWO_FEATURES else 1,
        bool(values["options"] & _SMOOTH),
    )
    limits.check("max_symbols", grid.offsets[-1] * grid.n_features, "entries of tables")
    end = start + values["octree_bytes"]
    if end > len(data):
        raise TruncatedError(f"hashgrid payload: {values['octree_bytes']} bytes of octree, {len(data) - start} left")
    cells = unpack_cells(data[start:end], depth, limits)
    shapes = network_shapes(grid, WIDTHS[width_code], N_LOCAL if values["shape"] & _LOCAL else 0)
    return _unpack_numbers(data[end:], depth, cells, grid, shapes, limits)


def _unpack_numbers(
    data: bytes, depth: int, cells: Cells, grid: HashGrid, shapes: Sequence[tuple[int, int]], limits: Limits
) -> HashgridSymbols:
    coder = NumberDecoder(data)
    gain_codes = tuple(coder.take_bits(grid.n_levels, GAIN_BITS).tolist())
    if max(gain_codes) > MAX_GAIN_CODE:
        raise FormatError(f"hashgrid payload: gain code {max(gain_codes)} is above {MAX_GAIN_CODE}")
    first_size = shapes[0][0] * shapes[0][1]
    weights = tuple(
        coder.take(*_weight_contexts(layer, first_size, shape)).reshape(shape) for layer, shape in enumerate(shapes)
    )
    levels = _levels(grid, cells, depth)
    n_entries, is_local = _n_entries(levels), shapes[0][1] > grid.n_levels * grid.n_features + 1
    limits.check("max_symbols", n_entries + (9 * len(cells) if is_local else 0), "symbols")
    tables = _walk(levels, first_size + shapes[0][0], lambda level, places, *contexts: coder.take(*contexts))
    trimmed, parts = NO_CELLS, NO_CELLS
    if is_local:
        trimmed, parts = take_trims(coder, first_size + shapes[0][0] + n_entries, cells, depth)
    coder.finish("hashgrid payload")
    return HashgridSymbols(depth, cells, grid, gain_codes, weights, tables, trimmed, parts)


def _levels(grid: HashGrid, cells: Cells, depth: int) -> list[TouchedLevel]:
    return [TouchedLevel(grid, level, cells, depth) for level in range(grid.n_levels)]


def _n_entries(levels: Sequence[TouchedLevel]) -> int:
    """Numbers of all tables."""
    return sum(len(level) * level.grid.n_features for level in levels)


# -- numbers -----------------------------------------------------------------------------------------------------------


def _weight_contexts(layer: int, first_size: int, shape: tuple[int, int]) -> tuple[IntArray, IntArray, IntArray]:
    """Kinds, places and what is near of a layer's weights: a place for each input, the unit before at the same one."""
    rows, columns = shape
    n, first = rows * columns, layer * first_size
    before = np.arange(n) - (columns if layer == 0 else 1)
    near = np.where(before >= 0, first + before, -1)[:, None]
    places = np.tile(np.arange(columns), rows) if layer == 0 else np.zeros(n, np.int64)
    return np.full(n, layer), places, near


def _walk(levels: Sequence[TouchedLevel], n_before: int, exchange: Exchange) -> tuple[IntArray, ...]:
    """Code or decode all tables, whose numbers follow `n_before` others: the tables, (N_l, F) each."""
    tables: list[IntArray] = []
    for level, touched in enumerate(levels):
        n_features = touched.grid.n_features
        table = np.zeros((len(touched), n_features), np.int64)
        classes = _coarse_classes(levels[level - 1] if level else None, tables[-1] if level else None, touched)
        positions = np.full(len(touched) + 1, -1, np.int64)  # of an entry's first number; the last stands for "none"
        of_feature = np.minimum(n_features * (len(levels) - 1 - level) + np.arange(n_features), _MOST_FEATURE)
        around = _around_classes(touched, is_finest=level == len(levels) - 1)
        for number, places in enumerate(parity_passes(touched.nodes)):
            near = _near(touched, places, positions)
            n = len(places)
            values = exchange(
                level,
                places,
                (_LAYER_KINDS + 8 * of_feature + around[places, None]).ravel(),
                np.repeat(8 * number + classes[places], n_features),
                np.where(near[:, None] >= 0, near[:, None] + np.arange(n_features)[:, None], -1).reshape(-1, _N_NEAR),
            )
            table[places] = values.reshape(n, n_features)
            positions[places] = n_before + n_features * np.arange(n)
            n_before += n_features * n
        tables.append(table)
    return tuple(tables)


def _near(touched: TouchedLevel, places: IntArray, positions: IntArray) -> IntArray:
    """(n, 6) positions among all numbers of the first known neighbours of some places, faces first; -1 for none."""
    found = [np.zeros((0, _N_NEAR), np.int64)]
    for around in touched.neighbours(touched.nodes[places]):
        known = positions[around]  # (n, 26)
        order = np.argsort(known < 0, axis=1, kind="stable")[:, :_N_NEAR]
        found.append(np.take_along_axis(known, order, 1))
    return np.concatenate(found)


def _around_classes(touched: TouchedLevel, *, is_finest: bool) -> IntArray:
    """(N,) classes 0 to 7 of how many cells use each entry's node: 1 to 8 on the finest level, else by octaves."""
    if is_finest:
        return touched.n_cells - 1
    return np.minimum(np.searchsorted(_OCTAVES, touched.n_cells, side="right") - 1, 7)


def _coarse_classes(coarser: TouchedLevel | None, table: IntArray | None, touched: TouchedLevel) -> IntArray:
    """(N,) classes 0 to 7 of the sizes of the coarser level around each entry's node."""
    if coarser is None or table is None:
        return np.zeros(len(touched), np.int64)
    sizes = np.minimum(np.abs(table).sum(1), _SIZE_CAP)
    return np.searchsorted(_COARSE_EDGES, coarser.sum_around(touched, sizes), side="right")
