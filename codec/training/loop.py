"""The training loop of all methods.

A step takes some shapes, in an order that is shuffled anew each time all were taken, and a batch of each. Rates are
full until a quarter of the steps is left and then fall to nothing. With a limit of time rather than of steps, that
quarter begins when three quarters of the time are over.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..backend import pick_device
from .checkpoint import Progress, load, save
from .trainee import Metrics, ShapeArrays, Trainee

logger = logging.getLogger(__name__)

_DECAY = 4  # the last one of so many parts of the steps, in which the rates fall
_WARM_UP = 100  # steps in which they rise
_SMOOTHING = 0.99  # of the loss that is reported

Report = Callable[[int, "int | None", Metrics], None]


@dataclass(frozen=True)
class TrainSettings:
    """How long and on what.

    Parameters
    ----------
    n_steps : int, optional
    minutes : float, optional
        One of the two. Of time, a resumed training has what is left.
    seed : int
        Of everything random.
    device : {'auto', 'cpu', 'cuda'}
        On a GPU, products are in half precision (bfloat16).
    shapes_a_step : int
    validate_every, checkpoint_every : int
        Steps.

    Raises
    ------
    ValueError
        A value is out of range, or not one of steps and minutes is given.
    """

    n_steps: int | None = None
    minutes: float | None = None
    seed: int = 0
    device: str = "auto"
    shapes_a_step: int = 4
    validate_every: int = 1000
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        if (self.n_steps is None) == (self.minutes is None):
            raise ValueError("one of n_steps and minutes must be given")
        for name in ("n_steps", "minutes", "shapes_a_step", "validate_every", "checkpoint_every"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name} {value} is not above 0")


@dataclass(frozen=True, eq=False)
class Trained:
    """What came out.

    Attributes
    ----------
    module : torch.nn.Module
    progress : Progress
        Steps, seconds and all validations.
    """

    module: torch.nn.Module
    progress: Progress


def train(
    trainee: Trainee,
    shapes: Sequence[ShapeArrays],
    held_out: Sequence[ShapeArrays],
    settings: TrainSettings,
    *,
    checkpoint: Path,
    key: str = "",
    report: Report | None = None,
) -> Trained:
    """Train, going on from the checkpoint if there is one.

    Parameters
    ----------
    trainee : Trainee
    shapes, held_out : sequence of ShapeArrays
        To train on, and to validate on.
    settings : TrainSettings
    checkpoint : Path
        Written every so often, and at the end; removing it begins anew.
    key : str
        What else makes this training what it is, such as the shapes: a checkpoint with another one is refused.
    report : callable, optional
        Called after each step with (steps done, steps in all if known, metrics); these are `loss`, and where a
        validation has just been made, what it found.

    Raises
    ------
    CheckpointError
        The checkpoint is of another training, or damaged.
    ValueError
        There are no shapes.
    """
    if not shapes:
        raise ValueError("there are no shapes to train on")
    device = pick_device(settings.device)
    module = trainee.module(shapes, torch.Generator().manual_seed(settings.seed)).to(device)
    optimizers = trainee.optimizers(module)
    rates = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    full_key = "\n".join([trainee.method, trainee.cache_key, trainee.settings_key, _reproducible(settings), key])
    progress = load(checkpoint, full_key, module, optimizers) if checkpoint.exists() else Progress()
    progress.n_steps = progress.n_steps or settings.n_steps
    draw = _Draw(trainee, shapes, settings)
    started = perf_counter() - progress.seconds
    with ThreadPoolExecutor(1) as ahead:
        following = ahead.submit(draw, progress.step)
        while progress.n_steps is None or progress.step < progress.n_steps:
            drawn, following = following.result(), ahead.submit(draw, progress.step + 1)
            _set_rates(optimizers, rates, progress)
            loss = _step(trainee, module, optimizers, drawn, _generator(settings, progress.step, device))
            progress.step += 1
            progress.seconds = perf_counter() - started
            progress.n_steps = progress.n_steps or _steps_in_all(progress, settings)
            progress.loss = loss if progress.step == 1 else _SMOOTHING * progress.loss + (1 - _SMOOTHING) * loss
            metrics = {"loss": progress.loss}
            is_last = progress.step == progress.n_steps
            if held_out and (is_last or progress.step % settings.validate_every == 0):
                metrics |= trainee.validate(module, held_out)
                progress.history.append({"step": progress.step, **metrics})
                logger.info("step %d: %s", progress.step, metrics)
            if is_last or progress.step % settings.checkpoint_every == 0:
                save(checkpoint, full_key, progress, module, optimizers)
            if report is not None:
                report(progress.step, progress.n_steps, metrics)
        following.cancel()
    return Trained(module, progress)


def _reproducible(settings: TrainSettings) -> str:
    """What of the settings a training depends on."""
    return f"steps {settings.n_steps} minutes {settings.minutes} seed {settings.seed} by {settings.shapes_a_step}"


def _steps_in_all(progress: Progress, settings: TrainSettings) -> int | None:
    """Steps in all, once the time for full rates is over; None before."""
    if settings.minutes is None or progress.seconds < 60 * settings.minutes * (1 - 1 / _DECAY):
        return None
    return progress.step + -(-progress.step // (_DECAY - 1))


def _set_rates(
    optimizers: Sequence[torch.optim.Optimizer], rates: Sequence[Sequence[float]], progress: Progress
) -> None:
    share = min(1.0, (progress.step + 1) / _WARM_UP)
    if progress.n_steps is not None:
        share = min(share, _DECAY * (progress.n_steps - progress.step) / progress.n_steps)
    for optimizer, full in zip(optimizers, rates, strict=True):
        for group, rate in zip(optimizer.param_groups, full, strict=True):
            group["lr"] = share * rate


def _generator(settings: TrainSettings, step: int, device: torch.device) -> torch.Generator:
    (seed,) = np.random.SeedSequence([settings.seed, step]).generate_state(1)
    return torch.Generator(device).manual_seed(int(seed))


Drawn = list[tuple[int, dict[str, npt.NDArray[Any]]]]


class _Draw:
    """The shapes and batches of a step: they depend on the seed and the number of the step, and on nothing before."""

    def __init__(self, trainee: Trainee, shapes: Sequence[ShapeArrays], settings: TrainSettings) -> None:
        self._trainee, self._shapes, self._settings = trainee, shapes, settings

    def __call__(self, step: int) -> Drawn:
        rng = np.random.default_rng([self._settings.seed, step])
        first = step * self._settings.shapes_a_step
        numbers = [self._shape(first + i) for i in range(self._settings.shapes_a_step)]
        return [(number, self._trainee.batch(self._shapes[number].open(), rng)) for number in numbers]

    def _shape(self, position: int) -> int:
        n_rounds, place = divmod(position, len(self._shapes))
        order = np.random.default_rng([self._settings.seed, n_rounds]).permutation(len(self._shapes))
        return int(order[place])


def _step(
    trainee: Trainee,
    module: torch.nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    drawn: Drawn,
    generator: torch.Generator,
) -> float:
    """One step of all optimizers; the mean loss."""
    device = generator.device
    mixed: AbstractContextManager[Any] = (
        torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else nullcontext()
    )
    for optimizer in optimizers:
        optimizer.zero_grad()
    total = 0.0
    for shape, arrays in drawn:
        batch = {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}
        with mixed:
            loss = trainee.loss(module, shape, batch, generator) / len(drawn)
        loss.backward()
        total += loss.item()
    for optimizer in optimizers:
        optimizer.step()
    return total
