"""The losses of the paper, on fields for which they are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sdfz.codec.lgcl.graph import Graph
from sdfz.codec.lgcl.losses import LossWeights, basic_loss, rings_of, similarity_loss


def batch(n: int = 500) -> dict[str, torch.Tensor]:
    """Points around a sphere of radius 0.5 and on it."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(n, 3, generator=generator)
    normals = torch.nn.functional.normalize(torch.randn(n, 3, generator=generator), dim=1)
    near = torch.zeros(n, 1, dtype=torch.long)
    return {
        "points": points,
        "distances": (points.norm(dim=1) - 0.5).abs(),
        "surface": 0.5 * normals,
        "normals": normals,
        "points_near": near,
        "surface_near": near,
    }


def sphere(points: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
    return points.norm(dim=1) - 0.5


def test_of_the_true_field() -> None:
    assert basic_loss(sphere, batch(), LossWeights()).item() == pytest.approx(0, abs=1e-4)


def test_signs_are_told_by_normals_alone() -> None:
    """Turned inside out, only normals cost: each is two away."""
    assert basic_loss(lambda *a: -sphere(*a), batch(), LossWeights()).item() == pytest.approx(2, abs=1e-4)


def test_gradients_are_weighed() -> None:
    """Of twice the field, distance to the surface and normals cost the same, the gradient's length what it weighs."""
    one, two = (
        basic_loss(lambda *a: 2 * sphere(*a), batch(), LossWeights(gradient=weight)).item() for weight in (1.0, 2.0)
    )
    assert two - one == pytest.approx(1, abs=1e-3)


def test_gradients_reach_parameters() -> None:
    scale = torch.ones((), requires_grad=True)
    basic_loss(lambda *a: 1.5 * scale * sphere(*a), batch(), LossWeights()).backward()
    assert scale.grad is not None
    assert scale.grad > 0


def test_similarity() -> None:
    """Equal codes cost nothing; one that is off costs where it is and in the rings around it."""
    pairs = np.array([[i, (i + 1) % 8] for i in range(8)])
    graph = Graph(8, np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0))
    rings = rings_of(graph)
    assert len(rings) == 3
    codes = torch.ones(8, 2)
    assert similarity_loss(codes, rings).item() == pytest.approx(0, abs=1e-6)
    codes[0] += 1
    # 1 of itself, and a half of a third from each of two in three rings, over 8 key points.
    assert similarity_loss(codes, rings).item() == pytest.approx((1 + 6 / 6) / 8)
