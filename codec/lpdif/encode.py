"""From a shape and a size to the symbols of its field: regions are chosen, then their codes fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch

from ...formats.errors import MeshError
from ...formats.frame import Frame
from ..astray import trims_of
from ..fineness import choose_grid
from ..target import Target
from .fit import CodeFit, Progress, fit_codes
from .model import LpdifField
from .regions import on_surface, samples_of_regions
from .shared import LpdifDecoders
from .symbols import MAX_BORDER, LpdifSymbols
from .walk import RegionWalk

_SAMPLES_A_REGION = 96
_MIN_SAMPLES = 1 << 16
# Regions are large, and their parts too: a triangle is astray sooner than in a grid.
_ASTRAY = 0.2


@dataclass(frozen=True)
class LpdifSettings:
    """How a shape is divided and fitted.

    Parameters
    ----------
    n_regions : float
        Wanted number of regions that meet the surface.
    fit : CodeFit
    border : int
        As of `LpdifSymbols`. The paper has 5; 12 brought the mean error down by 5 % more.
    """

    n_regions: float
    fit: CodeFit
    border: int = MAX_BORDER


def encode_lpdif(
    target: Target, decoders: LpdifDecoders, settings: LpdifSettings, progress: Progress | None = None
) -> tuple[Frame, LpdifSymbols]:
    """Frame and symbols of a shape's field.

    Parameters
    ----------
    target : Target
    decoders : LpdifDecoders
    settings : LpdifSettings
    progress : callable, optional
        Called with ("fit", steps done, steps in all).

    Raises
    ------
    MeshError
        The surface has no inside and outside anywhere.
    """
    frame, depth = choose_grid(target, settings.n_regions)
    cells = target.cells(frame, depth)
    samples = target.samples(frame, cells, depth, max(_MIN_SAMPLES, _SAMPLES_A_REGION * len(cells)))
    found = samples_of_regions(cells, depth, samples, _SAMPLES_A_REGION)
    rows = np.flatnonzero(on_surface(found))
    if not len(rows):
        raise MeshError("no region of it has an inside and an outside")
    generator = torch.Generator().manual_seed(target.seed)
    cells = cells[found.rows[rows]]
    points, distances = found.points[rows], found.distances[rows]
    codes = fit_codes(points, distances, decoders, settings.fit, generator, progress, RegionWalk(cells))
    symbols = LpdifSymbols(
        depth=depth,
        cells=cells,
        border=settings.border,
        networks=codes.networks,
        n_codes=tuple(decoders.n_codes),
        step_codes=codes.step_codes,
        codes=codes.symbols,
        planes=decoders.planes,
    )
    trimmed, parts = trims_of(target, frame, LpdifField(symbols, decoders), _ASTRAY)
    return frame, replace(symbols, trimmed=trimmed, parts=parts)
