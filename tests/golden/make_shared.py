"""Write the golden file of a shared network anew: a `grid` file, the model pack that it needs, and distances.

    python tests/golden/make_shared.py

The file of a released version is never made anew. The symbols are those of the golden sphere; the weights are made by
hand, for more levels than the sphere has and with two hidden layers, so that every rule for them is used.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_files
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.shared import pack_of_layers
from sdfz.codec.grid.stream import pack_symbols
from sdfz.codec.grid.symbols import SHARED_NETWORK
from sdfz.formats import pack, write_model

FOLDER = golden_files.FOLDER / "shared"


def main() -> None:
    sphere = golden_files.load("sphere")
    rng = np.random.default_rng(3)
    shapes = [(16, sphere.symbols.n_levels + 1 + 4), (16, 16), (1, 16)]
    model = pack_of_layers([rng.integers(-40, 40, shape) / 128 for shape in shapes], {"log": "made by hand"})
    symbols = replace(sphere.symbols, network=SHARED_NETWORK, weights=())
    header = replace(sphere.header, pack_hash=model.short)
    FOLDER.mkdir(exist_ok=True)
    write_model(FOLDER / "sphere.sdfm", model)
    (FOLDER / "sphere.sdfz").write_bytes(pack(header, pack_symbols(symbols, sphere.n_base_levels)))
    distances = GridField(symbols, pack=model).distance(sphere.points)
    np.savez_compressed(FOLDER / "sphere.npz", points=sphere.points, distances=distances)


if __name__ == "__main__":
    main()
