"""The decoders that shapes share, in a model pack: a coarse network, pattern networks, and the centres of the patterns.

Layout 1 of a pack of this method: `coarse0`, `coarse1`, ... and `pattern0_0`, `pattern0_1`, ..., `pattern1_0`, ...: the
layers of each network and, where its codes have planes, the matrix that makes them (network.py); all pattern networks
have one shape. `centres`: (P, C) codes of the coarse network, which only encoders need. All float16 or float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...formats.errors import CorruptPackError
from ...formats.model_pack import ModelPack
from .network import N_AXES, PLANE_ROWS, has_planes

METHOD = "lpdif"
LAYOUT = 1
# Part of the format, never change: what a decoder accepts.
MAX_CLUSTERS, MAX_CODES, MAX_WIDTH, MAX_LAYERS = 16, 64, 512, 16

Layer = npt.NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class LpdifDecoders:
    """Networks by number: 0 is the coarse one, the others are those of the patterns.

    Parameters
    ----------
    networks : sequence of sequences of (O, I + 1) float32
    centres : (P, C) float32
        Of the patterns, among codes of the coarse network.
    """

    networks: Sequence[Sequence[Layer]]
    centres: npt.NDArray[np.float32]

    @property
    def planes(self) -> bool:
        """Whether the first numbers of all codes are planes, so that those of neighbours tell them in advance."""
        return all(map(has_planes, self.networks))

    @property
    def n_codes(self) -> list[int]:
        """Numbers of a code of each network."""
        return [layers[0].shape[1] - 1 - N_AXES for layers in self.networks]


def pack_of_decoders(decoders: LpdifDecoders, notes: dict[str, str]) -> ModelPack:
    """The pack of decoders, in half precision."""
    arrays = {"centres": decoders.centres.astype(np.float16)}
    for number, layers in enumerate(decoders.networks):
        name = "coarse" if number == 0 else f"pattern{number - 1}_"
        arrays |= {f"{name}{i}": layer.astype(np.float16) for i, layer in enumerate(layers)}
    pack = ModelPack(METHOD, LAYOUT, arrays, notes)
    decoders_of_pack(pack)
    return pack


def decoders_of_pack(pack: ModelPack) -> LpdifDecoders:
    """The decoders of a pack.

    Raises
    ------
    PackMethodError
        The pack has another layout.
    CorruptPackError
        Its arrays are no such networks.
    """
    pack.check_layout(LAYOUT)
    taken = {"centres"}
    networks = []
    for number in range(MAX_CLUSTERS + 1):
        name = "coarse" if number == 0 else f"pattern{number - 1}_"
        names = [f"{name}{i}" for i in range(MAX_LAYERS) if f"{name}{i}" in pack.arrays]
        if names:
            networks.append([pack.arrays[name].astype(np.float32) for name in names])
            taken |= set(names)
    centres = pack.arrays.get("centres")
    fits = (
        taken == set(pack.arrays)
        and centres is not None
        and len(networks) >= 2
        and all(array.dtype.kind == "f" for array in pack.arrays.values())
        and all(map(is_network, networks))
        and len({tuple(layer.shape for layer in layers) for layers in networks[1:]}) == 1
        and centres.shape == (len(networks) - 1, networks[0][0].shape[1] - 1 - N_AXES)
    )
    if not fits:
        raise CorruptPackError(f"model pack {pack.short.hex()}: its arrays are not the decoders of regions")
    assert centres is not None
    return LpdifDecoders(networks, centres.astype(np.float32))


def is_network(layers: Sequence[npt.NDArray[np.generic]]) -> bool:
    """Whether matrices are the layers of a network, the point going in again once at most, and planes of its codes."""
    if any(layer.ndim != 2 for layer in layers):
        return False
    planes: Sequence[npt.NDArray[np.generic]] = []
    if has_planes(layers):
        layers, planes = layers[:-1], layers[-1:]
    if len(layers) < 2:
        return False
    width, n_codes = layers[0].shape[0], layers[0].shape[1] - 1 - N_AXES
    inner = [layer.shape[1] - 1 - width for layer in layers[1:]]
    return (
        1 <= n_codes <= MAX_CODES
        and 1 <= width <= MAX_WIDTH
        and all(extra in (0, N_AXES) for extra in inner)
        and inner.count(N_AXES) <= 1
        and [layer.shape[0] for layer in layers[1:]] == [*[width] * (len(layers) - 2), 1]
        and all(matrix.shape[1] == n_codes >= PLANE_ROWS for matrix in planes)
    )
