"""Registered meshes to one file: a base shape by any method, and its motion.

::

    frames --the one whose parts touch least--> base shape --its method--> sections --decoder--> surface
    frames, decoded surface --nodes, as many as the goal takes--> motion
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ...formats.container import Container, pack, unpack
from ...formats.errors import MeshError
from ...formats.frame import Frame
from ...formats.header import MeasuredErrors
from ...formats.metadata import Metadata
from ..distortion import Distortion, Reference
from ..encode import encode_mesh
from ..job import Clock, Encoded
from ..methods import decoder_of, method_name
from ..packs.lookup import PackSearch
from ..search import Trial, miss, smallest_that_meets
from ..settings import METRICS, EncodeSettings, ErrorBound, cd_of_quality
from ..shape import DEFAULT_RESOLUTION, Surface
from .base import reference_of
from .fit import MotionSettings, fit_motion
from .head import MAX_FRAMES, MAX_NODES
from .stream import pack_motion
from .surface import MovingSurface
from .symbols import MotionSymbols
from .tracks import Tracks

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]

_BASE_SHARE = 0.5  # of the error that is allowed, for the base shape
_STEP_SHARE = 3.5  # step of the residuals, in mean errors
_CD_OF = {"cd": 1.0, "rms": 0.6, "hd": 0.07}  # mean error where another metric is 1, about
_NODES_AT, _NODES_SLOPE = (300.0, 5e-4), -0.7  # so many for such a mean error; d log error / d log nodes
_LEAST_NODES = 8
_N_TRIALS = (2, 2, 3, 3, 4, 4, 5, 5, 6)  # by effort
_N_MEASURED = 8  # frames, in a trial
_TRIAL_SAMPLES, _SAMPLES = 10_000, 20_000
_MORE_NODES, _MOST_REPAIRS = 1.2, 3  # where all frames together miss a goal that those of the trials meet


@dataclass(frozen=True, eq=False)
class _Sequence:
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

    @cached_property
    def tracks(self) -> Tracks:
        """The base shape along the frames."""
        # The triangles that are measured: other ones give vertices other paths to the nodes.
        base, triangles = self.surface.mesh(DEFAULT_RESOLUTION)
        return Tracks(base, triangles, self.frame.to_normalized(self.vertices), self.faces, self.reference)

    def fitted(self, n_nodes: float) -> MotionSymbols:
        """The motion of so many nodes."""
        cd = self.allowed * _CD_OF[self.metric]
        step = _STEP_SHARE * cd * self.encoded.header.diagonal
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


def encode_sequence(
    vertices: npt.ArrayLike,
    faces: npt.ArrayLike,
    settings: EncodeSettings,
    metadata: Metadata | None = None,
    progress: Progress | None = None,
) -> Encoded:
    """The file of a registered sequence.

    Parameters
    ----------
    vertices : (T, V, 3) array_like of float
        Of each frame, input units.
    faces : (F, 3) array_like of int
        Of all frames.
    settings : EncodeSettings
        A quality stands for a mean error with every method (`cd_of_quality`); a bound is one of all frames together: on
        the mean of their mean errors, the root mean square, or the largest. Sizes cannot be asked for.
    metadata : Metadata, optional
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Raises
    ------
    MeshError
        A frame has no usable surface, or there are too many.
    ValueError
        A size is asked for, or the triangles of the mesh are to be preserved.
    """
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    if settings.target_size is not None or settings.preserve_mesh:
        raise ValueError("of a sequence, neither a size can be asked for nor its triangles")
    if not 1 <= len(vertices) <= MAX_FRAMES:
        raise MeshError(f"a sequence has 1 to {MAX_FRAMES} frames, not {len(vertices)}")
    if not np.isfinite(vertices).all():
        raise MeshError("the coordinates of a frame are not all finite")
    clock = Clock()
    with clock("base"):
        sequence = _with_base(vertices, faces, settings, progress)
    with clock("motion"):
        symbols = _best_motion(sequence, _N_TRIALS[settings.effort - 1], progress)
    with clock("measure"):
        symbols, errors = _checked(sequence, symbols)
    container = unpack(sequence.encoded.data)
    header = replace(container.header, errors=errors)
    data = pack(header, container.sections, metadata, motion=pack_motion(symbols))
    counts = {"frames": len(vertices), "nodes": len(symbols.cells), "base frame": sequence.reference}
    distortion = replace(sequence.encoded.distortion, cd=errors.cd, rms=errors.rms, hd=errors.hd)
    met = getattr(errors, sequence.metric) <= sequence.allowed
    return Encoded(data, header, distortion, met, clock.seconds, {**sequence.encoded.detail, **counts})


def _with_base(vertices: FloatArray, faces: IntArray, settings: EncodeSettings, progress: Progress | None) -> _Sequence:
    reference = reference_of(vertices, faces)
    bound, metric = settings.max_error, settings.metric
    if bound is None:
        bound, metric = ErrorBound(cd_of_quality(settings.quality)), "cd"
    part = replace(bound, value=_BASE_SHARE * bound.value)
    encoded = encode_mesh(
        vertices[reference], faces, replace(settings, quality=None, max_error=part, metric=metric), None, progress
    )
    allowed = bound.value if bound.relative else bound.value / encoded.header.diagonal_units
    surface = _surface_of(unpack(encoded.data), settings)
    return _Sequence(vertices, faces, reference, encoded, surface, metric, allowed)


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


def _best_motion(sequence: _Sequence, n_trials: int, progress: Progress | None) -> MotionSymbols:
    """The motion of the fewest nodes found that meets the goal, by some of the frames."""
    n_frames = len(sequence.vertices)
    some = np.unique(np.linspace(0, n_frames - 1, min(n_frames, _N_MEASURED)).round().astype(int)).tolist()
    done = 0

    def attempt(n_nodes: float) -> Trial[MotionSymbols]:
        nonlocal done
        symbols = sequence.fitted(n_nodes)
        errors = sequence.measured(symbols, some, _TRIAL_SAMPLES)
        excess = getattr(errors, sequence.metric) / sequence.allowed
        logger.info("motion of %d nodes: %s %.3g, excess %.3f",
                    len(symbols.cells), sequence.metric, getattr(errors, sequence.metric), excess)  # fmt: skip
        done += 1
        if progress is not None:
            progress("motion", done, n_trials)
        return Trial(n_nodes, excess, symbols)

    at, cd = _NODES_AT
    start = at * (sequence.allowed * _CD_OF[sequence.metric] / cd) ** (1 / _NODES_SLOPE)
    trials = smallest_that_meets(attempt, start, _LEAST_NODES, MAX_NODES, n_trials, _NODES_SLOPE, near=0.04)
    return min(trials, key=miss).result


def _checked(sequence: _Sequence, symbols: MotionSymbols) -> tuple[MotionSymbols, MeasuredErrors]:
    """A motion and its errors in all frames; with more nodes where these miss the goal by little."""
    frames = range(len(sequence.vertices))
    for _ in range(_MOST_REPAIRS):
        errors = sequence.measured(symbols, frames, _SAMPLES)
        excess = getattr(errors, sequence.metric) / sequence.allowed
        if excess <= 1 or math.log(excess) > 2 * math.log(_MORE_NODES) or len(symbols.cells) >= MAX_NODES / _MORE_NODES:
            break
        symbols = sequence.fitted(_MORE_NODES * len(symbols.cells))
    return symbols, errors
