"""Methods that can be trained, by name; each is imported when it is used, and torch with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trainee import Trainee

TRAINABLE = ("grid", "lpdif", "lgcl", "deepsdf")


def trainee_of(method: str) -> Trainee:
    """The trainee of a method.

    Raises
    ------
    ValueError
        The method has nothing to train.
    """
    if method not in TRAINABLE:
        raise ValueError(f"method {method!r} is not {' or '.join(TRAINABLE)}")
    if method == "lpdif":
        from ..lpdif.train import LpdifTrainee

        return LpdifTrainee()
    if method == "lgcl":
        from ..lgcl.train import LgclTrainee

        return LgclTrainee()
    if method == "deepsdf":
        from ..deepsdf.train import DeepSdfTrainee

        return DeepSdfTrainee()
    from ..grid.train import GridTrainee

    return GridTrainee()
