"""Symbols of `grid` files up to version 0.4.0: runs of symbols with the same row of fixed tables, decoded.

Runs of a level's latents are its passes (`passes`), those of a level's cells the octants; trimmed cells come in passes
by parity too, where a neighbour that is trimmed makes it likely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...formats.limits import DEFAULT, Limits
from ..entropy import SymbolDecoder
from ..gains import FIXED_ONE
from ..occupancy import NEIGHBOURS, Cells, closeness_of, decode_children, find_cells
from ..parity import parity_passes
from .lattice import Lattice
from .passes import NodePasses
from .symbols import network_shapes
from .tables import grid_tables
from .walk import Level

IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
_GAIN_BITS = 8
_OFFSET_BITS = 4
_OFFSET_ZERO = 8
_FLAG_ROW, _FLAG_STEP, _MOST_FLAGGED = 18, 7, 4  # rows of the bit table: even odds between 31 and 32, four a logit


class TabledDecoder:
    """Decodes symbols; methods as those of `mixed.MixedCoder`.

    Parameters
    ----------
    payloads : sequence of bytes
        Coded bytes of each section.

    Raises
    ------
    FormatError
        One ends with a zero byte, or is not a range coder's output.
    """

    def __init__(self, payloads: Sequence[bytes]) -> None:
        self._streams = [SymbolDecoder(payload) for payload in payloads]
        self._tables = grid_tables()
        self._offsets: list[int] = []  # of the rows of each level's latents

    def gain_codes(self, n_levels: int, depth: int) -> tuple[int, ...]:
        """Gain codes, coarse to fine."""
        codes = self._streams[0].take_bits(n_levels, _GAIN_BITS)
        self._offsets = (self._streams[0].take_bits(n_levels, _OFFSET_BITS) - _OFFSET_ZERO).tolist()
        return tuple(codes.tolist())

    def weights(self, network: int, n_levels: int) -> tuple[npt.NDArray[np.int32], ...]:
        """Layers of a network code."""
        return tuple(
            self._streams[0].take_signed(np.full(rows * columns, i), self._tables.weights).reshape(rows, columns)
            for i, (rows, columns) in enumerate(network_shapes(network, n_levels))
        )

    def children(self, parents: Cells, depth: int, values: IntArray | None, limits: Limits = DEFAULT) -> Cells:
        """Occupied cells of a depth."""
        return self._children(self._streams[0], parents, depth, values, limits)

    def latents(self, stream: int, level: Level) -> npt.NDArray[np.int32]:
        """(N,) symbols of a level, in a stream."""
        passes, tables = NodePasses(level), self._tables
        for i in range(len(passes.passes)):
            rows = tables.latent.rows(passes.kind(i), passes.features(i)) + self._offsets[level.index]
            rows = np.clip(rows, 0, tables.latents.n_rows - 1)
            passes.put(i, self._streams[stream].take_signed(rows, tables.latents))
        return passes.symbols

    def trims(self, stream: int, lattice: Lattice, field: IntArray, limits: Limits = DEFAULT) -> tuple[Cells, Cells]:
        """Trimmed cells and the parts that stay, in a stream."""
        around = find_cells(lattice.cells, lattice.cells[:, None].astype(np.int64) + NEIGHBOURS)
        flags = np.zeros(len(around) + 1, np.int32)  # the last one stands for "no cell"
        for cells in parity_passes(lattice.cells):
            n_flagged = np.minimum(flags[around[cells]].sum(1), _MOST_FLAGGED)
            flags[cells] = self._streams[stream].take(_FLAG_ROW + _FLAG_STEP * n_flagged, self._tables.bits)
        trimmed = lattice.cells[flags[:-1] == 1]
        values = lattice.at_children_of(trimmed, field)
        return trimmed, self._children(self._streams[stream], trimmed, lattice.depth + 1, values, limits)

    def check_end(self, n_streams: int) -> None:
        """Check that the first streams end with the symbols that were decoded."""
        for stream in self._streams[:n_streams]:
            stream.finish()

    def _children(
        self, stream: SymbolDecoder, parents: Cells, depth: int, values: IntArray | None, limits: Limits
    ) -> Cells:
        rows = [None] * 8 if values is None else list(values)
        closeness = np.stack([closeness_of(row, len(parents), depth, FIXED_ONE) for row in rows])
        return decode_children(stream, parents, depth, closeness, self._tables.occupancy, self._tables.bits, limits)
