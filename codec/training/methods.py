"""Methods that can be trained, by name; each is imported when it is used, and torch with it."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trainee import Trainee

_TRAINEES = {
    "grid": "GridTrainee",
    "lpdif": "LpdifTrainee",
    "lgcl": "LgclTrainee",
    "deepsdf": "DeepSdfTrainee",
    "compact": "CompactTrainee",
}
TRAINABLE = tuple(_TRAINEES)


def trainee_of(method: str) -> Trainee:
    """The trainee of a method, of the class of that name in its module ``train``.

    Raises
    ------
    ValueError
        The method has nothing to train.
    """
    if method not in _TRAINEES:
        raise ValueError(f"method {method!r} is not {' or '.join(TRAINABLE)}")
    trainee: Trainee = getattr(import_module(f"..{method}.train", __package__), _TRAINEES[method])()
    return trainee
