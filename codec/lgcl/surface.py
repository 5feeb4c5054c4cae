"""The surface of local codes: the zero set of their field, where there are key points to vouch for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ..crumbs import drop_crumbs
from ..whole import WholeSurface
from .field import LocalField

Progress = Callable[[str, int, int], None]

# Key points are spread over the whole surface, so that one is always about this near, in spacings.
_ANCHOR = 1.25


class LocalSurface(WholeSurface):
    """The surface of a field, without pieces that are nowhere near a key point.

    Deep inside a shape no sample may ever have asked a key point that answers there, and some find a void.

    Parameters
    ----------
    field : LocalField
    """

    field: LocalField

    def mesh(
        self, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """As `WholeSurface.mesh`."""
        vertices, faces = super().mesh(resolution, progress, uniform=uniform)
        return drop_crumbs(vertices, faces, 0.0, self.field.spacings_away(vertices[faces].mean(1)) < _ANCHOR)
