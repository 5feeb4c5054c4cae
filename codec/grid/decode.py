"""From the sections of a `grid` file to a surface."""

from __future__ import annotations

from collections.abc import Sequence

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from ..cell_surface import CellSurface
from .stream import network_code, unpack_symbols
from .symbols import SHARED_NETWORK, GridSymbols
from .walk import FirstField

# A separate piece that fits into this part of a cell is an accident of the field, not a part of the shape.
_CRUMB_CELLS = 0.5


class GridSurface(CellSurface):
    """The surface of decoded symbols.

    Parameters
    ----------
    symbols : GridSymbols
    device, backend : str
        As of ``--device`` and ``--backend``.
    pack : ModelPack, optional
        Where the symbols say that the network is shared.
    first : FirstField, optional
        What the latents are added to.

    Raises
    ------
    BackendError
        What was asked for is not there.
    PackMethodError, CorruptPackError, FormatError
        The pack is none for these symbols.
    """

    def __init__(
        self, symbols: GridSymbols, device: str = "auto", backend: str = "auto", pack: ModelPack | None = None,
        first: FirstField | None = None,
    ) -> None:  # fmt: skip
        # Imported here, not above, so that checking a file's symbols starts fast.
        from ..backend import pick_device
        from .model import GridField

        self.symbols = symbols
        field = GridField(symbols, pick_device(device), backend, pack, first)
        super().__init__(field, _CRUMB_CELLS, trimmed=symbols.trimmed, parts=symbols.parts)


def decode_grid(
    sections: Sequence[Section],
    *,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
    pack: ModelPack | None = None,
) -> GridSurface:
    """The surface that sections describe; `check_grid` and the network's device in one."""
    return GridSurface(unpack_symbols(sections, lod=lod, limits=limits), device, backend, pack)


def needs_pack(sections: Sequence[Section]) -> bool:
    """Whether the network is a model pack's; FormatError where the payload does not begin as it must."""
    return network_code(sections) == SHARED_NETWORK


def check_grid(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, without torch, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    return counts_of(unpack_symbols(sections, limits=limits))


def counts_of(symbols: GridSymbols) -> dict[str, object]:
    """What symbols say, for people."""
    return {
        "depth": symbols.depth,
        "n_cells": len(symbols.cells),
        "n_levels": symbols.n_levels,
        "n_latents": [len(latents) for latents in symbols.latents],
        "n_weights": sum(weights.size for weights in symbols.weights),
        "n_trimmed": len(symbols.trimmed),
    }
