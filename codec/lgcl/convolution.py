"""Convolutions on a graph of key points: Chebyshev filters, and spatially varying kernels on a template.

References
----------
.. [1] M. Defferrard, X. Bresson, P. Vandergheynst, Convolutional neural networks on graphs with fast localized spectral
   filtering, NeurIPS 2016, arXiv:1606.09375.
.. [2] Y. Zhou, C. Wu, Z. Li, C. Cao, Y. Ye, J. Saragih, H. Li, Y. Sheikh, Fully convolutional mesh autoencoder using
   efficient spatially varying kernels, NeurIPS 2020, arXiv:2006.04325.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from .graph import Graph, sum_over


class ChebConv(torch.nn.Module):
    """Filter of Chebyshev polynomials of the scaled Laplacian; runs on any graph.

    The largest eigenvalue is taken for 2, its bound, so that the scaled Laplacian is minus the normalized adjacency.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    order : int
        Polynomials, those of degree 0 to order - 1.
    bias : bool
    """

    def __init__(self, n_in: int, n_out: int, order: int, bias: bool = True) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(order, n_in, n_out))
        self.bias = torch.nn.Parameter(torch.zeros(n_out)) if bias else None

    def reset(self, generator: torch.Generator) -> None:
        """First weights: answers have about the variance of the inputs."""
        order, n_in, n_out = self.weight.shape
        spread = math.sqrt(2 / (order * (n_in + n_out)))
        self.weight.data = torch.randn(order, n_in, n_out, generator=generator) * spread

    def forward(self, features: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(n, n_out) from (n, n_in) features."""
        scale = graph.degrees.rsqrt()
        before, term = torch.zeros_like(features), features
        total = term @ self.weight[0]
        for degree in range(1, len(self.weight)):
            spread = -scale * sum_over(graph.adjacency, scale * term)
            before, term = term, spread if degree == 1 else 2 * spread - before
            total = total + term @ self.weight[degree]
        return total if self.bias is None else total + self.bias


class VcConv(torch.nn.Module):
    """Kernels that differ from edge to edge: each is a mixture, of its own, of a few weight matrices.

    Parameters
    ----------
    n_in, n_out : int
        Channels.
    n_bases : int
        Weight matrices.
    graph : Graph
        Of the template: coefficients belong to its edges, and to each key point itself.
    bias : bool
    """

    neighbours: torch.Tensor
    present: torch.Tensor

    def __init__(self, n_in: int, n_out: int, n_bases: int, graph: Graph, bias: bool = True) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.empty(n_bases, n_in, n_out))
        self.bias = torch.nn.Parameter(torch.zeros(n_out)) if bias else None
        neighbours, present = _padded(graph)
        self.register_buffer("neighbours", neighbours, persistent=False)  # (n, D)
        self.register_buffer("present", present, persistent=False)  # (n, D, 1) 1 or 0
        self.coefficients = torch.nn.Parameter(torch.empty(*neighbours.shape, n_bases))

    def reset(self, generator: torch.Generator) -> None:
        """First weights: answers have about the variance of the inputs."""
        n_bases, n_in, n_out = self.weight.shape
        self.weight.data = torch.randn(n_bases, n_in, n_out, generator=generator) * math.sqrt(2 / (n_in + n_out))
        shape = self.coefficients.shape
        spread = 1 / torch.sqrt(self.present.sum(1, keepdim=True) * n_bases)
        self.coefficients.data = torch.randn(shape, generator=generator) * spread

    def forward(self, features: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(n, n_out) from (n, n_in) features; the graph is the template's."""
        mixed = (self.coefficients * self.present).transpose(1, 2) @ features[self.neighbours]  # (n, bases, n_in)
        total = mixed.flatten(1) @ self.weight.flatten(0, 1)
        return total if self.bias is None else total + self.bias


def _padded(graph: Graph) -> tuple[torch.Tensor, torch.Tensor]:
    """(n, D) each key point and its neighbours, filled up with it again, and (n, D, 1) which of them count."""
    own = np.arange(graph.n)
    start = np.concatenate([own, graph.edges[:, 0]])
    end = np.concatenate([own, graph.edges[:, 1]])
    order = np.argsort(start, kind="stable")
    start, end = start[order], end[order]
    counts = np.bincount(start, minlength=graph.n)
    place = np.arange(len(start)) - np.repeat(np.cumsum(counts) - counts, counts)
    neighbours = np.repeat(own[:, None], counts.max(), axis=1)
    neighbours[start, place] = end
    present = np.arange(counts.max()) < counts[:, None]
    return torch.from_numpy(neighbours), torch.from_numpy(present.astype(np.float32))[:, :, None]
