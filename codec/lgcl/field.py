"""The field that an `lgcl` file and its model pack describe."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from ..tensor_field import TensorField
from ..whole import WHOLE
from .graph import Graph
from .key_points import edges_of_neighbours, nearest_neighbours
from .model import KeyPoints, LocalNetwork, Regions, local_distances
from .symbols import LocalSymbols, middles, step_of_code


def key_points_of(symbols: LocalSymbols, device: torch.device) -> KeyPoints:
    """Key points and graph of decoded symbols."""
    edges = edges_of_neighbours(nearest_neighbours(symbols.cells, symbols.n_neighbours))
    return KeyPoints.of(middles(symbols.cells, symbols.depth), Graph(len(symbols.cells), edges, device))


class LocalField(TensorField):
    """Signed distance field of decoded symbols.

    Parameters
    ----------
    symbols : LocalSymbols
    network : LocalNetwork
        Of the pack; moved to the device.
    device : torch.device, optional
    """

    def __init__(self, symbols: LocalSymbols, network: LocalNetwork, device: torch.device | None = None) -> None:
        super().__init__(WHOLE, device)
        self._network = network.to(self.device)
        self._key_points = key_points_of(symbols, self.device)
        self._regions = Regions(middles(symbols.cells, symbols.depth), network.sizes.blend)
        codes = torch.from_numpy(symbols.codes).to(self.device) * step_of_code(symbols.step_code)
        with torch.no_grad():
            inputs = self._key_points.inputs(codes, network.sizes.geometry)
            self._codes = network.local_codes(inputs, self._key_points.graph)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        nearest = torch.from_numpy(self._regions.nearest(points.detach().cpu().numpy())).to(self.device)
        return local_distances(points, nearest, self._key_points, self._codes, self._network.decoder)

    def spacings_away(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
        """(N,) distances of (N, 3) points from their nearest key points, in spacings of these."""
        nearest = self._regions.nearest(points)[:, 0]
        positions, spacing = (part.cpu().numpy() for part in (self._key_points.positions, self._key_points.spacing))
        found: npt.NDArray[np.float32] = np.linalg.norm(points - positions[nearest], axis=1) / spacing[nearest, 0]
        return found
