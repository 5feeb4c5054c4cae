"""Geometry in integers, the same on every machine: lengths, angles and frames of lattice points.

Coordinates are below 2^26 in size (`MOST`), so that squared distances of points and of predictions made from them, and
sixteen times these, fit 63 bits.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..bits import bit_length
from ..compiled import njit

IntArray = NDArray[np.int64]

# Part of the format, never change.
MOST = 1 << 26  # coordinates are smaller in size
FRAME_BITS = 14  # of a frame's components after the point
TURN = 256  # angles are in 1 / TURN of a turn
_COSINES = 1024
_UNKNOWN_ANGLE = 43  # a sixth of a turn, for corners without an angle


def _angles() -> IntArray:
    """The angle whose cosine c has sign(c) c^2 = (k - 1024) / 1024, at index k."""
    signed = np.arange(-_COSINES, _COSINES + 1) / _COSINES
    # None of them lies within 7e-5 of a half before rounding, so every arccos gives these integers.
    return np.round(np.arccos(np.sign(signed) * np.sqrt(np.abs(signed))) * TURN / (2 * np.pi)).astype(np.int64)


_ANGLES = _angles()


@njit(cache=True)
def square_root(number: int) -> int:
    """The largest integer whose square is at most `number`; 0 for what is negative."""
    if number <= 0:
        return np.int64(0)
    root = np.int64(1) << ((bit_length(number) + 1) // 2)
    while True:
        closer = (root + number // root) >> 1
        if closer >= root:
            return root
        root = closer


@njit(cache=True)
def squared_distance(points: IntArray, first: int, x: int, y: int, z: int) -> int:
    """From a row of `points` to a place."""
    dx, dy, dz = points[first, 0] - x, points[first, 1] - y, points[first, 2] - z
    return dx * dx + dy * dy + dz * dz


@njit(cache=True)
def angle(points: IntArray, corner: int, first: int, second: int) -> int:
    """The angle at a row of `points` between the directions to two others, 0 to TURN / 2."""
    ux, uy, uz = _short(points, corner, first)
    vx, vy, vz = _short(points, corner, second)
    dot = ux * vx + uy * vy + uz * vz
    lengths = (ux * ux + uy * uy + uz * uz) * (vx * vx + vy * vy + vz * vz)
    if lengths == 0:
        return _UNKNOWN_ANGLE
    square = min(dot * dot * 256 // lengths * 4, _COSINES)
    return _ANGLES[_COSINES + square] if dot >= 0 else _ANGLES[_COSINES - square]


@njit(cache=True)
def _short(points: IntArray, start: int, end: int) -> tuple[int, int, int]:
    """The vector between two rows, halved until it is shorter than 2^12 along each axis."""
    x, y, z = points[end, 0] - points[start, 0], points[end, 1] - points[start, 1], points[end, 2] - points[start, 2]
    shift = max(bit_length(max(abs(x), abs(y), abs(z))) - 12, 0)
    return x >> shift, y >> shift, z >> shift


@njit(cache=True)
def set_frame(frame: IntArray, points: IntArray, a: int, b: int, c: int) -> None:
    """Unit vectors of the triangle a, b, c: from a to b, across that away from c, and the normal (b - a) x (c - a).

    Parameters
    ----------
    frame : (3, 3) int64
        Set; a row a vector, in 2^-14. The axes of space where the triangle has no area.
    points : (V, 3) int64
    a, b, c : int
        Rows of `points`.
    """
    ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
    shift = max(bit_length(max(abs(ux), abs(uy), abs(uz), abs(vx), abs(vy), abs(vz))) - FRAME_BITS, 0)
    ux, uy, uz, vx, vy, vz = ux >> shift, uy >> shift, uz >> shift, vx >> shift, vy >> shift, vz >> shift
    nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
    shift = max(bit_length(max(abs(nx), abs(ny), abs(nz))) - 26, 0)
    nx, ny, nz = nx >> shift, ny >> shift, nz >> shift
    along = square_root((ux * ux + uy * uy + uz * uz) << 16)
    normal = square_root(nx * nx + ny * ny + nz * nz)
    if along == 0 or normal < 16:
        for i in range(3):
            for j in range(3):
                frame[i, j] = (1 << FRAME_BITS) if i == j else 0
        return
    frame[0, 0], frame[0, 1], frame[0, 2] = (ux << 22) // along, (uy << 22) // along, (uz << 22) // along
    frame[2, 0], frame[2, 1], frame[2, 2] = (nx << 14) // normal, (ny << 14) // normal, (nz << 14) // normal
    frame[1, 0] = (frame[0, 1] * frame[2, 2] - frame[0, 2] * frame[2, 1]) >> FRAME_BITS
    frame[1, 1] = (frame[0, 2] * frame[2, 0] - frame[0, 0] * frame[2, 2]) >> FRAME_BITS
    frame[1, 2] = (frame[0, 0] * frame[2, 1] - frame[0, 1] * frame[2, 0]) >> FRAME_BITS
