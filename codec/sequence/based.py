"""The frames of a sequence and the base shape of one of them: motions to fit, errors to measure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...formats.container import Container, unpack
from ...formats.frame import Frame
from ...formats.header import MeasuredErrors
from ..distortion import Distortion, Reference
from ..encode import encode_mesh
from ..job import Encoded
from ..methods import decoder_of, method_name
from ..packs.lookup import PackSearch
from ..settings import METRICS, EncodeSettings, ErrorBound
from ..shape import DEFAULT_RESOLUTION, Surface
from .fit import MotionSettings, fit_motion
from .surface import MovingSurface
from .symbols import MotionSymbols
from .tracks import Tracks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]

_BASE_SHARE = 0.5  # of the error that is allowed, for the base shape
_STEP_SHARE = 3.5  # step of the residuals, in mean errors
_CD_OF = {"cd": 1.0, "rms": 0.6, "hd": 0.07}  # mean error where another metric is 1, about
_NODES_AT = (300.0, 5e-4)  # so many for such a mean error
NODES_SLOPE = -0.7  # d log error / d log nodes


@dataclass(frozen=True, eq=False)
class BasedSequence:
    """Frames, the base shape of one of them, and what is allowed.

    Attributes
    ----------
    vertices : (T, V, 3) float64
        Input units.
    faces : (F, 3) int64
    reference : int
        The frame that the base shape is of.
    encoded : Encoded
        The base shape.
    surface : Surface
        Of it.
    metric : str
    allowed : float
        Of that metric, a fraction of the base shape's diagonal.
    """

    vertices: FloatArray
    faces: IntArray
    reference: int
    encoded: Encoded
    surface: Surface
    metric: str
    allowed: float

    @property
    def frame(self) -> Frame:
        """Of the base shape."""
        return self.encoded.header.frame

    @property
    def allowed_cd(self) -> float:
        """The mean error that goes with what is allowed, about."""
        return self.allowed * _CD_OF[self.metric]

    @property
    def usual_nodes(self) -> float:
        """About as many as the error takes that is allowed."""
        at, cd = _NODES_AT
        return float(at * (self.allowed_cd / cd) ** (1 / NODES_SLOPE))

    @cached_property
    def tracks(self) -> Tracks:
        """The base shape along the frames."""
        # The triangles that are measured: other ones give vertices other paths to the nodes.
        base, triangles = self.surface.mesh(DEFAULT_RESOLUTION)
        return Tracks(base, triangles, self.frame.to_normalized(self.vertices), self.faces, self.reference)

    def fitted(self, n_nodes: float) -> MotionSymbols:
        """The motion of so many nodes."""
        step = _STEP_SHARE * self.allowed_cd * self.encoded.header.diagonal
        return fit_motion(self.tracks, MotionSettings(round(n_nodes), step))

    def measured(self, symbols: MotionSymbols, frames: Sequence[int], n_samples: int) -> MeasuredErrors:
        """Errors of some frames: means, root mean squares and the largest, fractions of the base shape's diagonal."""
        moving = MovingSurface(self.surface, symbols)
        found = []
        for number in frames:
            vertices, faces = moving.mesh(number, DEFAULT_RESOLUTION)
            reference = Reference(self.vertices[number], self.faces, n_samples)
            distortion: Distortion = reference.measure(self.frame.from_normalized(vertices), faces)
            found.append([getattr(distortion, name) * reference.diagonal for name in METRICS])
        cd, rms, hd = np.array(found).T / self.encoded.header.diagonal_units
        return MeasuredErrors(float(cd.mean()), float(np.sqrt((rms**2).mean())), float(hd.max()))


def with_base(
    vertices: FloatArray,
    faces: IntArray,
    reference: int,
    settings: EncodeSettings,
    bound: ErrorBound,
    metric: str,
    progress: Progress | None,
) -> BasedSequence:
    """The base shape of frame `reference`, as good as a bound on an error of all frames together needs it."""
    part = replace(bound, value=_BASE_SHARE * bound.value)
    goal = replace(settings, quality=None, target_size=None, max_error=part, metric=metric)
    encoded = encode_mesh(vertices[reference], faces, goal, None, progress)
    allowed = bound.value if bound.relative else bound.value / encoded.header.diagonal_units
    surface = _surface_of(unpack(encoded.data), settings)
    return BasedSequence(vertices, faces, reference, encoded, surface, metric, allowed)


def _surface_of(container: Container, settings: EncodeSettings) -> Surface:
    header = container.header
    name = method_name(header.method)
    options: dict[str, Any] = {"device": settings.device, "backend": settings.backend}
    if header.pack_hash is not None:
        given = settings.pack
        is_it = given is not None and given.short == header.pack_hash
        options["pack"] = given if is_it else PackSearch().find(header.pack_hash, name)
    surface: Surface = getattr(decoder_of(header.method), f"decode_{name}")(container.sections, **options)
    return surface
