"""Key points and their graph: exact answers on points whose neighbours are known."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
import torch
from hypothesis import given
from hypothesis import strategies as st
from sdfz.codec.lgcl.graph import Graph, spacings, sum_over
from sdfz.codec.lgcl.key_points import edges_of_faces, edges_of_neighbours, farthest_points, nearest_neighbours

SQUARE = np.array([[0, 0, 0], [0, 2, 0], [2, 0, 0], [2, 2, 0]])


def path_graph(n: int) -> Graph:
    pairs = np.stack([np.arange(n - 1), np.arange(1, n)], 1)
    return Graph(n, np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0).reshape(-1, 2))


def test_farthest_points_of_a_line() -> None:
    """The other end first, then ever finer middles."""
    points = np.linspace(0, 1, 9)[:, None] * [1.0, 0.0, 0.0]
    assert farthest_points(points, 5).tolist() == [0, 8, 4, 2, 6]


def test_farthest_points_cover_a_sphere() -> None:
    vertices, _ = shapes.sphere(1.0, 4)
    chosen = vertices[farthest_points(vertices, 100)]
    assert np.linalg.norm(vertices[:, None] - chosen, axis=2).min(1).max() < 0.28
    apart = np.linalg.norm(chosen[:, None] - chosen, axis=2)
    assert apart[~np.eye(100, dtype=bool)].min() > 0.2


def test_equally_near_ones_come_by_index() -> None:
    assert nearest_neighbours(SQUARE, 2).tolist() == [[1, 2], [0, 3], [0, 3], [1, 2]]
    assert nearest_neighbours(SQUARE, 9).tolist() == [[1, 2, 3], [0, 3, 2], [0, 3, 1], [1, 2, 0]]
    assert nearest_neighbours(SQUARE[:1], 3).shape == (1, 0)


@given(st.integers(0, 2**32 - 1), st.integers(2, 60), st.integers(1, 10))
def test_neighbours_are_the_nearest(seed: int, n_points: int, n: int) -> None:
    positions = np.random.default_rng(seed).integers(0, 8, (n_points, 3))
    found = nearest_neighbours(positions, n)
    square = ((positions[:, None] - positions) ** 2).sum(2).astype(float)
    np.fill_diagonal(square, np.inf)
    expected = np.argsort(square, axis=1, kind="stable")[:, : min(n, n_points - 1)]
    assert np.array_equal(found, expected)


def test_edges_go_both_ways() -> None:
    neighbours = nearest_neighbours(np.array([[0, 0, 0], [1, 0, 0], [5, 0, 0]]), 1)
    assert edges_of_neighbours(neighbours).tolist() == [[0, 1], [1, 0], [1, 2], [2, 1]]


def test_edges_of_a_template() -> None:
    vertices, faces = shapes.sphere(subdivisions=1)
    edges = edges_of_faces(faces)
    assert len(edges) == 3 * len(faces)  # closed: each edge has two faces, and goes both ways
    assert len(vertices) - len(edges) // 2 + len(faces) == 2


def test_rings_of_a_path() -> None:
    rings = path_graph(5).rings(3)
    for distance, (ring, counts) in enumerate(rings, 1):
        expected = np.abs(np.arange(5)[:, None] - np.arange(5)) == distance
        assert np.array_equal(ring.to_dense().numpy(), expected)
        assert np.array_equal(counts.numpy()[:, 0], expected.sum(1).clip(min=1))


def test_spacings() -> None:
    positions = torch.tensor([[0.0, 0, 0], [1, 0, 0], [4, 0, 0]])
    assert spacings(positions, path_graph(3))[:, 0].tolist() == [1.0, 2.0, 3.0]
    assert spacings(positions[:1], Graph(1, np.zeros((0, 2), np.int64))).tolist() == [[1.0]]


def test_gradient_of_sums() -> None:
    features = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    adjacency = path_graph(4).adjacency.double()
    assert torch.autograd.gradcheck(lambda f: sum_over(adjacency, f), features)


@pytest.mark.parametrize("n", [1, 3])
def test_degrees_are_at_least_one(n: int) -> None:
    assert path_graph(n).degrees.min() == 1
