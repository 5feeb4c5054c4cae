"""Triangles of the zero level set of a field that is defined on occupied cells only.

    occupied cells -> tiles of 4^3 voxels --probe--> tiles the surface may cross --march--> triangles --project--> mesh

The field is asked only near the surface. One value at the middle of a tile rules most tiles out (a signed distance
cannot change faster than the Lipschitz bound); in the others every second lattice node is asked, and of the rest
those that belong to a voxel where the interpolated values come close to zero. Where the surface turns out to leave
the voxels known so far, the search follows it, so a bad guess costs time and never a hole.

The mesh ends where the region ends: `margin` beyond the occupied cells, so that a surface that only grazed a cell
before coding, and lies just outside it now, is not lost; no further, so that open surfaces stay open.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from skimage.measure import marching_cubes

from .region import BoolArray, Field, Float32Array, IntArray, Lattice, Region
from .tiles import BATCH, SIDE, Tiles, any_corner, candidates, chunks, name_of_node

__all__ = ["Field", "Progress", "Region", "extract"]

logger = logging.getLogger(__name__)

FloatArray = NDArray[np.float64]
Progress = Callable[[str, int, int], None]

# Node values are kept this far from zero, in voxels, so that no two vertices of a triangle coincide.
LEAST_VALUE = 0.004
# Vertices move at most this far when projected, in voxels.
LONGEST_STEP = 0.5


def extract(
    field: Field,
    resolution: int = 256,
    *,
    project: bool = True,
    margin: float = 0.25,
    progress: Progress | None = None,
) -> tuple[FloatArray, IntArray]:
    """Mesh of a field's zero level set, within its occupied cells.

    Parameters
    ----------
    field : Field
    resolution : int
        Voxels along the edge of [-1, 1]^3; rounded to a whole number (at least 1) of voxels for each cell.
    project : bool
        Move the vertices onto the zero set along the field's gradient.
    margin : float
        How far the mesh may reach beyond the occupied cells, in cells, 0 to 1; rounded up to whole voxels.
    progress : callable, optional
        Called with ("mesh", steps done, steps in all).

    Returns
    -------
    vertices : (V, 3) float64
        Normalized units. (0, 3) where the field has no zero crossing.
    faces : (F, 3) int64
        Counter-clockwise seen from outside. Edges have two faces each, but for those on the rim of the region.
    """
    if resolution < 1:
        raise ValueError(f"resolution is {resolution}, not at least 1")
    report = progress or (lambda stage, done, total: None)
    lattice = Lattice(field.region, resolution, margin)
    report("mesh", 0, 4)
    tiles = Tiles(field, lattice)
    tiles.add(candidates(field, lattice))
    report("mesh", 1, 4)
    tiles.follow_surface()
    report("mesh", 2, 4)
    vertices, faces = _march(tiles)
    report("mesh", 3, 4)
    if project and len(faces):
        vertices = _project(field, vertices, faces, lattice.voxel)
    report("mesh", 4, 4)
    logger.debug("%d field values, %d vertices, %d faces", tiles.n_asked, len(vertices), len(faces))
    return vertices, faces


# -- triangles --------------------------------------------------------------------------------------------------------


def _march(tiles: Tiles) -> tuple[FloatArray, IntArray]:
    """Triangles of the voxels in the region, vertices of neighbouring tiles welded."""
    keys, positions, faces = [np.empty(0, np.int64)], [np.empty((0, 3))], [np.empty((0, 3), np.int64)]
    n_vertices = 0
    for rows in chunks(tiles.rows(), BATCH):
        nodes, low = tiles.nodes(rows), tiles.low(rows)
        active = _active(tiles.lattice, nodes, low)
        some = np.flatnonzero(active.any(axis=(1, 2, 3)))
        if not len(some):
            continue
        # In voxels, and not too near zero: a vertex stays off the nodes, where those of several edges would coincide.
        values = np.nan_to_num(nodes[some] / np.float32(tiles.lattice.voxel), nan=1.0)
        values = np.where(values < 0, np.minimum(values, -LEAST_VALUE), np.maximum(values, LEAST_VALUE))
        tile, local, triangles = _march_batch(values.astype(np.float32), active[some])
        key, position = _on_edges(values, low[some], tile, local)
        key[key < 0] -= n_vertices  # free vertices stay distinct
        keys.append(key)
        positions.append(position)
        faces.append(triangles + n_vertices)
        n_vertices += len(key)
    _, first, number = np.unique(np.concatenate(keys), return_index=True, return_inverse=True)
    vertices = np.concatenate(positions)[first] * tiles.lattice.voxel - 1.0
    triangles = number[np.concatenate(faces)]
    # A triangle with a repeated vertex has no area, and its other two edges are one: dropping it opens nothing.
    proper = (triangles != np.roll(triangles, 1, axis=1)).all(axis=1)
    return vertices, triangles[proper]


def _active(lattice: Lattice, nodes: Float32Array, low: IntArray) -> BoolArray:
    """Voxels (N, 4, 4, 4) of tiles that have all values, both signs, and lie in the region."""
    negative = nodes < 0
    active = any_corner(negative) & any_corner(~negative) & ~any_corner(np.isnan(nodes))
    tile, x, y, z = np.nonzero(active)
    active[tile, x, y, z] = lattice.has_voxel(low[tile] + np.stack([x, y, z], axis=1))
    return active


def _march_batch(values: Float32Array, active: BoolArray) -> tuple[IntArray, FloatArray, IntArray]:
    """Marching cubes over separate tiles: the tile (V,) and position in the tile (V, 3) of each vertex, and faces (F,
    3).

    The tiles are laid out as blocks of 5^3 nodes in one volume; a mask leaves out the voxels between the blocks.
    """
    block = SIDE + 1
    side = int(np.ceil(len(values) ** (1 / 3) - 1e-9))
    layers = -(-len(values) // side**2)
    volume = np.ones((layers * side**2, block, block, block), np.float32)
    mask = np.zeros(volume.shape, bool)
    volume[: len(values)] = values
    mask[: len(values), 1:, 1:, 1:] = active  # scikit-image marches a voxel when the mask is set at its upper corner
    whole = (layers * block, side * block, side * block)

    def laid_out(blocks: NDArray[Any]) -> NDArray[Any]:
        return blocks.reshape(layers, side, side, block, block, block).transpose(0, 3, 1, 4, 2, 5).reshape(whole)

    position, faces, _, _ = marching_cubes(laid_out(volume), 0.0, mask=laid_out(mask))
    where = np.floor(position / block).astype(np.int64)
    tile = (where[:, 0] * side + where[:, 1]) * side + where[:, 2]
    return tile, position.astype(np.float64) - where * block, faces.astype(np.int64)


def _on_edges(values: Float32Array, low: IntArray, tile: IntArray, local: FloatArray) -> tuple[IntArray, FloatArray]:
    """A key for each vertex, the same for the same lattice edge in any tile, and its position in voxels.

    Vertices inside a voxel, which marching cubes adds in some ambiguous cases, get distinct negative keys.
    """
    start = np.floor(local).astype(np.int64)
    fraction = local - start
    axis = fraction.argmax(axis=1)
    node = low[tile] + start
    # Positions come from the values again, in double precision: the same in each tile that has the edge.
    step = np.eye(3, dtype=np.int64)[axis]
    end = np.minimum(start + step, SIDE)
    first = values[tile, start[:, 0], start[:, 1], start[:, 2]].astype(np.float64)
    second = values[tile, end[:, 0], end[:, 1], end[:, 2]].astype(np.float64)
    free = np.count_nonzero(fraction, axis=1) > 1
    ratio = np.where(free, 0.0, first) / np.where(free, 1.0, first - second)
    position = np.where(free[:, None], low[tile] + local, node + ratio[:, None] * step)
    key = (name_of_node(node) << 2) | axis
    key[free] = -1 - np.flatnonzero(free)
    return key, position


# -- projection -------------------------------------------------------------------------------------------------------


def _project(field: Field, vertices: FloatArray, faces: IntArray, voxel: float) -> FloatArray:
    """Vertices moved onto the zero set, where that turns no triangle over: Newton steps v - f g / |g|^2."""
    first_step, before = _newton(field, vertices)
    moved = vertices + _clamped(first_step, LONGEST_STEP * voxel)
    # One step is enough where it was short; the others get a second, and only if the first one helped.
    far = np.flatnonzero(np.linalg.norm(first_step, axis=1) > 0.1 * voxel)
    if len(far):
        second_step, after = _newton(field, moved[far])
        total = _clamped(moved[far] + second_step - vertices[far], LONGEST_STEP * voxel)
        helped = np.abs(after) < np.abs(before[far])
        moved[far] = np.where(helped[:, None], vertices[far] + total, vertices[far])
    for _ in range(8):
        turned = _turned(vertices, moved, faces, voxel)
        if not turned.any():
            return moved
        back = np.unique(faces[turned])
        moved[back] = vertices[back]
    return vertices


def _newton(field: Field, vertices: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Newton steps (V, 3) towards the zero set, zero where the gradient is of no use, and the field's values (V,)."""
    steps, values = np.zeros(vertices.shape), np.zeros(len(vertices))
    for rows in chunks(np.arange(len(vertices))):
        points = vertices[rows].astype(np.float32)
        value, gradient = field.distance_and_gradient(points)
        square = np.einsum("vx,vx->v", gradient, gradient, dtype=np.float64)
        usable = (square > 1e-2) & np.isfinite(value) & np.isfinite(square)
        scale = np.where(usable, value, 0.0) / np.where(usable, square, 1.0)
        steps[rows] = np.where(usable[:, None], -scale[:, None] * gradient, 0.0)
        values[rows] = value
    return steps, values


def _clamped(steps: FloatArray, longest: float) -> FloatArray:
    length = np.linalg.norm(steps, axis=1)
    return steps * (longest / np.maximum(length, longest))[:, None]


def _turned(before: FloatArray, after: FloatArray, faces: IntArray, voxel: float) -> BoolArray:
    """Triangles whose normal turned by more than a right angle, or that lost their area."""
    turned = np.empty(len(faces), bool)
    for rows in chunks(np.arange(len(faces))):
        old, new = _normals(before[faces[rows]]), _normals(after[faces[rows]])
        lost = np.einsum("fx,fx->f", new, new) <= (1e-9 * voxel * voxel) ** 2
        turned[rows] = lost | (np.einsum("fx,fx->f", old, new) <= 0)
    return turned


def _normals(corners: FloatArray) -> FloatArray:
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
