"""The payload of a `grid` file: symbols to sections and back.

::

    base    shape byte, split byte | gains, network, octree, latents of the coarse levels (one stream)
    detail  latents of the next level (a stream of its own), one section for each finer level

Coarse to fine, each level's octree step comes before its latents, so that the field decoded so far can say where the
surface goes on. Encoder and decoder walk the same function; what they walk it with codes the symbols: as mixed
decisions (`mixed`), or, in older files, by tables (`tabled`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError
from ...formats.fields import U8, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from .. import mixing
from ..gains import MAX_GAIN_CODE
from ..occupancy import parents_of
from ..trim import NO_CELLS
from .mixed import MixedCoder
from .symbols import MAX_DEPTH, MAX_LEVELS, NETWORK_WIDTHS, GridSymbols
from .tabled import TabledDecoder
from .walk import FirstField, Walk

PAYLOAD = FieldTable(
    "grid payload",
    [
        Field(
            "shape",
            U8,
            "low four bits: depth of the finest cells, 1 to 8; next three: levels of latents, 1 to 6; "
            "highest: symbols are mixed decisions, not runs by tables",
        ),
        Field(
            "split",
            U8,
            "low four bits: levels of latents in the base section; next three: network code, 0 to 2; "
            "highest: trimmed cells follow the finest latents",
        ),
    ],
)

# Part of the format, never change.
MIXED = 128
TRIMS = 128
_ROOT = np.zeros((1, 3), np.int32)


@dataclass(frozen=True)
class Head:
    """The two bytes of a payload that are not coded, by fields.

    Attributes
    ----------
    depth, n_levels, n_base, network : int
        Of the finest cells; levels of latents, in all and in the base section; network code.
    has_trims, is_mixed : bool
    """

    depth: int
    n_levels: int
    n_base: int
    network: int
    has_trims: bool
    is_mixed: bool

    def pack(self) -> bytes:
        """The bytes."""
        shape = self.depth | self.n_levels << 4 | (MIXED if self.is_mixed else 0)
        return PAYLOAD.pack(
            {"shape": shape, "split": self.n_base | self.network << 4 | (TRIMS if self.has_trims else 0)}
        )

    @classmethod
    def unpack(cls, data: bytes) -> tuple[Head, int]:
        """Fields of a payload, unchecked, and where the coded bytes start."""
        values, end = PAYLOAD.unpack(data)
        shape, split = values["shape"], values["split"]
        return cls(
            shape & 15, shape >> 4 & 7, split & 15, split >> 4 & 7, bool(split & TRIMS), bool(shape & MIXED)
        ), end

    def check(self) -> None:
        """FormatError where no encoder writes such fields."""
        depth, n_levels, n_base, network = self.depth, self.n_levels, self.n_base, self.network
        if not 1 <= depth <= MAX_DEPTH or not 1 <= n_levels <= min(MAX_LEVELS, depth):
            raise FormatError(f"grid payload: depth {depth} with {n_levels} levels is not allowed")
        if not 1 <= n_base <= n_levels or network >= len(NETWORK_WIDTHS):
            raise FormatError(f"grid payload: {n_base} base levels of {n_levels}, network code {network}: not allowed")


def pack_symbols(
    symbols: GridSymbols, n_base_levels: int | None = None, first: FirstField | None = None
) -> list[Section]:
    """Sections of a shape's symbols, coarse to fine.

    Parameters
    ----------
    symbols : GridSymbols
        With all its levels.
    n_base_levels : int, optional
        Levels of latents in the base section; the others get a section each. By default all but the finest.
    first : FirstField, optional
        What the latents are added to; nothing in a `grid` file.

    Raises
    ------
    LimitError
        A symbol is beyond what the format can hold.
    """
    head = _head_of(symbols, n_base_levels)
    coder = MixedCoder.encoder(symbols, _n_sections(head))
    _walk(coder, head, head.n_levels, DEFAULT, first)
    base, *others = coder.finish()
    return [Section(BASE_ID + i, payload) for i, payload in enumerate([head.pack() + base, *others])]


def count_symbols(symbols: GridSymbols, priors: mixing.Priors) -> mixing.Coder:
    """A coder that has learned from symbols and counted their bits by kind (`decisions`), from some start."""
    head = _head_of(symbols, symbols.n_levels)
    coder = MixedCoder.encoder(symbols, 1, priors, mixing.COUNT)
    _walk(coder, head, head.n_levels, DEFAULT, None)
    return coder.coder


def network_code(sections: Sequence[Section]) -> int:
    """Network code of sections, unchecked; FormatError where the payload does not begin as it must."""
    return Head.unpack(sections[0].data)[0].network


def unpack_symbols(
    sections: Sequence[Section], *, lod: int = 0, limits: Limits = DEFAULT, first: FirstField | None = None
) -> GridSymbols:
    """Symbols of sections; fewer levels of latents when sections are missing or `lod` leaves some out.

    Parameters
    ----------
    sections : sequence of Section
        The base first; later ones may be missing.
    lod : int
        Finest levels of latents to leave out; at least the coarsest stays.
    limits : Limits
    first : FirstField, optional
        As of `pack_symbols`.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or a symbol says what cannot be.
    LimitError
        More cells or symbols than the limits allow.
    """
    head, end = Head.unpack(sections[0].data)
    head.check()
    limits.check("max_depth", head.depth + (1 if head.has_trims else 0), "octree depth")
    if [s.id for s in sections] != list(range(BASE_ID, BASE_ID + len(sections))):
        raise FormatError(f"grid payload: sections {[s.id for s in sections]} do not follow each other")
    if len(sections) > _n_sections(head):
        raise FormatError(f"grid payload: {len(sections)} sections, but the levels fill {_n_sections(head)}")
    payloads = [sections[0].data[end:], *(section.data for section in sections[1:])]
    coder = MixedCoder.decoder(payloads) if head.is_mixed else TabledDecoder(payloads)
    n_kept = max(min(head.n_levels - lod, head.n_base + len(sections) - 1), 1)
    n_read = max(n_kept, head.n_base)  # the octree needs all latents of the base section
    symbols = _walk(coder, head, n_read, limits, first)
    coder.check_end(n_read - head.n_base + 1)
    if n_kept == head.n_levels:
        return symbols
    return GridSymbols(
        head.depth, symbols.cells, symbols.gain_codes, head.network, symbols.weights, symbols.latents[:n_kept]
    )


def _head_of(symbols: GridSymbols, n_base_levels: int | None) -> Head:
    n_base = max(symbols.n_levels - 1, 1) if n_base_levels is None else n_base_levels
    return Head(symbols.depth, symbols.n_levels, n_base, symbols.network, len(symbols.trimmed) > 0, is_mixed=True)


def _n_sections(head: Head) -> int:
    return head.n_levels - head.n_base + 1


def _walk(
    coder: MixedCoder | TabledDecoder, head: Head, n_read: int, limits: Limits, first: FirstField | None
) -> GridSymbols:
    """Code all symbols but those of the levels of latents from `n_read` on, in the order of the format."""
    depth, n_levels = head.depth, head.n_levels
    gain_codes = coder.gain_codes(n_levels, depth)
    for code in gain_codes:
        if not 0 <= code <= MAX_GAIN_CODE:
            raise FormatError(f"grid payload: gain code {code} is above {MAX_GAIN_CODE}, or negative")
    weights = coder.weights(head.network, n_levels)
    walk = Walk(depth, head.n_base, gain_codes, first)
    cells, n_symbols = _ROOT, 0
    latents: list[npt.NDArray[np.int32]] = []
    for d in range(1, depth + 1):
        parents, n_symbols = cells, n_symbols + 8 * len(cells)
        limits.check("max_symbols", n_symbols, "symbols")
        cells = coder.children(parents, d, walk.at_children(parents, d), limits)
        # Only with a child is a cell occupied, and the field's levels are rebuilt from the finest cells.
        if len(parents_of(cells, d)) != len(parents):
            raise FormatError(f"grid payload: an occupied cell of level {d - 1} has no child")
        index = walk.index_of(d)
        if not 0 <= index < n_read:
            continue
        level = walk.enter(cells, d)
        n_symbols += len(level.lattice.nodes)
        limits.check("max_symbols", n_symbols, "symbols")
        latents.append(coder.latents(_stream_of(index, head), level))
        walk.leave(latents[-1])
    trimmed, parts = NO_CELLS, NO_CELLS
    if head.has_trims and n_read == n_levels:
        trimmed, parts = coder.trims(_stream_of(n_levels - 1, head), *walk.finest(), limits)
        if not len(trimmed):
            raise FormatError("grid payload: says that cells are trimmed, but none is")
    return GridSymbols(depth, cells, gain_codes, head.network, weights, tuple(latents), trimmed, parts)


def _stream_of(level: int, head: Head) -> int:
    """The section that holds a level of latents."""
    return max(level - head.n_base + 1, 0)
