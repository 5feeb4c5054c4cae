"""Symbols of a `grid` file as mixed binary decisions, for both directions.

Every section is a stream of its own, and all streams learn in one model, whose start is trained (`priors`). Bits of the
octree and of the latents have nothing in common in it, so that the octree does not depend on details that may be
missing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...formats.errors import LimitError
from ...formats.limits import DEFAULT, Limits
from .. import mixing
from ..gains import FIXED_ONE, gain_of_code
from ..occupancy import NEIGHBOURS, OCTANTS, Cells, cell_names, closeness_of, find_cells, sorted_cells
from ..parity import parity_passes
from .children import code_octant, code_trims, unknown_children
from .decisions import MOST_NUMBER, N_KINDS
from .latents import code_latents
from .lattice import Lattice
from .parameters import code_gains, code_weights
from .priors import default_priors
from .symbols import GridSymbols, network_shapes
from .tables import grid_tables
from .walk import Level, octree_of

IntArray = npt.NDArray[np.int64]

_CAPACITY_A_NUMBER = 32  # bytes: each of at most 50 decisions costs less than five bits on average, by far
_CAPACITY_A_BIT = 2


class MixedCoder:
    """Encodes the symbols that it is made with, or decodes them: whatever is asked for comes back.

    Parameters
    ----------
    streams : sequence of mixing.Coder
        One for each section, which share what they learn.
    wanted : GridSymbols, optional
        To encode.
    """

    def __init__(self, streams: Sequence[mixing.Coder], wanted: GridSymbols | None = None) -> None:
        self._streams, self._wanted = streams, wanted
        self._octree = octree_of(wanted.cells, wanted.depth) if wanted else []
        tables = grid_tables()
        self._cell_weights = tables.occupancy.weights.astype(np.int64)
        self._latent_weights = tables.latent.weights.astype(np.int64)

    @classmethod
    def encoder(
        cls, symbols: GridSymbols, n_streams: int, priors: mixing.Priors | None = None, mode: int = mixing.ENCODE
    ) -> MixedCoder:
        """A coder of symbols; only counting, if that is the mode.

        Raises
        ------
        LimitError
            A symbol is larger than any that can be coded.
        """
        most = max((int(np.abs(array).max(initial=0)) for array in (*symbols.latents, *symbols.weights)), default=0)
        if most > MOST_NUMBER:
            raise LimitError(f"symbol {most} is beyond what the format can hold")
        n_numbers = sum(array.size for array in (*symbols.latents, *symbols.weights))
        n_bits = 8 * (symbols.depth + 2) * len(symbols.cells)  # of the octree, the parts and the trimmed cells
        capacity = _CAPACITY_A_NUMBER * (n_numbers + 64) + _CAPACITY_A_BIT * n_bits
        first = mixing.coder(priors or default_priors(), mode, capacity=capacity, n_kinds=N_KINDS)
        others = [mixing.another_stream(first, mode, capacity=capacity) for _ in range(n_streams - 1)]
        return cls([first, *others], symbols)

    @classmethod
    def decoder(cls, payloads: Sequence[bytes]) -> MixedCoder:
        """A coder of the symbols in coded bytes."""
        first = mixing.coder(default_priors(), mixing.DECODE, data=payloads[0], n_kinds=N_KINDS)
        return cls([first, *(mixing.another_stream(first, mixing.DECODE, data=payload) for payload in payloads[1:])])

    def gain_codes(self, n_levels: int, depth: int) -> tuple[int, ...]:
        """Gain codes, coarse to fine; any integers, if decoded."""
        codes = np.array(self._wanted.gain_codes if self._wanted else [0] * n_levels, np.int64)
        code_gains(self._streams[0], depth, codes)
        return tuple(codes.tolist())

    def weights(self, network: int, n_levels: int) -> tuple[npt.NDArray[np.int32], ...]:
        """Layers of a network code."""
        layers = []
        for i, shape in enumerate(network_shapes(network, n_levels)):
            layer = self._wanted.weights[i].astype(np.int64) if self._wanted else np.zeros(shape, np.int64)
            code_weights(self._streams[0], i, layer)
            layers.append(layer.astype(np.int32))
        return tuple(layers)

    def children(self, parents: Cells, depth: int, values: IntArray | None, limits: Limits = DEFAULT) -> Cells:
        """Occupied cells of a depth.

        Parameters
        ----------
        parents : (M, 3) int32
            Those of the depth before.
        depth : int
        values : (8, M) int64, optional
            Field at the children's centres by octant, if there is one.
        limits : Limits

        Raises
        ------
        LimitError
            There are more than the limits allow.
        """
        wanted = self._octree[depth] if self._wanted else None
        return self._children(self._streams[0], parents, depth, values, 0, wanted, limits)

    def latents(self, stream: int, level: Level) -> npt.NDArray[np.int32]:
        """(N,) symbols of a level, in a stream."""
        n_nodes, depth = len(level.lattice.nodes), level.lattice.depth
        latents = self._wanted.latents[level.index].astype(np.int64) if self._wanted else np.zeros(n_nodes, np.int64)
        passes = parity_passes(level.lattice.nodes)
        first_kind = 8 * min(level.rank, 2)
        code_latents(
            self._streams[stream],
            np.concatenate(passes),
            np.repeat(np.arange(len(passes)), [len(nodes) for nodes in passes]),
            level.lattice.nodes.astype(np.int64),
            level.lattice.index,
            level.base,
            level.coarse_magnitude,
            level.lattice.cells_around(),
            self._latent_weights[first_kind : first_kind + 8],
            depth,
            level.index,
            level.rank,
            gain_of_code(level.gain_code),
            latents,
        )
        return latents.astype(np.int32)

    def trims(self, stream: int, lattice: Lattice, field: IntArray, limits: Limits = DEFAULT) -> tuple[Cells, Cells]:
        """Trimmed cells (`codec.trim`) and the parts that stay, in a stream.

        Parameters
        ----------
        stream : int
        lattice : Lattice
            Finest level.
        field : (N,) int64
            Sum of all levels at its nodes, fixed point.
        limits : Limits

        Raises
        ------
        LimitError
            There are more parts than `limits` allow cells.
        """
        cells, depth = lattice.cells, lattice.depth
        flags = np.zeros(len(cells), np.int64)
        if self._wanted:
            flags[np.isin(cell_names(cells), cell_names(self._wanted.trimmed))] = 1
        around = find_cells(cells, cells[:, None].astype(np.int64) + NEIGHBOURS)
        code_trims(self._streams[stream], np.concatenate(parity_passes(cells)), around.astype(np.int64), flags)
        trimmed = cells[flags == 1]
        values = lattice.at_children_of(trimmed, field)
        wanted = self._wanted.parts if self._wanted else None
        return trimmed, self._children(self._streams[stream], trimmed, depth + 1, values, 1, wanted, limits)

    def finish(self) -> list[bytes]:
        """The coded bytes of each stream."""
        return [mixing.finish(stream) for stream in self._streams]

    def check_end(self, n_streams: int) -> None:
        """Check that the first streams end with the symbols that were decoded.

        Raises
        ------
        TrailingDataError
            One goes on.
        FormatError
            One ends otherwise than an encoder ends it.
        """
        for stream in self._streams[:n_streams]:
            mixing.check_end(stream, "grid payload")

    @property
    def coder(self) -> mixing.Coder:
        """The first stream, with what all have learned and counted."""
        return self._streams[0]

    def _children(
        self, stream: mixing.Coder, parents: Cells, depth: int, values: IntArray | None, is_part: int,
        wanted: Cells | None, limits: Limits,
    ) -> Cells:  # fmt: skip
        corners, marks = parents.astype(np.int64), np.zeros(len(parents), np.int64)
        state = unknown_children(corners, depth)
        found, n_children = [], 0
        names = None if wanted is None else cell_names(wanted)
        for octant, offset in enumerate(OCTANTS):
            here = None if values is None else values[octant]
            cells = 2 * parents + offset
            occupied = (
                np.zeros(len(cells), np.int64) if names is None else np.isin(cell_names(cells), names).astype(np.int64)
            )
            closeness = closeness_of(here, len(cells), depth, FIXED_ONE)
            code_octant(
                stream, state, corners, marks, octant, depth, closeness,
                np.zeros(len(cells), np.int64) if here is None else here, self._cell_weights, is_part, occupied,
            )  # fmt: skip
            n_children += int(occupied.sum())
            limits.check("max_cells", n_children, f"occupied cells of level {depth}")
            found.append(cells[occupied == 1])
        return sorted_cells(np.concatenate(found), depth)
