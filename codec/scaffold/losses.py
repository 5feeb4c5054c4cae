"""What is lost with a part of a surface: how far its points are from the parts that are left.

Points spread over the surface are each on the account of a part. A part that goes hands its points to the parts that
are then nearest to them: of two parts that coincide the first goes for nothing, and takes the second's freedom with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .halfedges import face_parts, opposites
from .nearby import PartTree, nearest, part_tree

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Points on a surface, and on each part: enough to tell what its loss is to a tenth.
_POINTS, _LEAST, _MOST = 10_000, 4, 200
_NOBODY = -1
_STACK = 128  # deep enough for any tree


class SurfacePoints(NamedTuple):
    """Points spread over a surface that stand for it.

    Attributes
    ----------
    positions : (S, 3) float64
    areas : (S,) float64
        That each stands for.
    """

    positions: FloatArray
    areas: FloatArray


class Accounts(NamedTuple):
    """Points of a surface, and the parts that answer for them.

    Attributes
    ----------
    tree : PartTree
    is_left : (P,) bool
    positions : (S, 3) float64
    areas : (S,) float64
    now : (S,) float64
        Squared distance of each point to the parts that are left.
    first, after : (P,), (S,) int64
        Lists of each part's points; -1 at the end.
    refuge, beyond : (S,) int64, (S,) float64
        The nearest part that is left but the one that answers for it, and its squared distance; -1 if not known.
    """

    tree: PartTree
    is_left: BoolArray
    positions: FloatArray
    areas: FloatArray
    now: FloatArray
    first: IntArray
    after: IntArray
    refuge: IntArray
    beyond: FloatArray


def spread_points(points: FloatArray, faces: IntArray) -> SurfacePoints:
    """Points on each part of an oriented manifold, by its area, but some on any that has one.

    Parameters
    ----------
    points : (V, 3) float64
    faces : (F, 3) int64
    """
    part = face_parts(opposites(faces))
    order = np.argsort(part, kind="stable")
    corners = points[faces[order]]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    areas = np.linalg.norm(cross, axis=1) / 2
    of_part = np.bincount(part[order], areas)
    share = of_part / max(float(of_part.sum()), np.finfo(np.float64).tiny)
    n = np.where(of_part > 0, np.clip(np.ceil(_POINTS * share), _LEAST, _MOST), 0).astype(np.int64)
    which = np.repeat(np.arange(len(n)), n)
    rng = np.random.default_rng(0)
    within = np.arange(len(which)) - np.repeat(np.cumsum(n) - n, n) + rng.random(len(which))
    before = np.cumsum(of_part) - of_part
    face = np.searchsorted(np.cumsum(areas), before[which] + within * (of_part / np.maximum(n, 1))[which], side="right")
    first_face = np.searchsorted(part[order], np.arange(len(n)))
    last_face = np.searchsorted(part[order], np.arange(len(n)), side="right") - 1
    face = np.clip(face, first_face[which], last_face[which])
    across, along = np.sqrt(rng.random(len(which)))[:, None], rng.random(len(which))[:, None]
    a, b, c = corners[face, 0], corners[face, 1], corners[face, 2]
    positions = a + across * (1 - along) * (b - a) + across * along * (c - a)
    return SurfacePoints(positions, (of_part / np.maximum(n, 1))[which])


def open_accounts(points: FloatArray, faces: IntArray, part: IntArray, standing: SurfacePoints) -> Accounts:
    """Each point on the account of the part that it is nearest to."""
    n_points, n_parts = len(standing.areas), int(part.max(initial=-1)) + 1
    tree = part_tree(points, faces, part)
    accounts = Accounts(
        tree,
        np.ones(n_parts, bool),
        standing.positions,
        standing.areas,
        np.zeros(n_points),
        np.full(n_parts, _NOBODY),
        np.full(n_points, _NOBODY),
        np.full(n_points, _NOBODY),
        np.zeros(n_points),
    )
    _assign(accounts)
    return accounts


@njit(cache=True)
def _assign(accounts: Any) -> None:
    stack = np.empty(_STACK, np.int64)
    for point in range(len(accounts.areas)):
        squared, part = nearest(accounts.tree, accounts.is_left, accounts.positions[point], _NOBODY, stack)
        accounts.now[point] = squared
        accounts.after[point] = accounts.first[part]
        accounts.first[part] = point


@njit(cache=True)
def loss(accounts: Any, part: int) -> float:
    """By how much the integral of the squared distance to what is left rises when a part goes; inf for the last."""
    stack = np.empty(_STACK, np.int64)
    total, point = 0.0, accounts.first[part]
    while point >= 0:
        refuge = accounts.refuge[point]
        if refuge < 0 or not accounts.is_left[refuge]:
            squared, refuge = nearest(accounts.tree, accounts.is_left, accounts.positions[point], part, stack)
            accounts.beyond[point], accounts.refuge[point] = squared, refuge
        total += accounts.areas[point] * (accounts.beyond[point] - accounts.now[point])
        point = accounts.after[point]
    return total


@njit(cache=True)
def give_up(accounts: Any, part: int) -> None:
    """A part goes, just after its `loss` was asked for."""
    accounts.is_left[part] = False
    point = accounts.first[part]
    while point >= 0:
        following, refuge = accounts.after[point], accounts.refuge[point]
        accounts.now[point] = accounts.beyond[point]
        accounts.after[point] = accounts.first[refuge]
        accounts.first[refuge] = point
        accounts.refuge[point] = _NOBODY
        point = following
    accounts.first[part] = _NOBODY
