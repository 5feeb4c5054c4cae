"""From the section of a `scaffold` file to a surface. No torch here: nothing of it is evaluated by a network."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from .head import MAX_LEVELS

if TYPE_CHECKING:
    from .stream import ScaffoldSymbols

# Part of the format: the resolution at which the levels of the head are taken and the tolerance is so many lattice
# units. Each doubling adds a level and divides the tolerance by four.
_REFERENCE_RESOLUTION = 256
_TOLERANCE = 0.5

Progress = Callable[[str, int, int], None]
_Mesh = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class ScaffoldSurface:
    """The surface of decoded symbols.

    Parameters
    ----------
    symbols : ScaffoldSymbols
    lod : int
        Levels of subdivision to leave out.
    limits : Limits
    """

    def __init__(self, symbols: ScaffoldSymbols, lod: int = 0, limits: Limits = DEFAULT) -> None:
        self.symbols = symbols
        self._lod, self._limits = lod, limits

    def mesh(self, resolution: int, progress: Progress | None = None, *, uniform: bool = False) -> _Mesh:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64.

        Parameters
        ----------
        resolution : int
            At 256 the mesh is the one whose errors the file has; each doubling puts it about four times as near to the
            limit surface. A plain mesh comes as it is.
        progress : callable, optional
            Not called: there is nothing to wait for.
        uniform : bool
            Split all triangles alike, also where the surface is flat.

        Raises
        ------
        LimitError
            There would be more triangles than the limits allow.
        """
        # Imported here, not above, so that reading a head starts fast.
        from .adaptive import adaptive_mesh
        from .subdivision import creased
        from .surface import LimitMesh

        head, mesh = self.symbols.head, self.symbols.mesh
        points = mesh.positions.astype(np.float64) * head.unit
        if head.is_plain:
            return points, mesh.topology.faces
        levels = self.levels(resolution)
        self._limits.check("max_triangles", head.n_faces << 2 * levels, "triangles of the refined mesh")
        control = creased(mesh.topology.faces, head.n_vertices, mesh.sharpness, mesh.pinned)
        if not uniform:
            return adaptive_mesh(control, points, levels, self.tolerance(resolution))
        refined = LimitMesh(control, levels)
        return refined.vertices(points), refined.faces

    def levels(self, resolution: int) -> int:
        """Levels of subdivision at a resolution, the most where the mesh is adaptive."""
        return min(max(self.symbols.head.n_levels + round(self._finer(resolution)), 0), MAX_LEVELS)

    def tolerance(self, resolution: int) -> float:
        """How far an adaptive mesh may be from the limit surface, as in `adaptive_mesh`; normalized units."""
        # Where so many levels are left out there is none left, and nothing to tolerate.
        return _TOLERANCE * self.symbols.head.unit * 4.0 ** min(-self._finer(resolution), 2 * MAX_LEVELS)

    def _finer(self, resolution: int) -> float:
        return math.log2(resolution / _REFERENCE_RESOLUTION) - self._lod


def decode_scaffold(
    sections: Sequence[Section], *, lod: int = 0, limits: Limits = DEFAULT, device: str = "auto", backend: str = "auto"
) -> ScaffoldSurface:
    """The surface that a section describes; `device` and `backend` do not matter."""
    from .stream import unpack_symbols

    return ScaffoldSurface(unpack_symbols(sections, limits=limits), lod, limits)


def check_scaffold(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, and say what there is and what its parts cost, for ``sdfz verify`` and ``sdfz info``."""
    from .stream import bits_by_part, unpack_symbols

    symbols = unpack_symbols(sections, limits=limits)
    mesh = symbols.mesh
    bits = {name: round(cost, 1) for name, cost in bits_by_part(symbols).items()}
    return {
        **symbols.head.as_dict(),
        "n_creases": int((mesh.sharpness > 0).sum()),
        "n_corners": int(mesh.pinned.sum()),
        "bits": {"header": 8 * (len(symbols.head.pack())), **bits},
    }
