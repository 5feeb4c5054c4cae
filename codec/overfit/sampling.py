"""Where the distance is asked for fitting: the two samplings of the paper, and what each of them costs.

References
----------
.. [1] Sergeev, Talabot, Donier, Fua, Implicit high resolution representation of 3D shapes, 2022, section 4.2.
.. [2] Davies, Nowrouzezahrai, Jacobson, On the effectiveness of weight-encoded neural implicit 3D shapes, 2020.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..sample import Samples, surface_points

Signed = Callable[[npt.NDArray[np.float32]], npt.NDArray[np.floating]]

# Half the samples each; the second variance is a tenth of the first.
VARIANCES = (1e-4, 1e-5)
SURFACE_SHARE = 0.1  # samples on the surface, of those of both normal distributions; the paper has 5 to 15 %
BETA = 100.0
_AT_ONCE = 1 << 20  # candidates, for the memory


@dataclass(frozen=True, eq=False)
class Sampled:
    """Samples, and how many distances had to be evaluated for them.

    Attributes
    ----------
    samples : Samples
        In random order.
    n_evaluations : int
    """

    samples: Samples
    n_evaluations: int


def near_surface(
    signed: Signed,
    vertices: npt.ArrayLike,
    faces: npt.ArrayLike,
    n_samples: int,
    rng: np.random.Generator,
    *,
    variances: tuple[float, float] = VARIANCES,
    surface_share: float = SURFACE_SHARE,
) -> Sampled:
    """Surface points, and two normal distributions around others of them.

    Parameters
    ----------
    signed : callable
        Signed distances of (N, 3) float32 points.
    vertices, faces : array_like
        The mesh, centred and in the unit sphere.
    n_samples : int
        In all.
    rng : numpy.random.Generator
    variances : (float, float)
        Of a coordinate, in squared units.
    surface_share : float
        Samples on the surface, of those of both normal distributions. Their distance is known to be zero.
    """
    n_on = round(n_samples * surface_share / (1 + surface_share))
    points, _ = surface_points(vertices, faces, n_samples, rng)
    points = rng.permutation(points)
    spread = np.sqrt(np.resize(variances, n_samples - n_on))
    points[n_on:] += spread[:, None] * rng.standard_normal((n_samples - n_on, 3))
    rounded = points.astype(np.float32)
    distances = np.zeros(n_samples, np.float32)
    distances[n_on:] = signed(rounded[n_on:])
    order = rng.permutation(n_samples)
    return Sampled(Samples(rounded[order], distances[order]), n_samples - n_on)


def weighted(
    signed: Signed, n_candidates: int, n_samples: int, rng: np.random.Generator, *, beta: float = BETA
) -> Sampled:
    """Uniform points in the unit sphere, of which those near the surface are more likely to stay.

    Parameters
    ----------
    signed : callable
        Signed distances of (N, 3) float32 points.
    n_candidates : int
        Uniform points, whose distances are all evaluated.
    n_samples : int
        How many of them stay, if there are so many.
    rng : numpy.random.Generator
    beta : float
        A candidate's weight is exp(-beta |distance|).

    Notes
    -----
    Drawn without replacement, by the largest keys log(u) / w of uniform numbers u (Efraimidis and Spirakis, Weighted
    random sampling with a reservoir, 2006).
    """
    kept: list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float32], npt.NDArray[np.float32]]] = []
    for start in range(0, n_candidates, _AT_ONCE):
        points = _in_sphere(min(_AT_ONCE, n_candidates - start), rng).astype(np.float32)
        distances = signed(points).astype(np.float32)
        # log(-log(u)) + beta |d|: the order of the keys, also where the weights are too small for numbers.
        keys = np.log(rng.standard_exponential(len(points))) + beta * np.abs(distances.astype(np.float64))
        best = np.argsort(keys, kind="stable")[:n_samples]
        kept.append((keys[best], points[best], distances[best]))
    keys, points, distances = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    chosen = rng.permutation(np.argsort(keys, kind="stable")[:n_samples])
    return Sampled(Samples(points[chosen], distances[chosen]), n_candidates)


def _in_sphere(n: int, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """(n, 3) uniform points in the unit sphere."""
    directions = rng.standard_normal((n, 3))
    radii = rng.random(n) ** (1 / 3)
    return directions * (radii / np.linalg.norm(directions, axis=1))[:, None]


def unit_sphere_fill(vertices: npt.NDArray[np.float64]) -> float:
    """Share of the cube that the longest side of a shape fills where the shape just fits into the unit sphere."""
    lower, upper = vertices.min(0), vertices.max(0)
    radius = float(np.linalg.norm(vertices - (lower + upper) / 2, axis=1).max())
    return float((upper - lower).max()) / (2 * radius)
