"""The state of a training on disk, whole or not at all, so that it goes on as if it had never stopped."""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from ...formats.errors import SdfzError
from ...formats.files import write_atomic


class CheckpointError(SdfzError):
    """A checkpoint is of another training, or damaged."""


@dataclass
class Progress:
    """How far a training is. What is drawn for a step depends on the seed and its number alone, so that this, the
    parameters and the optimizers' moments are all there is to keep.

    Attributes
    ----------
    step : int
        Steps done.
    seconds : float
        Spent on them, over all runs.
    n_steps : int or None
        Steps in all, as soon as it is known.
    loss : float
        Running mean.
    history : list of dict
        What validations found.
    """

    step: int = 0
    seconds: float = 0.0
    n_steps: int | None = None
    loss: float = 0.0
    history: list[dict[str, float]] = field(default_factory=list)


def save(
    path: Path, key: str, progress: Progress, module: torch.nn.Module, optimizers: list[torch.optim.Optimizer]
) -> None:
    """Write a checkpoint; `key` is what the training is."""
    state = {
        "key": key,
        "progress": asdict(progress),
        "module": module.state_dict(),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
    }
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_atomic(path, buffer.getvalue())


def load(path: Path, key: str, module: torch.nn.Module, optimizers: list[torch.optim.Optimizer]) -> Progress:
    """The progress in a checkpoint; the module and the optimizers are brought to its state.

    Raises
    ------
    CheckpointError
        It is damaged, or of a training of another key.
    """
    device = next(module.parameters()).device
    try:
        # Tensors, numbers and text: nothing that a file could run.
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        if state["key"] != key:
            raise CheckpointError(f"{path}: checkpoint of another training; remove it to begin anew")
        module.load_state_dict(state["module"])
        for optimizer, stored in zip(optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(stored)
        return Progress(**state["progress"])
    except (CheckpointError, OSError):
        raise
    except Exception as error:  # whatever torch makes of damaged bytes
        raise CheckpointError(f"{path}: not a checkpoint: {type(error).__name__}: {error}") from None
