"""Find nodes, what they move with, and where they go: the least squares motion of a base shape along a sequence.

::

    base surface --farthest points, cells--> nodes
    their tracks on the registered meshes --how lengths change--> joined
    for some rounds: positions --> A_i;  least squares: carried surface = registered surface --> positions
    positions --closed loop--> residuals
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse
import scipy.sparse.linalg
from scipy.spatial import cKDTree

from ..lgcl.key_points import farthest_points
from ..occupancy import Cells
from .carry import Carrier, NodeFrames, carrying_nodes
from .motion import residuals_of
from .nodes import candidates_of, cells_around, middles_of, order_of
from .surface import edges_of
from .symbols import MotionSymbols, code_of_step, step_of_code
from .tracks import Tracks

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_N_CANDIDATES = 8
_MOST_STRETCH = 0.2  # relative standard deviation of the length of what moves together
_N_ROUNDS = 4
_ALONG = 0.02  # what an error along the surface counts, of one across it
_FAR_NEARER = 0.4
_N_TRIED, _OUTLYING = 6, 4.0  # frames that tell which points cannot be followed; times the usual error
_PULL = 1e-2  # towards the track of a node, of what its vertices pull


@dataclass(frozen=True)
class MotionSettings:
    """How a motion is fitted.

    Parameters
    ----------
    n_nodes : int
        Wanted; as many as come to lie in cells of their own.
    step : float
        Of the residuals, normalized units.
    dead_zone : float
        Steps by which a residual is made smaller before it is rounded.
    """

    n_nodes: int
    step: float
    dead_zone: float = 0.15


def fit_motion(tracks: Tracks, settings: MotionSettings) -> MotionSymbols:
    """Symbols of the motion of a base shape."""
    depth, cells = spread_nodes(tracks.vertices, settings.n_nodes)
    order = order_of(cells)
    nodes = middles_of(cells[order], depth)
    normals = tracks.base_normals[cKDTree(tracks.vertices).query(nodes)[1]]
    candidates = candidates_of(cells[order], _N_CANDIDATES)
    paths = tracks.follow(nodes, normals)
    joined = moves_together(nodes, paths, candidates)
    known = np.where(joined, candidates, -1)
    wanted = best_positions(tracks, nodes, paths, edges_of(known))
    code, back = code_of_step(settings.step), frames_to_follow(wanted)
    residuals, _ = residuals_of(nodes, known, back, wanted, step_of_code(code), settings.dead_zone)
    return MotionSymbols(depth, cells, joined, code, back.astype(np.int32), residuals)


def spread_nodes(vertices: FloatArray, n: int) -> tuple[int, Cells]:
    """Depth and cells of about n nodes, spread over the vertices of a surface."""
    chosen = vertices[farthest_points(vertices, min(n, len(vertices)))]
    spacing = cKDTree(chosen).query(chosen, 2)[0][:, 1].min() if n > 1 else 1.0
    return cells_around(chosen, spacing)


def moves_together(nodes: FloatArray, paths: FloatArray, candidates: IntArray) -> npt.NDArray[np.bool_]:
    """(K, N) whether a node and a candidate stay about as far apart; at least the best of each node's does."""
    length = np.linalg.norm(paths[:, candidates] - paths[:, :, None], axis=3)  # (T, K, N)
    rest = np.linalg.norm(nodes[candidates] - nodes[:, None], axis=2)
    stretch = np.sqrt(((length / np.maximum(rest, 1e-12) - 1) ** 2).mean(0))
    stretch[candidates < 0] = np.inf
    found = stretch < _MOST_STRETCH
    found[np.arange(len(nodes)), stretch.argmin(1)] = True
    return found & (candidates >= 0)


def frames_to_follow(positions: FloatArray) -> IntArray:
    """(T,) how far back the frame is that each is predicted from: the last one, or an older one that is far nearer."""
    shapes = positions - positions.mean(1, keepdims=True)
    back = np.ones(len(positions), np.int64)
    for t in range(2, len(positions)):
        away = np.sqrt(((shapes[:t] - shapes[t]) ** 2).sum(2).mean(1))
        nearest = int(away.argmin())
        if away[nearest] < _FAR_NEARER * away[t - 1]:
            back[t] = t - nearest
    return back


def best_positions(tracks: Tracks, nodes: FloatArray, paths: FloatArray, edges: IntArray) -> FloatArray:
    """(T, K, 3) positions of nodes by which the base shape is carried to where its points are.

    Least squares: errors across the surface count in full, those along it a little, and points that cannot be followed,
    as where the base shape joins what comes apart, hardly at all.
    """
    rows = tracks.rows
    chosen, shares = carrying_nodes(tracks.vertices, tracks.faces, nodes)
    carrier, node_frames = Carrier(tracks.vertices[rows], nodes, chosen[rows], shares[rows]), NodeFrames(nodes, edges)
    some = np.unique(np.linspace(0, len(paths) - 1, min(len(paths), _N_TRIED)).round().astype(int))
    _, errors = _solved(tracks, carrier, node_frames, paths[some], some, tracks.areas)
    trust = 1 / (1 + (errors / (_OUTLYING * np.median(errors) + np.finfo(np.float64).tiny)) ** 2)
    return _solved(tracks, carrier, node_frames, paths, np.arange(len(paths)), tracks.areas * trust)[0]


def _solved(
    tracks: Tracks, carrier: Carrier, node_frames: NodeFrames, paths: FloatArray, frames: IntArray, areas: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """(T, K, 3) positions in some frames, where (T, K, 3) paths are a first guess; (N,) mean errors of the points."""
    weights, areas = carrier.weights, areas[:, None]
    gram = (weights.T @ weights.multiply(areas)).tocsc()
    pull = _PULL * gram.diagonal().mean()
    alike = scipy.sparse.block_diag([_ALONG * gram + pull * scipy.sparse.identity(gram.shape[0])] * 3)
    found, errors = np.empty_like(paths), np.zeros(len(areas))
    turned: FloatArray | None = None
    for t, (frame, track) in enumerate(zip(frames, paths, strict=True)):
        target, normals = tracks.targets[frame], tracks.normals[frame]
        across = scipy.sparse.hstack([weights.multiply(column[:, None]) for column in normals.T]).tocsr()
        solve = scipy.sparse.linalg.factorized((across.T @ across.multiply(areas) + alike).tocsc())
        positions, before = track, turned
        for _ in range(_N_ROUNDS):
            turned = node_frames.of(positions, before)
            missing = (target - carrier.turned(turned)) * areas
            right = across.T @ (missing * normals).sum(1)
            right += (_ALONG * (weights.T @ missing) + pull * track).T.ravel()
            positions = solve(right).reshape(3, -1).T
        found[t] = positions
        assert turned is not None
        errors += np.linalg.norm(carrier.carried(positions, turned) - target, axis=1) / len(paths)
    return found, errors
