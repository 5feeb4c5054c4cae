"""Where a shape lies: the map between the input's coordinates and normalized units.

The codec works in the cube [-1, 1]^3. A frame places that cube::

    input = normalized * scale + centre

Both numbers are exact in the file: the scale is a bfloat16 and the centre counts 64ths of it. The encoder rounds the
frame first and fits the shape in the rounded one, so rounding costs no error, and a few bytes hold a shape far from the
origin or very small.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import MeshError

# Part of the format, never change.
STEPS_PER_SCALE = 64
MIN_SCALE_CODE, MAX_SCALE_CODE = 0x0080, 0x7F7F  # normal, positive, finite
MAX_CENTRE_STEPS = (1 << 52) - 1  # exact as float64


def scale_of_code(code: int) -> float:
    """The number whose bfloat16 pattern is `code`: the upper half of a float32."""
    return float(struct.unpack("<f", struct.pack("<I", code << 16))[0])


def code_of_scale(scale: float) -> int:
    """Pattern of the smallest bfloat16 that is not below `scale`.

    Raises
    ------
    MeshError
        There is none: `scale` is not between 2**-126 and about 3.4e38.
    """
    if not scale_of_code(MIN_SCALE_CODE) <= scale <= scale_of_code(MAX_SCALE_CODE):
        raise MeshError(f"the shape's size, {2 * scale:.3g} units, is outside what a file can hold")
    code = int(struct.unpack("<I", struct.pack("<f", scale))[0]) >> 16
    return code if scale_of_code(code) >= scale else code + 1


@dataclass(frozen=True)
class Frame:
    """Place and size of the normalized cube [-1, 1]^3 in the input's coordinates.

    Parameters
    ----------
    scale_code : int
        bfloat16 pattern of half the cube's edge, in input units.
    centre_steps : tuple of 3 int
        The cube's centre, in 64ths of the scale.

    Raises
    ------
    ValueError
        A number is outside the range of the format.

    Examples
    --------
    >>> frame = Frame.enclosing([0, 0, 0], [2, 1, 1], fill=1)
    >>> frame.scale, frame.centre.tolist()
    (1.0, [1.0, 0.5, 0.5])
    """

    scale_code: int
    centre_steps: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not MIN_SCALE_CODE <= self.scale_code <= MAX_SCALE_CODE:
            raise ValueError(f"scale_code: {self.scale_code} is not in {MIN_SCALE_CODE}..{MAX_SCALE_CODE}")
        if len(self.centre_steps) != 3 or any(abs(n) > MAX_CENTRE_STEPS for n in self.centre_steps):
            raise ValueError(f"centre_steps: {self.centre_steps} are not three integers below 2**52")

    @property
    def scale(self) -> float:
        """Input units in one normalized unit; exact in float64 and in float32."""
        return scale_of_code(self.scale_code)

    @property
    def centre(self) -> npt.NDArray[np.float64]:
        """The cube's centre, (3,) float64, input units."""
        # One rounding of an exact integer times an exact step: the same float64 on every machine.
        return np.array(self.centre_steps, dtype=np.float64) * (self.scale / STEPS_PER_SCALE)

    def to_normalized(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Normalized coordinates of points in input units; (..., 3) -> (..., 3) float64."""
        return (np.asarray(points, dtype=np.float64) - self.centre) / self.scale

    def from_normalized(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Input coordinates of points in normalized units; (..., 3) -> (..., 3) float64."""
        return np.asarray(points, dtype=np.float64) * self.scale + self.centre

    @classmethod
    def enclosing(cls, lower: npt.ArrayLike, upper: npt.ArrayLike, fill: float = 0.9) -> Frame:
        """Smallest frame in which a box lies in [-fill, fill]^3, always, not just up to rounding.

        Parameters
        ----------
        lower, upper : (3,) array-like
            Corners of the box, input units.
        fill : float
            From 1/4 to 1: what the box may fill of the cube.

        Raises
        ------
        MeshError
            The box is not finite, is one point, is smaller or larger than float32 reaches, or lies so far from
            the origin for its size (about 10**13 times) that float64 coordinates do not resolve it.
        """
        if not 1 / 4 <= fill <= 1:
            raise ValueError(f"fill: {fill} is not in 1/4..1")
        box = np.array([lower, upper], dtype=np.float64)
        if not np.isfinite(box).all():
            raise MeshError("the shape's coordinates are not all finite")
        # halves first: a difference or a sum of two float64 can overflow
        half_extent = float((box[1] / 2 - box[0] / 2).max())
        if not half_extent > 0:
            raise MeshError("the shape is a single point")
        middle = box[0] / 2 + box[1] / 2
        code = code_of_scale(half_extent / fill)
        # Rounding moves the centre by up to half a step, 1/128 of the scale: a few patterns later everything fits.
        for scale_code in range(code, min(code + 16, MAX_SCALE_CODE + 1)):
            step = scale_of_code(scale_code) / STEPS_PER_SCALE
            centre_steps = [_nearest_int(x / step) for x in middle.tolist()]
            if any(abs(n) > MAX_CENTRE_STEPS for n in centre_steps):
                break
            frame = cls(scale_code, (centre_steps[0], centre_steps[1], centre_steps[2]))
            # to_normalized is monotone, so that what holds for the corners holds for every point between
            if np.abs(frame.to_normalized(box)).max() <= fill:
                return frame
        raise MeshError(
            f"the shape is {2 * half_extent:.3g} units in size but {np.abs(middle).max():.3g} from the origin: "
            "too far for a file to place it; move it closer"
        )

    def as_fields(self) -> dict[str, Any]:
        """Values of the header's frame fields."""
        x, y, z = self.centre_steps
        return {"scale": self.scale_code, "centre_x": x, "centre_y": y, "centre_z": z}

    @classmethod
    def of_fields(cls, values: dict[str, Any]) -> Frame:
        """The frame in the values of a header's fields."""
        return cls(values["scale"], (values["centre_x"], values["centre_y"], values["centre_z"]))


def _nearest_int(x: float) -> int:
    """Nearest integer; huge values and infinity come out beyond MAX_CENTRE_STEPS."""
    return round(x) if math.isfinite(x) else MAX_CENTRE_STEPS + 1
