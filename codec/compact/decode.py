"""From the section of a `compact` file and its model pack to a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from ..cell_surface import CellSurface
from ..grid.decode import GridSurface, counts_of
from ..grid.stream import unpack_symbols as unpack_grid
from .stream import unpack_symbols

if TYPE_CHECKING:
    from .field import CompactField

# A separate piece that fits into so many cells is an accident of the field, not a part of the shape.
_CRUMB_CELLS = 1.5
_Mesh = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class CompactSurface(CellSurface):
    """The surface of a field within its band; it is empty where the coarse branch finds none."""

    def __init__(self, field: CompactField) -> None:
        # The field is defined everywhere, and the band has room: there is nothing to extrapolate.
        super().__init__(field, _CRUMB_CELLS, margin=0)

    def mesh(
        self, resolution: int, progress: Callable[[str, int, int], None] | None = None, *, uniform: bool = False
    ) -> _Mesh:
        """As of `CellSurface`."""
        if not len(self.field.region.coords):
            return np.zeros((0, 3)), np.zeros((0, 3), np.int64)
        return super().mesh(resolution, progress, uniform=uniform)


def decode_compact(
    sections: Sequence[Section],
    *,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
    pack: ModelPack,
) -> CellSurface:
    """The surface that sections describe.

    Parameters
    ----------
    sections : sequence of Section
    lod : int
        Levels of a residual to leave out; a code has but one.
    limits : Limits
    device : str
        As of ``--device``.
    backend : str
        Of a residual's network; the pack's have biases, and torch runs them.
    pack : ModelPack

    Raises
    ------
    FormatError, LimitError
        As `unpack_symbols`, of this method and of `grid`, and of a pack that is too large.
    PackMethodError, CorruptPackError
        The pack is none for these symbols.
    BackendError
        The device is not there.
    """
    code, residual = unpack_symbols(sections, limits=limits)
    # Imported here, so that checking a file's symbols starts fast.
    from ..backend import pick_device
    from .field import CompactField
    from .integers import IntegerField
    from .shared import branches_of_numbers, numbers_of_pack

    numbers = numbers_of_pack(pack, len(code.code), limits)
    if residual is None:
        return CompactSurface(CompactField(code, branches_of_numbers(numbers), pick_device(device)))
    first = IntegerField(numbers, code, residual.zoom)
    symbols = unpack_grid(residual.sections, lod=lod, limits=limits, first=first)
    return GridSurface(symbols, device, backend, first=first)


def needs_pack(sections: Sequence[Section]) -> bool:
    """Always: grid and networks are a pack's."""
    return True


def check_needs_pack(sections: Sequence[Section]) -> bool:
    """Whether symbols are coded by what the pack says; errors of `unpack_symbols`."""
    return unpack_symbols(sections)[1] is not None


def check_compact(
    sections: Sequence[Section], limits: Limits = DEFAULT, pack: ModelPack | None = None
) -> dict[str, object]:
    """Decode the symbols only, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    code, residual = unpack_symbols(sections, limits=limits)
    counts: dict[str, object] = {"n_numbers": len(code.code)}
    if residual is None:
        return counts
    assert pack is not None, "see check_needs_pack"
    from .integers import IntegerField
    from .shared import numbers_of_pack

    first = IntegerField(numbers_of_pack(pack, len(code.code), limits), code, residual.zoom)
    return counts | counts_of(unpack_grid(residual.sections, limits=limits, first=first))
