"""What an encoder is asked for."""

from __future__ import annotations

from dataclasses import dataclass

from ..formats.errors import PackMethodError
from ..formats.model_pack import ModelPack
from .methods import METHOD_IDS, WITH_PACKS

METRICS = ("cd", "rms", "hd")
DEFAULT_QUALITY = 70.0
CODE_ALONE = 50.0  # the highest quality of `compact` that is a code and nothing else
# What a scaffold's quality means: a mean error of this share of the diagonal at 0, and a tenth of that every 50.
_CD_AT_ZERO, _QUALITY_DECADE = 1e-2, 50.0


def cd_of_quality(quality: float | None) -> float:
    """The largest mean error that a quality from 0 to 100 allows, as a fraction of the diagonal.

    Examples
    --------
    >>> [f"{cd_of_quality(quality):.1e}" for quality in (0, 50, 70, 100)]
    ['1.0e-02', '1.0e-03', '4.0e-04', '1.0e-04']
    """
    wanted = DEFAULT_QUALITY if quality is None else quality
    return float(_CD_AT_ZERO * 10 ** (-wanted / _QUALITY_DECADE))


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
    method : {'auto', 'scaffold', 'grid', 'overfit', 'hashgrid', 'lpdif', 'lgcl', 'deepsdf'}
        'auto' is the scaffold, or the grid where the scaffold does badly and the grid measures better.
    quality : float, optional
        0 (smallest) to 100 (closest); 70 by default. Of a scaffold it stands for a mean error (`cd_of_quality`), of a
        grid or hash grid for a number of cells, of `overfit` for a number of weights, of `compact` for the precision
        of a code up to 50 and above for the cells of a residual, of others for regions or key points.
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
        Where the decoded shape of a field that is measured is evaluated. Fitting runs on the CPU.
    threads : int, optional
        What is found does not depend on it, but for a grid's rounding; all cores by default.
    preserve_mesh : bool
        Keep the input's triangles, with their vertices moved within the error; only with `scaffold`.
    pack : ModelPack, optional
        That files are to need: a decoder must have it. Its method's encoder uses it; it must be `method`, or 'auto'.

    Raises
    ------
    ValueError
        A value is out of range, or two goals are given.
    PackMethodError
        The pack is another method's.
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
    preserve_mesh: bool = False
    pack: ModelPack | None = None

    @property
    def has_goal(self) -> bool:
        """Whether an error or a size is asked for, not just a quality."""
        return self.max_error is not None or self.target_size is not None

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
        if self.preserve_mesh and self.method not in ("auto", "scaffold"):
            raise ValueError(f"preserve_mesh needs method scaffold, not {self.method}")
        if self.pack is not None and (self.pack.method != self.method != "auto" or self.pack.method not in WITH_PACKS):
            named = self.pack.short.hex()
            raise PackMethodError(
                f"model pack {named} is for {self.pack.method}, which method {self.method} does not use"
            )


DEFAULT_SETTINGS = EncodeSettings()
