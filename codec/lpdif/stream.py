"""The payload of an `lpdif` file: symbols to sections and back.

::

    base    depth, border, patterns, bytes of the octree
            octree of the regions, parts of those that are trimmed      (range coder)
            steps, which regions are trimmed, networks, codes           (mixing coder)

Regions come in eight passes, by the parity of their coordinates; what is near a number is known from earlier passes,
the regions that share a face first, and for a code only those of the same network.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError
from ...formats.fields import U8, VARINT, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from ..entropy import SymbolDecoder, SymbolEncoder
from ..numbers import MOST_NUMBER, NumberDecoder, NumberEncoder
from ..occupancy import NO_FIELD, Cells, cell_names, decode_children, encode_children, parents_of
from ..octree import octree_tables
from ..trim import NO_CELLS
from .network import PLANE_ROWS
from .shared import MAX_CLUSTERS
from .steps import STEP_BITS
from .symbols import MAX_BORDER, MAX_DEPTH, LpdifSymbols
from .walk import RegionWalk

PAYLOAD = FieldTable(
    "lpdif payload",
    [
        Field("depth", U8, "the regions are cells of a grid of 2^depth along each axis", 1, MAX_DEPTH),
        Field("border", U8, "how far a region counts beyond a face, hundredths of an edge", 0, MAX_BORDER),
        Field("patterns", U8, "pattern networks", 1, MAX_CLUSTERS),
        Field("planes", U8, "1 if the first four numbers of each code are a plane, else 0", 0, 1),
        Field("octree", VARINT, "bytes of the octree that follow"),
    ],
)

# Part of the format, never change.
CODE_BITS = 6  # of the numbers of a code, less one: of the coarse network, then of the others
# Kinds of numbers: whether a region is trimmed, its network; of codes it is the number of their network.
_TRIMS, _NETWORKS = 62, 63
_ROOT = np.zeros((1, 3), np.int32)

IntArray = npt.NDArray[np.int64]


def pack_symbols(symbols: LpdifSymbols) -> list[Section]:
    """Sections of a shape's symbols."""
    octree = _packed_octree(symbols)
    head = PAYLOAD.pack(
        {
            "depth": symbols.depth,
            "border": symbols.border,
            "patterns": len(symbols.n_codes) - 1,
            "planes": int(symbols.planes),
            "octree": len(octree),
        }
    )
    coder = NumberEncoder()
    coder.put_bits(np.array(symbols.n_codes[:2], np.int64) - 1, CODE_BITS)
    coder.put_bits(np.array(symbols.step_codes, np.int64), STEP_BITS)
    walk = RegionWalk(symbols.cells)
    is_trimmed = np.isin(cell_names(symbols.cells), cell_names(symbols.trimmed))
    for kind, numbers in ((_TRIMS, is_trimmed), (_NETWORKS, symbols.networks)):
        for part, near in walk.once_each(len(walk) if kind == _NETWORKS else 0):
            coder.put(numbers[part].astype(np.int64), *_alike(len(part), kind), near)
    for part, (region, place, near) in zip(walk.passes, walk.of_codes(symbols.networks, symbols.n_codes), strict=True):
        residuals = symbols.codes.astype(np.int64)
        if symbols.planes:
            residuals[part, :PLANE_ROWS] -= walk.expected(part, symbols.codes, symbols.networks, symbols.step_codes)
        coder.put(residuals[region, place], symbols.networks[region].astype(np.int64), place, near)
    return [Section(BASE_ID, head + octree + coder.finish())]


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> LpdifSymbols:
    """Symbols of sections.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or a symbol says what cannot be.
    LimitError
        More regions or symbols than the limits allow.
    """
    if [section.id for section in sections] != [BASE_ID]:
        raise FormatError(f"lpdif payload: sections {[s.id for s in sections]} are not one base section")
    data = bytes(sections[0].data)
    values, end = PAYLOAD.unpack(data)
    depth, n_octree = values["depth"], values["octree"]
    limits.check("max_depth", depth, "octree depth")
    if n_octree > len(data) - end:
        raise FormatError(f"lpdif payload: an octree of {n_octree} bytes, but {len(data) - end} follow")
    octree = SymbolDecoder(data[end : end + n_octree])
    cells = _take_cells(octree, depth, limits)
    coder = NumberDecoder(data[end + n_octree :])
    coarse, pattern = (coder.take_bits(2, CODE_BITS) + 1).tolist()
    n_codes = (coarse, *[pattern] * values["patterns"])
    planes = bool(values["planes"])
    if planes and min(n_codes) < PLANE_ROWS:
        raise FormatError(f"lpdif payload: codes of {min(n_codes)} numbers have no plane")
    step_codes = tuple(coder.take_bits(len(n_codes), STEP_BITS).tolist())
    limits.check("max_symbols", len(cells) * (2 + max(n_codes)), "symbols")
    walk = RegionWalk(cells)
    is_trimmed = _take_each(coder, walk, _TRIMS, 2)
    trimmed, parts = _take_parts(octree, cells[is_trimmed == 1], depth, limits)
    networks = _take_each(coder, walk, _NETWORKS, len(n_codes))
    codes = np.zeros((len(cells), max(n_codes)), np.int32)
    for part, (region, place, near) in zip(walk.passes, walk.of_codes(networks, n_codes), strict=True):
        codes[region, place] = coder.take(networks[region].astype(np.int64), place, near)
        if planes:
            found = codes[part, :PLANE_ROWS] + walk.expected(part, codes, networks, step_codes)
            if np.abs(found).max(initial=0) > MOST_NUMBER:
                raise FormatError(f"lpdif payload: a code has a number of size {np.abs(found).max()}")
            codes[part, :PLANE_ROWS] = found
    coder.finish("lpdif payload")
    return LpdifSymbols(depth, cells, values["border"], networks, n_codes, step_codes, codes, planes, trimmed, parts)


def _take_each(coder: NumberDecoder, walk: RegionWalk, kind: int, n_values: int) -> npt.NDArray[np.int32]:
    """(R,) a number of each region, from 0 to n_values - 1."""
    found = np.zeros(len(walk), np.int32)
    for part, near in walk.once_each(len(walk) if kind == _NETWORKS else 0):
        numbers = coder.take(*_alike(len(part), kind), near)
        if len(numbers) and not 0 <= numbers.min() <= numbers.max() < n_values:
            raise FormatError(f"lpdif payload: a region with a number that is not from 0 to {n_values - 1}")
        found[part] = numbers
    return found


def _alike(n: int, kind: int) -> tuple[IntArray, IntArray]:
    """Kinds and places of numbers that are all of one sort."""
    return np.full(n, kind), np.zeros(n, np.int64)


def _packed_octree(symbols: LpdifSymbols) -> bytes:
    """The cells of each level, coarse to fine, and the parts of trimmed regions."""
    levels = [symbols.cells]
    for depth in range(symbols.depth, 0, -1):
        levels.insert(0, parents_of(levels[0], depth))
    coder = SymbolEncoder()
    for depth in range(1, symbols.depth + 1):
        _put_children(coder, levels[depth - 1], levels[depth], depth)
    if len(symbols.trimmed):
        _put_children(coder, symbols.trimmed, symbols.parts, symbols.depth + 1)
    return coder.finish()


def _put_children(coder: SymbolEncoder, parents: Cells, children: Cells, depth: int) -> None:
    encode_children(coder, parents, children, depth, _no_field(parents), *octree_tables())


def _take_children(coder: SymbolDecoder, parents: Cells, depth: int, limits: Limits) -> Cells:
    return decode_children(coder, parents, depth, _no_field(parents), *octree_tables(), limits)


def _take_cells(coder: SymbolDecoder, depth: int, limits: Limits) -> Cells:
    cells, n_symbols = _ROOT, 0
    for d in range(1, depth + 1):
        parents, n_symbols = cells, n_symbols + 8 * len(cells)
        limits.check("max_symbols", n_symbols, "symbols")
        cells = _take_children(coder, parents, d, limits)
        if len(parents_of(cells, d)) != len(parents):
            raise FormatError(f"lpdif payload: an occupied cell of level {d - 1} has no child")
    return cells


def _take_parts(coder: SymbolDecoder, trimmed: Cells, depth: int, limits: Limits) -> tuple[Cells, Cells]:
    """Trimmed regions and the parts of them that stay; the end of the octree."""
    parts = NO_CELLS
    if len(trimmed):
        limits.check("max_depth", depth + 1, "octree depth")
        parts = _take_children(coder, trimmed, depth + 1, limits)
    coder.finish()
    return trimmed, parts


def _no_field(parents: Cells) -> IntArray:
    return np.full((8, len(parents)), NO_FIELD, np.int64)
