"""Where a shape is looked at from: which way is up, which side is the front, and a camera that sees all of it.

Mesh files do not say. An axis is taken for up when the shape would stand on its lower side; the camera looks across the
longest horizontal extent, from a little above and from the side of the usual front. `VIEWS` overrides this by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from ..peers.contract import FloatArray

FIELD_OF_VIEW = 22.0  # degrees
_FILL = 0.94  # of the picture, by the shape
_TURN, _ELEVATION, _ELEVATION_OF_FLAT = 32.0, 18.0, 48.0  # degrees
_SOLE = 0.03  # of the height: what lies so low bears the shape
_FLAT = 0.3  # height over the smaller horizontal extent


@dataclass(frozen=True)
class View:
    """A direction to look from.

    Attributes
    ----------
    up : int
        Axis that points up, 0 to 2.
    azimuth : float
        Degrees around the up axis. At 0 the camera stands on the negative side of the second of the other two axes, in
        cyclic order: for z up at -y, for y up at -x. Growing, it moves to the right.
    elevation : float
        Degrees above the horizon.
    """

    up: int
    azimuth: float
    elevation: float

    def axes(self) -> FloatArray:
        """(3, 3): rows right, towards the camera and up, world axes, before the elevation."""
        first, second, up = np.roll(np.eye(3), 2 - self.up, axis=0)
        angle = np.deg2rad(self.azimuth)
        right = np.cos(angle) * first + np.sin(angle) * second
        return np.stack([right, np.cross(right, up), up])


@dataclass(frozen=True)
class Camera:
    """A perspective camera of a square picture, in the shape's unit.

    Attributes
    ----------
    position, focus, up : (3,) float64
        `up` is a unit vector at right angles to the line of sight.
    """

    position: FloatArray
    focus: FloatArray
    up: FloatArray


# Shapes of the corpus whose front or up no rule finds.
VIEWS: Mapping[str, View] = MappingProxyType(
    {
        "fandisk": View(0, 30.0, 20.0),
        "mountain": View(1, 80.0, 27.0),
        "nefertiti": View(2, 38.0, 12.0),
        "os_eyeglasses": View(2, 205.0, 35.0),
        "prusa_extruder_body": View(2, 30.0, 30.0),
        "stratocaster": View(2, 55.0, 60.0),
    }
)


def view_of(name: str, vertices: FloatArray) -> View:
    """The view of a shape, from the table or from its extents.

    Parameters
    ----------
    name : str
        The folder of a qualified name does not count.
    vertices : (V, 3) float64
    """
    known = VIEWS.get(name.rpartition("/")[2])
    return known or guessed_view(vertices)


def guessed_view(vertices: FloatArray) -> View:
    """A three-quarter view from the vertices (V, 3) alone."""
    up = max((2, 1), key=lambda axis: round(_support(vertices, axis), 2))  # z if both serve
    first, second, height = np.roll(np.arange(3), 2 - up)
    extents = np.ptp(vertices, axis=0)
    lies_flat = extents[height] < _FLAT * min(extents[first], extents[second])
    front = 0.0 if up == 2 else 90.0  # -y where z is up, +z where y is
    flat = vertices[:, [first, second]] - vertices[:, [first, second]].mean(axis=0)
    spread, directions = np.linalg.eigh(flat.T @ flat)
    if spread[0] < 0.75 * spread[1]:
        along = np.rad2deg(np.arctan2(directions[1, 1], directions[0, 1]))
        front = along + 180 * round((front - along) / 180)  # across the long axis, from the usual side
    return View(up, float(front + _TURN), _ELEVATION_OF_FLAT if lies_flat else _ELEVATION)


def camera_of(vertices: FloatArray, view: View) -> Camera:
    """The nearest camera of a view that has all vertices (V, 3) in the picture."""
    right, towards, up = view.axes()
    angle = np.deg2rad(view.elevation)
    towards, up = np.cos(angle) * towards + np.sin(angle) * up, np.cos(angle) * up - np.sin(angle) * towards
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    local = (vertices - middle) @ np.stack([right, up, towards], axis=1)
    tangent = _FILL * np.tan(np.deg2rad(FIELD_OF_VIEW) / 2)
    shift, distance = np.zeros(2), 0.0
    # The distance moves what is seen in the middle, and the shift what distance is needed: both settle quickly.
    for _ in range(12):
        distance = float((np.abs(local[:, :2] - shift) / tangent + local[:, 2:]).max())
        seen = (local[:, :2] - shift) / (distance - local[:, 2:])
        shift += (seen.max(axis=0) + seen.min(axis=0)) / 2 * distance
    focus = middle + shift @ np.stack([right, up])
    return Camera(focus + distance * towards, focus, up)


def _support(vertices: FloatArray, axis: int) -> float:
    """Area of the convex hull of what lies lowest along an axis, as a share of that of the shape's shadow."""
    shadow = np.delete(vertices, axis, axis=1)
    height = vertices[:, axis] - vertices[:, axis].min()
    whole = _hull_area(shadow)
    return _hull_area(shadow[height <= _SOLE * height.max()]) / whole if whole > 0 else 0.0


def _hull_area(points: FloatArray) -> float:
    """Of points (N, 2); 0 where they have none."""
    try:
        return float(ConvexHull(points).volume)  # in two dimensions `area` is the perimeter
    except (QhullError, ValueError):
        return 0.0
