"""A field that torch evaluates: what methods with networks have in common."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import numpy as np
import torch

from .region import Float32Array, Region


class TensorField(ABC):
    """Signed distance field over the cells of a region, on a device.

    Parameters
    ----------
    region : Region
        Where it is defined.
    device : torch.device, optional
        By default the CPU.
    """

    def __init__(self, region: Region, device: torch.device | None = None) -> None:
        self.region = region
        self.device = device or torch.device("cpu")

    @abstractmethod
    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points, float32, normalized units; NaN far outside the region.

        Differentiable with respect to the points.
        """

    def distance(self, points: Float32Array) -> Float32Array:
        """Signed distances (N,) float32 at (N, 3) float32 points."""
        with torch.inference_mode():
            return self.evaluate(self._tensor(points)).cpu().numpy()

    def distance_and_gradient(self, points: Float32Array) -> tuple[Float32Array, Float32Array]:
        """Signed distances (N,) and their gradients (N, 3), float32."""
        values, gradient = self.values_and_gradient(self._tensor(points))
        return values.cpu().numpy(), gradient.cpu().numpy()

    def values_and_gradient(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `distance_and_gradient`, of tensors on the device."""
        position = points.detach().requires_grad_()
        values = self.evaluate(position)
        (gradient,) = torch.autograd.grad(values.sum(), position)
        return values.detach(), gradient

    def _tensor(self, points: Float32Array) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(points, np.float32)).to(self.device)


def cosines_in_cells(points: torch.Tensor, cell_size: float) -> torch.Tensor:
    """(N, 3) cosines of the position within a cell, a period an edge: continuous from cell to cell.

    Parameters
    ----------
    points : (N, 3) float32 tensor
    cell_size : float
        Edge of a cell, in the unit of the points; cells start at -1.
    """
    return torch.cos((2 * math.pi / cell_size) * (points + 1))
