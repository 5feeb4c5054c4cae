"""Trained starts of adaptive models as files, which are part of the formats whose models they start.

Stored are slots that training has seen often, as odds on a coarse logarithmic scale and one of a few counts, and the
weights, as multiples of 1/256: kept finer, or with rarer slots too, they save no bytes elsewhere.
"""

from __future__ import annotations

from io import BytesIO

import numpy as np

from . import mixing
from .mixing import Priors

# Part of the formats, never change: the step of the odds, in 1/256 (`mixing.squash`), and the unit of the weights.
ODDS_STEP = 96
WEIGHT_SHIFT = 8

_COUNTS = np.array([16, 24, 40])  # a slot has the largest that it was seen as often as; not stored below the first


def read_priors(data: bytes, blank: Priors) -> Priors:
    """Priors from the bytes of `pack_priors`; `blank`, which is not changed, has what these do not store."""
    start = Priors(blank.slots.copy(), blank.weights.copy())
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        where = np.cumsum(stored["gaps"].astype(np.int64))
        start.slots[where] = mixing.slots(stored["odds"].astype(np.int64) * ODDS_STEP, stored["counts"])
        start.weights[:] = stored["weights"].astype(np.int32) << WEIGHT_SHIFT
    return start


def pack_priors(priors: Priors) -> bytes:
    """The bytes of a .npz file with these priors, rounded; the same for the same priors."""
    odds, seen = mixing.odds_and_counts(priors.slots)
    where = np.flatnonzero(seen >= _COUNTS[0])
    gaps = np.diff(where, prepend=0)
    weights = (priors.weights + (1 << (WEIGHT_SHIFT - 1))) >> WEIGHT_SHIFT
    file = BytesIO()
    np.savez_compressed(
        file,
        gaps=gaps.astype(np.uint32 if gaps.max(initial=0) > 0xFFFF else np.uint16),
        odds=np.rint(odds[where] / ODDS_STEP).astype(np.int8),
        counts=_COUNTS[np.searchsorted(_COUNTS, seen[where], side="right") - 1].astype(np.uint8),
        weights=np.clip(weights, -0x8000, 0x7FFF).astype(np.int16),
    )
    return file.getvalue()
