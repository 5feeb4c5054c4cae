"""The network that many shapes share, out of a model pack: it costs a file nothing, and was trained on other shapes.

Layout 1 of a pack of this method: `layer0`, `layer1`, ..., one to four hidden layers and the last one, float32, of
shape (outputs, inputs). The network sees and answers what a file's own one does (`model.network_inputs`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...formats.errors import CorruptPackError, FormatError
from ...formats.model_pack import ModelPack
from .symbols import MAX_LEVELS, N_LOCAL

METHOD = "grid"
LAYOUT = 1
WIDTHS = (16, 32, 64, 128)  # those of fused kernels
MAX_HIDDEN = 4

Layer = npt.NDArray[np.float32]


def pack_of_layers(layers: Sequence[Layer], notes: dict[str, str]) -> ModelPack:
    """The pack of a network; layers of shape (outputs, inputs), the first with `n_inputs(n_levels)` inputs."""
    pack = ModelPack(
        METHOD, LAYOUT, {f"layer{i}": np.asarray(layer, np.float32) for i, layer in enumerate(layers)}, notes
    )
    _check(pack)
    return pack


def n_inputs(n_levels: int) -> int:
    """Inputs of a network: a feature a level, local coordinates, and a constant 1."""
    return n_levels + N_LOCAL + 1


def layers_of_pack(pack: ModelPack, n_levels: int) -> list[Layer]:
    """The network for a field of so many levels.

    A pack is made for a number of levels. A field with fewer has its finest ones in their places: what the first layer
    has for the coarser ones is left out, as if these were zero.

    Raises
    ------
    PackMethodError
        The pack has another layout.
    CorruptPackError
        Its arrays are no network.
    FormatError
        The field has more levels than the pack is for.
    """
    n_missing = _check(pack) - n_levels
    if n_missing < 0:
        raise FormatError(f"grid payload: {n_levels} levels, but its model pack is for {n_levels + n_missing}")
    first, *others = (pack.arrays[f"layer{i}"] for i in range(len(pack.arrays)))
    return [np.ascontiguousarray(first[:, n_missing:]), *others]


def _check(pack: ModelPack) -> int:
    """Levels that the network of a pack is for."""
    pack.check_layout(LAYOUT)
    names = [f"layer{i}" for i in range(len(pack.arrays))]
    layers = [pack.arrays[name] for name in names if name in pack.arrays]
    shapes = [layer.shape for layer in layers]
    fits = (
        len(shapes) == len(names)
        and 2 <= len(shapes) <= MAX_HIDDEN + 1
        and all(layer.dtype == np.float32 and layer.ndim == 2 for layer in layers)
        and shapes[0][0] in WIDTHS
        and 1 <= shapes[0][1] - n_inputs(0) <= MAX_LEVELS
        and all(shape == (shapes[0][0],) * 2 for shape in shapes[1:-1])
        and shapes[-1] == (1, shapes[0][0])
    )
    if not fits:
        raise CorruptPackError(f"model pack {pack.short.hex()}: its arrays are not the layers of a network")
    return int(shapes[0][1]) - n_inputs(0)
