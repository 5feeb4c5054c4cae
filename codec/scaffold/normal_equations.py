"""The least squares of a fit as one symmetric matrix over the control vertices, and its solution.

Pairs speak of dense vertices, of which a control mesh has many times its own. Their moments are summed there first,
one number a dense vertex and edge, and then brought down to the control mesh by the subdivision matrix: the cost grows
with the dense mesh, not with the pairs' stencils.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array

from .correspondences import ENTRIES, DenseSurface, Pairs

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_CG_TOLERANCE = 1e-4
# Pull towards where the vertices are, relative to the mean pull of the pairs: what nothing else holds stays in place.
_PROXIMAL = 1e-4


@dataclass(frozen=True, eq=False)
class NormalEquations:
    """A quadratic model of the energy around the present positions: E(x + d) = E(x) - 2 g d + d H d.

    Unknown 3 v + i is coordinate i of control vertex v.

    Attributes
    ----------
    matrix : (3 V, 3 V) csr_array of float64
        H, symmetric, positive semi-definite.
    slope : (3 V,) float64
        g.
    """

    matrix: csr_array
    slope: FloatArray


def normal_equations(dense: DenseSurface, pairs: Pairs) -> NormalEquations:
    """What pairs ask of the control vertices."""
    mesh, down = dense.mesh, dense.matrix
    n_dense, n = down.shape
    corners, sides = mesh.faces[pairs.face].ravel(), mesh.face_edges[pairs.face].ravel()
    share, after = pairs.share, np.roll(pairs.share, -1, axis=1)
    squares, products = (share * share).ravel(), (share * after).ravel()

    up = down.T.tocsr()
    blocks = []
    for entry in range(len(ENTRIES)):
        counts = np.repeat(pairs.counts[:, entry], 3)
        at_vertices = _sums(corners, squares * counts, n_dense)
        at_edges = _sums(sides, products * counts, mesh.n_edges)
        blocks.append(up @ (_symmetric(dense, at_vertices, at_edges) @ down))
    force = np.zeros_like(pairs.offset)
    for entry, (i, j) in enumerate(ENTRIES):
        force[:, i] += pairs.counts[:, entry] * pairs.offset[:, j]
        if i != j:
            force[:, j] += pairs.counts[:, entry] * pairs.offset[:, i]
    slope = np.empty((n, 3))
    for i in range(3):
        slope[:, i] = up @ _sums(corners, (share * force[:, i, None]).ravel(), n_dense)
    return NormalEquations(_interleaved(blocks, n), slope.ravel())


def step(
    equations: NormalEquations, extra: csr_array | None = None, extra_slope: FloatArray | None = None
) -> FloatArray:
    """The move (V, 3) that minimizes the energy, with a gentle pull towards staying.

    `extra` (3 V, 3 V) and `extra_slope` (3 V,) are another quadratic term, such as the rate.
    """
    matrix, slope = equations.matrix, equations.slope
    pull = _PROXIMAL * float(matrix.diagonal().mean())
    if extra is not None:
        matrix = matrix + extra
    if extra_slope is not None:
        slope = slope + extra_slope
    matrix = (matrix + max(pull, np.finfo(np.float64).tiny) * eye_array(matrix.shape[0])).tocsr()
    return _conjugate_gradients(matrix, slope).reshape(-1, 3)


def _sums(where: IntArray, values: FloatArray, n: int) -> FloatArray:
    """(n,) sums of the values at each place."""
    return np.asarray(np.bincount(where, values, minlength=n), np.float64)


def _symmetric(dense: DenseSurface, at_vertices: FloatArray, at_edges: FloatArray) -> csr_array:
    """A symmetric matrix over the dense vertices, from its diagonal and its entries at edges."""
    first, second = dense.mesh.edges.T
    diagonal = np.arange(len(at_vertices))
    rows = np.concatenate([diagonal, first, second])
    columns = np.concatenate([diagonal, second, first])
    values = np.concatenate([at_vertices, at_edges, at_edges])
    return csr_array((values, (rows, columns)), shape=(len(at_vertices),) * 2)


def _interleaved(blocks: list[csr_array], n: int) -> csr_array:
    """The (3 V, 3 V) matrix whose 3x3 blocks have these (V, V) matrices for their six different entries."""
    rows, columns, values = [], [], []
    for (i, j), block in zip(ENTRIES, blocks, strict=True):
        entries = block.tocoo()
        for a, b in {(i, j), (j, i)}:
            rows.append(3 * entries.row.astype(np.int64) + a)
            columns.append(3 * entries.col.astype(np.int64) + b)
            values.append(entries.data)
    flat = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return csr_array(flat, shape=(3 * n, 3 * n))


def _conjugate_gradients(matrix: csr_array, right: FloatArray) -> FloatArray:
    """Solution of a symmetric positive definite system, preconditioned by its diagonal."""
    inverse = 1 / matrix.diagonal()
    solution, residual = np.zeros_like(right), right.copy()
    direction = preconditioned = inverse * residual
    energy = float(residual @ preconditioned)
    enough = energy * _CG_TOLERANCE**2
    for _ in range(min(400, len(right))):
        if energy <= enough:
            break
        image = matrix @ direction
        length = energy / float(direction @ image)
        solution = solution + length * direction
        residual = residual - length * image
        preconditioned = inverse * residual
        before, energy = energy, float(residual @ preconditioned)
        direction = preconditioned + (energy / before) * direction
    return solution
