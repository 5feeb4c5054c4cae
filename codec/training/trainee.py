"""What a method tells the training loop: what to learn from, what to learn, and how well it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import torch

from ...formats.mesh_io import Mesh
from ...formats.model_pack import ModelPack

# Arrays of a shape, memory-mapped: what is not looked at is not read.
Arrays = Mapping[str, npt.NDArray[Any]]
Metrics = dict[str, float]


class ShapeArrays(Protocol):
    """The cached arrays of a shape, opened anew each time, so that thousands of shapes take no memory."""

    @property
    def name(self) -> str:
        """Of the shape."""

    def open(self) -> Arrays:
        """Arrays by name, read-only."""


class Trainee(Protocol):
    """A method in training. Everything random comes from the generators that are handed in, so that a resumed
    training is the same as one that was never stopped."""

    @property
    def method(self) -> str:
        """Whose packs come out."""

    @property
    def cache_key(self) -> str:
        """What prepared arrays depend on beside the shape, spelled out; a change of it prepares anew."""

    @property
    def settings_key(self) -> str:
        """What the training depends on beside that, spelled out; a checkpoint of another one is not resumed."""

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Arrays of a shape to learn from, by names that are file names; none of no dimension.

        Raises
        ------
        SdfzError
            The shape is no good for training: it is left out.
        """

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """All that is learned, on the CPU; `shapes` are those trained on, whose positions `loss` is told."""

    def optimizers(self, module: torch.nn.Module) -> list[torch.optim.Optimizer]:
        """Of the module's parameters, with their full rates."""

    def batch(self, arrays: Arrays, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """A part of a shape's arrays, copied, for a step."""

    def loss(
        self, module: torch.nn.Module, shape: int, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> torch.Tensor:
        """What to make small, of a shape's batch; generator and tensors are on the module's device."""

    def validate(self, module: torch.nn.Module, shapes: Sequence[ShapeArrays]) -> Metrics:
        """Rate, distortion and so on of shapes that were not trained on, by name; 1 is what files have without."""

    def to_pack(self, module: torch.nn.Module, notes: dict[str, str]) -> ModelPack:
        """The pack of what was learned."""
