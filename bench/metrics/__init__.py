"""Metrics of the bench beside `codec.distortion`, which is the one our own tables use.

====================  =============================================================================
`clouds`              distances between two sampled point clouds: Chamfer, F-score, earth mover's
`papers`              the figures of the papers' tables, by name, as each paper defines them
`noise`               how far all of these are from zero, and from run to run, by sampling alone
====================  =============================================================================
"""

from .clouds import CloudDistances, cloud_distances, earth_movers_distance, independent_points
from .noise import Spread, figures, noise_floor, spread_over_seeds
from .papers import (
    PROTOCOLS,
    CloudChamfer,
    VertexErrors,
    diagonal,
    paper_chamfer,
    papers_variants,
    unit_sphere_radius,
    vertex_errors,
)

__all__ = [
    "PROTOCOLS",
    "CloudChamfer",
    "CloudDistances",
    "Spread",
    "VertexErrors",
    "cloud_distances",
    "diagonal",
    "earth_movers_distance",
    "figures",
    "independent_points",
    "noise_floor",
    "paper_chamfer",
    "papers_variants",
    "spread_over_seeds",
    "unit_sphere_radius",
    "vertex_errors",
]
