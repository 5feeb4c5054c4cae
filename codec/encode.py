"""A mesh to bytes: fit, code, decode what was coded, measure it, and search until the goal holds."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..formats.container import Section, pack
from ..formats.errors import MeshError
from ..formats.frame import Frame
from ..formats.header import Header, MeasuredErrors
from ..formats.metadata import Metadata
from .distortion import Distortion, Reference
from .methods import METHOD_IDS
from .search import Trial, best_of, smallest_that_meets
from .shape import DEFAULT_RESOLUTION
from .target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

DEFAULT_QUALITY = 70.0
METRICS = ("cd", "rms", "hd")
_CELLS_AT_ZERO, _QUALITY_OCTAVE = 20.0, 10.0  # quality 0 is 20 cells, every 10 more double them
# Steps of a fit, trials of a search and samples of a measurement, by effort 1 to 9.
_ITERATIONS = (300, 600, 1000, 1500, 2000, 3500, 6000, 9000, 14000)
_TRIALS = (4, 5, 5, 6, 6, 7, 8, 9, 10)
_MEASURE_SAMPLES = (30_000, 50_000, 50_000, 100_000, 100_000, 100_000, 100_000, 200_000, 200_000)
_SEARCH_SHARE = 0.3  # of a fit's steps, while searching
_NEAR_ENOUGH = 0.06  # where the search with short fits ends: a whole fit moves the figures about as much
# How the errors and the bytes go with the number of cells, as exponents: where a search begins to look.
_SLOPES = {"cd": -0.9, "rms": -0.9, "hd": -0.5}
_BYTES_SLOPE = 0.85
_BYTES_A_CELL = 1.3
_ONE_SECTION_BYTES = 1000  # a small file is not worth a second section's 7 bytes


@dataclass(frozen=True)
class ErrorBound:
    """The largest error that is allowed.

    Parameters
    ----------
    value : float
        A fraction of the input's bounding-box diagonal if `relative`, else a length in input units.
    relative : bool
    """

    value: float
    relative: bool = True


@dataclass(frozen=True)
class EncodeSettings:
    """What the encoder aims for; at most one of `quality`, `max_error` and `target_size`.

    Parameters
    ----------
    method : {'auto', 'grid'}
    quality : float, optional
        0 (smallest) to 100 (closest); 70 by default.
    max_error : ErrorBound, optional
        Bound on the error measured on the decoded mesh.
    metric : {'hd', 'rms', 'cd'}
        Which error `max_error` bounds: the largest, root mean square or mean distance.
    target_size : int, optional
        Largest file, in bytes.
    effort : int
        1 (fastest) to 9 (smallest files).
    seed : int
        Of everything random in fitting.
    device, backend : str
        Where the decoded shape that is measured is evaluated. Fitting runs on the CPU.
    threads : int, optional
        Threads of torch; all cores by default.

    Raises
    ------
    ValueError
        A value is out of range, or two goals are given.
    """

    method: str = "auto"
    quality: float | None = None
    max_error: ErrorBound | None = None
    metric: str = "hd"
    target_size: int | None = None
    effort: int = 5
    seed: int = 0
    device: str = "auto"
    backend: str = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        goals = [name for name in ("quality", "max_error", "target_size") if getattr(self, name) is not None]
        if len(goals) > 1:
            raise ValueError(f"{' and '.join(goals)} exclude each other")
        if self.method not in ("auto", *METHOD_IDS):
            raise ValueError(f"method {self.method!r} is not auto or {', '.join(METHOD_IDS)}")
        if self.metric not in METRICS:
            raise ValueError(f"metric {self.metric!r} is not one of {', '.join(METRICS)}")
        if self.quality is not None and not 0 <= self.quality <= 100:
            raise ValueError(f"quality {self.quality} is not in 0..100")
        if self.max_error is not None and not self.max_error.value > 0:
            raise ValueError(f"max_error {self.max_error.value} is not above 0")
        if self.target_size is not None and self.target_size < 1:
            raise ValueError(f"target_size {self.target_size} is not at least 1")
        if self.effort not in range(1, 10):
            raise ValueError(f"effort {self.effort} is not in 1..9")
        if self.threads is not None and self.threads < 1:
            raise ValueError(f"threads {self.threads} is not at least 1")


@dataclass(frozen=True, eq=False)
class Encoded:
    """A file and how it came about.

    Attributes
    ----------
    data : bytes
        The file.
    header : Header
        As written.
    distortion : Distortion
        Of the decoded mesh against the input.
    target_met : bool
        Whether the goal holds; if not, this is the best file found.
    seconds : dict
        Time by stage.
    detail : dict
        Counts for people who want to know.
    """

    data: bytes
    header: Header
    distortion: Distortion
    target_met: bool
    seconds: dict[str, float] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)


def encode_mesh(
    vertices: npt.ArrayLike,
    faces: npt.ArrayLike,
    settings: EncodeSettings = EncodeSettings(),
    metadata: Metadata | None = None,
    progress: Progress | None = None,
) -> Encoded:
    """The file of a mesh.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
        Input units.
    faces : (F, 3) array_like of int
    settings : EncodeSettings
    metadata : Metadata, optional
        Stored in the file.
    progress : callable, optional
        Called with (stage, steps done, steps in all).

    Raises
    ------
    MeshError
        The mesh has no usable surface.
    BackendError
        A device or backend is not there.
    """
    from .backend import check_backend

    with _threads(settings.threads):
        check_backend(settings.device, settings.backend)  # before the work, not after it
        clock = _Clock()
        with clock("prepare"):
            target = Target(vertices, faces, settings.seed)
            reference = target.reference(_MEASURE_SAMPLES[settings.effort - 1])
            trial_of = _GridTrials(target, reference, settings, metadata, clock, progress)
        trials = _search(trial_of, target, settings)
        return _finish(best_of(trials, _cost(settings)), trials, clock)


def cells_of_quality(quality: float) -> float:
    """Wanted cells of a quality from 0 to 100."""
    return float(_CELLS_AT_ZERO * 2 ** (quality / _QUALITY_OCTAVE))


def _search(trial_of: _GridTrials, target: Target, settings: EncodeSettings) -> list[Trial[Encoded]]:
    from .grid.encode import MAX_CELLS, MIN_CELLS

    quality = DEFAULT_QUALITY if settings.quality is None else settings.quality
    if settings.max_error is None and settings.target_size is None:
        return [trial_of(cells_of_quality(quality))]
    n_trials = _TRIALS[settings.effort - 1]
    if settings.target_size is not None:
        start, slope = settings.target_size / _BYTES_A_CELL, _BYTES_SLOPE
    else:
        start, slope = cells_of_quality(quality), _SLOPES[settings.metric]
    rough = replace(trial_of, share=_SEARCH_SHARE)
    trials = smallest_that_meets(rough, start, MIN_CELLS, MAX_CELLS, n_trials, slope, _NEAR_ENOUGH)
    # The whole fit is better than those of the search, so that it may meet the goal where they just missed it.
    size = min(trials, key=lambda t: abs(np.log(max(t.excess, 1e-9)))).size
    final = [trial_of(size)]
    sign = -1 if slope < 0 else 1
    for _ in range(3):
        if final[-1].excess <= 1 and final[-1].excess > 0.93:
            break
        step = min(max(-np.log(final[-1].excess / 0.975) / slope, -0.4), 0.4)
        following = float(np.clip(size * np.exp(step), MIN_CELLS, MAX_CELLS))
        better = sign * (following - size) > 0
        if following == size or (better and len(final) > 1 and any(t.excess > 1 for t in final)):
            break
        size = following
        final.append(trial_of(size))
    return trials + final


@dataclass(frozen=True, eq=False)
class _GridTrials:
    """Makes a file of a wanted number of cells, decodes it and measures it."""

    target: Target
    reference: Reference
    settings: EncodeSettings
    metadata: Metadata | None
    clock: _Clock
    progress: Progress | None
    share: float = 1.0

    def __call__(self, n_cells: float) -> Trial[Encoded]:
        from .grid.encode import GridSettings, encode_grid
        from .grid.stream import pack_symbols

        effort = self.settings.effort - 1
        grid = GridSettings(n_cells=n_cells, n_iterations=round(self.share * _ITERATIONS[effort]))
        with self.clock("fit"):
            frame, symbols = encode_grid(self.target, grid, self.progress)
        with self.clock("code"):
            sections = pack_symbols(symbols)
            if sum(len(section.data) for section in sections) < _ONE_SECTION_BYTES:
                sections = pack_symbols(symbols, n_base_levels=symbols.n_levels)
        distortion = self._measure(sections, frame)
        diagonal = self.target.diagonal / frame.scale
        errors = MeasuredErrors(*(min(getattr(distortion, name), 60000.0) for name in METRICS))
        header = Header(method=METHOD_IDS["grid"], frame=frame, errors=errors, diagonal=diagonal)
        data = pack(header, sections, self.metadata)
        excess = self._excess(data, errors)
        logger.info("%.0f cells wanted, %d found: %d bytes, cd %.3g, hd %.3g, excess %.3f", n_cells,
                    len(symbols.cells), len(data), errors.cd, errors.hd, excess)  # fmt: skip
        detail = {"depth": symbols.depth, "cells": len(symbols.cells), "levels": symbols.n_levels}
        return Trial(n_cells, excess, Encoded(data, header, distortion, excess <= 1, {}, detail))

    def _measure(self, sections: list[Section], frame: Frame) -> Distortion:
        """Error of what a decoder makes of the sections."""
        from .grid.decode import decode_grid

        with self.clock("decode"):
            surface = decode_grid(sections, device=self.settings.device, backend=self.settings.backend)
            vertices, faces = surface.mesh(DEFAULT_RESOLUTION)
        with self.clock("measure"):
            return self.reference.measure(self.target.to_home(vertices, frame), faces)

    def _excess(self, data: bytes, errors: MeasuredErrors) -> float:
        if self.settings.target_size is not None:
            return len(data) / self.settings.target_size
        bound = self.settings.max_error
        if bound is None:
            return 0.0
        allowed = bound.value if bound.relative else bound.value / self.target.diagonal
        return float(getattr(errors, self.settings.metric) / allowed)


def _cost(settings: EncodeSettings) -> Callable[[Encoded], float]:
    """What is least for the best file: its error when the size is given, else its size."""
    if settings.target_size is not None:
        return lambda made: made.distortion.cd
    return lambda made: len(made.data)


def _finish(best: Trial[Encoded], trials: list[Trial[Encoded]], clock: _Clock) -> Encoded:
    if not np.isfinite(best.result.distortion.cd):
        raise MeshError("no surface could be fitted to it")
    detail = {**best.result.detail, "trials": len(trials)}
    return replace(best.result, seconds=dict(clock.seconds), detail=detail)


class _Clock:
    """Seconds by stage, added up."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


@contextmanager
def _threads(n_threads: int | None) -> Iterator[None]:
    """torch's threads, put back afterwards."""
    import torch

    before = torch.get_num_threads()
    if n_threads is not None:
        torch.set_num_threads(n_threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
