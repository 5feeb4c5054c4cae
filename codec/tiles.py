"""Values of a field at lattice nodes near its zero set, in tiles of 4^3 voxels."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .region import BoolArray, Field, Float32Array, IntArray, Lattice, distinct, find

# Voxels along the edge of a tile. The code below (middle node, every second node) is written for 4.
SIDE = 4
# Bound on how fast a field may change, per unit; coded fields are near 1, a little more where they are rough.
LIPSCHITZ = 1.4
# A voxel is looked at when interpolated values come this close to zero, in voxels.
_SLACK = 0.15
# Points handed to a field at once.
_CHUNK = 1 << 18
# Tiles handled at once, (16 tiles)^3: the lattice that marching cubes sees is small enough for exact float32
# coordinates.
BATCH = 16**3
# Tile coordinates are counted from this many tiles below the lattice's origin, at every tile size.
_SHIFT = 1 << 8

_CORNERS = np.array(list(itertools.product((0, 1), repeat=3)))  # (8, 3); row 0 is the tile itself
_FORWARD = _CORNERS[1:]
_LOCAL = np.array(list(itertools.product(range(SIDE), repeat=3)))  # (64, 3)


# -- names ------------------------------------------------------------------------------------------------------------

# Tiles are named by the Morton codes of their coordinates: sorted names keep close tiles together.
_MORTON_STEPS = (
    (32, 0x001F00000000FFFF),
    (16, 0x001F0000FF0000FF),
    (8, 0x100F00F00F00F00F),
    (4, 0x10C30C30C30C30C3),
    (2, 0x1249249249249249),
)


def _name(coords: IntArray) -> IntArray:
    """Morton codes of (N, 3) coordinates in [0, 2**20)."""
    bits = coords.astype(np.int64)
    for shift, mask in _MORTON_STEPS:
        bits = (bits | (bits << shift)) & mask
    return (bits[:, 0] << 2) | (bits[:, 1] << 1) | bits[:, 2]


def name_of_node(nodes: IntArray) -> IntArray:
    """A distinct name for each node (N, 3) of the lattice: (N,), below 2**60."""
    return _name(nodes + _SHIFT * SIDE)


def _unname(names: IntArray) -> IntArray:
    """Inverse of `_name`: (N, 3)."""
    bits = np.stack([names >> 2, names >> 1, names], axis=1) & _MORTON_STEPS[-1][1]
    masks = [mask for _, mask in _MORTON_STEPS[:-1]][::-1] + [0x1FFFFF]
    for (shift, _), mask in zip(_MORTON_STEPS[::-1], masks, strict=True):
        bits = (bits | (bits >> shift)) & mask
    return bits


# -- which tiles the surface may cross --------------------------------------------------------------------------------


def chunks(rows: IntArray, size: int = _CHUNK) -> list[IntArray]:
    """Rows in pieces of at most `size`."""
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def candidates(field: Field, lattice: Lattice) -> IntArray:
    """Names of the tiles in reach of the surface, by the value at their middle, coarse tiles first."""
    side = SIDE
    while side < lattice.voxels_per_cell + 2 * lattice.margin:
        side *= 2
    names = _covering(lattice, side)
    while side > SIDE:
        side //= 2
        children = (_unname(names) * 2 - _SHIFT)[:, None, :] + _CORNERS  # (N, 8, 3)
        names = distinct(_name(children.reshape(-1, 3)))
        names = names[lattice.has_voxel((_unname(names) - _SHIFT) * side, side)]
        if side == SIDE or 2 * side <= lattice.voxels_per_cell:  # larger tiles are all in reach: each cell has surface
            names = names[_in_reach(field, lattice, names, side)]
    return names


def _in_reach(field: Field, lattice: Lattice, names: IntArray, side: int) -> BoolArray:
    """Whether the value at the middle of tiles allows a zero in them. Tiles not to be asked there count too."""
    middle = (_unname(names) - _SHIFT) * side + side // 2
    in_reach = np.ones(len(names), bool)
    for rows in chunks(np.flatnonzero(lattice.has_node(middle))):
        values = field.distance(lattice.position(middle[rows]))
        in_reach[rows] = ~(np.abs(values) > LIPSCHITZ * np.sqrt(3) / 2 * side * lattice.voxel)
    return in_reach


def _covering(lattice: Lattice, side: int) -> IntArray:
    """Names of the tiles of side^3 voxels that meet the region; a cell with its margin is no wider than a tile."""
    low = (lattice.cells * lattice.voxels_per_cell - lattice.margin) // side
    high = ((lattice.cells + 1) * lattice.voxels_per_cell + lattice.margin - 1) // side
    corners = np.where(_CORNERS[:, None, :] == 0, low, high)  # (8, M, 3)
    return distinct(_name(corners.reshape(-1, 3) + _SHIFT))


# -- node values ------------------------------------------------------------------------------------------------------


class Tiles:
    """Values of a field at the nodes of tiles.

    A tile owns the 4^3 nodes at its lower side. The rest of the 5^3 nodes of its voxels belong to its seven forward
    neighbours, which are stored as lenders when they are not tiles themselves. So each node is stored once, and asked
    at most once.
    """

    def __init__(self, field: Field, lattice: Lattice) -> None:
        self.lattice = lattice
        self.n_asked = 0
        self._field = field
        self._store(np.empty(0, np.int64))

    def _store(self, names: IntArray) -> None:
        self._names = names
        self._is_tile = np.zeros(len(names), bool)  # else a lender
        self._values = np.full((len(names), SIDE, SIDE, SIDE), np.nan, np.float32)  # NaN: not known
        self._asked = np.zeros((len(names), SIDE, SIDE, SIDE), bool)
        self._lenders = np.full((7, len(names)), -1)  # rows of the forward neighbours of each tile

    def add(self, names: IntArray) -> None:
        """Take in tiles, and ask for their nodes near the surface."""
        old_names, old_is_tile, old_values, old_asked = self._names, self._is_tile, self._values, self._asked
        tiles = distinct(np.concatenate([old_names[old_is_tile], names]))
        coords = _unname(tiles)
        neighbours = [_name(coords + offset) for offset in _FORWARD]
        self._store(distinct(np.concatenate([old_names, tiles, *neighbours])))
        kept = find(self._names, old_names)
        self._values[kept], self._asked[kept] = old_values, old_asked
        rows = find(self._names, tiles)
        self._is_tile[rows] = True
        for number, there in enumerate(neighbours):
            self._lenders[number, rows] = find(self._names, there)
        self._ask_near_surface(find(self._names, names))

    def rows(self) -> IntArray:
        """Rows of the tiles, close tiles together."""
        return np.flatnonzero(self._is_tile)

    def low(self, rows: IntArray) -> IntArray:
        """Lowest node of tiles: (N, 3)."""
        return (_unname(self._names[rows]) - _SHIFT) * SIDE

    def nodes(self, rows: IntArray) -> Float32Array:
        """Values at all nodes of tiles: (N, 5, 5, 5), NaN where not known."""
        nodes = np.empty((len(rows), SIDE + 1, SIDE + 1, SIDE + 1), self._values.dtype)
        nodes[:, :SIDE, :SIDE, :SIDE] = self._values[rows]
        for lender, offset in zip(self._lenders, _FORWARD, strict=True):
            there, own = _lent(offset)
            nodes[there] = self._values[lender[rows]][own]
        return nodes

    def follow_surface(self) -> None:
        """Ask for more nodes, and take in more tiles, until every voxel known to change sign is known altogether."""
        changed = np.ones(len(self._names), bool)
        while changed.any():
            wanted = np.zeros(self._asked.shape, bool)
            exits: list[IntArray] = []
            for rows in chunks(self._with_nodes_of(changed), BATCH):
                nodes = self.nodes(rows)
                negative, positive = nodes < 0, nodes >= 0
                crossing = any_corner(negative) & any_corner(positive) & any_corner(~(negative | positive))
                self._want(wanted, rows, _nodes_of(crossing))
                exits += self._exits(rows, negative, positive)
            changed = self._ask(wanted)
            names = distinct(np.concatenate(exits)) if exits else np.empty(0, np.int64)
            names = names[self.lattice.has_voxel((_unname(names) - _SHIFT) * SIDE, SIDE)]
            if len(names):
                self.add(names)
                changed = np.ones(len(self._names), bool)

    def _ask_near_surface(self, rows: IntArray) -> None:
        """Ask for every second node of tiles, then for the nodes of voxels that may hold the surface."""
        every_second = np.zeros((SIDE + 1,) * 3, bool)
        every_second[::2, ::2, ::2] = True
        wanted = np.zeros(self._asked.shape, bool)
        self._want(wanted, rows, np.broadcast_to(every_second, (len(rows), *every_second.shape)))
        # One voxel outside the region as well: the nodes at its rim need neighbours on both sides for a good guess.
        self._ask(wanted, beyond=1)
        slack = np.float32(_SLACK * self.lattice.voxel)
        wanted = np.zeros(self._asked.shape, bool)
        for batch in chunks(rows, BATCH):
            guess = _interpolated(self.nodes(batch)[:, ::2, ::2, ::2])
            # An unknown guess compares as False: such voxels are looked at.
            clear = (_extreme(np.minimum, guess) > slack) | (_extreme(np.maximum, guess) < -slack)
            self._want(wanted, batch, _nodes_of(~clear))
        self._ask(wanted)

    def _want(self, wanted: BoolArray, rows: IntArray, nodes: BoolArray) -> None:
        """Mark nodes (N, 5, 5, 5) of tiles with their owners."""
        wanted[rows] |= nodes[:, :SIDE, :SIDE, :SIDE]
        for lender, offset in zip(self._lenders, _FORWARD, strict=True):
            there, own = _lent(offset)
            # No two tiles borrow from the same neighbour in the same direction: no row is named twice.
            lent = wanted[lender[rows]]
            lent[own] |= nodes[there]
            wanted[lender[rows]] = lent

    def _ask(self, wanted: BoolArray, beyond: int = 0) -> BoolArray:
        """Ask for those wanted nodes that were not asked yet: the rows (bool) in which there were any in the region."""
        wanted &= ~self._asked
        self._asked |= wanted
        changed = np.zeros(len(self._names), bool)
        for number in chunks(np.flatnonzero(wanted)):
            row, local = number // SIDE**3, number % SIDE**3
            nodes = self.low(row) + _LOCAL[local]
            inside = self.lattice.has_node(nodes, beyond)
            points = self.lattice.position(nodes[inside])
            self._values.reshape(-1)[number[inside]] = self._field.distance(points)
            changed[row[inside]] = True
            self.n_asked += len(points)
        return changed

    def _with_nodes_of(self, changed: BoolArray) -> IntArray:
        """Rows of the tiles that own or borrow nodes of the rows marked."""
        rows = self.rows()
        touched = changed[rows]
        for lender in self._lenders:
            touched |= changed[lender[rows]]
        return rows[touched]

    def _exits(self, rows: IntArray, negative: BoolArray, positive: BoolArray) -> list[IntArray]:
        """Names of the neighbours, not tiles yet, into which the surface leaves tiles."""
        names = []
        for axis, end in itertools.product(range(3), (0, SIDE)):
            face = [slice(None)] * 4
            face[axis + 1] = slice(end, end + 1)
            leaves = negative[tuple(face)].any(axis=(1, 2, 3)) & positive[tuple(face)].any(axis=(1, 2, 3))
            coords = _unname(self._names[rows[leaves]])
            coords[:, axis] += 1 if end else -1
            there = _name(coords)
            found = find(self._names, there)
            names.append(there[(found < 0) | ~self._is_tile[found]])
        return names


def _lent(offset: NDArray[Any]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where the nodes lent by the neighbour at `offset` lie in a tile's 5^3 nodes, and in the neighbour's own 4^3."""
    there = tuple(slice(SIDE, SIDE + 1) if step else slice(0, SIDE) for step in offset)
    own = tuple(slice(0, 1) if step else slice(0, SIDE) for step in offset)
    return (slice(None), *there), (slice(None), *own)


def _extreme(choose: np.ufunc, nodes: NDArray[Any]) -> NDArray[Any]:
    """Minimum, maximum or any over the eight corners of each voxel: (N, n, n, n) to (N, n - 1, n - 1, n - 1)."""
    for axis in (1, 2, 3):
        last = nodes.shape[axis] - 1
        nodes = choose(nodes.take(range(last), axis), nodes.take(range(1, last + 1), axis))
    return nodes


def any_corner(nodes: BoolArray) -> BoolArray:
    return _extreme(np.logical_or, nodes)


def _nodes_of(voxels: BoolArray) -> BoolArray:
    """Corners of the voxels marked: (N, 4, 4, 4) to (N, 5, 5, 5)."""
    return any_corner(np.pad(voxels, ((0, 0), (1, 1), (1, 1), (1, 1))))


def _interpolated(nodes: Float32Array) -> Float32Array:
    """Linear interpolation at the nodes between: (N, n, n, n) to (N, 2 n - 1, 2 n - 1, 2 n - 1)."""
    for axis in (1, 2, 3):
        n = nodes.shape[axis]
        shape = list(nodes.shape)
        shape[axis] = 2 * n - 1
        finer = np.empty(shape, nodes.dtype)
        every = [slice(None)] * 4
        every[axis] = slice(0, None, 2)
        finer[tuple(every)] = nodes
        every[axis] = slice(1, None, 2)
        finer[tuple(every)] = (nodes.take(range(n - 1), axis) + nodes.take(range(1, n), axis)) / 2
        nodes = finer
    return nodes
