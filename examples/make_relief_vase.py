"""The mesh `relief_vase.ply`: an amphora with two scrolled handles, turned, fluted and carved. Units: millimetres.

    python examples/make_relief_vase.py [output.ply]

Everything is one implicit function: a turned body (a closed profile in the half plane of radius and height), ornaments
added to its distance as functions of arc length and angle, handles swept along a spiral, and a cavity taken away.
The mesh is watertight and of genus 2; it has smooth parts, fine relief, thin walls and sharp edges.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from implicit import polygonize, write_ply
from scipy.interpolate import CubicSpline
from scipy.spatial import cKDTree

N_FACES = 64_000
STEP = 0.9  # mm, grid step before decimation
FILLET = 4.0  # mm, where the handles meet the body

Direction = tuple[float, float]


class Curve:
    """A polyline in the plane that knows, for any point, its distance, side and arc length."""

    def __init__(self, points: np.ndarray) -> None:
        self.points = points  # (N, 2), solid on the left of the direction of travel
        edge = np.diff(points, axis=0)
        self.length = np.concatenate([[0.0], np.cumsum(np.hypot(*edge.T))])
        self.tangent = edge / np.hypot(*edge.T)[:, None]
        self.tree = cKDTree(points)

    def locate(self, query: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Signed distance (negative on the left) and arc length, each (N,), of points (N, 2)."""
        _, i = self.tree.query(query)
        best = np.full(len(query), np.inf)
        arc, across = np.zeros(len(query)), np.zeros(len(query))
        for segment in (np.maximum(i - 1, 0), np.minimum(i, len(self.tangent) - 1)):
            t, delta = self.tangent[segment], query - self.points[segment]
            along = np.einsum("ij,ij->i", delta, t)
            along = np.clip(along, 0.0, self.length[segment + 1] - self.length[segment])
            off = delta - along[:, None] * t
            distance = np.hypot(*off.T)
            side = off[:, 0] * t[:, 1] - off[:, 1] * t[:, 0]  # > 0 on the right
            # at a corner both segments are equally near; the one that sees the point more squarely knows the side
            closer = (distance < best - 1e-9) | ((distance < best + 1e-9) & (np.abs(side) > np.abs(across)))
            best = np.where(closer, distance, best)
            arc = np.where(closer, self.length[segment] + along, arc)
            across = np.where(closer, side, across)
        return np.copysign(best, across), arc

    def arc_at(self, height: float) -> float:
        """Arc length where the curve first reaches `height`."""
        return float(self.length[np.argmax(self.points[:, 1] >= height)])


def lines(*points: tuple[float, float]) -> np.ndarray:
    """Straight pieces, sampled every 0.2 mm, corners kept."""
    pieces = [np.linspace(a, b, max(2, int(np.hypot(*np.subtract(b, a)) / 0.2)))[:-1] for a, b in pairwise(points)]
    return np.concatenate([*pieces, [points[-1]]])


def spline(
    points: list[tuple[float, float]], start: Direction | None = None, end: Direction | None = None
) -> np.ndarray:
    """A smooth curve through the points, parametrized by chord length, sampled every 0.2 mm."""
    p = np.array(points, float)
    t = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(p, axis=0).T))])
    ends = [(2, (0.0, 0.0)) if direction is None else (1, direction) for direction in (start, end)]
    return CubicSpline(t, p, bc_type=ends)(np.linspace(0.0, t[-1], int(t[-1] / 0.2)))


def join(*pieces: np.ndarray) -> np.ndarray:
    """One polyline of several, without the doubled points."""
    points = np.concatenate(pieces)
    keep = np.concatenate([[True], np.hypot(*np.diff(points, axis=0).T) > 1e-6])
    return points[keep]


def with_rings(points: np.ndarray, *rings: tuple[float, float, float]) -> np.ndarray:
    """The polyline with square rings put on its right side: (lower height, upper height, lift) of each."""
    tangent = np.gradient(points, axis=0)
    outwards = np.stack([tangent[:, 1], -tangent[:, 0]], axis=1) / np.hypot(*tangent.T)[:, None]
    out, rest = [], 0
    for low, high, lift in rings:
        first, last = np.searchsorted(points[:, 1], [low, high])
        walls = np.linspace(0.0, lift, int(lift / 0.2) + 2)[:, None]
        out += [
            points[rest:first],
            points[first] + walls * outwards[first],
            points[first:last] + lift * outwards[first:last],
        ]
        out += [points[last] + walls[::-1] * outwards[last]]
        rest = last + 1
    return np.concatenate([*out, points[rest:]])


BODY = spline(
    [(21.5, 33), (45, 52), (66, 82), (76, 120), (71, 150), (49, 178), (33, 190), (27.5, 206), (28, 224), (33, 236)]
)
# The outside, from the middle of the foot's underside up to the middle of the rim: (radius, height).
OUTSIDE = Curve(
    join(
        lines((0, 3), (27, 3), (30, 0), (41, 0), (41, 6.5), (38.5, 6.5)),
        spline([(38.5, 6.5), (39.5, 10), (37, 13)], start=(0.6, 0.8), end=(-1, 0)),
        lines((37, 13), (33, 13), (33, 15)),
        spline([(33, 15), (22.5, 20), (17, 28)], start=(-1, 0.05), end=(-0.2, 1)),
        lines((17, 28), (17, 29), (21.5, 29)),
        spline([(21.5, 29), (23, 31), (21.5, 33)], start=(1, 0.3), end=(-1, 0.3)),
        with_rings(BODY, (98, 101, 2.0), (134, 137, 2.0), (143.5, 145, 1.2), (161, 162.5, 1.2)),
        lines((33, 236), (41, 238.5)),
        spline([(41, 238.5), (44.5, 242.5), (42, 247)], start=(1, 0.2), end=(-1, 0.6)),
        lines((42, 247), (39, 248.5), (0, 248.5)),
    )
)
HOLLOW = spline(
    [
        (0, 40),
        (22, 43),
        (46, 60),
        (63.5, 88),
        (71.5, 120),
        (66, 148),
        (44, 175),
        (29, 188.5),
        (23.5, 206),
        (24, 224),
        (29, 237),
    ],
    start=(1, 0),
)
CAVITY = Curve(join(HOLLOW, lines((29, 237), (35.5, 249), (35.5, 270), (0, 270))))

# A handle's centre line in the same plane: out of the neck, over, down to the shoulder, ending in a scroll.
EYE = np.array([70.5, 178.5])
TURN = np.linspace(0.0, 3.1 * np.pi, 500)
SCROLL = EYE + (17.0 - 1.33 * TURN)[:, None] * np.stack([np.cos(TURN + 0.35), -np.sin(TURN + 0.35)], axis=1)
ARCH = [(25.5, 214), (38, 226), (54, 230), (72, 221), (83.0, 200), (SCROLL[0, 0], SCROLL[0, 1])]
HANDLE = Curve(join(spline(ARCH, start=(0.7, 0.7), end=(-0.35, -1)), SCROLL))


def smooth_step(x: np.ndarray, low: float, high: float) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3 - 2 * t)


def smooth_min(a: np.ndarray, b: np.ndarray, radius: float) -> np.ndarray:
    """The union of two fields with a fillet."""
    h = np.maximum(radius - np.abs(a - b), 0.0) / radius
    return np.minimum(a, b) - h * h * radius / 4


def meander(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Distance, corners square, to a Greek key: period 6 in u, height 8 in v, lines two apart."""
    u = np.mod(u + 1.0, 6.0) - 1.0
    path = [(-2, 0), (6, 0), (0, 0), (0, 6), (4, 6), (4, 2), (2, 2), (2, 4)]
    rim = ((-2, 8), (6, 8))
    best = np.full(u.shape, np.inf)
    for (a, b), (c, d) in [*pairwise(path), rim]:
        du = np.maximum(np.maximum(min(a, c) - u, u - max(a, c)), 0.0)
        dv = np.maximum(np.maximum(min(b, d) - v, v - max(b, d)), 0.0)
        best = np.minimum(best, np.maximum(du, dv))
    return best


def guilloche(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Height, 0..1, of two strands plaited around bosses: period 1 in u, |v| <= 1."""
    phase = 2 * np.pi * u
    height = np.zeros_like(u)
    for sign in (1.0, -1.0):
        slope = 0.62 * np.cos(phase) * 1.75
        d = np.abs(v - sign * 0.62 * np.sin(phase)) / np.sqrt(1 + slope * slope) / 0.27
        over = 0.82 + 0.18 * sign * np.cos(phase)
        groove = 0.17 * np.exp(-(((d - 0.38) / 0.15) ** 2))
        height = np.maximum(height, (over - groove) * smooth_step(-d, -1.0, -0.62))
    eye = np.hypot((np.mod(u, 0.5) - 0.25) * 3.6, v)
    dome = np.sqrt(np.maximum(1 - (eye / 0.24) ** 2, 0.0))
    return np.maximum(height, 0.95 * dome)


# Each ornament is a relief in mm outwards at an arc length along the outside and a number of turns around the axis.


def petals(arc: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Two rows of leaves rising from the stem, a sharp valley between, a rib in the middle."""
    low, high = OUTSIDE.arc_at(33.2), OUTSIDE.arc_at(93)
    relief = np.zeros_like(arc)
    for shift, top, lift in ((0.5, high, 1.6), (0.0, high - 9.0, 3.2)):
        across = 2 * np.abs(np.mod(turn * 16 + shift, 1.0) - 0.5)
        along = np.clip((arc - low) / (top - low), 0.0, 1.0)
        half = np.sqrt(np.minimum((1 - along) / 0.28, 1.0)) * 0.97  # the tip is round
        inside = np.clip(1 - (across / np.maximum(half, 1e-6)) ** 2, 0.0, 1.0)
        leaf = lift * np.sqrt(inside) * (0.55 + 0.45 * along) + 0.5 * np.exp(-((across / 0.1) ** 2)) * (inside > 0)
        relief = np.maximum(relief, leaf * smooth_step(along, 0.0, 0.08))
    return relief


def frieze(arc: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Plaited strands between two rings."""
    low, high = OUTSIDE.arc_at(101.1), OUTSIDE.arc_at(133.9) - 2.0
    v = (arc - (low + high) / 2) / ((high - low) / 2)
    return np.where(np.abs(v) < 1, 3.0 * guilloche(turn * 10, v), 0.0)


def key_pattern(arc: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """A meander cut into the shoulder, between two rings."""
    cell = 1.62  # mm
    low, high = OUTSIDE.arc_at(145.1), OUTSIDE.arc_at(160.9) - 1.2
    distance = meander(turn * 6 * 44, (arc - (low + high) / 2) / cell + 4.0)
    return np.where((arc > low) & (arc < high), -1.3 * (1 - smooth_step(distance, 0.4, 0.75)), 0.0)


def flutes(arc: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """Hollow channels with round ends on the neck, sharp ridges between."""
    low, high = OUTSIDE.arc_at(191), OUTSIDE.arc_at(230)
    across = 2 * np.mod(turn * 22, 1.0) - 1
    end = np.clip(1 - np.minimum(arc - low, high - arc) / 4.0, 0.0, 1.0)
    return -1.7 * np.sqrt(np.clip(1 - across**2 - end**2, 0.0, 1.0))


def beads(arc: np.ndarray, turn: np.ndarray) -> np.ndarray:
    """A string of half spheres under the lip."""
    away = np.hypot((np.mod(turn * 44, 1.0) - 0.5) * 4.6, arc - OUTSIDE.arc_at(233.2)) / 2.0
    return 2.0 * np.sqrt(np.maximum(1 - away**2, 0.0))


def handles(points: np.ndarray) -> np.ndarray:
    """Two straps swept along the handle's centre line, grooved along their backs."""
    offset, arc = HANDLE.locate(np.stack([np.abs(points[:, 0]), points[:, 2]], axis=1))
    rest = 1 - arc / HANDLE.length[-1]
    thick = 2.5 + 2.0 * smooth_step(rest, 0.3, 0.9)
    wide = 6.0 + 3.4 * smooth_step(rest, 0.15, 0.8) + 2.5 * smooth_step(rest, 0.85, 1.0)
    y = np.abs(points[:, 1])
    groove = 0.25 * thick * np.sqrt(np.clip(1 - ((y / wide) / 0.5) ** 2, 0.0, 1.0))
    q = np.stack([np.abs(offset) / thick, y / wide])
    strap = ((q**4).sum(axis=0) ** 0.25 - 1) * thick + groove * (offset > 0)
    pin = np.hypot(np.abs(points[:, 0]) - EYE[0], points[:, 2] - EYE[1]) - 4.4
    return np.minimum(strap, np.maximum(pin, y - 8.5))


def vase(points: np.ndarray) -> np.ndarray:
    """Signed distance, nearly, to the vase: (N, 3) mm -> (N,) mm, negative inside."""
    section = np.stack([np.hypot(points[:, 0], points[:, 1]), points[:, 2]], axis=1)
    outer, arc = OUTSIDE.locate(section)
    near = np.abs(outer) < 6.0
    arc, turn = arc[near], np.arctan2(points[near, 1], points[near, 0]) / (2 * np.pi)
    outer[near] -= sum(carve(arc, turn) for carve in (petals, frieze, key_pattern, flutes, beads))
    solid = smooth_min(outer, handles(points), FILLET)
    hollow, _ = CAVITY.locate(section)
    return np.maximum(solid, -hollow)


def make() -> tuple[np.ndarray, np.ndarray]:
    """Vertices (V, 3) float64 in mm and faces (F, 3) int64."""
    return polygonize(vase, (-110, -86, -6), (110, 86, 258), STEP, slack=5.0, n_faces=N_FACES)


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("relief_vase.ply")
    write_ply(target, *make())
