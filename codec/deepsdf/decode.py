"""From the section of an `deepsdf` file to a surface."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from .stream import unpack_symbols

if TYPE_CHECKING:
    from ..whole import WholeSurface


def decode_deepsdf(
    sections: Sequence[Section],
    *,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
    pack: ModelPack,
) -> WholeSurface:
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
        Does not matter: the network has biases, and torch runs it.
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
    from ..whole import WholeSurface
    from .field import CodeField
    from .shared import network_of_pack

    network = network_of_pack(pack, len(symbols.code))
    return WholeSurface(CodeField(symbols, network, pick_device(device)))


def needs_pack(sections: Sequence[Section]) -> bool:
    """Always: the network is a pack's."""
    return True


def check_deepsdf(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, without torch, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    return {"n_numbers": len(unpack_symbols(sections, limits=limits).code)}
