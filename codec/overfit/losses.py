"""How wrong a predicted signed distance is: the losses of the paper, and the codec's own.

References
----------
.. [1] Sergeev, Talabot, Donier, Fua, Implicit high resolution representation of 3D shapes, 2022, section 4.3.
.. [2] Park et al., DeepSDF, CVPR 2019.
.. [3] Duan et al., Curriculum DeepSDF, ECCV 2020.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

# Of a prediction and a truth, (N,) each, in the given epoch.
Loss = Callable[[torch.Tensor, torch.Tensor, int], torch.Tensor]

CLAMP = 0.1


@dataclass(frozen=True)
class Lesson:
    """A stage of a curriculum.

    Attributes
    ----------
    epoch : int
        From which on it counts.
    tolerance : float
        Epsilon: an error that costs nothing, normalized units.
    hardness : float
        Lambda, 0 to 1: what more a wrong sign costs, and what less a right one whose size is too large.
    """

    epoch: int
    tolerance: float
    hardness: float


# Table 2 of [1]_.
CURRICULUM = (
    Lesson(0, 0.025, 0.0),
    Lesson(200, 0.01, 0.1),
    Lesson(600, 0.0025, 0.2),
    Lesson(1000, 0.0, 0.5),
    Lesson(5000, 0.0, 0.8),
)


def l1(predicted: torch.Tensor, true: torch.Tensor, epoch: int = 0) -> torch.Tensor:
    """Mean absolute error."""
    return (predicted - true).abs().mean()


def clamped_l1(predicted: torch.Tensor, true: torch.Tensor, epoch: int = 0) -> torch.Tensor:
    """Mean absolute error of distances that are clamped to 0.1 either way: Eq. (3) of [1]_."""
    return (_clamped(predicted) - _clamped(true)).abs().mean()


def curriculum(lessons: tuple[Lesson, ...] = CURRICULUM) -> Loss:
    """The extended curriculum loss, Eq. (4) of [1]_.

    Examples
    --------
    >>> loss = curriculum()
    >>> wrong_side, too_far = torch.tensor([-0.02]), torch.tensor([0.05])
    >>> [round(float(loss(f, torch.tensor([0.03]), 1000)), 4) for f in (wrong_side, too_far)]
    [0.075, 0.01]
    """

    def loss(predicted: torch.Tensor, true: torch.Tensor, epoch: int) -> torch.Tensor:
        lesson = lesson_of(lessons, epoch)
        predicted, true = _clamped(predicted), _clamped(true)
        short = torch.sign(true - predicted)
        weight = 1 + lesson.hardness * torch.sign(true) * short
        return (weight * ((true - predicted).abs() - lesson.tolerance).clamp(min=0)).mean()

    return loss


def lesson_of(lessons: tuple[Lesson, ...], epoch: int) -> Lesson:
    """The stage of a curriculum that an epoch is in."""
    return [lesson for lesson in lessons if lesson.epoch <= epoch][-1]


def slack_band(slack: float, far: float) -> Loss:
    """The codec's loss: log of the mean distance of |f| from what its zero set allows.

    Only the zero set is coded. So near the surface any slope from 1 - slack to 1 + slack will do, and farther away than
    `far` it only counts that the sign is right, and no close call. A wrong sign far away makes a piece of surface where
    there is none: that is dearer than the same error near the surface. By the logarithm a percent of error has one
    price at all sizes.

    Parameters
    ----------
    slack : float
        Relative error of a distance that costs nothing.
    far : float
        Distance, normalized units.
    """

    def loss(predicted: torch.Tensor, true: torch.Tensor, epoch: int) -> torch.Tensor:
        outward, size = predicted * torch.sign(true), true.abs()
        low = ((1 - slack) * size).clamp(max=_FAR_LOW * far)
        high = torch.where(size < far, (1 + slack) * size, torch.inf)
        price = torch.where(size < far / 2, 1.0, _FAR_PRICE)
        return torch.log((price * (low - outward).clamp(min=0) + (outward - high).clamp(min=0)).mean())

    return loss


_FAR_LOW = 0.4  # of `far`: what |f| is to be at least, farther away
_FAR_PRICE = 10.0


def _clamped(distances: torch.Tensor) -> torch.Tensor:
    return distances.clamp(-CLAMP, CLAMP)
