"""The field that a `hashgrid` file describes: features of a multi-resolution hash grid, and a small network on them.

::

    point --> hash grid --> [level 0 | level 1 | ... | cosines | 1] --> hidden layer (ReLU) --> signed distance
          +-> cos(2 pi position in the cell) ------------^

Without the cosines the network can only bend all trilinear patches alike; files of version 0.4.0 have none. Encoding
and network are one network of tiny-cuda-nn or the same in torch on a GPU (`backend.fused_encoding`), and one compiled
pass on a CPU.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..backend import fused_encoding
from ..gains import FIXED_ONE, gain_of_code
from ..occupancy import OCTANTS
from ..region import Region
from ..tensor_field import TensorField, cosines_in_cells
from .encoding import PRIMES, HashGrid
from .pointwise import PointwiseField
from .symbols import WEIGHT_SCALE, HashgridSymbols
from .touched import TouchedLevel, to_unit

_MASK = (1 << 32) - 1


class HashgridField(TensorField):
    """Signed distance field of decoded symbols.

    Parameters
    ----------
    symbols : HashgridSymbols
    device : torch.device, optional
    backend : {'auto', 'torch', 'tcnn'}
    """

    def __init__(self, symbols: HashgridSymbols, device: torch.device | None = None, backend: str = "auto") -> None:
        super().__init__(Region(symbols.depth, symbols.cells), device)
        self._depth, self._n_local = symbols.depth, symbols.n_local
        self._unit = symbols.unit * self.region.cell_size
        tables = tables_of(symbols) / np.float32(symbols.unit)
        layers = [(w / WEIGHT_SCALE).astype(np.float32) for w in symbols.weights]
        self._pointwise = PointwiseField(symbols.grid, symbols.depth, tables, layers[0], layers[1], self._unit)
        on_device = torch.from_numpy(tables).to(self.device)
        weights = [torch.from_numpy(layer).to(self.device) for layer in layers]
        features = Features(symbols.grid, on_device)
        configuration = symbols.grid.configuration()
        self._network = fused_encoding(configuration, on_device.ravel(), weights, features, backend, self._n_local)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        return self._pointwise.evaluate(points) if self.device.type == "cpu" else self.by_tensors(points)

    def by_tensors(self, points: torch.Tensor) -> torch.Tensor:
        """`evaluate` as it is done on a GPU."""
        inputs = to_unit(points, self._depth)
        if self._n_local:
            inputs = torch.cat([inputs, cosines_in_cells(points, self.region.cell_size)], 1)
        return self._network(inputs)[:, 0] * self._unit


class Features:
    """The hash grid in torch: (N, 3) positions in [0, 1]^3 -> (N, L F) features, level by level.

    Parameters
    ----------
    grid : HashGrid
    tables : (P, F) float32 tensor
        Entries of all levels.
    """

    def __init__(self, grid: HashGrid, tables: torch.Tensor) -> None:
        self._grid = grid
        self._tables = [tables[start:end] for start, end in zip(grid.offsets, grid.offsets[1:], strict=False)]
        self._octants = torch.from_numpy(OCTANTS.astype(np.int64)).to(tables.device)
        self._primes = torch.tensor(PRIMES, device=tables.device)

    def __call__(self, unit: torch.Tensor) -> torch.Tensor:
        return torch.cat([self._level(level, unit) for level in range(self._grid.n_levels)], 1)

    def _level(self, level: int, unit: torch.Tensor) -> torch.Tensor:
        position = unit * (self._grid.resolutions[level] - 1) + 0.5
        low = position.detach().floor()
        offset = position - low
        if self._grid.smooth:
            offset = offset * offset * (3 - 2 * offset)
        nodes = low.to(torch.int64)[:, None] + self._octants  # (N, 8, 3)
        values = self._tables[level][self._entries(level, nodes)].unflatten(1, (2, 2, 2))  # (N, 2, 2, 2, F)
        for axis in range(3):
            values = torch.lerp(values[:, 0], values[:, 1], offset[:, axis].view(-1, *[1] * (3 - axis)))
        return values

    def _entries(self, level: int, nodes: torch.Tensor) -> torch.Tensor:
        """(N, 8) rows of a level's table: as `HashGrid.entries`."""
        resolution, size = self._grid.resolutions[level], self._grid.sizes[level]
        if self._grid.is_hashed(level):
            mixed = (nodes * self._primes) & _MASK
            return (mixed[..., 0] ^ mixed[..., 1] ^ mixed[..., 2]) % size
        return (nodes[..., 0] + resolution * (nodes[..., 1] + resolution * nodes[..., 2])) % size


def tables_of(symbols: HashgridSymbols) -> npt.NDArray[np.float32]:
    """(P, F) entries of all levels' tables, in edges of a cell."""
    grid = symbols.grid
    tables = np.zeros((grid.offsets[-1], grid.n_features), np.float32)
    for level, (code, values) in enumerate(zip(symbols.gain_codes, symbols.tables, strict=True)):
        entries = TouchedLevel(grid, level, symbols.cells, symbols.depth).entries
        tables[grid.offsets[level] + entries] = values * np.float32(gain_of_code(code) / FIXED_ONE)
    return tables
