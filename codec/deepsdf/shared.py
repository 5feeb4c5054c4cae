"""The network that files share, in a model pack.

Layout 1 of a pack of this method: `sdf0.weight`, `sdf0.bias`, ... as of an `lgcl` pack's decoder, and `settings`, (2,)
int32, the network's `Mlp.skip` and `Mlp.beta`.
"""

from __future__ import annotations

import numpy as np
import torch

from ...formats.errors import CorruptPackError, FormatError
from ...formats.model_pack import ModelPack
from ..lgcl.networks import SdfNetwork
from ..lgcl.shared import arrays_of_decoder, mlp_of_arrays, named_layers

METHOD = "deepsdf"
LAYOUT = 1


def pack_of_network(network: SdfNetwork, notes: dict[str, str]) -> ModelPack:
    """The pack of a network."""
    settings = np.array([network.sizes.skip, network.sizes.beta], np.int32)
    return ModelPack(METHOD, LAYOUT, {**arrays_of_decoder(network), "settings": settings}, notes)


def network_of_pack(pack: ModelPack, n_code: int | None = None) -> SdfNetwork:
    """The network of a pack, for evaluation.

    Parameters
    ----------
    pack : ModelPack
    n_code : int, optional
        Numbers of a file's latent code.

    Raises
    ------
    PackMethodError
        The pack has another layout.
    CorruptPackError
        Its arrays are no network.
    FormatError
        The file has a code of another length.
    """
    pack.check_layout(LAYOUT)
    settings = pack.arrays.get("settings")
    sizes = None
    if settings is not None and settings.dtype == np.int32 and settings.shape == (2,):
        sizes = mlp_of_arrays(pack.arrays, *settings.tolist())
    if sizes is None or len(pack.arrays) != 2 * sizes.n_layers + 1:
        raise CorruptPackError(f"model pack {pack.short.hex()}: its arrays are not the layers of a network")
    if n_code is not None and n_code != sizes.n_code:
        raise FormatError(f"deepsdf payload: a code of {n_code} numbers, but its model pack is for {sizes.n_code}")
    network = SdfNetwork(sizes)
    for name, tensor in named_layers(network).items():
        tensor.data = torch.from_numpy(pack.arrays[name].copy())
    return network.requires_grad_(False)
