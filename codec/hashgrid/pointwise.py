"""The field on a CPU, point by point: all levels and the network in one compiled pass, gradients with it.

That takes less than half the time of tensors, which are written and read again, eight corners a level and point. The
same numbers but for the order of sums.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from ..compiled import njit
from ..threads import in_parallel
from .encoding import PRIMES, HashGrid

Floats = npt.NDArray[np.float32]

_CHUNK = 1 << 14  # points
_SECOND_PRIME, _THIRD_PRIME = PRIMES[1:]


@dataclass(frozen=True, eq=False)
class PointwiseField:
    """What the pass needs to know.

    Parameters
    ----------
    grid : HashGrid
    depth : int
        Of the cells.
    tables : (P, F) float32
        Entries of all levels' tables, as the network sees them.
    first : (W, L F + M + 1) float32
        First layer: columns for features, M cosines of the position within a cell, and a constant 1.
    second : (1, W) float32
    unit : float
        Length that an answer of 1 stands for.
    """

    grid: HashGrid
    depth: int
    tables: Floats
    first: Floats
    second: Floats
    unit: float

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) float32 points on the CPU, differentiable with respect to them."""
        found: torch.Tensor = _Evaluate.apply(points, self)
        return found

    def values(self, points: Floats, *, with_gradients: bool) -> tuple[Floats, Floats]:
        """Signed distances (N,) and their gradients (N, 3), which are empty where they are not asked for."""
        levels = np.array([self.grid.resolutions, self.grid.sizes, self.grid.offsets[:-1]], np.int64).T
        network = (np.ascontiguousarray(self.first.T), self.second[0])

        def some(start: int) -> tuple[Floats, Floats]:
            part = np.ascontiguousarray(points[start : start + _CHUNK])
            values = np.empty(len(part), np.float32)
            gradients = np.empty((len(part) if with_gradients else 0, 3), np.float32)
            n_cells = 1 << self.depth
            _values_at(part, n_cells, levels, self.grid.smooth, self.tables, *network, self.unit, values, gradients)
            return values, gradients

        parts = in_parallel(some, range(0, max(len(points), 1), _CHUNK))
        return np.concatenate([values for values, _ in parts]), np.concatenate([gradient for _, gradient in parts])


class _Evaluate(torch.autograd.Function):
    @staticmethod
    def forward(ctx, points, field):  # type: ignore[no-untyped-def]
        values, gradients = field.values(points.detach().numpy(), with_gradients=ctx.needs_input_grad[0])
        ctx.gradients = torch.from_numpy(gradients)
        return torch.from_numpy(values)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return gradient[:, None] * ctx.gradients, None


@njit(cache=True, nogil=True)
def _values_at(
    points: Floats, n_cells: int, levels: npt.NDArray[np.int64], smooth: bool, tables: Floats, first: Floats,
    second: Floats, unit: float, values: Floats, gradients: Floats,
) -> None:  # fmt: skip
    """Fill values (N,) and, where there is room for them, gradients (N, 3); `levels` has a row of resolution, size and
    first entry for each level."""
    n_levels, n_features = len(levels), tables.shape[1]
    n_inputs, width = first.shape
    n_local = n_inputs - 1 - n_levels * n_features
    to_unit, wave = n_cells / 2.0 / (n_cells - 1), np.pi * n_cells
    inputs, slopes = np.ones(n_inputs, np.float32), np.zeros((n_inputs, 3), np.float32)
    hidden = np.zeros(width, np.float32)
    low, shares = np.zeros(3, np.int64), np.zeros((2, 3, 2))
    for n in range(len(points)):
        inputs[: n_levels * n_features] = 0
        slopes[: n_levels * n_features] = 0
        for level in range(n_levels):
            i = level * n_features
            _place(points[n], n_cells, levels[level, 0], smooth, low, shares)
            _add_features(levels[level], low, shares, tables, inputs[i:], slopes[i:])
        for axis in range(n_local):
            i = n_levels * n_features + axis
            phase = wave * (points[n, axis] + 1.0)
            inputs[i], slopes[i, axis] = np.cos(phase), -wave * np.sin(phase) / to_unit
        hidden[:] = 0
        for i in range(n_inputs):
            for j in range(width):
                hidden[j] += inputs[i] * first[i, j]
        answer = np.float32(0)
        for j in range(width):
            answer += max(hidden[j], np.float32(0)) * second[j]
        values[n] = answer * unit
        if len(gradients):
            gradients[n] = 0
            for i in range(n_inputs - 1):
                back = np.float32(0)
                for j in range(width):
                    if hidden[j] > 0:
                        back += first[i, j] * second[j]
                for axis in range(3):
                    gradients[n, axis] += back * slopes[i, axis]
            for axis in range(3):
                gradients[n, axis] *= unit * to_unit


@njit(cache=True, nogil=True)
def _place(
    point: Floats, n_cells: int, resolution: int, smooth: bool, low: npt.NDArray[np.int64],
    shares: npt.NDArray[np.float64],
) -> None:  # fmt: skip
    """Fill the lowest node around a point, and of the nodes on each axis the shares and their slopes (2, 3, 2)."""
    for axis in range(3):
        position = ((point[axis] + 1.0) * (n_cells / 2.0) - 0.5) / (n_cells - 1) * (resolution - 1) + 0.5
        low[axis] = int(np.floor(position))
        t = position - low[axis]
        slope = (6 * t * (1 - t) if smooth else 1.0) * (resolution - 1)
        if smooth:
            t = t * t * (3 - 2 * t)
        shares[0, axis, 0], shares[0, axis, 1] = 1 - t, t
        shares[1, axis, 0], shares[1, axis, 1] = -slope, slope


@njit(cache=True, nogil=True)
def _add_features(
    level: npt.NDArray[np.int64], low: npt.NDArray[np.int64], shares: npt.NDArray[np.float64], tables: Floats,
    features: Floats, slopes: Floats,
) -> None:  # fmt: skip
    """Add a level's features at a point, and their slopes (F, 3) in the cube of the hash grid."""
    resolution, size, start = level
    is_hashed = size < resolution**3
    for corner in range(8):
        a, b, c = corner >> 2, corner >> 1 & 1, corner & 1
        x, y, z = low[0] + a, low[1] + b, low[2] + c
        if is_hashed:
            entry = (x ^ y * _SECOND_PRIME ^ z * _THIRD_PRIME) & (size - 1)  # a power of two, of at most 32 bits
        else:
            entry = x + resolution * (y + resolution * z)
            if not 0 <= entry < size:
                entry %= size
        u, v, w = shares[0, 0, a], shares[0, 1, b], shares[0, 2, c]
        by_x, by_y, by_z = shares[1, 0, a] * v * w, u * shares[1, 1, b] * w, u * v * shares[1, 2, c]
        for f in range(tables.shape[1]):
            value = tables[start + entry, f]
            features[f] += u * v * w * value
            slopes[f, 0] += by_x * value
            slopes[f, 1] += by_y * value
            slopes[f, 2] += by_z * value
