"""From the sections of an `lpdif` file to a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import Section
from ...formats.errors import FormatError
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from .shared import LpdifDecoders, decoders_of_pack
from .stream import unpack_symbols
from .symbols import LpdifSymbols

# A separate piece that fits into this part of a region is an accident of the field, not a part of the shape.
_CRUMB_REGIONS = 0.5
# How far the mesh may reach beyond the regions, in edges: they were fitted up to there.
_MARGIN = 0.125

Progress = Callable[[str, int, int], None]
_Mesh = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class LpdifSurface:
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
        # Imported here and below, not above, so that checking a file's symbols starts fast.
        from ..backend import pick_device
        from .model import LpdifField

        self.symbols = symbols
        self.field = LpdifField(symbols, decoders, pick_device(device))

    def mesh(
        self, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64.

        Parameters
        ----------
        resolution : int
            Voxels along the shape's longest side; rounded to a whole number of voxels a region, at least one.
        progress : callable, optional
            Called with (stage, steps done, steps in all).
        uniform : bool
            Does not matter: all voxels are of one size.
        """
        from ..crumbs import drop_crumbs
        from ..mesher import extract
        from ..trim import in_cells

        cells = self.symbols.cells
        n_along = int((cells.max(0) - cells.min(0)).max()) + 1
        voxels = max(round(resolution / n_along), 1) << self.symbols.depth
        vertices, faces = extract(self.field, voxels, margin=_MARGIN, progress=progress)
        vertices, faces = self._trimmed(vertices, faces)
        # What lies wholly in the mesher's margin is extrapolated: it holds on to nothing.
        anchored = in_cells(vertices[faces].mean(1), cells, self.symbols.depth)
        return drop_crumbs(vertices, faces, _CRUMB_REGIONS * self.field.region.cell_size, anchored)

    def _trimmed(self, vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int64]) -> _Mesh:
        """The mesh without triangles where the surface is not."""
        from ..crumbs import without_unused
        from ..trim import dropped

        s = self.symbols
        if not len(s.trimmed) or not len(faces):
            return vertices, faces
        lost = dropped(vertices[faces].mean(1), s.cells, s.depth, s.trimmed, s.parts)
        return without_unused(vertices, faces[~lost])


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
