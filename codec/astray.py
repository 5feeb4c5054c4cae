"""Where a fitted level set runs on beyond the surface: which cells to trim."""

from __future__ import annotations

import numpy as np

from ..formats.frame import Frame
from .mesher import Field, extract
from .occupancy import NEIGHBOURS, Cells
from .target import Target
from .trim import NO_CELLS

# A triangle is astray when it is this far from the surface, in cells; a cell is trimmed for so many of them on a mesh
# of so many voxels a cell. Its parts stay when the surface comes this close to them, in parts.
ASTRAY, _LEAST_ASTRAY, _TRIM_VOXELS, _PART_REACH = 0.35, 2, 4, 0.1


def trims_of(target: Target, frame: Frame, field: Field, astray: float = ASTRAY) -> tuple[Cells, Cells]:
    """Where the level set runs on beyond the surface.

    Parameters
    ----------
    target : Target
    frame : Frame
    field : Field
        Its region is the occupied cells.
    astray : float
        Distance from the surface, in cells, beyond which a triangle does not belong to it.

    Returns
    -------
    trimmed : (T, 3) int32
        Cells with triangles astray, sorted.
    parts : (P, 3) int32
        Cells one level finer, of those, that the surface meets; sorted.
    """
    depth = field.region.depth
    vertices, faces = extract(field, _TRIM_VOXELS << depth)
    if not len(faces):
        return NO_CELLS, NO_CELLS
    middles = vertices[faces].mean(1)
    cell = field.region.cell_size
    distances = target.oracle.unsigned(target.to_home(middles, frame)) / target.to_home_ratio(frame)
    lost = middles[distances > astray * cell]
    # A triangle outside the occupied cells belongs to the cell that it sticks out of.
    probes = np.concatenate([lost, *(lost + step * (cell / 4) for step in NEIGHBOURS)])
    cells, counts = np.unique(np.floor((probes + 1) / cell).astype(np.int64), axis=0, return_counts=True)
    flagged = set(map(tuple, cells[counts >= _LEAST_ASTRAY].tolist()))
    trimmed = np.array([c for c in field.region.coords.tolist() if tuple(c) in flagged], np.int32).reshape(-1, 3)
    parts = target.cells(frame, depth + 1, reach=_PART_REACH)
    parents = set(map(tuple, trimmed.tolist()))
    stays = np.array([tuple(p) in parents for p in (parts >> 1).tolist()], bool)
    return trimmed, parts[stays]
