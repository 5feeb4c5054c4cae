"""What latents cost while they are fitted: a Laplace distribution whose width follows from what the coder looks at.

The coder's contexts are above all the sizes of a node's neighbours and how many occupied cells it is a corner of. The
logarithm of the width is a number for the latter, learned, and a learned multiple of the logarithm of the former.
"""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse
import torch

from ..fitting import laplace_bits
from ..occupancy import NEIGHBOURS, OCTANTS
from .lattice import Lattice

_LEAST, _MOST = 0.03, 200.0  # widths, in symbols
_CAP = 40.0  # a neighbour's size counts as at most this
_QUIET = 0.05  # added to the mean size of the neighbours: its logarithm exists
_REFRESH = 8  # steps between looks at the neighbours
_CHUNK = 1 << 15  # nodes whose neighbours are looked up at once: bounds the memory


class LevelRate:
    """The bits of one level's latents.

    Parameters
    ----------
    lattice : Lattice
    device : torch.device
        Of the symbols.
    """

    def __init__(self, lattice: Lattice, device: torch.device) -> None:
        self._around = _mean_around(lattice).to(device)
        self._places = torch.from_numpy(lattice.n_cells_around() - 1).to(device)
        self.place_spreads = torch.zeros(len(OCTANTS), device=device, requires_grad=True)
        self.exponent = torch.tensor(0.5, device=device, requires_grad=True)
        self._activity = torch.zeros(len(lattice.nodes), device=device)
        self._n_asked = 0

    def parameters(self) -> list[torch.Tensor]:
        """What is learned."""
        return [self.place_spreads, self.exponent]

    def __call__(self, symbols: torch.Tensor, exact: torch.Tensor) -> torch.Tensor:
        """Bits of symbols (N, 1), noisy or rounded; `exact` (N, 1) are neither."""
        if self._n_asked % _REFRESH == 0:
            sizes = torch.round(exact.detach()).abs().clamp(max=_CAP)
            self._activity = torch.log(self._around @ sizes + _QUIET)[:, 0]
        self._n_asked += 1
        spreads = (self.place_spreads[self._places] + self.exponent * self._activity).exp()
        return laplace_bits(symbols[:, 0], spreads.clamp(_LEAST, _MOST)).sum()


def _mean_around(lattice: Lattice) -> torch.Tensor:
    """(N, N) sparse: mean over a node's 26 neighbours, those across an edge counting four times a corner's."""
    nodes = lattice.nodes.astype(np.int64)
    parts = [lattice.find(nodes[i : i + _CHUNK, None] + NEIGHBOURS) for i in range(0, len(nodes), _CHUNK)]
    around = np.concatenate(parts)
    there = around >= 0
    weights = np.broadcast_to(2.0 ** (3 - np.abs(NEIGHBOURS).sum(1)), around.shape) * there
    weights = weights / weights.sum(1, keepdims=True)  # a corner of a cell has neighbours
    starts = np.concatenate([[0], np.cumsum(there.sum(1))])
    mean = scipy.sparse.csr_matrix((weights[there], around[there], starts), shape=(len(nodes), len(nodes)))
    return torch_csr(mean)


def torch_csr(matrix: scipy.sparse.csr_matrix) -> torch.Tensor:
    """A matrix as torch multiplies with it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support", category=UserWarning)
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int32)),
            torch.from_numpy(matrix.indices.astype(np.int32)),
            torch.from_numpy(matrix.data.astype(np.float32)),
            size=matrix.shape,
            check_invariants=False,
        )
