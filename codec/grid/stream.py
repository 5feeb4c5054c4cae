"""The payload of a `grid` file: symbols to sections and back.

::

    base    shape byte, split byte | gains, row offsets, network, octree, latents of the coarse levels (one range coder)
    detail  latents of the next level (a range coder of its own), one section for each finer level

Coarse to fine, each level's octree step comes before its latents, so that the field decoded so far can say where the
surface goes on. Encoder and decoder walk the same functions: one `_Writer` or `_Reader` goes through them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError
from ...formats.fields import U8, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from ..entropy import SymbolDecoder, SymbolEncoder
from ..gains import FIXED_ONE, MAX_GAIN_CODE, gain_of_code
from ..occupancy import Cells, closeness_of, decode_children, encode_children, parents_of
from ..trim import NO_CELLS
from .lattice import Lattice
from .passes import NodePasses
from .symbols import MAX_DEPTH, MAX_LEVELS, NETWORK_WIDTHS, GridSymbols, network_shapes
from .tables import GridTables, grid_tables
from .trim import put_trims, take_trims

PAYLOAD = FieldTable(
    "grid payload",
    [
        Field("shape", U8, "low four bits: depth of the finest cells, 1 to 8; high four: levels of latents, 1 to 6"),
        Field(
            "split",
            U8,
            "low four bits: levels of latents in the base section; next three: network code, 0 to 2; "
            "highest: trimmed cells follow the finest latents",
        ),
    ],
)

# Part of the format, never change.
GAIN_BITS = 8
OFFSET_BITS = 4
OFFSET_ZERO = 8
TRIMS = 128
_ROOT = np.zeros((1, 3), np.int32)


def pack_symbols(
    symbols: GridSymbols, n_base_levels: int | None = None, tables: GridTables | None = None
) -> list[Section]:
    """Sections of a shape's symbols, coarse to fine.

    Parameters
    ----------
    symbols : GridSymbols
        With all its levels.
    n_base_levels : int, optional
        Levels of latents in the base section; the others get a section each. By default all but the finest.
    tables : GridTables, optional
        By default those of the format.
    """
    tables = tables or grid_tables()
    n_levels = symbols.n_levels
    n_base = max(n_levels - 1, 1) if n_base_levels is None else n_base_levels
    trims = TRIMS if len(symbols.trimmed) else 0
    split = n_base | symbols.network << 4 | trims
    head = PAYLOAD.pack({"shape": symbols.depth | n_levels << 4, "split": split})
    offsets = _best_offsets(symbols, tables)
    coders = [SymbolEncoder() for _ in range(n_levels - n_base + 1)]
    coders[0].put_bits(np.array(symbols.gain_codes), GAIN_BITS)
    coders[0].put_bits(np.array(offsets) + OFFSET_ZERO, OFFSET_BITS)
    for layer, weights in enumerate(symbols.weights):
        coders[0].put_signed(weights.ravel(), np.full(weights.size, layer), tables.weights)
    levels = _octree(symbols.cells, symbols.depth)
    walk = _Walk(symbols.depth, n_base, symbols.gain_codes)
    for depth in range(1, symbols.depth + 1):
        level = walk.level_of(depth)
        closeness = walk.closeness(levels[depth - 1], depth)
        encode_children(coders[0], levels[depth - 1], levels[depth], depth, closeness, tables.occupancy, tables.bits)
        if level >= 0:
            coder = coders[max(level - n_base + 1, 0)]
            _put_latents(coder, walk.enter(levels[depth], depth), symbols.latents[level], offsets[level], tables)
            walk.leave(symbols.latents[level])
    if trims:
        put_trims(coders[-1], *walk.finest(), symbols.trimmed, symbols.parts, tables)
    payloads = [head + coders[0].finish(), *(coder.finish() for coder in coders[1:])]
    return [Section(BASE_ID + i, payload) for i, payload in enumerate(payloads)]


def network_code(sections: Sequence[Section]) -> int:
    """Network code of sections, unchecked; FormatError where the payload does not begin as it must."""
    return int(PAYLOAD.unpack(sections[0].data)[0]["split"]) >> 4 & 7


def unpack_symbols(sections: Sequence[Section], *, lod: int = 0, limits: Limits = DEFAULT) -> GridSymbols:
    """Symbols of sections; fewer levels of latents when sections are missing or `lod` leaves some out.

    Parameters
    ----------
    sections : sequence of Section
        The base first; later ones may be missing.
    lod : int
        Finest levels of latents to leave out; at least the coarsest stays.
    limits : Limits

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or a symbol says what cannot be.
    LimitError
        More cells or symbols than the limits allow.
    """
    tables = grid_tables()
    values, end = PAYLOAD.unpack(sections[0].data)
    depth, n_levels = values["shape"] & 15, values["shape"] >> 4
    n_base, network, trims = values["split"] & 15, values["split"] >> 4 & 7, values["split"] & TRIMS
    if not 1 <= depth <= MAX_DEPTH or not 1 <= n_levels <= min(MAX_LEVELS, depth):
        raise FormatError(f"grid payload: depth {depth} with {n_levels} levels is not allowed")
    if not 1 <= n_base <= n_levels or network >= len(NETWORK_WIDTHS):
        raise FormatError(f"grid payload: {n_base} base levels of {n_levels}, network code {network}: not allowed")
    limits.check("max_depth", depth + (1 if trims else 0), "octree depth")
    if [s.id for s in sections] != list(range(BASE_ID, BASE_ID + len(sections))):
        raise FormatError(f"grid payload: sections {[s.id for s in sections]} do not follow each other")
    if len(sections) > n_levels - n_base + 1:
        raise FormatError(f"grid payload: {len(sections)} sections, but the levels fill {n_levels - n_base + 1}")
    coders = [SymbolDecoder(sections[0].data[end:]), *(SymbolDecoder(s.data) for s in sections[1:])]
    gain_codes = tuple(coders[0].take_bits(n_levels, GAIN_BITS).tolist())
    if max(gain_codes) > MAX_GAIN_CODE:
        raise FormatError(f"grid payload: gain code {max(gain_codes)} is above {MAX_GAIN_CODE}")
    offsets = (coders[0].take_bits(n_levels, OFFSET_BITS) - OFFSET_ZERO).tolist()
    weights = tuple(
        coders[0].take_signed(np.full(rows * columns, layer), tables.weights).reshape(rows, columns)
        for layer, (rows, columns) in enumerate(network_shapes(network, n_levels))
    )
    n_kept = max(min(n_levels - lod, n_base + len(sections) - 1), 1)
    n_read = max(n_kept, n_base)  # the octree needs all latents of the base section
    walk = _Walk(depth, n_base, gain_codes)
    cells, latents, n_symbols = _ROOT, [], 0
    for d in range(1, depth + 1):
        level = walk.level_of(d)
        closeness = walk.closeness(cells, d)
        parents, n_symbols = cells, n_symbols + 8 * len(cells)
        limits.check("max_symbols", n_symbols, "symbols")
        cells = decode_children(coders[0], parents, d, closeness, tables.occupancy, tables.bits, limits)
        # Only with a child is a cell occupied, and the field's levels are rebuilt from the finest cells.
        if len(parents_of(cells, d)) != len(parents):
            raise FormatError(f"grid payload: an occupied cell of level {d - 1} has no child")
        if not 0 <= level < n_read:
            continue
        passes = walk.enter(cells, d)
        n_symbols += len(passes.symbols)
        limits.check("max_symbols", n_symbols, "symbols")
        values_at_level = _take_latents(coders[max(level - n_base + 1, 0)], passes, offsets[level], tables)
        walk.leave(values_at_level)
        if level < n_kept:
            latents.append(values_at_level)
    trimmed, parts = NO_CELLS, NO_CELLS
    if trims and n_read == n_levels:
        trimmed, parts = take_trims(coders[-1], *walk.finest(), tables, limits)
        if not len(trimmed):
            raise FormatError("grid payload: says that cells are trimmed, but none is")
    for coder in coders[: n_read - n_base + 1]:
        coder.finish()
    if n_kept < n_levels:
        trimmed, parts = NO_CELLS, NO_CELLS
    return GridSymbols(depth, cells, gain_codes, network, weights, tuple(latents), trimmed, parts)


class _Walk:
    """The field in integers as far as it is decoded, going from the coarsest level to the finest."""

    def __init__(self, depth: int, n_base: int, gain_codes: Sequence[int]) -> None:
        self._first_depth = depth - len(gain_codes) + 1
        self._n_base = n_base
        self._depth = depth
        self._gain_codes = gain_codes
        self._lattice: Lattice | None = None
        self._field = np.zeros(0, np.int64)
        self._symbols = np.zeros(0, np.int32)

    def level_of(self, depth: int) -> int:
        """Index of the latents at a depth, coarsest first; negative above them."""
        return depth - self._first_depth

    def closeness(self, parents: Cells, depth: int) -> npt.NDArray[np.int64]:
        """(8, M) closeness of the children of the cells of level depth - 1, by octant."""
        # The octree is in the base section, so that it may only depend on latents that are there as well.
        if self._lattice is None or self._lattice.depth != depth - 1 or self.level_of(depth - 1) >= self._n_base:
            return np.stack([closeness_of(None, len(parents), depth, FIXED_ONE)] * 8)
        values = self._lattice.at_children(self._field)
        return np.stack([closeness_of(v, len(parents), depth, FIXED_ONE) for v in values])

    def enter(self, cells: Cells, depth: int) -> NodePasses:
        """Passes over the latents of a level whose cells are known."""
        lattice = Lattice.of_cells(cells, depth)
        level = self.level_of(depth)
        if self._lattice is None:
            base, magnitude = np.zeros((2, len(lattice.nodes)), np.int64)
        else:
            base = self._lattice.upsample(self._field, lattice)
            magnitude = self._lattice.upsample(np.minimum(np.abs(self._symbols.astype(np.int64)), 63) << 6, lattice)
        self._lattice, self._field = lattice, base
        return NodePasses(lattice, self._depth - depth, self._gain_codes[level], base, magnitude)

    def finest(self) -> tuple[Lattice, npt.NDArray[np.int64]]:
        """Lattice of the last level and the whole field at its nodes."""
        assert self._lattice is not None
        return self._lattice, self._field

    def leave(self, symbols: npt.NDArray[np.int32]) -> None:
        """Add the level's latents to the field."""
        assert self._lattice is not None
        gain = gain_of_code(self._gain_codes[self.level_of(self._lattice.depth)])
        self._field = self._field + gain * symbols.astype(np.int64)
        self._symbols = symbols


def _octree(cells: Cells, depth: int) -> list[Cells]:
    """Occupied cells of every level, the root first."""
    levels = [cells]
    for d in range(depth - 1, -1, -1):
        levels.append(parents_of(levels[-1], d + 1))
    return levels[::-1]


def _put_latents(
    coder: SymbolEncoder, passes: NodePasses, symbols: npt.NDArray[np.int32], offset: int, tables: GridTables
) -> None:
    for i, nodes in enumerate(passes.passes):
        coder.put_signed(symbols[nodes], _rows(passes, i, offset, tables), tables.latents)
        passes.put(i, symbols[nodes])


def _take_latents(coder: SymbolDecoder, passes: NodePasses, offset: int, tables: GridTables) -> npt.NDArray[np.int32]:
    for i in range(len(passes.passes)):
        passes.put(i, coder.take_signed(_rows(passes, i, offset, tables), tables.latents))
    return passes.symbols


def _rows(passes: NodePasses, index: int, offset: int, tables: GridTables) -> npt.NDArray[np.int64]:
    rows = tables.latent.rows(passes.kind(index), passes.features(index))
    return np.clip(rows + offset, 0, tables.latents.n_rows - 1)


def _best_offsets(symbols: GridSymbols, tables: GridTables) -> list[int]:
    """For each level, the shift of the rows that makes its latents cheapest."""
    walk = _Walk(symbols.depth, symbols.n_levels, symbols.gain_codes)
    offsets = []
    levels = _octree(symbols.cells, symbols.depth)
    for level, latents in enumerate(symbols.latents):
        depth = symbols.depth - symbols.n_levels + 1 + level
        passes = walk.enter(levels[depth], depth)
        costs = np.zeros(2 * OFFSET_ZERO)
        for i, nodes in enumerate(passes.passes):
            rows = tables.latent.rows(passes.kind(i), passes.features(i))
            for o in range(2 * OFFSET_ZERO):
                shifted = np.clip(rows + o - OFFSET_ZERO, 0, tables.latents.n_rows - 1)
                costs[o] += tables.latents.bits(latents[nodes], shifted).sum()
            passes.put(i, latents[nodes])
        offsets.append(int(costs.argmin()) - OFFSET_ZERO)
        walk.leave(latents)
    return offsets
