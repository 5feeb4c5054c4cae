"""The field of a code and a model pack: both branches, fused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ..latent_code import LatentCode
from ..region import Region
from ..tensor_field import TensorField
from .band import DEPTH, LAYERS, band_of
from .networks import coarse_distance, fine_distance, interpolated
from .shared import Branches

if TYPE_CHECKING:
    from ..latent_fit import Evaluate

_AT_ONCE = 1 << 16  # points of the coarse branch: bounds the memory


class CompactField(TensorField):
    """Signed distance field of a code; its region is the band around the coarse surface.

    Parameters
    ----------
    symbols : LatentCode
    branches : Branches
        Of the pack; moved to the device.
    device : torch.device, optional
    n_layers : int
        Of the band.
    """

    def __init__(
        self, symbols: LatentCode, branches: Branches, device: torch.device | None = None, n_layers: int = LAYERS
    ) -> None:
        device = device or torch.device("cpu")
        self._branches = branches.to(device)
        self._code = torch.from_numpy(symbols.values).to(device)
        cells, weights = band_of(self._coarse_at_nodes(device), n_layers)
        super().__init__(Region(DEPTH, cells), device)
        self._weights = torch.from_numpy(weights)[None].to(device)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        coarse, fine = self.coarse(points), self.fine(points)
        return torch.lerp(coarse, fine, interpolated(self._weights, points)[:, 0])

    def coarse(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) what the branch that generalizes says."""
        return coarse_distance(self._branches.sizes, self._branches.coarse, points, self._code)

    def fine(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) what the branch that overfits says."""
        return fine_distance(self._branches.grid, self._branches.fine, points, self._code)

    def _coarse_at_nodes(self, device: torch.device):  # type: ignore[no-untyped-def]
        n_nodes = (1 << DEPTH) + 1
        axis = torch.linspace(-1, 1, n_nodes, device=device)
        nodes = torch.cartesian_prod(axis, axis, axis)
        with torch.inference_mode():
            found = torch.cat([self.coarse(part) for part in nodes.split(_AT_ONCE)])
        return found.view(n_nodes, n_nodes, n_nodes).cpu().numpy()


def fine_evaluator(branches: Branches, zoom: float) -> Evaluate:
    """(N, 3) points and a code (d,) -> (N,) distances by the fine branch, of a cube that is `zoom` times as large."""

    def evaluate(points: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        return fine_distance(branches.grid, branches.fine, points * zoom, code) / zoom

    return evaluate


def evaluator(branches: Branches) -> Evaluate:
    """(N, 3) points and a code (d,) -> (N, 2) distances by both branches: an encoder wants both to fit."""

    def evaluate(points: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        coarse = coarse_distance(branches.sizes, branches.coarse, points, code)
        return torch.stack([coarse, fine_distance(branches.grid, branches.fine, points, code)], 1)

    return evaluate
