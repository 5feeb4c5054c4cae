"""Truncated signed distances on a regular grid through LZMA: the floor that every field codec has to beat."""

from __future__ import annotations

import lzma
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from .contract import FloatArray, IntArray, Mesh, RatePoint
from .packages import version_of

_RESOLUTIONS = (32, 48, 64, 96, 128, 192)
_BITS = (4, 6, 8)
_QUICK = ((32, 6), (64, 6), (128, 6))
# Nodes along each axis, bits, position of the first node, distance between nodes.
_HEADER = struct.Struct("<3HB4d")
# One voxel: at the ends of an edge that the surface crosses the distance is never more, so the clipping costs nothing.
_BAND = 1.0
_BLOCK = 8
# No alignment to exploit (pb), and the byte before says more than usual (lc).
_FILTERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "lp": 0, "pb": 0}]


@dataclass(frozen=True, eq=False)
class DistanceGrid:
    """Signed distances at the nodes of a regular grid.

    Attributes
    ----------
    values : (X, Y, Z) float32
        In voxels, negative inside, clipped to -1..1.
    origin : (3,) float64
        Position of the first node.
    spacing : float
        Distance between nodes.
    """

    values: NDArray[np.float32]
    origin: FloatArray
    spacing: float


class SdfGrid:
    """A distance field without any model of what surfaces look like."""

    name = "sdf-grid"
    title = "SDF grid + LZMA"
    how = (
        "Signed distances at 32 to 192 nodes a side, clipped to a voxel, 4 to 8 bits, xz -9e; marching cubes decode it."
    )
    caveat = "The simplest thing that can be done; nobody tuned it."

    def version(self) -> str:
        from skimage import measure  # noqa: F401

        from ...codec import distance  # noqa: F401

        return version_of("scikit-image")

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        chosen = _QUICK if quick else tuple(product(_RESOLUTIONS, _BITS))
        return [RatePoint(f"r{r}b{b}", f"r{r}", {"resolution": r, "bits": b}) for r, b in chosen]

    def prepare(self, mesh: Mesh, group: str) -> DistanceGrid:
        return _sampled(mesh, int(group[1:]))

    def encode(self, prepared: DistanceGrid, point: RatePoint) -> bytes:
        bits = point.settings["bits"]
        top = (1 << bits) - 1
        symbols = np.rint((prepared.values + 1) * (top / 2)).astype(np.uint8)
        header = _HEADER.pack(*symbols.shape, bits, *prepared.origin, prepared.spacing)
        return header + lzma.compress(symbols.tobytes(), lzma.FORMAT_RAW, filters=_FILTERS)

    def decode(self, data: bytes) -> Mesh:
        *shape, bits, x, y, z, spacing = _HEADER.unpack_from(data)
        coded = lzma.decompress(data[_HEADER.size :], lzma.FORMAT_RAW, filters=_FILTERS)
        symbols = np.frombuffer(coded, np.uint8).reshape(shape)
        values = symbols * np.float32(2 / ((1 << bits) - 1)) - 1
        return _meshed(DistanceGrid(values, np.array([x, y, z]), spacing))


def _sampled(mesh: Mesh, resolution: int) -> DistanceGrid:
    """The field of a mesh, `resolution` voxels along its longest side.

    Distances are asked only in blocks of nodes that the band can reach; the rest takes the sign of the block's middle.
    """
    from ...codec.distance import DistanceOracle

    oracle = DistanceOracle(mesh.vertices, mesh.faces)
    used = mesh.vertices[np.unique(mesh.faces)]
    lower, extent = used.min(axis=0), np.ptp(used, axis=0)
    spacing = float(extent.max()) / resolution
    origin = lower - 1.5 * spacing
    blocks = np.ceil((np.ceil(extent / spacing) + 4) / _BLOCK).astype(np.int64)
    corners = _BLOCK * _lattice(blocks)  # (B, 3)
    middles = oracle.signed(origin + spacing * (corners + (_BLOCK - 1) / 2))
    values = np.repeat(np.sign(middles)[:, None], _BLOCK**3, axis=1).astype(np.float32)  # (B, nodes)
    reach = spacing * (_BAND + 3**0.5 * (_BLOCK - 1) / 2)
    near = np.flatnonzero(np.abs(middles) <= reach)
    nodes = corners[near, None] + _lattice(np.full(3, _BLOCK))  # (N, nodes, 3)
    distance = oracle.signed(origin + spacing * nodes.reshape(-1, 3)) / spacing
    values[near] = np.clip(distance, -_BAND, _BAND).reshape(len(near), -1)
    grid = values.reshape(*blocks, _BLOCK, _BLOCK, _BLOCK).transpose(0, 3, 1, 4, 2, 5)
    return DistanceGrid(grid.reshape(*(_BLOCK * blocks)), origin, spacing)


def _lattice(counts: IntArray) -> IntArray:
    """All integer points below `counts` (3,): (product, 3), the last axis fastest."""
    return np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)


def _meshed(grid: DistanceGrid) -> Mesh:
    """Marching cubes, but no faces where the sign of an open shape's field flips away from its surface."""
    from skimage.measure import marching_cubes

    # Such a flip goes from one clipped value to the other; where the surface passes a node is within half a voxel.
    inner = np.abs(grid.values) < 1 - 1e-6
    if not inner.any():
        return Mesh(np.zeros((0, 3)), np.zeros((0, 3), np.int64))
    vertices, faces, _, _ = marching_cubes(grid.values, 0.0, gradient_direction="descent")
    corner = np.floor(vertices[faces].mean(axis=1)).astype(np.int64)  # the cell a face lies in
    beside = np.zeros(len(faces), bool)
    for offset in np.ndindex(2, 2, 2):
        beside |= inner[tuple((corner + offset).T)]
    return Mesh(grid.origin + grid.spacing * vertices.astype(np.float64), faces[beside].astype(np.int64))
