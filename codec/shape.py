"""A decoded shape in the frame and units of the input."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from ..formats.container import Container
from ..formats.errors import FormatError
from ..formats.header import Header
from ..formats.limits import DEFAULT, Limits
from ..formats.metadata import Metadata

if TYPE_CHECKING:
    import trimesh

    from .distance import DistanceOracle
    from .mesher import Progress

DEFAULT_RESOLUTION = 256
MIN_RESOLUTION = 16


class Surface(Protocol):
    """What a method's decoder gives back."""

    def mesh(
        self, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[npt.NDArray, npt.NDArray]:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64."""


class Shape:
    """A shape read from a file.

    Attributes
    ----------
    header : Header
        Frame, method and the errors that the encoder measured.
    metadata : Metadata or None
    truncated : bool
        Whether the file was cut and this is what its whole sections give.
    surface : Surface
        In normalized units, as the method's decoder gives it; of a sequence, that of its first frame.
    frames : sequence of Surface
        Of a sequence, that of each frame; else of one.
    """

    def __init__(
        self, container: Container, surface: Surface, limits: Limits = DEFAULT, frames: Sequence[Surface] = ()
    ) -> None:
        self.header: Header = container.header
        self.metadata: Metadata | None = container.metadata
        self.truncated = container.truncated
        self.surface: Surface = surface
        self.frames = frames or (surface,)
        self._container, self._limits = container, limits

    def frame(self, number: int) -> Shape:
        """A frame of a sequence, as a shape of its own; a shape that does not move is its own frame 0.

        Raises
        ------
        IndexError
            There is no such frame.
        """
        if not 0 <= number < len(self.frames):
            raise IndexError(f"frame {number} is not in 0..{len(self.frames) - 1}")
        return Shape(self._container, self.frames[number], self._limits, self.frames)

    def triangles(
        self, resolution: int = DEFAULT_RESOLUTION, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Vertices (V, 3) float64, input units, and faces (F, 3) int64, outward.

        Parameters
        ----------
        resolution : int
            Voxels along the shape's longest side, 16 to 1024 (or what the limits allow). Of a scaffold, which has none,
            256 gives the triangles whose errors the header has, and each doubling puts them about four times as near
            to the surface that they stand for.
        progress : callable, optional
            Called with (stage, steps done, steps in all).
        uniform : bool
            Split all triangles of a scaffold alike, also where the surface is flat: more triangles of about the same
            error, in the pattern of its subdivision.

        Raises
        ------
        ValueError
            The resolution is too small for any shape.
        LimitError
            It is larger than the limits allow.
        """
        if resolution < MIN_RESOLUTION:
            raise ValueError(f"resolution {resolution} is not at least {MIN_RESOLUTION}")
        self._limits.check("max_resolution", resolution, "resolution")
        vertices, faces = self.surface.mesh(resolution, progress, uniform=uniform)
        return self.header.frame.from_normalized(vertices), faces

    def mesh(self, resolution: int = DEFAULT_RESOLUTION, *, uniform: bool = False) -> trimesh.Trimesh:
        """Triangles of the surface, in input units; `resolution` and `uniform` as in `triangles`."""
        import trimesh

        return trimesh.Trimesh(*self.triangles(resolution, uniform=uniform), process=False)

    def distance(self, points: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Signed distances to the surface.

        Parameters
        ----------
        points : (N, 3) array_like of float
            Anywhere, in input units.

        Returns
        -------
        distances : (N,) float64
            Input units, negative inside. Exact for the surface as `mesh` gives it at the default resolution, which is
            made at the first call; a grid's field itself is close to a distance only at the surface.

        Raises
        ------
        FormatError
            The file has no surface.
        """
        points = np.asarray(points, np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise ValueError(f"points: shape {points.shape} is not (N, 3)")
        frame = self.header.frame
        return self._oracle.signed(frame.to_normalized(points)) * frame.scale

    @cached_property
    def _oracle(self) -> DistanceOracle:
        from .distance import DistanceOracle

        vertices, faces = self.surface.mesh(DEFAULT_RESOLUTION)
        if not len(faces):
            raise FormatError("the file has no surface: its field is nowhere zero")
        return DistanceOracle(vertices, faces)

    def __repr__(self) -> str:
        errors: Any = self.header.errors
        return f"<sdfz.Shape, measured errors cd {errors.cd:.2g}, hd {errors.hd:.2g} of the diagonal>"
