"""A control mesh as bytes: connectivity, positions and creases in one stream."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ...formats.errors import FormatError, LimitError
from ...formats.limits import DEFAULT, Limits
from .. import mixing
from .border import empty_border
from .choice import aim_at
from .creases import code_creases
from .expectation import Network
from .integers import MOST
from .priors import default_network, default_priors
from .symbols import N_KINDS
from .topology import Topology, topology
from .traversal import Traversal
from .walk import NO_SUCH_PLACE, NORMAL_STEP, TOO_FAR, TOO_MANY_JOINS, TOO_MANY_VERTICES, walk

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Part of the format, never change: the longest tangential step, in lattice units.
MOST_STEP = 1 << 12

_PARTS = ("connectivity", "joins", "seeds", "normal", "tangential", "creases")
_WRONG = {
    TOO_MANY_VERTICES: "more vertices than declared",
    TOO_FAR: "a vertex out of range",
    NO_SUCH_PLACE: "a face on a vertex that is not there",
    TOO_MANY_JOINS: "more joins than a decoder looks into",
}


@dataclass(frozen=True, eq=False)
class Rdo:
    """How an encoder may move vertices to save bits.

    Attributes
    ----------
    weight : float
        What a bit is worth in error, in squared lattice units; times `factor` squared where there is one.
    factor : (3 V, 3 V) array or csr_array of float64, or None
        Cholesky factor L, lower, perhaps incomplete, of the Hessian L L^T of the error, vertices in *reverse* coding
        order, x y z of each together. None: the identity, squared distances to the targets.
    """

    weight: float
    factor: FloatArray | csr_array | None = None


@dataclass(frozen=True, eq=False)
class ControlMesh:
    """What a decoder makes of the bytes, everything in coding order.

    Attributes
    ----------
    positions : (V, 3) int64
        On a lattice of an eighth of the normal step.
    topology : Topology
    sharpness : (E,) uint8
        Of the edges, as `subdivision.Creased` has it but 0 at the boundary, which is not coded.
    pinned : (V,) bool
    """

    positions: IntArray
    topology: Topology
    sharpness: NDArray[np.uint8]
    pinned: BoolArray


@dataclass(frozen=True, eq=False)
class EncodedControl:
    """A control mesh and its bytes.

    Attributes
    ----------
    data : bytes
    mesh : ControlMesh
        As it will be decoded.
    bits : dict of str to float
        What each part costs.
    adapted : Priors
        What the model knew at the end: `train` starts the next mesh with it.
    """

    data: bytes
    mesh: ControlMesh
    bits: dict[str, float]
    adapted: mixing.Priors


def encode_control(
    traversal: Traversal,
    targets: FloatArray,
    tangential_step: int,
    *,
    sharpness: NDArray[np.uint8] | None = None,
    pinned: BoolArray | None = None,
    priors: mixing.Priors | None = None,
    network: Network | None = None,
    rdo: Rdo | None = None,
    mode: int = mixing.ENCODE,
) -> EncodedControl:
    """The bytes of a control mesh.

    Parameters
    ----------
    traversal : Traversal
        From `traverse`.
    targets : (V, 3) float64
        Where the vertices should be, in the *input's* order and in lattice units: eighths of the normal step, below
        2^26 in size. Cheapest with the origin at vertex `traversal.order[0]`.
    tangential_step : int
        In lattice units: 8 for that of the normal, 1 to 4096.
    sharpness : (E,) uint8, optional
        In coding order: of the edges of `topology(traversal.faces, V)`; 0 smooth, 1 to 3, or subdivision.SHARP. What it
        says of boundary edges is ignored. All smooth if left out.
    pinned : (V,) bool, optional
        In coding order; heeded at vertices with just two sharp or boundary edges. None if left out.
    priors : mixing.Priors, optional
        Where the model starts; those that are part of the format if left out.
    network : Network, optional
        That expects residuals; the one that is part of the format if left out.
    rdo : Rdo, optional
        Trade positions for bits; the nearest lattice points if left out.
    mode : {mixing.ENCODE, mixing.COUNT}
        COUNT leaves `data` empty and is a little faster.

    Raises
    ------
    ValueError
        Something is out of range.
    """
    n_vertices, n_faces = len(traversal.order), len(traversal.faces)
    if not np.isfinite(targets).all() or np.abs(targets).max(initial=0) >= MOST - 2 * MOST_STEP:
        raise ValueError(f"targets of up to {np.abs(targets).max(initial=0)} lattice units, of {MOST}")
    steps = _steps(tangential_step)
    rdo = rdo or Rdo(0.0)
    factor = None if rdo.factor is None else csr_array(rdo.factor)
    if factor is not None and factor.shape != (3 * n_vertices, 3 * n_vertices):
        raise ValueError(f"a factor of shape {factor.shape} for {n_vertices} vertices")
    aim = aim_at(targets[traversal.order], factor, float(rdo.weight))
    coder = mixing.coder(priors or default_priors(), mode, capacity=64 * n_vertices + 4 * n_faces + 64, n_kinds=N_KINDS)
    mesh_arrays = _empty(n_vertices, n_faces)
    points, residuals, faces = mesh_arrays
    found = walk(
        coder,
        False,
        traversal.operations,
        traversal.places,
        aim,
        network or default_network(),
        empty_border(n_faces),
        steps,
        points,
        residuals,
        faces,
        np.zeros((0, 0), np.int64),
    )
    if found != n_vertices or not (faces == traversal.faces).all():
        raise ValueError(f"cannot be coded: {_WRONG.get(found, found)}")
    mesh = topology(faces, n_vertices)
    wanted = np.zeros(mesh.n_edges, np.uint8) if sharpness is None else np.asarray(sharpness, np.uint8)
    corners = np.zeros(n_vertices, bool) if pinned is None else np.asarray(pinned, bool)
    levels, corners = code_creases(coder, False, mesh, points, wanted, corners)
    data = mixing.finish(coder) if mode == mixing.ENCODE else b""
    bits = dict(zip(_PARTS, coder.bits.tolist(), strict=True))
    return EncodedControl(data, ControlMesh(points, mesh, levels, corners), bits, mixing.learned(coder))


def decode_control(
    data: bytes,
    n_vertices: int,
    n_faces: int,
    tangential_step: int,
    *,
    priors: mixing.Priors | None = None,
    network: Network | None = None,
    limits: Limits = DEFAULT,
) -> ControlMesh:
    """A control mesh from its bytes.

    Parameters
    ----------
    data : bytes
        From `encode_control`, with nothing after it.
    n_vertices, n_faces, tangential_step : int
        Of the mesh, from elsewhere in the file.
    priors : mixing.Priors, optional
        As given to `encode_control`.
    network : Network, optional
        As given to `encode_control`.
    limits : Limits

    Raises
    ------
    FormatError
        The bytes do not make a mesh of this size, or are not those that an encoder makes of it.
    LimitError
        The mesh is larger than `limits.max_symbols` allows.
    """
    limits.check("max_symbols", 3 * n_vertices + n_faces, "numbers of a control mesh")
    if n_vertices < 0 or n_faces < 0 or n_vertices > 3 * n_faces:
        raise FormatError(f"a control mesh of {n_vertices} vertices and {n_faces} faces")
    if not 1 <= tangential_step <= MOST_STEP:
        raise FormatError(f"a tangential step of {tangential_step} lattice units, of 1 to {MOST_STEP}")
    coder = mixing.coder(priors or default_priors(), mixing.DECODE, data=data, n_kinds=N_KINDS)
    points, residuals, faces = _empty(n_vertices, n_faces)
    none = np.zeros(0, np.int64)
    nowhere = aim_at(np.zeros((0, 3)))
    found = walk(
        coder,
        True,
        none,
        none,
        nowhere,
        network or default_network(),
        empty_border(n_faces),
        _steps(tangential_step),
        points,
        residuals,
        faces,
        np.zeros((0, 0), np.int64),
    )
    if found == TOO_MANY_JOINS:
        raise LimitError(f"control mesh: {_WRONG[found]}")
    if found != n_vertices:
        raise FormatError(f"control mesh: {_WRONG.get(found, 'no mesh of the declared size')}")
    try:
        mesh = topology(faces, n_vertices)
    except ValueError as error:
        raise FormatError(f"control mesh: {error}") from None
    sharpness, pinned = code_creases(
        coder, True, mesh, points, np.zeros(mesh.n_edges, np.uint8), np.zeros(n_vertices, bool)
    )
    mixing.check_end(coder, "control mesh")
    return ControlMesh(points, mesh, sharpness, pinned)


def _steps(tangential: int) -> IntArray:
    if not 1 <= tangential <= MOST_STEP:
        raise ValueError(f"a tangential step of {tangential} lattice units, of 1 to {MOST_STEP}")
    return np.array([tangential, tangential, NORMAL_STEP], np.int64)


def _empty(n_vertices: int, n_faces: int) -> tuple[IntArray, IntArray, IntArray]:
    """Points, residuals and faces to be filled in."""
    return np.zeros((n_vertices, 3), np.int64), np.zeros((n_vertices, 3), np.int64), np.zeros((n_faces, 3), np.int64)
