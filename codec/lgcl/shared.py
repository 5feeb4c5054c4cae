"""The networks that files share, in a model pack.

Layout 1 of a pack of this method, all float32 but `settings`:

    conv0.weight, conv1.weight, ...  (order, inputs, outputs) of the graph convolutions; conv0 has 9 inputs more where
                                     it sees the geometry
    conv0.bias, ...                  (outputs,), of all but the last
    sdf0.weight, sdf0.bias, ...      (outputs, inputs) and (outputs,) of the decoder's layers
    settings                         (4,) int32: whether the geometry is seen, key points that answer for a point, the
                                     decoder's `Mlp.skip` and `Mlp.beta`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...formats.errors import CorruptPackError, FormatError
from ...formats.model_pack import ModelPack
from .convolution import ChebConv
from .model import N_GEOMETRY, LocalNetwork, LocalSizes
from .networks import N_SPACE, Mlp, SdfNetwork

METHOD = "lgcl"
LAYOUT = 1
MAX_LAYERS, MAX_WIDTH, MAX_ORDER, MAX_BLEND, MAX_BETA = 16, 1024, 16, 8, 1000

Arrays = Mapping[str, npt.NDArray[Any]]


def pack_of_network(network: LocalNetwork, notes: dict[str, str]) -> ModelPack:
    """The pack of a network of Chebyshev filters."""
    sizes, arrays = network.sizes, arrays_of_decoder(network.decoder)
    for number, convolution in enumerate(network.convolutions):
        assert isinstance(convolution, ChebConv)
        arrays[f"conv{number}.weight"] = _numpy(convolution.weight)
        if convolution.bias is not None:
            arrays[f"conv{number}.bias"] = _numpy(convolution.bias)
    arrays["settings"] = np.array([sizes.geometry, sizes.blend, sizes.decoder.skip, sizes.decoder.beta], np.int32)
    return ModelPack(METHOD, LAYOUT, arrays, notes)


def network_of_pack(pack: ModelPack, n_channels: int | None = None) -> LocalNetwork:
    """The network of a pack, for evaluation.

    Parameters
    ----------
    pack : ModelPack
    n_channels : int, optional
        Numbers of z_G that a file has for each key point.

    Raises
    ------
    PackMethodError
        The pack has another layout.
    CorruptPackError
        Its arrays are no network.
    FormatError
        The file has another number of channels.
    """
    pack.check_layout(LAYOUT)
    sizes = _sizes(pack.arrays)
    if sizes is None:
        raise CorruptPackError(f"model pack {pack.short.hex()}: its arrays are not the layers of a network")
    if n_channels is not None and n_channels != sizes.channels[0]:
        raise FormatError(f"lgcl payload: {n_channels} channels, but its model pack is for {sizes.channels[0]}")
    network = LocalNetwork(sizes)
    for name, tensor in _named(network).items():
        tensor.data = torch.from_numpy(pack.arrays[name].copy())
    return network.requires_grad_(False)


def arrays_of_decoder(decoder: SdfNetwork) -> dict[str, npt.NDArray[Any]]:
    """Arrays of a decoder's layers, by their names in a pack."""
    return {name: _numpy(tensor) for name, tensor in named_layers(decoder).items()}


def named_layers(decoder: SdfNetwork) -> dict[str, torch.Tensor]:
    """A decoder's parameters, by the names of their arrays."""
    found: dict[str, torch.Tensor] = {}
    for number, layer in enumerate(decoder.linear()):
        found[f"sdf{number}.weight"], found[f"sdf{number}.bias"] = layer.weight, layer.bias
    return found


def mlp_of_arrays(arrays: Arrays, skip: int, beta: int) -> Mlp | None:
    """Sizes of the decoder in a pack; None where its arrays are none."""
    n_layers = sum(name.startswith("sdf") for name in arrays) // 2
    if not 2 <= n_layers <= MAX_LAYERS or not 0 <= beta <= MAX_BETA or not (skip == 0 or 2 <= skip < n_layers):
        return None
    first = arrays.get("sdf0.weight")
    if first is None or first.ndim != 2 or not N_SPACE < first.shape[1] <= MAX_WIDTH or first.shape[0] > MAX_WIDTH:
        return None
    sizes = Mlp(first.shape[1] - N_SPACE, first.shape[0], n_layers, skip, beta)
    for number, shape in enumerate(sizes.shapes()):
        if min(shape) < 1 or not _is(arrays, f"sdf{number}.weight", shape):
            return None
        if not _is(arrays, f"sdf{number}.bias", shape[:1]):
            return None
    return sizes


def _sizes(arrays: Arrays) -> LocalSizes | None:
    """Sizes of the networks in a pack; None where its arrays are none."""
    settings = arrays.get("settings")
    if settings is None or settings.dtype != np.int32 or settings.shape != (4,):
        return None
    geometry, blend, skip, beta = settings.tolist()
    n_convolutions = sum(name.startswith("conv") and name.endswith(".weight") for name in arrays)
    weights = [arrays.get(f"conv{number}.weight") for number in range(n_convolutions)]
    decoder = mlp_of_arrays(arrays, skip, beta)
    if decoder is None or geometry not in (0, 1) or not 1 <= blend <= MAX_BLEND or not 1 <= len(weights) <= MAX_LAYERS:
        return None
    shapes = [weight.shape for weight in weights if weight is not None and weight.ndim == 3]
    if len(shapes) != len(weights) or shapes[0][0] > MAX_ORDER or max(max(shape[1:]) for shape in shapes) > MAX_WIDTH:
        return None
    first = shapes[0][1] - (N_GEOMETRY if geometry else 0)
    sizes = LocalSizes((first, *(shape[2] for shape in shapes)), shapes[0][0], decoder, bool(geometry), blend)
    if first < 1 or sizes.channels[-1] != decoder.n_code:
        return None
    expected = {name: tuple(tensor.shape) for name, tensor in _named(LocalNetwork(sizes)).items()}
    fits = set(arrays) == {*expected, "settings"} and all(_is(arrays, *item) for item in expected.items())
    return sizes if fits else None


def _named(network: LocalNetwork) -> dict[str, torch.Tensor]:
    found = named_layers(network.decoder)
    for number, convolution in enumerate(network.convolutions):
        for name, tensor in convolution.named_parameters():
            found[f"conv{number}.{name}"] = tensor
    return found


def _is(arrays: Arrays, name: str, shape: tuple[int, ...]) -> bool:
    return name in arrays and arrays[name].dtype == np.float32 and arrays[name].shape == shape


def _numpy(tensor: torch.Tensor) -> npt.NDArray[np.float32]:
    return tensor.detach().cpu().float().numpy()
