"""The trained integers of the `grid` format: context weights and probability tables.

They ship with the package as ``tables.npz`` and are part of the format: bench/grid_tables.py of version 0.4.0 made them
from the training corpus, and a change of one entry is a new format version. Files coded by tables need all of them;
mixed decisions, the contexts, whose rows tell how likely a cell is and how far a latent is spread.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from ..context import LinearContext
from ..entropy import SignedTables, TableFamily

LATENT_SUPPORT = 15  # part of the format: larger symbols are escaped


@dataclass(frozen=True, eq=False)
class GridTables:
    """Contexts and tables of the symbols of a file.

    Attributes
    ----------
    occupancy, latent : LinearContext
        Which row codes a cell's bit, a node's symbol.
    bits : TableFamily
        Two letters, rows from surely empty to surely occupied.
    latents : SignedTables
        Rows from narrow to wide.
    weights : SignedTables
        Network weights, one row a layer.
    """

    occupancy: LinearContext
    latent: LinearContext
    bits: TableFamily
    latents: SignedTables
    weights: SignedTables


@cache
def grid_tables() -> GridTables:
    """The tables of format version 1."""
    with resources.as_file(resources.files(__package__) / "tables.npz") as path, np.load(path) as arrays:
        return GridTables(
            LinearContext(arrays["occupancy_weights"].astype(np.int32), len(arrays["bits"])),
            LinearContext(arrays["latent_weights"].astype(np.int32), len(arrays["latents"])),
            TableFamily(arrays["bits"]),
            SignedTables(TableFamily(arrays["latents"]), TableFamily(arrays["latent_escapes"])),
            SignedTables(TableFamily(arrays["weights"]), TableFamily(arrays["weight_escapes"])),
        )
