"""What the paper's losses learn from: points on a surface with normals, and points around it with distances."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ...formats.frame import Frame
from ..sample import near_surface, surface_points
from ..target import Target

# Standard deviations of the two Gaussians around the surface, normalized units.
SCALES = (0.02, 0.2)


def surface_arrays(
    target: Target, frame: Frame, n: int, rng: np.random.Generator, scales: tuple[float, float] = SCALES
) -> dict[str, npt.NDArray[Any]]:
    """Samples of a shape in a frame, in random order.

    Parameters
    ----------
    target : Target
    frame : Frame
    n : int
        Points of each sort.
    rng : numpy.random.Generator
    scales : (float, float)
        Standard deviations of the noise.

    Returns
    -------
    surface, normals : (n, 3) float32
        On the surface; unit, outward where the triangles are.
    points : (n, 3) float32
        Around it.
    distances : (n,) float32
        Signed, of the points.
    """
    ratio = target.to_home_ratio(frame)
    surface, face = surface_points(target.vertices, target.faces, n, rng)
    a, b, c = (target.vertices[target.faces[face, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-300)
    home_scales = [scale * ratio for scale in scales]
    near = near_surface(target.oracle, target.vertices, target.faces, n, home_scales, rng)
    orders = rng.permutation(n), rng.permutation(n)
    found = {
        "surface": target.from_home(surface, frame)[orders[0]],
        "normals": normals[orders[0]],
        "points": target.from_home(near.points, frame)[orders[1]],
        "distances": near.distances[orders[1]] / ratio,
    }
    return {name: array.astype(np.float32) for name, array in found.items()}


def surface_batch(arrays: Any, names: tuple[str, ...], n: int, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
    """Samples that follow each other, which are in random order: `n` of each array that is named."""
    first = int(rng.integers(max(len(arrays[names[0]]) - n, 0) + 1))
    return {name: np.array(arrays[name][first : first + n]) for name in names}
