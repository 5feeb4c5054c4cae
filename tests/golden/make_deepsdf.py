"""Write the golden file of `deepsdf` anew: a file, the model pack that it needs, its code, and distances.

    python tests/golden/make_deepsdf.py

The file of a released version is never made anew. The network is that of a sphere, disturbed, with a skip and a
Softplus; the code has numbers of many sizes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

import golden_files
from sdfz.codec.deepsdf.field import CodeField
from sdfz.codec.deepsdf.shared import network_of_pack, pack_of_network
from sdfz.codec.deepsdf.stream import METHOD_ID, pack_symbols
from sdfz.codec.latent_code import LatentCode
from sdfz.codec.lgcl.networks import Mlp, SdfNetwork

FOLDER = golden_files.FOLDER / "deepsdf"


def made_by_hand() -> tuple[LatentCode, SdfNetwork]:
    code = np.array([0, 1, -2, 5, -11, 24, -53, 0, 110, -300, 1, 0], np.int32)
    network = SdfNetwork(Mlp(len(code), 40, 4, skip=2, beta=10))
    generator = torch.Generator().manual_seed(5)
    network.reset(generator, radius=0.5)
    for parameter in network.parameters():
        disturbed = parameter + 0.03 * torch.randn(parameter.shape, generator=generator)
        parameter.data = torch.round(256 * disturbed) / 256
    symbols = LatentCode(110, code)
    network.requires_grad_(False)
    at_half = CodeField(symbols, network).distance(np.array([[0.5, 0, 0]], np.float32))
    network.linear()[-1].bias -= round(256 * float(at_half[0])) / 256
    return symbols, network


def main() -> None:
    symbols, network = made_by_hand()
    model = pack_of_network(network, {"log": "made by hand"})
    golden_files.write_with_pack(FOLDER, "blob", METHOD_ID, model, pack_symbols(symbols))
    points = np.random.default_rng(8).uniform(-1, 1, (200, 3)).astype(np.float32)
    distances = CodeField(symbols, network_of_pack(model)).distance(points)
    np.savez_compressed(FOLDER / "blob.npz", points=points, distances=distances, code=symbols.code)


if __name__ == "__main__":
    main()
