"""Write the golden files of `compact` anew: one of a code, one with a residual, their model pack, and distances.

    python tests/golden/make_compact.py

The files of a released version are never made anew. The coarse branch is made by hand, so that there is a surface, the
fine one and the grid at random; so is the residual, around a ball.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_files
from sdfz.codec.compact.field import CompactField
from sdfz.codec.compact.integers import IntegerField
from sdfz.codec.compact.networks import CompactSizes, first_grid, first_layers
from sdfz.codec.compact.shared import Branches, branches_of_pack, numbers_of_pack, pack_of_branches
from sdfz.codec.compact.stream import METHOD_ID, CodedResidual, pack_symbols
from sdfz.codec.grid.lattice import pyramid
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.stream import pack_symbols as pack_grid
from sdfz.codec.grid.symbols import OWN_NETWORK, GridSymbols, network_shapes
from sdfz.codec.latent_code import LatentCode
from sdfz.formats import Header, ModelPack, pack

FOLDER = golden_files.FOLDER / "compact"
SIZES = CompactSizes(n_code=5, n_octaves=1, resolution=6, n_features=9, width=12, n_hidden=2)


def made_by_hand() -> Branches:
    """An octahedron, roughly, and a fine branch that differs from it by a little."""
    generator = torch.Generator().manual_seed(3)
    coarse, fine = (first_layers(found, generator) for found in (SIZES.coarse_shapes, SIZES.fine_shapes))
    coarse[0], coarse[1], coarse[2] = (0.05 * layer for layer in coarse)
    for axis in range(3):
        coarse[0][2 * axis, axis], coarse[0][2 * axis + 1, axis] = 1, -1
        coarse[1][2 * axis, 2 * axis], coarse[1][2 * axis + 1, 2 * axis + 1] = 1, 1
    coarse[2][0, :6], coarse[2][0, -1] = 1, -0.9
    branches = Branches(SIZES, first_grid(SIZES, generator), coarse, fine)
    return replace(branches, fine=[*fine[:-1], 0.2 * fine[-1]])


ZOOM = 150


def ball() -> GridSymbols:
    """Random latents of three levels around a ball, a network, and cells that are trimmed."""
    rng = np.random.default_rng(9)
    middles = (np.stack(np.meshgrid(*[np.arange(16)] * 3, indexing="ij"), -1).reshape(-1, 3) + 0.5) / 8 - 1
    cells = np.floor((middles[np.abs(np.linalg.norm(middles, axis=1) - 0.6) < 0.08] + 1) * 8).astype(np.int32)
    trimmed = cells[20:60:8]
    return GridSymbols(
        depth=4,
        cells=cells,
        gain_codes=(25, 33, 40),
        network=OWN_NETWORK,
        weights=tuple(rng.integers(-40, 41, shape).astype(np.int32) for shape in network_shapes(OWN_NETWORK, 3)),
        latents=tuple(rng.integers(-9, 10, len(level.nodes)).astype(np.int32) for level in pyramid(cells, 4, 3)),
        trimmed=trimmed,
        parts=2 * trimmed + np.array([1, 0, 1], np.int32),
    )


def write_residual(header: Header, code: LatentCode, model: ModelPack) -> None:
    grid, first = ball(), IntegerField(numbers_of_pack(model), code, ZOOM)
    sections = pack_symbols(code, CodedResidual(ZOOM, tuple(pack_grid(grid, 2, first))))
    (FOLDER / "residual.sdfz").write_bytes(pack(header, sections))
    rng = np.random.default_rng(10)
    points = (grid.cells[rng.integers(0, len(grid.cells), 300)] + rng.random((300, 3))) / 8 - 1
    distances = GridField(grid, first=first).distance(points.astype(np.float32))
    arrays = {"cells": grid.cells, "trimmed": grid.trimmed, "parts": grid.parts}
    arrays |= {f"latents{i}": latents for i, latents in enumerate(grid.latents)}
    np.savez_compressed(
        FOLDER / "residual.npz", points=points.astype(np.float32), distances=distances, code=code.code, **arrays
    )


def main() -> None:
    steps = [2.0**-5, *[2.0**-7] * (len(SIZES.coarse_shapes) + len(SIZES.fine_shapes))]
    model = pack_of_branches(made_by_hand(), steps, {"log": "made by hand"})
    symbols = LatentCode(170, np.array([3, -40, 0, 17, 6], np.int32))
    header = golden_files.write_with_pack(FOLDER, "octahedron", METHOD_ID, model, pack_symbols(symbols))
    points = np.random.default_rng(8).uniform(-1, 1, (300, 3)).astype(np.float32)
    distances = CompactField(symbols, branches_of_pack(model)).distance(points)
    np.savez_compressed(FOLDER / "octahedron.npz", points=points, distances=distances, code=symbols.code)
    write_residual(header, symbols, model)


if __name__ == "__main__":
    main()
