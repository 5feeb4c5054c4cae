"""Training the start of an adaptive model: what is coded one after the other is what it learns from."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ..codec import mixing

logger = logging.getLogger(__name__)

Item = TypeVar("Item")


def in_part(name: str, n_parts: int, *, held_out: bool) -> bool:
    """Whether what has a name is among the one part of so many that is held out, or else among the rest.

    Nothing is held out of 0 parts.
    """
    return not n_parts or (zlib.crc32(name.encode()) % n_parts == 0) == held_out


def trained_priors(
    items: Sequence[Item],
    blank: Callable[[], mixing.Priors],
    coded: Callable[[Item, mixing.Priors], tuple[mixing.Coder | mixing.Priors, float]],
    *,
    n_rounds: int,
    most_seen: int,
) -> mixing.Priors:
    """Priors that have seen all the items, in a different order each round.

    Each round forgets the slots: weights learned with slots that know the item at hand already would trust them too
    much.

    Parameters
    ----------
    items : sequence
    blank : callable
        Makes priors that know nothing.
    coded : callable
        Codes an item: what the model has become, and bits.
    n_rounds : int
    most_seen : int
        Counts are cut to this after each item, as they will be in the priors.
    """
    priors, rng = blank(), np.random.default_rng(0)
    for i in range(n_rounds):
        total, priors = 0.0, mixing.Priors(blank().slots, priors.weights)
        for k in rng.permutation(len(items)):
            adapted, bits = coded(items[k], priors)
            priors = mixing.learned(adapted, most_seen)
            total += bits
        logger.info("round %d: %.0f bytes", i + 1, total / 8)
    return priors
