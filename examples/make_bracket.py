"""The mesh `bracket.ply`: a machined bearing bracket, planes and cylinders with sharp edges. Units: millimetres.

python examples/make_bracket.py [output.ply]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from implicit import polygonize, write_ply

N_FACES = 6_000
STEP = 0.6  # mm, grid step before decimation
AXLE = np.array([0.0, 46.0])  # (y, z) of the bore


def box(points: np.ndarray, lower: tuple[float, float, float], upper: tuple[float, float, float]) -> np.ndarray:
    return np.maximum(np.asarray(lower) - points, points - np.asarray(upper)).max(axis=1)


def disc(u: np.ndarray, v: np.ndarray, centre: tuple[float, float], radius: float) -> np.ndarray:
    return np.hypot(u - centre[0], v - centre[1]) - radius


def bracket(points: np.ndarray) -> np.ndarray:
    """Signed distance, nearly, to the bracket: (N, 3) mm -> (N,) mm, negative inside."""
    x, y, z = points.T
    corners = [(sx * 28.0, sy * 17.0) for sx in (-1, 1) for sy in (-1, 1)]

    plate = box(points, (-38, -26, 0), (38, 26, 9))
    plate = np.maximum(plate, np.abs(x) + np.abs(y) - 57)  # bevelled corners
    for corner in corners:  # counterbored screw holes
        plate = np.maximum(plate, -disc(x, y, corner, 3.3))
        plate = np.maximum(plate, -np.maximum(disc(x, y, corner, 6.0), 5.2 - z))
    plate = np.maximum(plate, -box(points, (-14, -30, -1), (14, 30, 2)))  # relief under the plate

    # the upright: sides tangent to the boss
    slope = np.array([AXLE[1] - 9.0, 22.0 - 16.0]) / np.hypot(AXLE[1] - 9.0, 22.0 - 16.0)
    flank = (np.abs(y) - 22.0) * slope[0] + (z - 9.0) * slope[1]
    web = np.maximum.reduce([flank, np.abs(x) - 6.0, 5.0 - z, z - AXLE[1]])
    gusset = np.maximum.reduce([np.abs(y) - 3.5, (np.abs(x) - 31.0) * 0.72 + (z - 9.0) * 0.69, 5.0 - z])
    boss = np.maximum(disc(y, z, tuple(AXLE), 16.0), np.abs(x) - 13.0)
    body = np.minimum.reduce([plate, web, gusset, boss])

    body = np.maximum(body, -disc(y, z, tuple(AXLE), 8.0))  # the bore, its two seats, a grease hole, a keyway
    body = np.maximum(body, -np.maximum(disc(y, z, tuple(AXLE), 11.0), 8.0 - np.abs(x)))
    body = np.maximum(body, -np.maximum(disc(x, y, (0.0, 0.0), 2.0), AXLE[1] - z))
    return np.maximum(body, -box(points, (-20, -1.8, AXLE[1] - 10.5), (20, 1.8, AXLE[1])))


def make() -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float64 in mm and faces (F, 3) int64."""
    return polygonize(bracket, (-41, -29, -3), (41, 29, 65), STEP, slack=2.0, n_faces=N_FACES)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("bracket.ply")
    write_ply(target, *make())
