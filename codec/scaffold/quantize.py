"""Control vertices on a lattice, chosen for few bits at little error.

    error as a quadratic form  +  rate as another  ->  where the vertices want to be, and what a displacement costs
    -> each vertex in coding order takes the residual with the least error and bits, later ones make up for it
    -> new correspondences at what will be decoded, and again

The second step is what GPTQ [1]_ does with the weights of a layer: with the Cholesky factor of the Hessian in reverse
coding order, a vertex is decided knowing how well all that follow can compensate.

References
----------
.. [1] Frantar, Ashkboos, Hoefler, Alistarh, GPTQ: accurate post-training quantization, ICLR 2023, arXiv 2210.17323.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, eye_array

from ...formats.frame import STEPS_PER_SCALE
from .. import mixing
from .coder import EncodedControl, Rdo, encode_control
from .correspondences import DenseSurface, Matches, match
from .fit_target import FitTarget
from .incomplete import incomplete_cholesky
from .normal_equations import normal_equations, step
from .rate import rate_rows
from .steps import TANGENTIAL_STEPS, UNITS_A_STEP, code_of_ratio, code_of_step, lattice_unit
from .subdivision import Creased
from .topology import topology
from .traversal import Traversal, traverse

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# What holds a vertex that no pair holds, next to the mean pull.
_DAMPING = 1e-4
# What being a normal step away from where it was fitted costs a vertex, in bits. It is little next to what most pairs
# say, but a vertex that hardly any pair holds would go for a few bits to where the error is largest.
_HELD_BITS = 0.1
# Of two rounds with equal error times bytes the one whose largest distance is smaller is better, by this power.
_FARTHEST_POWER = 0.1
# Vertices of control meshes whose Hessian is factorized completely, as a dense matrix.
_MOST_COMPLETE = 400


@dataclass(frozen=True)
class Steps:
    """How finely positions are coded, by the codes that a file has for steps.

    Attributes
    ----------
    normal, tangential : int
        Codes, see `steps`.
    """

    normal: int
    tangential: int

    @classmethod
    def near(cls, normal: float, ratio: float) -> Steps:
        """Those nearest to a normal step in normalized units, and to a tangential one of `ratio` normal steps."""
        return cls(code_of_step(normal), code_of_ratio(ratio))

    @property
    def tangential_units(self) -> int:
        """The tangential step in lattice units."""
        return TANGENTIAL_STEPS[self.tangential]

    def unit(self, scale: float) -> float:
        """Length of a lattice unit in a frame whose unit is `scale` normalized ones."""
        return lattice_unit(self.normal) / scale


@dataclass(frozen=True, eq=False)
class Quantized:
    """A control mesh as its bytes have it.

    A vertex at lattice position p is at normalized coordinates p * lattice_unit(steps.normal) + shift / 64.

    Attributes
    ----------
    encoded : EncodedControl
    traversal : Traversal
        What it was encoded along; `positions` are in the numbering of its input.
    positions : (V, 3) float64
        As decoded, in the target's frame.
    steps : Steps
    shift : (3,) int64
        Where the lattice is zero, in 64ths of a normalized unit: what frames can be moved by.
    matches : Matches
        At these positions.
    """

    encoded: EncodedControl
    traversal: Traversal
    positions: FloatArray
    steps: Steps
    shift: IntArray
    matches: Matches

    @property
    def n_bytes(self) -> int:
        """Of the coded mesh, without any header."""
        return len(self.encoded.data)

    @property
    def score(self) -> float:
        """What is least for the best round."""
        return self.matches.cd * self.n_bytes * self.matches.farthest**_FARTHEST_POWER


def quantize(
    target: FitTarget,
    dense: DenseSurface,
    positions: FloatArray,
    steps: Steps,
    bit_price: float,
    *,
    n_rounds: int = 4,
    n_samples: int = 20_000,
    power: float = 2.0,
    far_weight: float = 0.0,
    priors: mixing.Priors | None = None,
    matches: Matches | None = None,
) -> Quantized:
    """The best of a few rounds of quantizing and fitting again.

    Parameters
    ----------
    target : FitTarget
        Of vertices in normalized units.
    dense : DenseSurface
        Of the control mesh, whose vertices are all in use.
    positions : (V, 3) float64
        Fitted control vertices.
    steps : Steps
    bit_price : float
        What a bit may cost in energy (`normal_equations`).
    n_rounds, n_samples, power, far_weight
        `match`.
    priors : mixing.Priors, optional
    matches : Matches, optional
        At `positions`, if they are known.

    Returns
    -------
    Quantized
        Of all rounds the one with the least `score`: error times bytes, and a little of the largest distance.
    """
    traversal = traverse(dense.control.faces)
    parents = _in_input_order(traversal)
    unit = steps.unit(target.scale)
    lengths = UNITS_A_STEP * unit, steps.tangential_units * unit
    shift, zero = _origin(target, positions[traversal.order[0]])
    code = partial(_encode, dense.control, traversal, steps, priors)
    hold = csr_array(eye_array(positions.size) * (_HELD_BITS * bit_price / lengths[0] ** 2))
    best: Quantized | None = None
    wanted = positions
    for round_ in range(n_rounds):
        if matches is None:
            matches = match(target, dense, dense.matrix @ wanted, n_samples, power, far_weight)
        equations = normal_equations(dense, matches.pairs)
        rows = rate_rows(wanted, parents, lengths)
        rate = bit_price * (rows.T @ rows)
        slope = hold @ (positions - wanted).ravel() - rate @ wanted.ravel()
        wanted = wanted + step(equations, rate + hold, slope)
        rdo = Rdo(bit_price / unit**2, _factor(equations.matrix + rate + hold, traversal))
        encoded, lattice = code((wanted - zero) / unit, rdo)
        decoded = lattice * unit + zero
        matches = match(target, dense, dense.matrix @ decoded, n_samples, power, far_weight)
        found = Quantized(encoded, traversal, decoded, steps, shift, matches)
        if best is None or found.score < best.score:
            best = found
        # From what is decoded the next round sees other correspondences than from what was wanted.
        if round_ % 2:
            wanted = decoded
        else:
            matches = None
    assert best is not None
    return best


def _origin(target: FitTarget, first: FloatArray) -> tuple[IntArray, FloatArray]:
    """Where a lattice near the first vertex may be zero: in 64ths of a normalized unit, and in the target's frame."""
    shift = np.round((first * target.scale + target.origin) * STEPS_PER_SCALE).astype(np.int64)
    return shift, (shift / STEPS_PER_SCALE - target.origin) / target.scale


def _factor(hessian: csr_array, traversal: Traversal) -> FloatArray | csr_array:
    """(3 V, 3 V) lower Cholesky factor in reverse coding order; incomplete where the complete one takes long."""
    reverse = (3 * traversal.order[::-1, None] + np.arange(3)).ravel()
    matrix = hessian.tocsr()[reverse][:, reverse]
    if len(reverse) > 3 * _MOST_COMPLETE:
        return incomplete_cholesky(matrix, _DAMPING)
    square = matrix.toarray()
    square[np.diag_indices(len(square))] += _DAMPING * np.trace(square) / len(square)
    return np.linalg.cholesky(square)


def _encode(
    control: Creased,
    traversal: Traversal,
    steps: Steps,
    priors: mixing.Priors | None,
    targets: FloatArray,
    rdo: Rdo,
) -> tuple[EncodedControl, IntArray]:
    """The bytes, and the decoded lattice positions (V, 3) in the control mesh's own numbering."""
    sharpness, pinned = _creases_in_coding_order(control, traversal)
    encoded = encode_control(
        traversal, targets, steps.tangential_units, sharpness=sharpness, pinned=pinned, priors=priors, rdo=rdo
    )
    lattice = np.empty_like(encoded.mesh.positions)
    lattice[traversal.order] = encoded.mesh.positions
    return encoded, lattice


def _in_input_order(traversal: Traversal) -> IntArray:
    """(V, 3): the parents of each input vertex, -1 where there are none."""
    parents = np.full_like(traversal.parents, -1)
    found = traversal.parents[:, 0] >= 0
    parents[traversal.order[found]] = traversal.order[traversal.parents[found]]
    return parents


def _creases_in_coding_order(control: Creased, traversal: Traversal) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Sharpness of the edges and pins of the vertices as `encode_control` wants them."""
    n = control.n_vertices
    coded = topology(traversal.faces, n)
    names = np.sort(traversal.order[coded.edges], axis=1) @ [n, 1]
    # Edges are in lexicographic order, so that their names are sorted.
    return control.sharpness[np.searchsorted(control.topology.edges @ [n, 1], names)], control.pinned[traversal.order]
