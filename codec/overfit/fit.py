"""Fit a network to samples of a signed distance; for a file, with the price of its bits in the loss.

::

    random weights --Adam on the loss--> weights --Adam on  loss + elasticity * log bits--> integers
                                                     (weights rounded, gradients straight through)

Weights are rounded to multiples of a step that each layer learns: the loss says what precision is worth, the bits what
it costs. Weights that are worth less than they cost become zero, which costs next to nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from ..fitting import laplace_bits, rounded
from ..sample import Samples
from .architecture import Architecture
from .losses import Loss, l1
from .model import initial_layers, run_network
from .symbols import MAX_SYMBOL, code_of_step, step_of_code

Progress = Callable[[str, int, int], None]
SCHEDULES = ("cosine", "plateau", "constant")

STEP_RATE = 0.02  # Adam's, of the logarithms of the quantization steps
_WARM_UP = 100  # steps, or a tenth of all
_LAST_RATE = 0.01  # of a cosine, as a share of the first
_FIRST_STEP = 0.03  # of quantization, as a share of the spread of a layer's weights
_LEAST_SPREAD = 0.05  # of symbols


@dataclass(frozen=True)
class FitSettings:
    """How a network is fitted.

    Parameters
    ----------
    loss : callable
        Of predicted and true distances and the epoch (`losses`).
    n_iterations : int
        Steps of Adam, which the papers call epochs.
    batch_size : int
        Samples in a step.
    learning_rate : float
        Adam's first one.
    schedule : {'cosine', 'plateau', 'constant'}
        How it falls. 'plateau' halves it when the loss has not fallen by 1e-4 of itself for 200 steps.
    dropout : float
        Share of the hidden units that each step leaves out.
    weight_norm : bool
        Each unit's weights are a direction and a length.
    elasticity : float
        Percent of loss that a percent of bits is worth, where the loss is a logarithm; for `fit_symbols`.
    float_share : float
        First part of the steps, in which nothing is rounded; for `fit_symbols`.
    fixed_share : float
        Last part of the steps, in which the quantization steps stay; for `fit_symbols`.
    device : torch.device
        Where it is fitted. First weights are drawn on the CPU: they are the same everywhere.
    """

    loss: Loss = l1
    n_iterations: int = 10_000
    batch_size: int = 10_000
    learning_rate: float = 1e-3
    schedule: str = "plateau"
    dropout: float = 0.0
    weight_norm: bool = False
    elasticity: float = 0.8
    float_share: float = 0.4
    fixed_share: float = 0.2
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    def __post_init__(self) -> None:
        if self.schedule not in SCHEDULES:
            raise ValueError(f"schedule {self.schedule!r} is not one of {', '.join(SCHEDULES)}")


def fit_network(
    architecture: Architecture,
    samples: Samples,
    settings: FitSettings,
    generator: torch.Generator,
    progress: Progress | None = None,
) -> list[torch.Tensor]:
    """Layers (O, I) float32 of a network fitted to samples, not rounded.

    Parameters
    ----------
    architecture : Architecture
    samples : Samples
        In random order.
    settings : FitSettings
    generator : torch.Generator
        Of the first weights, and of what is dropped.
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    model = _Model(architecture, settings, generator)
    _descend(model, samples, settings, generator, settings.n_iterations, progress)
    return [layer.detach().cpu() for layer in model.float_layers()]


def fit_symbols(
    architecture: Architecture,
    samples: Samples,
    settings: FitSettings,
    generator: torch.Generator,
    progress: Progress | None = None,
) -> tuple[tuple[int, ...], tuple[npt.NDArray[np.int32], ...]]:
    """Step codes and integer weights of a network fitted to samples, at a price for each bit; as `fit_network`."""
    model = _Model(architecture, settings, generator)
    first_rounded = round(settings.n_iterations * settings.float_share)
    _descend(model, samples, settings, generator, first_rounded, progress)
    return model.symbols()


class _Model:
    """What is fitted: all weights as one vector, a quantization step a layer, and lengths where they are apart."""

    def __init__(self, architecture: Architecture, settings: FitSettings, generator: torch.Generator) -> None:
        layers = [layer.to(settings.device) for layer in initial_layers(architecture, generator)]
        self.architecture = architecture
        self._shapes = architecture.shapes
        self._sizes = [rows * columns for rows, columns in self._shapes]
        self._counts = torch.tensor(self._sizes, device=settings.device)
        self.values = torch.cat([layer.flatten() for layer in layers]).requires_grad_()
        self.log_steps = torch.zeros(len(layers), device=settings.device, requires_grad=True)
        self.lengths = [layer.norm(dim=1, keepdim=True).requires_grad_() for layer in layers]
        self._weight_norm = settings.weight_norm
        self._learning_rate = settings.learning_rate

    def groups(self) -> list[dict[str, object]]:
        """Adam's parameter groups."""
        weights = [self.values, *(self.lengths if self._weight_norm else [])]
        return [{"params": weights, "lr": self._learning_rate}, {"params": [self.log_steps], "lr": STEP_RATE}]

    def float_layers(self) -> list[torch.Tensor]:
        """Layers (O, I), not rounded."""
        layers = self._split(self.values)
        if not self._weight_norm:
            return layers
        return [
            length * layer / layer.norm(dim=1, keepdim=True) for layer, length in zip(layers, self.lengths, strict=True)
        ]

    def rounded_layers(self) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Layers (O, I) of rounded weights, whose gradients are those of the weights, and the bits that they cost."""
        steps = self._of_weights(self.log_steps.exp())
        symbols = rounded(self.values / steps)
        # The likeliest spread of a layer's symbols; by its choice the bits do not change to first order.
        spreads = torch.stack([part.abs().mean() for part in symbols.detach().split(self._sizes)])
        bits = laplace_bits(symbols, self._of_weights(spreads.clamp(min=_LEAST_SPREAD))).sum()
        return self._split(symbols * steps), bits

    def start_rounding(self) -> None:
        """Choose first quantization steps; lengths become part of the weights."""
        with torch.no_grad():
            self.values.copy_(torch.cat([layer.flatten() for layer in self.float_layers()]))
            self._weight_norm = False
            spreads = torch.stack([part.std() for part in self.values.split(self._sizes)])
            self.log_steps.copy_(torch.log(spreads.clamp(min=1e-4) * _FIRST_STEP))

    def fix_steps(self) -> None:
        """Round the quantization steps to what the file can say; they stay so."""
        self.log_steps.requires_grad_(False)
        steps = [math.log(step_of_code(code)) for code in self._codes()]
        self.log_steps.copy_(torch.tensor(steps, device=self.log_steps.device))

    def symbols(self) -> tuple[tuple[int, ...], tuple[npt.NDArray[np.int32], ...]]:
        """Step codes, and weights (O, I) int32."""
        codes = self._codes()
        layers = [
            torch.round(layer.detach() / step_of_code(code)).clamp(-MAX_SYMBOL, MAX_SYMBOL)
            for layer, code in zip(self._split(self.values), codes, strict=True)
        ]
        return codes, tuple(layer.to(torch.int32).cpu().numpy() for layer in layers)

    def _codes(self) -> tuple[int, ...]:
        return tuple(code_of_step(math.exp(value)) for value in self.log_steps.tolist())

    def _split(self, values: torch.Tensor) -> list[torch.Tensor]:
        return [part.view(shape) for part, shape in zip(values.split(self._sizes), self._shapes, strict=True)]

    def _of_weights(self, of_layers: torch.Tensor) -> torch.Tensor:
        return torch.repeat_interleave(of_layers, self._counts, output_size=len(self.values))


def _descend(
    model: _Model,
    samples: Samples,
    settings: FitSettings,
    generator: torch.Generator,
    first_rounded: int,
    progress: Progress | None,
) -> None:
    """Adam; from a step on the weights are rounded and their bits are part of the loss."""
    points, distances = (torch.from_numpy(array).to(settings.device) for array in (samples.points, samples.distances))
    n_batches = max(len(points) // settings.batch_size, 1)
    n_steps = settings.n_iterations
    first_fixed = max(round(n_steps * (1 - settings.fixed_share)), first_rounded)
    optimizer = torch.optim.Adam(model.groups(), betas=(0.9, 0.99 if settings.schedule == "cosine" else 0.999))
    follow = _schedule(optimizer, settings)
    drop = _dropout(settings.dropout, generator) if settings.dropout else None
    for i in range(n_steps):
        if i == first_rounded:
            model.start_rounding()
        if i == first_fixed:
            model.fix_steps()
        batch = slice(i % n_batches * settings.batch_size, (i % n_batches + 1) * settings.batch_size)
        layers, bits = (model.float_layers(), None) if i < first_rounded else model.rounded_layers()
        predicted = run_network(model.architecture, layers, points[batch], drop)
        loss = settings.loss(predicted, distances[batch], i)
        total = loss if bits is None else loss + settings.elasticity * torch.log(bits)
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
        follow(loss)
        if progress is not None:
            progress("fit", i + 1, n_steps)


def _schedule(optimizer: torch.optim.Optimizer, settings: FitSettings) -> Callable[[torch.Tensor], None]:
    """What is called with each step's loss, and sets the learning rate of the next."""
    if settings.schedule == "plateau":
        plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=200, threshold=1e-4)
        return lambda loss: plateau.step(loss.item())
    if settings.schedule == "constant":
        return lambda loss: None

    warm_up = min(_WARM_UP, settings.n_iterations // 10)

    def share(i: int) -> float:
        turn = (1 + math.cos(math.pi * i / settings.n_iterations)) / 2
        return min(1.0, (i + 1) / (warm_up + 1)) * (_LAST_RATE + (1 - _LAST_RATE) * turn)

    cosine = torch.optim.lr_scheduler.LambdaLR(optimizer, share)
    return lambda loss: cosine.step()


def _dropout(share: float, generator: torch.Generator) -> Callable[[torch.Tensor], torch.Tensor]:
    def drop(units: torch.Tensor) -> torch.Tensor:
        kept = torch.rand(units.shape, generator=generator) >= share
        return units * kept.to(units.device) / (1 - share)

    return drop
