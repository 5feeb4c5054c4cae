"""The trained start of the control mesh coder's model, part of the format: `priors.npz` beside this file.

bench/scaffold_priors.py makes the file, bench/scaffold_network.py the other, `network.npz`.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from io import BytesIO

import numpy as np

from ..mixing import Priors
from ..stored_priors import read_priors
from .expectation import Network
from .symbols import blank


@cache
def default_priors() -> Priors:
    """The model that every file starts with; not to be changed."""
    with resources.files(__package__).joinpath("priors.npz").open("rb") as file:
        return read_priors(file.read(), blank())


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
