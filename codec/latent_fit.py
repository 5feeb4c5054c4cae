"""Fit one code to a shape, through a network that stays as it is: gradient descent with the rate in the loss.

As `lgcl.fit`, but that nothing is local: errors are relative to a length of the whole shape, and so is the step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from ..formats.frame import Frame
from .fitting import FallingRates, laplace_bits, rounded, with_noise
from .latent_code import LatentCode, code_of_step, step_of_code
from .lgcl.fit import bounds, distance_samples, relative_error
from .sample import Samples
from .target import Target
from .whole import FILL

Progress = Callable[[str, int, int], None]
Evaluate = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""Signed distances (N,) at points (N, 3) by a code (C,); or (N, B) by B branches that shall agree."""

SCALE = 0.1  # normalized units: distances that a code tells well are of this order
_CODE_RATE, _SPREAD_RATE = 5e-3, 0.02  # the code's in its own unit, not in steps: the step is the caller's
_FIRST_SPREAD = 4.0  # of symbols


@dataclass(frozen=True)
class CodeFit:
    """How a code is fitted.

    Parameters
    ----------
    step : float
        Of the code's numbers.
    n_iterations : int
        Steps of Adam.
    elasticity : float
        Percent of error that a percent of bits is worth.
    slack : float
        Relative error of the distance that costs nothing.
    n_samples : int
        Distance samples.
    batch_size : int
        Samples in a step.
    rounding_share : float
        Last part of the steps, in which the code is rounded.
    """

    step: float
    n_iterations: int = 600
    elasticity: float = 0.1
    slack: float = 0.2
    n_samples: int = 1 << 17
    batch_size: int = 4096
    rounding_share: float = 0.25


def encode_code(
    target: Target, evaluate: Evaluate, n_code: int, settings: CodeFit, progress: Progress | None = None
) -> tuple[Frame, LatentCode]:
    """Frame and symbols of a shape's field; `progress` is called with ("fit", steps done, steps in all)."""
    frame = target.frame(FILL)
    return frame, code_in_frame(target, frame, evaluate, n_code, settings, progress)


def code_in_frame(
    target: Target, frame: Frame, evaluate: Evaluate, n_code: int, settings: CodeFit, progress: Progress | None = None
) -> LatentCode:
    """Symbols of a shape's field in a frame; as `encode_code`."""
    samples = distance_samples(target, frame, SCALE, settings.n_samples, np.random.default_rng(target.seed))
    return fit_code(evaluate, n_code, samples, settings, torch.Generator().manual_seed(target.seed), progress)


def fit_code(
    evaluate: Evaluate, n_code: int, samples: Samples, settings: CodeFit, generator: torch.Generator,
    progress: Progress | None = None,
) -> LatentCode:  # fmt: skip
    """The code that fits samples of a signed distance, which come in random order, at a price for each bit."""
    low, high = bounds(np.abs(samples.distances), SCALE, settings.slack)
    data = [torch.from_numpy(a) for a in (samples.points, np.sign(samples.distances), low, high)]
    step_code = code_of_step(settings.step)
    step = step_of_code(step_code)
    code = torch.zeros(n_code, requires_grad=True)
    log_spread = torch.full((), math.log(_FIRST_SPREAD), requires_grad=True)
    groups = [(code, _CODE_RATE), (log_spread, _SPREAD_RATE)]
    optimizer = torch.optim.Adam([{"params": [p], "lr": rate} for p, rate in groups], betas=(0.9, 0.99))
    n_steps, n_batches = settings.n_iterations, max(len(samples.points) // settings.batch_size, 1)
    first_rounded = round(n_steps * (1 - settings.rounding_share))
    rates = FallingRates(optimizer, n_steps)
    for i in range(n_steps):
        rates.set(i)
        symbols = code / step
        symbols = with_noise(symbols, generator) if i < first_rounded else rounded(symbols)
        part = slice(i % n_batches * settings.batch_size, (i % n_batches + 1) * settings.batch_size)
        points, signs, low_, high_ = (array[part] for array in data)
        found = evaluate(points, symbols * step)
        if found.ndim == 2:
            signs, low_, high_ = (column[:, None] for column in (signs, low_, high_))
        bits = laplace_bits(symbols, log_spread.exp()).sum() + 1
        loss = torch.log(relative_error(found, signs, low_, high_)) + settings.elasticity * torch.log(bits)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if progress is not None:
            progress("fit", i + 1, n_steps)
    return LatentCode(step_code, torch.round(code.detach() / step).to(torch.int32).numpy())
