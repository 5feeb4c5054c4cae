"""The codes of the shapes that are trained on, a row each: those of a step's shapes alone are moved (auto-decoding)."""

from __future__ import annotations

import torch

_FIRST = 0.01  # standard deviation of a number


class ShapeCodes(torch.nn.Embedding):
    """Codes of many shapes, small at first.

    Parameters
    ----------
    n_shapes : int
    n_numbers : int
        Of a code.
    generator : torch.Generator
        Of the first codes.
    """

    def __init__(self, n_shapes: int, n_numbers: int, generator: torch.Generator) -> None:
        first = torch.randn(n_shapes, n_numbers, generator=generator) * _FIRST
        super().__init__(n_shapes, n_numbers, sparse=True, _weight=first)

    def of(self, shape: int) -> torch.Tensor:
        """(C,) the code of a shape."""
        found: torch.Tensor = self(torch.tensor(shape, device=self.weight.device))
        return found

    def optimizer(self, rate: float) -> torch.optim.Optimizer:
        """One that moves only the codes that a step has asked for."""
        return torch.optim.SparseAdam(self.parameters(), lr=rate)
