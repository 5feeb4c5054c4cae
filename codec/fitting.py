"""What fits of fields have in common: how far a distance may be off, and the bits of numbers that are still real."""

from __future__ import annotations

import math

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


def rounded(values: torch.Tensor, scale: float = 1.0) -> torch.Tensor:
    """Values rounded to multiples of 1 / scale, whose gradient is that of the values themselves."""
    return values + (torch.round(values * scale) / scale - values).detach()


def with_noise(values: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Values with even noise of a step in place of rounding; the generator is on their device."""
    return values + torch.rand(values.shape, generator=generator, device=values.device) - 0.5


def generator_on(device: torch.device, generator: torch.Generator) -> torch.Generator:
    """The generator itself, or on another device one of the same seed."""
    if generator.device.type == device.type:
        return generator
    return torch.Generator(device).manual_seed(generator.initial_seed())


def falling_share(i: int, n_steps: int) -> float:
    """The share of its first learning rate that step `i` of a fit takes: a cosine from 1 to a hundredth."""
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * i / n_steps))


class FallingRates:
    """Learning rates that rise over 50 steps and fall as `falling_share`.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Its groups have their full rates.
    n_steps : int
    """

    def __init__(self, optimizer: torch.optim.Optimizer, n_steps: int) -> None:
        self._groups = [(group, group["lr"]) for group in optimizer.param_groups]
        self._n_steps = n_steps

    def set(self, i: int) -> None:
        """Set the rates of step `i`."""
        for group, rate in self._groups:
            group["lr"] = rate * min(1.0, (i + 1) / 50) * falling_share(i, self._n_steps)


def laplace_bits(symbols: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    """Bits of (noisy) integers: -log2 of a Laplace distribution's mass within half a step."""
    upper, lower = symbols.abs() + 0.5, symbols.abs() - 0.5
    above = 1 - 0.5 * torch.exp(-upper / spread)
    inner = 0.5 * torch.exp(lower.clamp(max=0) / spread)
    below = torch.where(lower < 0, inner, 1 - 0.5 * torch.exp(-lower.clamp(min=0) / spread))
    return -torch.log2((above - below).clamp(min=1e-6))
