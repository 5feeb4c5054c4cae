"""Where a field is defined: occupied cells of a grid, and the lattice of nodes that a mesher lays over them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Float32Array = NDArray[np.float32]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Occupancy is looked up in a dense grid up to this depth.
_DENSE_DEPTH = 8


@dataclass(frozen=True, eq=False)
class Region:
    """Occupied cells of a regular grid over [-1, 1]^3.

    Attributes
    ----------
    depth : int
        The grid has 2**depth cells along each axis.
    coords : (M, 3) int32
        Cell coordinates along x, y, z, each in [0, 2**depth), no cell twice.

    Raises
    ------
    ValueError
        Wrong shape, or a coordinate outside the grid.
    """

    depth: int
    coords: NDArray[np.int32]

    def __post_init__(self) -> None:
        if self.coords.ndim != 2 or self.coords.shape[1] != 3:
            raise ValueError(f"coords have shape {self.coords.shape}, not (M, 3)")
        if len(self.coords) and (self.coords.min() < 0 or self.coords.max() >= 1 << self.depth):
            raise ValueError(f"cells {self.coords.min()} to {self.coords.max()} in a grid of {1 << self.depth}")

    @property
    def cell_size(self) -> float:
        """Edge of a cell, normalized units."""
        return 2.0 / (1 << self.depth)


class Field(Protocol):
    """A signed distance field, negative inside, in normalized units.

    Both functions are asked at points in the occupied cells and up to the mesher's margin and one voxel beyond them,
    where they answer by extrapolation, or with NaN where they cannot. Consecutive points are mostly in the same cell.
    """

    @property
    def region(self) -> Region:
        """Where the field is defined."""

    def distance(self, points: Float32Array) -> Float32Array:
        """Signed distances (N,) float32 at (N, 3) float32 points."""

    def distance_and_gradient(self, points: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Signed distances (N,) and their gradients (N, 3), float32."""


class Lattice:
    """Integer coordinates: node (i, j, k) lies at -1 + voxel * (i, j, k); the voxel of that name is above it."""

    def __init__(self, region: Region, resolution: int, margin: float) -> None:
        self.depth = region.depth
        self.cells = region.coords.astype(np.int64)
        self.voxels_per_cell = max(1, round(resolution / (1 << region.depth)))
        self.voxel = region.cell_size / self.voxels_per_cell
        self.margin = int(np.ceil(margin * self.voxels_per_cell - 1e-9))
        if not 0 <= self.margin <= self.voxels_per_cell:
            raise ValueError(f"margin is {margin} cells, not in [0, 1]")
        self._occupied = _Occupied(region)

    def position(self, nodes: IntArray) -> Float32Array:
        return (nodes * self.voxel - 1.0).astype(np.float32)

    def has_node(self, nodes: IntArray, beyond: int = 0) -> BoolArray:
        """Whether nodes lie in the closed region, occupied cells and margin, or at most `beyond` voxels outside."""
        reach = self.margin + beyond
        return self._near(nodes - reach - 1, nodes + reach)

    def has_voxel(self, voxels: IntArray, side: int = 1) -> BoolArray:
        """Whether blocks of side^3 voxels have at least one in the region."""
        return self._near(voxels - self.margin, voxels + (side - 1 + self.margin))

    def _near(self, low: IntArray, high: IntArray) -> BoolArray:
        """Whether any cell that meets the voxels low to high (inclusive) is occupied."""
        low, high = low // self.voxels_per_cell, high // self.voxels_per_cell
        found = self._occupied((low + high) // 2)  # nearly always the answer
        rows = np.flatnonzero(~found)
        low, high = low[rows], high[rows]
        spans = (high - low).max(axis=0, initial=0) + 1
        for offset in itertools.product(*(range(span) for span in spans)):
            found[rows] |= self._occupied(np.minimum(low + np.array(offset), high))
        return found


class _Occupied:
    """Look-up of cells: (N, 3) coordinates, also outside the grid, to (N,) bool."""

    def __init__(self, region: Region) -> None:
        self._side = (1 << region.depth) + 2  # one empty cell all around
        keys = self._key(region.coords.astype(np.int64))
        self._dense = np.zeros(self._side**3, bool) if region.depth <= _DENSE_DEPTH else None
        self._keys = np.sort(keys)
        if self._dense is not None:
            self._dense[keys] = True

    def __call__(self, cells: IntArray) -> BoolArray:
        keys = self._key(cells)
        if self._dense is not None:
            return self._dense[keys]
        return find(self._keys, keys) >= 0

    def _key(self, cells: IntArray) -> IntArray:
        padded = np.clip(cells + 1, 0, self._side - 1)
        return (padded[:, 0] * self._side + padded[:, 1]) * self._side + padded[:, 2]


def distinct(keys: IntArray) -> IntArray:
    """Sorted keys without repeats; faster than numpy's unique here."""
    keys = np.sort(keys)
    return keys[np.append(True, keys[1:] != keys[:-1])] if len(keys) else keys


def find(sorted_keys: IntArray, keys: IntArray) -> IntArray:
    """Positions of keys among distinct sorted keys, -1 where missing."""
    if not len(sorted_keys):
        return np.full(len(keys), -1)
    found = np.minimum(np.searchsorted(sorted_keys, keys), len(sorted_keys) - 1)
    return np.where(sorted_keys[found] == keys, found, -1)
