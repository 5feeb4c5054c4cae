"""What fits of fields have in common: how far a distance may be off, and the bits of numbers that are still real."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

# Beyond half a cell from the surface only the sign matters, and that it is no close call; in cells.
_FAR, _FAR_LOW = 0.5, 0.2


def bounds(
    distances: npt.NDArray[np.float32], cell: float, slack: float
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Least and largest |f| that costs nothing at points of an unsigned distance."""
    low = np.minimum((1 - slack) * distances, np.float32(_FAR_LOW * cell))
    high = np.where(distances < _FAR * cell, (1 + slack) * distances, np.float32(np.inf))
    return low, high.astype(np.float32)


def laplace_bits(symbols: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Bits of (noisy) integers: -log2 of a Laplace distribution's mass within half a step."""
    upper, lower = symbols.abs() + 0.5, symbols.abs() - 0.5
    above = 1 - 0.5 * torch.exp(-upper / spread)
    inner = 0.5 * torch.exp(lower.clamp(max=0) / spread)
    below = torch.where(lower < 0, inner, 1 - 0.5 * torch.exp(-lower.clamp(min=0) / spread))
    return -torch.log2((above - below).clamp(min=1e-6))
