"""What a training on surfaces makes small: sign-agnostic distances, unit gradients, normals, and like neighbours.

Eq. (4) to (8) of LGCL (`model`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from .graph import Graph, sum_over

N_RINGS = 3


@dataclass(frozen=True)
class LossWeights:
    """Factors of the terms; the defaults are the paper's.

    Attributes
    ----------
    gradient : float
        Of (|grad f| - 1)^2.
    similarity : float
        Of L_sim; 0 leaves it out.
    size : float
        Of the norm of the global code.
    """

    gradient: float = 0.1
    similarity: float = 1.0
    size: float = 0.001


PAPER = LossWeights()


def basic_loss(
    field: Callable[[torch.Tensor, torch.Tensor], torch.Tensor],
    batch: Mapping[str, torch.Tensor],
    weights: LossWeights,
) -> torch.Tensor:
    """L_sal + L_igr, Eq. (5) and (6).

    Parameters
    ----------
    field : callable
        Signed distances at (N, 3) points, given with them what else the batch has for the field at these points.
    batch : mapping
        `points` (N, 3) in space with their unsigned `distances` (N,), and `surface` (M, 3) with its unit `normals`
        (M, 3); `points_near` and `surface_near` are for the field.
    weights : LossWeights
    """
    points, surface = batch["points"].detach().requires_grad_(), batch["surface"].detach().requires_grad_()
    at_points, at_surface = field(points, batch["points_near"]), field(surface, batch["surface_near"])
    sal = (at_points.abs() - batch["distances"]).abs().mean()
    # The surface is part of the space: its points count for distance and gradient as well.
    sal = sal + at_surface.abs().mean()
    (gradient,) = torch.autograd.grad(at_points.sum(), points, create_graph=True)
    (on_surface,) = torch.autograd.grad(at_surface.sum(), surface, create_graph=True)
    lengths = torch.cat([_norm(gradient), _norm(on_surface)])
    normals = _norm(on_surface - batch["normals"]).mean()
    return sal + weights.gradient * (lengths - 1).square().mean() + normals


def similarity_loss(codes: torch.Tensor, rings: list[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """L_sim, Eq. (7), of (K, C) local codes.

    The printed sum over the rings is taken as their mean: of equal codes, the sum of K = 3 averages is three times the
    code, so that only zeros would cost nothing. The absolute value is averaged over a code's numbers.
    """
    around = torch.stack([sum_over(ring, codes) / counts for ring, counts in rings]).mean(0)
    return (codes - around).abs().mean()


def rings_of(graph: Graph) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The K = 3 rings of the paper."""
    return graph.rings(N_RINGS)


def _norm(vectors: torch.Tensor) -> torch.Tensor:
    return (vectors.square().sum(1) + 1e-12).sqrt()
