"""The field that a `grid` file describes: interpolated latents, their sum, and a small network on top.

::

    point --+-- level 0: trilinear latents u_0 --+
            +-- level 1:                   u_1 --+--> sum ---------------------------------+--> signed distance
            +-- ...                              |                                         |
            +-- cos(2 pi position in the cell) --+--> network (16 ReLU), times cell / 8 ---+

The sum alone is a multi-resolution grid of signed distances; the network bends the trilinear patches into smooth ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from ...formats.model_pack import ModelPack
from ..backend import fused_network
from ..gains import FIXED_ONE, gain_of_code
from ..mesher import Region
from ..occupancy import OCTANTS
from ..tensor_field import TensorField, cosines_in_cells
from .lattice import Lattice, pyramid
from .shared import layers_of_pack
from .symbols import SHARED_NETWORK, WEIGHT_SCALE, GridSymbols
from .walk import FirstField

# Part of the format, never change: the network sees distances in 16ths of a finest cell and answers in 8ths.
INPUT_SCALE = 16.0
OUTPUT_SCALE = 1 / 8


def network_inputs(features: torch.Tensor, points: torch.Tensor, cell_size: float) -> torch.Tensor:
    """Inputs of the network.

    Parameters
    ----------
    features : (N, L) float32 tensor
        Each level's share of the signed distance, normalized units.
    points : (N, 3) float32 tensor
    cell_size : float
        Edge of a finest cell, normalized units.

    Returns
    -------
    inputs : (N, L + 4) float32 tensor
        Scaled features, the cosines of the position within a finest cell (continuous from cell to cell), and 1.
    """
    local = cosines_in_cells(points, cell_size)
    return torch.cat([features * (INPUT_SCALE / cell_size), local, torch.ones_like(local[:, :1])], 1)


class GridField(TensorField):
    """Signed distance field of decoded symbols.

    Parameters
    ----------
    symbols : GridSymbols
    device : torch.device
    backend : {'auto', 'torch', 'tcnn'}
    pack : ModelPack, optional
        Where the symbols say that the network is shared.
    first : FirstField, optional
        What the coarsest level's latents are added to.
    """

    def __init__(
        self,
        symbols: GridSymbols,
        device: torch.device | None = None,
        backend: str = "auto",
        pack: ModelPack | None = None,
        first: FirstField | None = None,
    ) -> None:
        super().__init__(Region(symbols.depth, symbols.cells), device)
        lattices = levels_of(symbols)
        values = [
            latents * np.float32(gain_of_code(code) / FIXED_ONE)
            for code, latents in zip(symbols.gain_codes, symbols.latents, strict=False)
        ]
        if first is not None:
            values[0] += known_at(lattices[0], first)
        self._levels = [
            _DenseLevel(lattice, level, self.device) for lattice, level in zip(lattices, values, strict=False)
        ]
        self._n_missing = symbols.n_levels - len(symbols.latents)
        weights = [torch.from_numpy(w).to(self.device) for w in weights_of(symbols, pack)]
        # The network was fitted to all levels: with the finest missing it would bend the wrong surface.
        self._network = fused_network(weights, backend) if weights and not self._n_missing else None

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        features = [level(points) for level in self._levels]
        total = torch.stack(features).sum(0)
        if self._network is None:
            return total
        cell_size = self.region.cell_size
        inputs = network_inputs(torch.stack(features, 1), points, cell_size)
        return total + self._network(inputs)[:, 0] * (OUTPUT_SCALE * cell_size)


def known_at(lattice: Lattice, first: FirstField) -> npt.NDArray[np.float32]:
    """(N,) a first field at the nodes of a lattice, normalized units."""
    return (first(lattice.nodes, lattice.depth) / FIXED_ONE).astype(np.float32)


class _DenseLevel:
    """One level's values on the dense grid, so that a point takes one look-up a corner; NaN where there is no node."""

    def __init__(self, lattice: Lattice, values: npt.NDArray[np.float32], device: torch.device) -> None:
        dense = np.full(lattice.edge**3, np.nan, np.float32)
        dense[lattice.index >= 0] = values[lattice.index[lattice.index >= 0]]
        self._values = torch.from_numpy(dense).to(device)
        self._n_cells = lattice.edge - 1
        steps = OCTANTS.astype(np.int64) @ np.array([lattice.edge**2, lattice.edge, 1])
        self._corners = torch.from_numpy(steps).to(device)
        self._strides = (lattice.edge**2, lattice.edge)

    def __call__(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) interpolated values at (N, 3) points."""
        scaled = (points + 1) * (self._n_cells / 2)
        low = scaled.detach().floor().clamp_(0, self._n_cells - 1)
        offset = scaled - low
        cell = low.to(torch.int64)
        base = cell[:, 0] * self._strides[0] + cell[:, 1] * self._strides[1] + cell[:, 2]
        corners = self._values[base[:, None] + self._corners].unflatten(1, (2, 2, 2))  # (N, 2, 2, 2)
        lost = torch.isnan(corners).flatten(1).any(1)
        if not bool(lost.any()):
            return _interpolated(corners, offset)
        # Apart, and not one masked by the other: the gradient of a masked NaN is NaN.
        values = torch.empty_like(offset[:, 0])
        values = values.index_put((~lost,), _interpolated(corners[~lost], offset[~lost]))
        return values.index_put((lost,), _extrapolated(corners[lost], offset[lost]))


def _interpolated(corners: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """(N,) trilinear values from (N, 2, 2, 2) corners at (N, 3) positions within the cell, 0 to 1."""
    for axis in range(3):
        corners = torch.lerp(corners[:, 0], corners[:, 1], offset[:, axis].view(-1, *[1] * (2 - axis)))
    return corners


def _extrapolated(corners: torch.Tensor, offset: torch.Tensor) -> torch.Tensor:
    """Mean of the corners that exist, by their trilinear weights: continuous across the face to an occupied cell.

    Parameters
    ----------
    corners : (N, 2, 2, 2) float32 tensor
        NaN where there is no node.
    offset : (N, 3) float32 tensor
        Position within the cell, 0 to 1.

    Returns
    -------
    values : (N,) float32 tensor
        NaN where no corner exists.
    """
    x, y, z = (torch.stack([1 - offset[:, i], offset[:, i]], 1).clamp(min=0) for i in range(3))
    weights = x[:, :, None, None] * y[:, None, :, None] * z[:, None, None, :]
    there = ~torch.isnan(corners)
    weights = torch.where(there, weights, torch.zeros_like(weights))
    total = (weights * torch.where(there, corners, torch.zeros_like(corners))).flatten(1).sum(1)
    return total / weights.flatten(1).sum(1)


def weights_of(symbols: GridSymbols, pack: ModelPack | None) -> list[npt.NDArray[np.float32]]:
    """Layers of the network of a field, (outputs, inputs); none where it has no network.

    Raises
    ------
    PackMethodError, CorruptPackError, FormatError
        As `shared.layers_of_pack`.
    """
    if symbols.network == SHARED_NETWORK:
        assert pack is not None, "whoever reads a file has found its pack before"
        return [layer.copy() for layer in layers_of_pack(pack, symbols.n_levels)]
    return [weights.astype(np.float32) / np.float32(WEIGHT_SCALE) for weights in symbols.weights]


def levels_of(symbols: GridSymbols) -> Sequence[Lattice]:
    """Lattices of all levels, coarse to fine."""
    return pyramid(symbols.cells, symbols.depth, symbols.n_levels)
