"""The trained start of the control mesh coder's model, part of the format: `priors.npz` beside this file.

Stored are slots that training has seen a few times at least, as probabilities of 12 bits and counts, and the weights,
as 16 bits in 2^-12. bench/scaffold_priors.py makes the file, bench/scaffold_network.py the other, `network.npz`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from io import BytesIO

import numpy as np

from ..mixing import Priors
from .expectation import Network
from .symbols import blank

LEAST_SEEN = 3
_PROBABILITY_SHIFT = 32 - 12
_WEIGHT_SHIFT = 4


@cache
def default_priors() -> Priors:
    """The model that every file starts with; not to be changed."""
    with resources.files(__package__).joinpath("priors.npz").open("rb") as file:
        return read_priors(file.read())


@cache
def default_network() -> Network:
    """The network that every file is coded with; not to be changed."""
    with resources.files(__package__).joinpath("network.npz").open("rb") as file:
        return read_network(file.read())


def read_network(data: bytes) -> Network:
    """A network from the bytes of `pack_network`."""
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        return Network(*(stored[name].astype(np.int32) for name in Network._fields))


def pack_network(network: Network) -> bytes:
    """The bytes of a .npz file with this network."""
    file = BytesIO()
    np.savez_compressed(file, **{name: array.astype(np.int16) for name, array in network._asdict().items()})
    return file.getvalue()


def read_priors(data: bytes) -> Priors:
    """Priors from the bytes of `pack_priors`."""
    with np.load(BytesIO(data), allow_pickle=False) as stored:
        start = blank()
        where = np.cumsum(stored["gaps"].astype(np.int64))
        middle = 2 * stored["probabilities"].astype(np.int64) + 1
        start.slots[where] = (middle << (_PROBABILITY_SHIFT - 1)) | stored["counts"]
        start.weights[:] = stored["weights"].astype(np.int32) << _WEIGHT_SHIFT
    return start


def pack_priors(priors: Priors) -> bytes:
    """The bytes of a .npz file with these priors, rounded; the same for the same priors."""
    where = np.flatnonzero((priors.slots & 0x3FF) >= LEAST_SEEN)
    gaps = np.diff(where, prepend=0)
    weights = (priors.weights + (1 << (_WEIGHT_SHIFT - 1))) >> _WEIGHT_SHIFT
    file = BytesIO()
    np.savez_compressed(
        file,
        gaps=gaps.astype(np.uint32 if gaps.max(initial=0) > 0xFFFF else np.uint16),
        probabilities=(priors.slots[where] >> _PROBABILITY_SHIFT).astype(np.uint16),
        counts=(priors.slots[where] & 0x3FF).astype(np.uint8),
        weights=np.clip(weights, -0x8000, 0x7FFF).astype(np.int16),
    )
    return file.getvalue()
