"""From the section of an `lgcl` file to a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from .stream import unpack_symbols

if TYPE_CHECKING:
    from .surface import LocalSurface


def decode_lgcl(
    sections: Sequence[Section],
    *,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
    pack: ModelPack,
) -> LocalSurface:
    """The surface that a section describes.

    Parameters
    ----------
    sections : sequence of Section
    lod : int
        Does not matter: there is one level.
    limits : Limits
    device : str
        As of ``--device``.
    backend : str
        Does not matter: the decoder has biases, and torch runs it.
    pack : ModelPack

    Raises
    ------
    FormatError, LimitError
        As `unpack_symbols`.
    PackMethodError, CorruptPackError
        The pack is none for these symbols.
    BackendError
        The device is not there.
    """
    symbols = unpack_symbols(sections, limits=limits)
    # Imported here, so that checking a file's symbols starts fast.
    from ..backend import pick_device
    from .field import LocalField
    from .shared import network_of_pack
    from .surface import LocalSurface

    network = network_of_pack(pack, symbols.codes.shape[1])
    return LocalSurface(LocalField(symbols, network, pick_device(device)))


def needs_pack(sections: Sequence[Section]) -> bool:
    """Always: the networks are a pack's."""
    return True


def check_lgcl(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, without torch, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    symbols = unpack_symbols(sections, limits=limits)
    n_points, n_channels = symbols.codes.shape
    return {"depth": symbols.depth, "n_key_points": n_points, "n_channels": n_channels}
