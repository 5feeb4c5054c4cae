"""Regions: the cells of a regular grid that the surface meets, and samples in the coordinates of each.

A point x of a region with the middle m and the edge e is u = 2 (x - m) / e in its own coordinates, and distances are
counted in halves of an edge as well (the re-centring T of LP-DIF's Eq. 2). A region reaches a little over its faces,
into its neighbours, where fields are blended.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...formats.frame import Frame
from ..occupancy import Cells, find_cells
from ..sample import Samples
from ..target import Target

Float32Array = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

# How far samples of a region go over its faces, in edges: as far as its field is ever asked.
REACH = 0.125
_SEEN_BEYOND = 0.05  # for whether the surface meets a region, in edges
# Shares of positive distances between which a region meets the surface (section 3.2 of the paper).
POSITIVE_RATES = (0.01, 0.99)


@dataclass(frozen=True, eq=False)
class RegionSamples:
    """Samples of regions, as many of each.

    Attributes
    ----------
    rows : (R,) int64
        Which regions they are, ascending: those that have a sample.
    points : (R, S, 3) float32
        In the coordinates of the regions, up to 1 + 2 `REACH`.
    distances : (R, S) float32
        Signed, in the same units.
    source : (R, S) int64
        Which samples they are.
    """

    rows: IntArray
    points: Float32Array
    distances: Float32Array
    source: IntArray


def samples_of_regions(cells: Cells, depth: int, samples: Samples, n_each: int, reach: float = REACH) -> RegionSamples:
    """Samples in each region, in their order; those of a region that has too few are repeated.

    Parameters
    ----------
    cells : (R, 3) int32
        Sorted.
    depth : int
        Of the grid.
    samples : Samples
        In normalized units.
    n_each : int
        How many each region gets.
    reach : float
        How far over its faces, in edges.
    """
    half = np.float32(1.0 / (1 << depth))  # of a cell's edge
    scaled = (samples.points.astype(np.float64) + 1) / (2 * half)
    own = np.floor(scaled).astype(np.int64)
    regions, sources, places = [], [], []
    for step in itertools.product((-1, 0, 1), repeat=3):
        local = 2 * (scaled - (own + step)) - 1
        near = np.flatnonzero((np.abs(local) <= 1 + 2 * reach).all(1))
        found = find_cells(cells, own[near] + step)
        near, found = near[found >= 0], found[found >= 0]
        regions.append(found)
        sources.append(near)
        places.append(local[near].astype(np.float32))
    region, source, place = np.concatenate(regions), np.concatenate(sources), np.concatenate(places)
    order = np.lexsort((source, region))
    rows, starts, counts = np.unique(region[order], return_index=True, return_counts=True)
    chosen = order[starts[:, None] + np.arange(n_each) % counts[:, None]]  # (R, S)
    return RegionSamples(rows, place[chosen], samples.distances[source[chosen]] / half, source[chosen])


def on_surface(samples: RegionSamples) -> npt.NDArray[np.bool_]:
    """(R,) whether a region has both signs: not nearly all of its samples are on one side (section 3.2).

    Samples a little beyond its faces count as well: of a surface that lies in a face both regions would be lost.
    """
    within = (np.abs(samples.points) <= 1 + 2 * _SEEN_BEYOND).all(2)
    positive = (samples.distances > 0) & within
    rates = positive.sum(1) / np.maximum(within.sum(1), 1)
    return (rates >= POSITIVE_RATES[0]) & (rates <= POSITIVE_RATES[1])


def arrays_of_regions(target: Target, frame: Frame, depth: int, n_each: int) -> tuple[Cells, dict[str, Float32Array]]:
    """The regions that a surface divides in two, and what training knows of each.

    Parameters
    ----------
    target : Target
    frame : Frame
    depth : int
        Of the grid of the regions.
    n_each : int
        Samples of a region, S.

    Returns
    -------
    cells : (R, 3) int32
        The regions, sorted.
    arrays : dict
        points, (R, S, 3), in the coordinates of the regions; distances, (R, S); directions, (R, S, 3): gradients of
        the signed distance.
    """
    cells = target.cells(frame, depth)
    samples = target.samples(frame, cells, depth, n_each * len(cells))
    found = samples_of_regions(cells, depth, samples, n_each)
    rows = np.flatnonzero(on_surface(found))
    source = found.source[rows]
    positions = target.to_home(samples.points[source.ravel()].astype(np.float64), frame)
    signed, _, near = target.oracle.signed_with_closest(positions)
    directions = (positions - near) * np.sign(signed)[:, None]
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-12)
    arrays = {
        "points": found.points[rows],
        "distances": found.distances[rows],
        "directions": directions.reshape(*source.shape, 3).astype(np.float32),
    }
    return cells[found.rows[rows]], arrays


def planes_of(points: Float32Array, distances: Float32Array) -> Float32Array:
    """(R, 4) gradient and value at the middle of the linear functions that fit the distances in regions best.

    Parameters
    ----------
    points : (R, S, 3) float32
        In the coordinates of the regions.
    distances : (R, S) float32
    """
    ones = np.ones_like(points[..., :1])
    matrices = np.concatenate([points, ones], 2).astype(np.float64)
    squares = np.einsum("rsi,rsj->rij", matrices, matrices) + 1e-3 * np.eye(4)
    return np.linalg.solve(squares, np.einsum("rsi,rs->ri", matrices, distances)[..., None])[..., 0].astype(np.float32)
