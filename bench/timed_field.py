"""A field that notes how long it takes to answer."""

from __future__ import annotations

import time

import torch

from ..codec.tensor_field import TensorField


class TimedField(TensorField):
    """Another field, with the seconds that its answers took and the points that it was asked for.

    Parameters
    ----------
    field : TensorField
    """

    def __init__(self, field: TensorField) -> None:
        super().__init__(field.region, field.device)
        self._field = field
        self.seconds, self.n_points = 0.0, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self._field, name)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """As the field's own."""
        start = time.perf_counter()
        values = self._field.evaluate(points)
        self._note(points, start)
        return values

    def values_and_gradient(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As the field's own."""
        start = time.perf_counter()
        both = self._field.values_and_gradient(points)
        self._note(points, start)
        return both

    def _note(self, points: torch.Tensor, start: float) -> None:
        if points.is_cuda:
            torch.cuda.synchronize()
        self.seconds += time.perf_counter() - start
        self.n_points += len(points)
