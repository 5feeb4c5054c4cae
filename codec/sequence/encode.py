"""Registered meshes to one file: a base shape by any method, and its motion.

::

    frames --the one whose parts touch least--> base shape --its method--> sections --decoder--> surface
    frames, decoded surface --nodes, as many as the goal takes--> motion

Where a size is asked for, base shape and motion are made again for other errors, until both together have it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ...formats.container import pack, unpack
from ...formats.errors import MeshError
from ...formats.header import Header, MeasuredErrors
from ...formats.metadata import Metadata
from ..job import Clock, Encoded
from ..search import Trial, best_of, miss, smallest_that_meets
from ..settings import EncodeSettings, ErrorBound, cd_of_quality
from .base import reference_of
from .based import NODES_SLOPE, BasedSequence, Progress, with_base
from .head import MAX_FRAMES, MAX_NODES
from .stream import pack_motion
from .symbols import MotionSymbols

logger = logging.getLogger(__name__)

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Made = tuple[BasedSequence, MotionSymbols]

_LEAST_NODES = 8
_N_TRIALS = (2, 2, 3, 3, 4, 4, 5, 5, 6)  # by effort
_N_MEASURED = 8  # frames, in a trial
_TRIAL_SAMPLES, _SAMPLES = 10_000, 20_000
_MORE_NODES, _MOST_REPAIRS = 1.2, 3  # where all frames together miss a goal that those of the trials meet
_CD_AT, _BASE_BYTES, _FRAME_BYTES = 6.6e-4, 1200.0, 120.0  # of the horse of `bench.sequence_rd`
_CDS = (2e-5, 0.1)  # mean errors that a size may lead to
_N_SIZES = (3, 3, 4, 4, 5, 5, 6, 7, 8)  # files towards a size, by effort


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
        the mean of their mean errors, the root mean square, or the largest. A size is that of the whole file.
    metadata : Metadata, optional
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Raises
    ------
    MeshError
        A frame has no usable surface, or there are too many.
    ValueError
        The triangles of the mesh are to be preserved.
    """
    vertices, faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
    if settings.preserve_mesh:
        raise ValueError("of a sequence, triangles cannot be preserved")
    if not 1 <= len(vertices) <= MAX_FRAMES:
        raise MeshError(f"a sequence has 1 to {MAX_FRAMES} frames, not {len(vertices)}")
    if not np.isfinite(vertices).all():
        raise MeshError("the coordinates of a frame are not all finite")
    reference, clock = reference_of(vertices, faces), Clock()

    def based(bound: ErrorBound, metric: str) -> BasedSequence:
        with clock("base"):
            return with_base(vertices, faces, reference, settings, bound, metric, progress)

    def packed(sequence: BasedSequence, symbols: MotionSymbols, header: Header) -> bytes:
        return pack(header, unpack(sequence.encoded.data).sections, metadata, motion=pack_motion(symbols))

    if settings.target_size is not None:
        sequence, symbols = _of_size(settings, len(vertices), based, packed, clock)
    else:
        bound, metric = settings.max_error, settings.metric
        if bound is None:
            bound, metric = ErrorBound(cd_of_quality(settings.quality)), "cd"
        sequence = based(bound, metric)
        with clock("motion"):
            symbols = _best_motion(sequence, _N_TRIALS[settings.effort - 1], progress)
    with clock("measure"):
        symbols, errors = _checked(sequence, symbols, 0 if settings.target_size is not None else _MOST_REPAIRS)
    header = replace(sequence.encoded.header, errors=errors)
    data = packed(sequence, symbols, header)
    counts = {"frames": len(vertices), "nodes": len(symbols.cells), "base frame": reference}
    distortion = replace(sequence.encoded.distortion, cd=errors.cd, rms=errors.rms, hd=errors.hd)
    if settings.target_size is not None:
        met = len(data) <= settings.target_size
    else:
        met = getattr(errors, sequence.metric) <= sequence.allowed
    return Encoded(data, header, distortion, met, clock.seconds, {**sequence.encoded.detail, **counts})


def _of_size(
    settings: EncodeSettings,
    n_frames: int,
    based: Callable[[ErrorBound, str], BasedSequence],
    packed: Callable[[BasedSequence, MotionSymbols, Header], bytes],
    clock: Clock,
) -> Made:
    """Base shape and motion for the smallest error found whose file is no larger than what is asked for."""
    assert settings.target_size is not None
    wanted = settings.target_size

    def attempt(fineness: float) -> Trial[Made]:
        sequence = based(ErrorBound(1 / fineness), "cd")
        with clock("motion"):
            symbols = sequence.fitted(min(max(sequence.usual_nodes, _LEAST_NODES), MAX_NODES))
        n_bytes = len(packed(sequence, symbols, sequence.encoded.header))
        logger.info("for a mean error of %.3g: %d nodes, %d bytes", 1 / fineness, len(symbols.cells), n_bytes)
        # A copy, so that the tracks, which are large, do not stay.
        return Trial(fineness, n_bytes / wanted, (replace(sequence), symbols))

    start = wanted / (_CD_AT * (_BASE_BYTES + _FRAME_BYTES * n_frames))
    coarsest, finest = (1 / cd for cd in reversed(_CDS))
    n_trials = _N_SIZES[settings.effort - 1]
    trials = smallest_that_meets(attempt, start, coarsest, finest, n_trials, 1.0)
    return best_of(trials, lambda made: made[0].allowed).result


def _best_motion(sequence: BasedSequence, n_trials: int, progress: Progress | None) -> MotionSymbols:
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

    trials = smallest_that_meets(
        attempt, sequence.usual_nodes, _LEAST_NODES, MAX_NODES, n_trials, NODES_SLOPE, near=0.04
    )
    return min(trials, key=miss).result


def _checked(
    sequence: BasedSequence, symbols: MotionSymbols, most_repairs: int
) -> tuple[MotionSymbols, MeasuredErrors]:
    """A motion and its errors in all frames; with more nodes where these miss the goal by little."""
    frames = range(len(sequence.vertices))
    errors = sequence.measured(symbols, frames, _SAMPLES)
    for _ in range(most_repairs):
        excess = getattr(errors, sequence.metric) / sequence.allowed
        if excess <= 1 or math.log(excess) > 2 * math.log(_MORE_NODES) or len(symbols.cells) >= MAX_NODES / _MORE_NODES:
            break
        symbols = sequence.fitted(_MORE_NODES * len(symbols.cells))
        errors = sequence.measured(symbols, frames, _SAMPLES)
    return symbols, errors
