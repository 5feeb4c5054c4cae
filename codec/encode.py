"""A mesh to bytes: fit, code, decode what was coded, measure it, and search until the goal holds.

Where the method is left to us, it is scaffold, and the grid where that measures better: it is tried where the scaffold
falls short of the goal or is far off, which happens to foliage, soups and surfaces of very many handles.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..formats.errors import MeshError
from ..formats.metadata import Metadata
from .job import Clock, Encoded, Job, Progress
from .methods import WITH_NETWORKS, encoder_of
from .search import Trial, best_of
from .settings import DEFAULT_SETTINGS, EncodeSettings, ErrorBound
from .target import Target
from .threads import at_most, torch_threads

__all__ = ["EncodeSettings", "Encoded", "ErrorBound", "encode_mesh"]

_MEASURE_SAMPLES = (30_000, 50_000, 50_000, 100_000, 100_000, 100_000, 100_000, 200_000, 200_000)  # by effort
# A mean error, of the diagonal, above which the grid is tried too. That takes half a minute, and where the scaffold is
# below, the grid measured 20 times worse even of foliage.
_POOR_CD = 1e-2
# Nor does it where the scaffold, with as many vertices as the input, misses a bound by so many times.
_HOPELESS = 3.0


def encode_mesh(
    vertices: npt.ArrayLike,
    faces: npt.ArrayLike,
    settings: EncodeSettings = DEFAULT_SETTINGS,
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
    _check_backend(settings)  # before the work, not after it
    clock = Clock()
    with at_most(settings.threads):
        with clock("prepare"):
            target = Target(vertices, faces, settings.seed)
            reference = target.reference(_MEASURE_SAMPLES[settings.effort - 1])
        job = Job(target, reference, settings, metadata, progress, clock)
        trials = _trials(job, "scaffold" if settings.method == "auto" else settings.method)
        if settings.method == "auto" and not settings.preserve_mesh:
            trials += _grid_trials(job, best_of(trials, _cost(settings)))
    return _finish(best_of(trials, _cost(settings)), clock)


def _trials(job: Job, method: str) -> list[Trial[Encoded]]:
    trials_of: Callable[[Job], list[Trial[Encoded]]] = getattr(encoder_of(method), f"{method}_trials")
    with torch_threads(job.settings.threads if method in WITH_NETWORKS else None):
        return trials_of(job)


def _grid_trials(job: Job, best: Trial[Encoded]) -> list[Trial[Encoded]]:
    """Trials of the grid for the same goal, where the best scaffold leaves it a chance; else none.

    Where only a quality is asked for, the grid's files are no larger than the scaffold's.
    """
    settings = job.settings
    if settings.max_error is not None:
        return _trials(job, "grid") if 1 < best.excess < _HOPELESS else []
    # The smallest grid is no smaller than the smallest scaffold.
    if best.excess > 1 or best.result.distortion.cd < _POOR_CD:
        return []
    if settings.target_size is None:
        settings = replace(settings, quality=None, target_size=len(best.result.data))
    return _trials(replace(job, settings=settings), "grid")


def _cost(settings: EncodeSettings) -> Callable[[Encoded], float]:
    """What is least for the best file: its size where an error is given, else its error."""
    if settings.max_error is None:
        return lambda made: made.distortion.cd
    return lambda made: len(made.data)


def _finish(best: Trial[Encoded], clock: Clock) -> Encoded:
    if not np.isfinite(best.result.distortion.cd):
        raise MeshError("no surface could be fitted to it")
    return replace(best.result, seconds=dict(clock.seconds))


def _check_backend(settings: EncodeSettings) -> None:
    if settings.device != "auto" or settings.backend != "auto":
        from .backend import check_backend

        check_backend(settings.device, settings.backend)
