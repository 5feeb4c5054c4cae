"""The networks: the paper's sizes, filters with known answers, first weights that are a sphere."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sdfz.codec.lgcl.convolution import ChebConv, VcConv
from sdfz.codec.lgcl.graph import Graph
from sdfz.codec.lgcl.key_points import edges_of_neighbours, nearest_neighbours
from sdfz.codec.lgcl.model import LocalNetwork, LocalSizes
from sdfz.codec.lgcl.networks import DEEP_SDF, SDF_4, SDF_8, Mlp, SdfNetwork

SEED = torch.Generator().manual_seed


def some_graph(n: int = 12) -> Graph:
    positions = np.random.default_rng(0).integers(0, 20, (n, 3))
    return Graph(n, edges_of_neighbours(nearest_neighbours(positions, 3)))


def n_parameters(module: torch.nn.Module, *, without: str = "-") -> int:
    return sum(p.numel() for name, p in module.named_parameters() if without not in name)


def test_sizes_of_the_paper() -> None:
    """Its Table 2: SDF-4 41.86 K, SDF-8 1.58 M, DeepSDF 1.84 M, LGCL-Cheb 58.42 K, LGCL-VC 0.19 M."""
    assert [n_parameters(SdfNetwork(sizes)) for sizes in (SDF_4, SDF_8, DEEP_SDF)] == [41_857, 1_576_702, 1_839_358]
    assert n_parameters(LocalNetwork(LocalSizes())) == 58_425
    # What differs from edge to edge is not in the paper's number.
    with_kernels = LocalNetwork(LocalSizes(), some_graph())
    assert n_parameters(with_kernels, without="coefficients") == 191_929


@pytest.mark.parametrize("order", [1, 2, 4])
def test_chebyshev_filters(order: int) -> None:
    """As the polynomials of the dense scaled Laplacian, by their cosines."""
    graph = some_graph()
    convolution = ChebConv(2, 3, order)
    convolution.reset(SEED(0))
    adjacency = graph.adjacency.to_dense().double().numpy()
    root = np.sqrt(adjacency.sum(1))
    laplacian = -adjacency / root[:, None] / root
    values, vectors = np.linalg.eigh(laplacian)
    features = torch.randn(graph.n, 2, generator=SEED(1))
    expected = 0.0
    for degree in range(order):
        polynomial = vectors @ np.diag(np.cos(degree * np.arccos(values.clip(-1, 1)))) @ vectors.T
        expected = expected + polynomial @ features.double().numpy() @ convolution.weight[degree].detach().numpy()
    np.testing.assert_allclose(convolution(features, graph).detach().numpy(), expected, atol=1e-5)


def test_spatially_varying_kernels() -> None:
    """As the sum over a key point and its neighbours, each with a matrix mixed for it."""
    graph = some_graph()
    convolution = VcConv(2, 3, 4, graph)
    convolution.reset(SEED(0))
    features = torch.randn(graph.n, 2, generator=SEED(1))
    found = convolution(features, graph)
    for i in range(graph.n):
        around = [i, *graph.edges[graph.edges[:, 0] == i, 1].tolist()]
        kernels = torch.einsum("dm,mio->dio", convolution.coefficients[i, : len(around)], convolution.weight)
        expected = torch.einsum("di,dio->o", features[around], kernels)
        torch.testing.assert_close(found[i], expected)


def test_a_key_point_alone() -> None:
    graph = Graph(1, np.zeros((0, 2), np.int64))
    convolution = ChebConv(2, 3, 4)
    convolution.reset(SEED(0))
    features = torch.ones(1, 2)
    # Its Laplacian is 0, where the polynomials are 1, 0, -1, 0.
    torch.testing.assert_close(convolution(features, graph), features @ (convolution.weight[0] - convolution.weight[2]))


@pytest.mark.parametrize("sizes", [SDF_4, SDF_8, DEEP_SDF])
def test_first_weights_are_a_sphere(sizes: Mlp) -> None:
    """Negative at the origin, positive well outside in any direction, with slopes that are not far from 1."""
    network = SdfNetwork(sizes)
    network.reset(SEED(0))
    directions = torch.nn.functional.normalize(torch.randn(200, 3, generator=SEED(1)), dim=1)
    codes = torch.zeros(200, sizes.n_code)
    with torch.no_grad():
        values = [network(radius * directions, codes) for radius in (0.0, 2.0, 4.0)]
    assert values[0].max() < 0 < values[1].mean()
    assert values[2].min() > 0
    assert 0.5 < float((values[2] - values[1]).mean()) / 2 < 1.5
