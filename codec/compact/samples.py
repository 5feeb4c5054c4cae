"""What the branches learn from: few samples anywhere, many in the band around the surface, as many of every shape.

The paper samples a coarse lattice evenly and a fine one within the band, and merges the two without repeats. Shapes
share one grid: where one has more samples than another, its details show up in the other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...formats.frame import Frame
from ..sample import Samples, surface_points
from ..target import Target

FINE, COARSE = 512, 128  # steps of the lattices along the cube; the paper's
_DRAWN = 2.0  # candidates for each sample that is wanted


def lattice_samples(
    target: Target, frame: Frame, n_near: int, n_far: int, band: float, rng: np.random.Generator
) -> Samples:
    """Signed distances at lattice points, in random order.

    Parameters
    ----------
    target : Target
    frame : Frame
    n_near : int
        Points of the fine lattice in the band; fewer if it has fewer.
    n_far : int
        Points of the coarse lattice, anywhere.
    band : float
        How far from the surface the band goes along each axis, normalized units.
    rng : numpy.random.Generator

    Returns
    -------
    samples : Samples
        Of normalized points and distances.
    """
    steps = FINE // COARSE
    far = steps * rng.integers(0, COARSE + 1, (n_far, 3))
    surface, _ = surface_points(target.vertices, target.faces, round(_DRAWN * n_near), rng)
    around = target.from_home(surface, frame) + band * rng.uniform(-1, 1, surface.shape)
    near = np.unique(np.rint((around + 1) * (FINE / 2)).astype(np.int64).clip(0, FINE), axis=0)
    near = near[rng.permutation(len(near))[:n_near]]
    nodes = np.unique(np.concatenate([near, far]), axis=0)
    return _distances(target, frame, (nodes[rng.permutation(len(nodes))] * (2 / FINE) - 1).astype(np.float32))


def uniform_samples(target: Target, frame: Frame, resolution: int, n_samples: int, rng: np.random.Generator) -> Samples:
    """Signed distances at points of an even lattice, in random order: what the band is compared with.

    Parameters
    ----------
    target : Target
    frame : Frame
    resolution : int
        Steps of the lattice along the cube.
    n_samples : int
        Points that are taken, each at most once; fewer if the lattice has fewer.
    rng : numpy.random.Generator

    Returns
    -------
    samples : Samples
        Of normalized points and distances.
    """
    n_nodes = (resolution + 1) ** 3
    taken = rng.choice(n_nodes, min(n_samples, n_nodes), replace=False)
    nodes = np.stack(np.unravel_index(taken, (resolution + 1,) * 3), 1)
    return _distances(target, frame, (nodes * (2 / resolution) - 1).astype(np.float32))


def _distances(target: Target, frame: Frame, points: npt.NDArray[np.float32]) -> Samples:
    distances = target.oracle.signed(target.to_home(points.astype(np.float64), frame)) / target.to_home_ratio(frame)
    return Samples(points, distances.astype(np.float32))


def as_arrays(samples: Samples) -> dict[str, npt.NDArray[np.float32]]:
    """Samples by the names that a training cache has for them."""
    return {"points": samples.points, "distances": samples.distances}
