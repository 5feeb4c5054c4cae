"""From the sections of an `lpdif` file to a surface."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...formats.container import Section
from ...formats.errors import FormatError
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from ..cell_surface import CellSurface
from .shared import LpdifDecoders, decoders_of_pack
from .stream import unpack_symbols
from .symbols import LpdifSymbols

# A separate piece that fits into this part of a region is an accident of the field, not a part of the shape.
_CRUMB_REGIONS = 0.5
# How far the mesh may reach beyond the regions, in edges: they were fitted up to there.
_MARGIN = 0.125


class LpdifSurface(CellSurface):
    """The surface of decoded symbols.

    Parameters
    ----------
    symbols : LpdifSymbols
    decoders : LpdifDecoders
    device : str
        As of ``--device``.

    Raises
    ------
    BackendError
        The device is not there.
    """

    def __init__(self, symbols: LpdifSymbols, decoders: LpdifDecoders, device: str = "auto") -> None:
        # Imported here, not above, so that checking a file's symbols starts fast.
        from ..backend import pick_device
        from .model import LpdifField

        self.symbols = symbols
        field = LpdifField(symbols, decoders, pick_device(device))
        super().__init__(field, _CRUMB_REGIONS, margin=_MARGIN, trimmed=symbols.trimmed, parts=symbols.parts)


def decode_lpdif(
    sections: Sequence[Section],
    *,
    pack: ModelPack,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
) -> LpdifSurface:
    """The surface that sections describe, by the decoders of a pack.

    There is one level of detail, whatever `lod` says. Networks into which a point goes a second time have no fused
    form, so that torch runs them whatever the backend.

    Raises
    ------
    FormatError
        The pack's decoders are not those that the codes are for.
    """
    symbols = unpack_symbols(sections, limits=limits)
    decoders = decoders_of_pack(pack)
    if tuple(decoders.n_codes) != symbols.n_codes:
        raise FormatError(
            f"lpdif payload: codes of {symbols.n_codes} numbers, but model pack {pack.short.hex()} has networks for "
            f"{tuple(decoders.n_codes)}"
        )
    return LpdifSurface(symbols, decoders, device)


def needs_pack(sections: Sequence[Section]) -> bool:
    """Always: the networks are a model pack's."""
    return True


def check_lpdif(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, without torch, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    symbols = unpack_symbols(sections, limits=limits)
    counts = np.bincount(symbols.networks, minlength=len(symbols.n_codes))
    return {
        "depth": symbols.depth,
        "n_regions": len(symbols.cells),
        "n_easy": int(counts[0]),
        "n_by_pattern": counts[1:].tolist(),
        "n_codes": list(symbols.n_codes[:2]),
        "n_trimmed": len(symbols.trimmed),
    }
