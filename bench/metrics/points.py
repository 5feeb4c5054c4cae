"""Distortion of points that stand for a surface: of codecs that decode to a cloud instead of a mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...codec.distortion import F_SCORE_DISTANCES, Distortion, OneWay, Reference, _summary


def measure_points(reference: Reference, points: Any) -> Distortion:
    """Distortion of a point cloud, in the fields of that of a mesh.

    Parameters
    ----------
    reference : Reference
        The original surface with its samples.
    points : (N, 3) array_like of float
        The decoded points, in the frame of the reference. Each counts once, wherever it is: a cloud has no area that
        could weigh it.

    Returns
    -------
    Distortion
        Forward: from the reference's samples (for the maximum also its vertices) to the *nearest point*. Backward: from
        each point to the nearest triangle of the reference, exactly. Normal consistency is NaN. No points at all
        are infinitely far away, as a mesh without faces is.

    Notes
    -----
    Forward is not zero for points that lie exactly on the surface: half the spacing of the points is in it, because
    nothing says what is between them. It is what a receiver has who does not reconstruct a surface.
    """
    from scipy.spatial import cKDTree

    points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    if not len(points):
        return reference.measure(points, np.empty((0, 3), np.int64))
    # The reference keeps its samples and its tree to itself, moved to the origin and scaled by its diagonal.
    points = (points - reference._lower) / reference.diagonal
    surface, cloud = reference._surface, cKDTree(points)
    backward, _, _ = surface.tree.closest(points)
    forward, _ = cloud.query(surface.samples)
    at_vertices, _ = cloud.query(surface.vertices)
    return _summary(_one_way(forward, float(at_vertices.max())), _one_way(backward))


def _one_way(distance: NDArray[np.float64], elsewhere: float = 0.0) -> OneWay:
    """Figures of (N,) distances; `elsewhere` is a distance that counts for the maximum alone."""
    return OneWay(
        mean=float(distance.mean()),
        rms=float(np.sqrt(np.mean(distance**2))),
        p99=float(np.percentile(distance, 99)),
        max=max(float(distance.max()), elsewhere),
        normal_consistency=np.nan,
        within={limit: float(np.mean(distance <= limit)) for limit in F_SCORE_DISTANCES},
    )
