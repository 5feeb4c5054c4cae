"""The trained start of the coder's model, part of the `grid` format: `priors.npz` beside this file.

bench/grid_priors.py makes the file.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

from ..mixing import Priors
from ..stored_priors import read_priors
from .decisions import blank


@cache
def default_priors() -> Priors:
    """The model that every file starts with; not to be changed."""
    with resources.files(__package__).joinpath("priors.npz").open("rb") as file:
        return read_priors(file.read(), blank())
