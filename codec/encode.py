"""A mesh to bytes: fit, code, decode what was coded, measure it, and search until the goal holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from ..formats.errors import MeshError
from ..formats.metadata import Metadata
from .job import Clock, Encoded, Job, Progress
from .methods import DEFAULT_METHOD, WITH_NETWORKS, encoder_of
from .search import Trial, best_of
from .settings import DEFAULT_SETTINGS, EncodeSettings, ErrorBound
from .target import Target

__all__ = ["EncodeSettings", "Encoded", "ErrorBound", "encode_mesh"]

_MEASURE_SAMPLES = (30_000, 50_000, 50_000, 100_000, 100_000, 100_000, 100_000, 200_000, 200_000)  # by effort


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
    method = _method(settings)
    with _networks(settings) if method in WITH_NETWORKS else nullcontext():
        clock = Clock()
        with clock("prepare"):
            target = Target(vertices, faces, settings.seed)
            reference = target.reference(_MEASURE_SAMPLES[settings.effort - 1])
        job = Job(target, reference, settings, metadata, progress, clock)
        trials: list[Trial[Encoded]] = getattr(encoder_of(method), f"{method}_trials")(job)
        return _finish(best_of(trials, _cost(settings)), trials, clock)


def _method(settings: EncodeSettings) -> str:
    if settings.method != "auto":
        return settings.method
    return "scaffold" if settings.preserve_mesh else DEFAULT_METHOD


def _cost(settings: EncodeSettings) -> Callable[[Encoded], float]:
    """What is least for the best file: its error when the size is given, else its size."""
    if settings.target_size is not None:
        return lambda made: made.distortion.cd
    return lambda made: len(made.data)


def _finish(best: Trial[Encoded], trials: list[Trial[Encoded]], clock: Clock) -> Encoded:
    if not np.isfinite(best.result.distortion.cd):
        raise MeshError("no surface could be fitted to it")
    detail = {**best.result.detail, "trials": len(trials)}
    return replace(best.result, seconds=dict(clock.seconds), detail=detail)


@contextmanager
def _networks(settings: EncodeSettings) -> Iterator[None]:
    """A backend that is known to be there, and torch's threads, put back afterwards."""
    import torch

    from .backend import check_backend

    before = torch.get_num_threads()
    if settings.threads is not None:
        torch.set_num_threads(settings.threads)
    try:
        check_backend(settings.device, settings.backend)  # before the work, not after it
        yield
    finally:
        torch.set_num_threads(before)
