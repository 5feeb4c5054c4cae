"""What a code leaves of a shape, as the latents of a sparse grid that are added to the code's field.

::

    grid for so many cells --> frame --> code fitted in it --> its distances at the coarsest nodes, in integers
                                                                                |
                                        latents, octree and network of `grid` --+--> field

The grid's cells cover the true surface, and it answers in them alone: where the code is wrong, latents are large, and
nothing else is lost. The finer levels see the code as the coarsest level has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...formats.frame import Frame
from ..fineness import choose_grid
from ..grid.encode import GridSettings, fit_grid
from ..grid.symbols import GridSymbols
from ..grid.trials import sections_of
from ..latent_code import LatentCode
from ..latent_fit import CodeFit, Progress, code_in_frame
from ..target import Target
from ..whole import FILL
from .field import fine_evaluator
from .integers import ZOOM_ONE, IntegerField
from .shared import Branches, PackNumbers
from .stream import CodedResidual

_LEAST_LEVELS, _FIRST_DEPTH = 2, 4


def levels_of(depth: int) -> int:
    """Levels of a residual's latents: what the code says takes the place of coarser ones."""
    return min(max(depth - _FIRST_DEPTH + 1, _LEAST_LEVELS), depth)


@dataclass(frozen=True)
class ResidualSettings:
    """How a shape gets a code and a residual.

    Parameters
    ----------
    grid : GridSettings
        Of the residual; its levels are `levels_of` its depth.
    code : CodeFit
    """

    grid: GridSettings
    code: CodeFit


@dataclass(frozen=True, eq=False)
class Residual:
    """A residual grid.

    Attributes
    ----------
    zoom : int
        See `integers.IntegerField`.
    grid : GridSymbols
    """

    zoom: int
    grid: GridSymbols


def encode_residual(
    target: Target, numbers: PackNumbers, branches: Branches, settings: ResidualSettings,
    progress: Progress | None = None,
) -> tuple[Frame, LatentCode, Residual]:  # fmt: skip
    """Frame, code and residual of a shape.

    Parameters
    ----------
    target : Target
    numbers, branches : PackNumbers, Branches
        Of one pack.
    settings : ResidualSettings
    progress : callable, optional
        Called with ("fit", steps done, steps in all).
    """
    frame, depth = choose_grid(target, settings.grid.n_cells)
    zoom = int(np.clip(round(ZOOM_ONE * frame.scale / target.frame(FILL).scale), 1, 255))
    evaluate = fine_evaluator(branches, zoom / ZOOM_ONE)
    code = code_in_frame(target, frame, evaluate, branches.sizes.n_code, settings.code, progress)
    first = IntegerField(numbers, code, zoom)
    grid_settings = replace(settings.grid, n_levels=levels_of(depth))
    return frame, code, Residual(zoom, fit_grid(target, frame, depth, grid_settings, progress, first))


def coded_residual(numbers: PackNumbers, code: LatentCode, residual: Residual) -> CodedResidual:
    """The residual of a code, its symbols coded."""
    first = IntegerField(numbers, code, residual.zoom)
    return CodedResidual(residual.zoom, tuple(sections_of(residual.grid, first)))
