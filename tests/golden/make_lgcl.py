"""Write the golden file of `lgcl` anew: a file, the model pack that it needs, its symbols, and distances.

    python tests/golden/make_lgcl.py

The file of a released version is never made anew. Symbols and weights are made by hand, so that every rule is used: a
pack that sees the geometry and blends, with a skip in its decoder, and a code whose channels are predicted or not.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_files
from sdfz.codec.lgcl.field import LocalField
from sdfz.codec.lgcl.model import LocalNetwork, LocalSizes
from sdfz.codec.lgcl.networks import Mlp
from sdfz.codec.lgcl.shared import network_of_pack, pack_of_network
from sdfz.codec.lgcl.stream import pack_symbols
from sdfz.codec.lgcl.symbols import METHOD_ID, LocalSymbols
from sdfz.codec.occupancy import sorted_cells

FOLDER = golden_files.FOLDER / "lgcl"


def made_by_hand() -> tuple[LocalSymbols, LocalNetwork]:
    rng = np.random.default_rng(7)
    directions = rng.normal(size=(60, 3))
    points = 0.6 * directions / np.linalg.norm(directions, axis=1, keepdims=True)
    cells = sorted_cells(np.floor((points + 1) * 16).astype(np.int64), 5)
    codes = np.stack([rng.integers(-4, 5, len(cells)), cells[:, 0], rng.integers(-900, 900, len(cells))], 1)
    network = LocalNetwork(LocalSizes((3, 5, 6), 3, Mlp(6, 24, 4, skip=2, beta=10), geometry=True, blend=3))
    for parameter in network.parameters():
        parameter.data = torch.from_numpy(rng.integers(-40, 41, tuple(parameter.shape)).astype(np.float32) / 256)
    return LocalSymbols(5, cells, 6, 108, codes.astype(np.int32)), network


def main() -> None:
    symbols, network = made_by_hand()
    model = pack_of_network(network, {"log": "made by hand"})
    golden_files.write_with_pack(FOLDER, "ball", METHOD_ID, model, pack_symbols(symbols))
    points = np.random.default_rng(8).uniform(-1, 1, (200, 3)).astype(np.float32)
    distances = LocalField(symbols, network_of_pack(model)).distance(points)
    np.savez_compressed(
        FOLDER / "ball.npz", points=points, distances=distances, cells=symbols.cells, codes=symbols.codes
    )


if __name__ == "__main__":
    main()
