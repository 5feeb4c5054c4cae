"""Control vertices put where a fit is far off: edges split next to the largest errors."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .correspondences import DenseSurface, Matches
from .subdivision import Creased, creased
from .topology import Topology, split_in_four, topology

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TINY = float(np.finfo(np.float64).tiny)


def edge_scores(dense: DenseSurface, positions: FloatArray, matches: Matches, power: float) -> FloatArray:
    """(E,) what a vertex in the middle of each control edge could do about the errors around it.

    The sum of errors to a power over the samples, each weighted by how much the new vertex would move it, were the
    surface made of flat faces. Short edges of long faces count less, so that faces do not become needles.

    Parameters
    ----------
    dense : DenseSurface
    positions : (V, 3) float64
        Of the control vertices.
    matches : Matches
        At these positions.
    power : float
        1 for the mean error, more for the largest.
    """
    mesh = dense.control.topology
    n_children = len(dense.mesh.faces) // len(mesh.faces)
    n_forward, n_backward = len(matches.forward), len(matches.backward)
    face, child = np.divmod(matches.pairs.face[: n_forward + n_backward], n_children)
    error = np.concatenate([matches.forward, matches.backward])
    share = np.repeat([1 / n_forward, 1 / n_backward], [n_forward, n_backward])
    hats = _edge_hats(n_children)[child] * ((error / max(float(error.mean()), _TINY)) ** power * share)[:, None]
    scores = np.bincount(mesh.face_edges[face].ravel(), hats.ravel(), minlength=mesh.n_edges)
    length = np.linalg.norm(positions[mesh.edges[:, 0]] - positions[mesh.edges[:, 1]], axis=1)
    longest = np.zeros(mesh.n_edges)
    np.maximum.at(longest, mesh.face_edges.ravel(), np.repeat(length[mesh.face_edges].max(axis=1), 3))
    return np.asarray(scores * length / np.maximum(longest, _TINY), np.float64)


@cache
def _edge_hats(n_children: int) -> FloatArray:
    """(children, 3) how much a vertex in the middle of each side would move the centre of each child of a flat face.

    Side k goes from corner k to the next.
    """
    mesh, share = topology(np.array([[0, 1, 2]]), 3), np.eye(3)
    while len(mesh.faces) < n_children:
        share = np.concatenate([share, share[mesh.edges].mean(axis=1)])
        mesh = split_in_four(mesh)
    centre = share[mesh.faces].mean(axis=1)
    return 2 * np.minimum(centre, np.roll(centre, -1, axis=1))


def best_apart(scores: FloatArray, mesh: Topology, n: int) -> IntArray:
    """At most `n` edges (N,), those with the highest scores > 0 but no two of one face."""
    taken = np.zeros(len(mesh.faces) + 1, bool)  # the last is what -1 finds, beyond the boundary: never taken
    chosen: list[int] = []
    for edge in np.argsort(-scores, kind="stable"):
        if len(chosen) == n or scores[edge] <= 0:
            break
        faces = mesh.edge_faces[edge]
        if not taken[faces].any():
            taken[faces[faces >= 0]] = True
            chosen.append(int(edge))
    return np.array(chosen, np.int64)


def split_edges(control: Creased, positions: FloatArray, edges: IntArray) -> tuple[Creased, FloatArray]:
    """A control mesh with a new vertex in the middle of some edges.

    Parameters
    ----------
    control : Creased
    positions : (V, 3) float64
    edges : (N,) int64
        No two of one face.

    Returns
    -------
    control : Creased
        With N vertices more, which come last. Both halves of an edge are as sharp as it was, other new edges smooth.
    positions : (V + N, 3) float64
    """
    mesh, n = control.topology, control.n_vertices
    middle = np.full(mesh.n_edges, -1)
    middle[edges] = n + np.arange(len(edges))
    faces = mesh.faces.copy()
    face, side = np.nonzero(middle[mesh.face_edges] >= 0)
    new = middle[mesh.face_edges[face, side]]
    start, end, apex = (mesh.faces[face, (side + k) % 3] for k in range(3))
    faces[face] = np.stack([start, new, apex], axis=1)
    faces = np.concatenate([faces, np.stack([new, end, apex], axis=1)])
    n_after = n + len(edges)
    refined = topology(faces, n_after)
    whole = np.setdiff1d(np.arange(mesh.n_edges), edges)
    ends = np.concatenate([mesh.edges[whole]] + [np.stack([mesh.edges[edges, k], middle[edges]], 1) for k in (0, 1)])
    sharpness = np.zeros(refined.n_edges, np.uint8)
    names = np.sort(ends, axis=1) @ [n_after, 1]
    found = np.searchsorted(refined.edges @ [n_after, 1], names)
    sharpness[found] = np.concatenate([control.sharpness[whole], control.sharpness[edges], control.sharpness[edges]])
    pinned = np.concatenate([control.pinned, np.zeros(len(edges), bool)])
    moved = np.concatenate([positions, positions[mesh.edges[edges]].mean(axis=1)])
    return creased(faces, n_after, sharpness, pinned), moved
