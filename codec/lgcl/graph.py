"""The graph of key points as sparse matrices: who is a neighbour, who is just so many edges apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse
import torch

from .key_points import IntArray


@dataclass(frozen=True, eq=False)
class Graph:
    """A graph of key points.

    Attributes
    ----------
    n : int
        Key points.
    edges : (E, 2) int64
        In both directions, sorted.
    device : torch.device
        Where its tensors are.
    """

    n: int
    edges: IntArray
    device: torch.device = torch.device("cpu")  # noqa: RUF009

    @cached_property
    def adjacency(self) -> torch.Tensor:
        """(n, n) sparse float32 tensor, symmetric: 1 where there is an edge."""
        return self._tensor(self._matrix)

    @cached_property
    def degrees(self) -> torch.Tensor:
        """(n, 1) float32: edges of each key point, at least 1."""
        counts = np.bincount(self.edges[:, 0], minlength=self.n).clip(min=1)
        return torch.from_numpy(counts.astype(np.float32))[:, None].to(self.device)

    def rings(self, n_rings: int) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Of each ring 1, 2, ..., which key points are just so many edges apart.

        Returns
        -------
        rings : list of ((n, n) sparse float32 tensor, (n, 1) float32 tensor)
            1 where they are, and how many there are in each row, at least 1.
        """
        near = (self._matrix + scipy.sparse.identity(self.n, np.float32, "csr")).sign()
        within, found = scipy.sparse.identity(self.n, np.float32, "csr"), []
        for _ in range(n_rings):
            wider = (within @ near).sign()
            ring = (wider - within).tocsr()
            ring.eliminate_zeros()
            counts = np.asarray(ring.sum(1), np.float32).clip(min=1)
            found.append((self._tensor(ring), torch.from_numpy(counts).to(self.device)))
            within = wider
        return found

    @property
    def _matrix(self) -> scipy.sparse.csr_matrix:
        ones = np.ones(len(self.edges), np.float32)
        return scipy.sparse.csr_matrix((ones, (self.edges[:, 0], self.edges[:, 1])), shape=(self.n, self.n))

    def _tensor(self, matrix: scipy.sparse.csr_matrix) -> torch.Tensor:
        matrix = matrix.tocoo()
        indices = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
        values = torch.from_numpy(matrix.data.astype(np.float32))
        return torch.sparse_coo_tensor(indices, values, matrix.shape, check_invariants=False).coalesce().to(self.device)


class _Symmetric(torch.autograd.Function):
    """A symmetric matrix times dense columns: its transpose, which the gradient needs, is itself."""

    @staticmethod
    def forward(ctx, matrix, columns):  # type: ignore[no-untyped-def]
        ctx.matrix = matrix
        return matrix @ columns

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]
        return None, ctx.matrix @ gradient


def sum_over(matrix: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
    """(n, C) sums of features over the ones of each row of a symmetric matrix."""
    found: torch.Tensor = _Symmetric.apply(matrix, features)
    return found


def spacings(positions: torch.Tensor, graph: Graph) -> torch.Tensor:
    """(n, 1) mean length of the edges of each key point; 1 where there are none."""
    if not len(graph.edges):
        return torch.ones_like(positions[:, :1])
    start, end = torch.from_numpy(graph.edges.T.copy()).to(positions.device)
    lengths = (positions[start] - positions[end]).norm(dim=1, keepdim=True)
    total = torch.zeros_like(positions[:, :1]).index_add_(0, start, lengths)
    return torch.where(total > 0, total / graph.degrees, 1.0)
