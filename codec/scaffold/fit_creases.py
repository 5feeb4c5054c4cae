"""Where a control mesh should be creased: edges where its faces meet at a large angle, and the corners of creases."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from .fit_target import face_normals
from .subdivision import SHARP, Creased, creased
from .topology import BoolArray, Topology, topology
from .vectors import unit_vectors

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# A crease or boundary that turns by more than this at a vertex has a corner there.
_CORNER_TURN = np.radians(50.0)
# Bits that a sharp edge costs more than a smooth one, and that a vertex costs in all.
_BITS_A_SHARP_EDGE, _BITS_A_VERTEX = 2.0, 18.0


def dihedral_angles(mesh: Topology, points: FloatArray) -> FloatArray:
    """(E,) angles between the normals of the faces at each edge, radians; 0 at the boundary."""
    normals = face_normals(points, mesh.faces)
    first, second = mesh.edge_faces.T
    cosine = np.einsum("nx,nx->n", normals[first], normals[second])
    return np.where(mesh.is_boundary, 0.0, np.arccos(np.clip(cosine, -1, 1)))


def creased_at(faces: IntArray, points: FloatArray, least_angle: float) -> Creased:
    """A control mesh with sharp creases where the dihedral angle is larger than `least_angle`, radians.

    Single sharp edges that touch no other and no boundary are left smooth: between two darts there is little to see for
    the bits. Vertices are pinned where a crease or the boundary makes a corner.
    """
    mesh = topology(faces, len(points))
    is_sharp = (dihedral_angles(mesh, points) > least_angle) | mesh.is_boundary
    n_sharp = np.bincount(mesh.edges[is_sharp].ravel(), minlength=mesh.n_vertices)
    is_sharp &= (n_sharp[mesh.edges] > 1).any(axis=1)
    return creased(faces, len(points), np.where(is_sharp, SHARP, 0), corners(mesh, points, is_sharp | mesh.is_boundary))


def relative_bits(control: Creased) -> float:
    """How large a control mesh is with its creases, for one without: about so."""
    n_sharp = int(((control.sharpness > 0) & ~control.topology.is_boundary).sum())
    return 1 + n_sharp * _BITS_A_SHARP_EDGE / (_BITS_A_VERTEX * control.n_vertices)


def merged(
    first: Creased, second: Creased, first_errors: FloatArray, second_errors: FloatArray, points: FloatArray
) -> Creased:
    """The creases of `first`, but those of `second` where that makes it better by more than they cost.

    Decided for each chain of edges, from one junction or end to the next, that are sharp in one and smooth in the
    other, by the errors of the faces that touch it.

    Parameters
    ----------
    first, second : Creased
        The same mesh with different creases.
    first_errors, second_errors : (F,) float64
        What each control face adds to the error of a fit with these creases.
    points : (V, 3) float64
        Of the decimated mesh, where corners are looked for.
    """
    mesh = first.topology
    sharpness = first.sharpness.copy()
    touches = csr_array(
        (np.ones(mesh.faces.size), (mesh.faces.ravel(), np.repeat(np.arange(len(mesh.faces)), 3))),
        shape=(mesh.n_vertices, len(mesh.faces)),
    )
    gains = (first_errors - second_errors) / max(float(first_errors.sum()), np.finfo(np.float64).tiny)
    for to_sharp in (True, False):
        source, other = (second, first) if to_sharp else (first, second)
        edges = np.flatnonzero((source.sharpness > 0) & (other.sharpness == 0) & ~mesh.is_boundary)
        chain = chains(mesh, edges)
        lengths = np.bincount(chain)
        ends = (np.ones(2 * len(edges)), (np.repeat(chain, 2), mesh.edges[edges].ravel()))
        near = csr_array(ends, shape=(len(lengths), mesh.n_vertices)) @ touches
        near.data[:] = 1
        cost = lengths * (_BITS_A_SHARP_EDGE / (_BITS_A_VERTEX * mesh.n_vertices))
        serves = near @ gains > (cost if to_sharp else -cost)
        sharpness[edges[serves[chain]]] = SHARP if to_sharp else 0
    pinned = corners(mesh, points, (sharpness > 0) | mesh.is_boundary)
    return creased(mesh.faces, mesh.n_vertices, sharpness, pinned)


def chains(mesh: Topology, edges: IntArray) -> IntArray:
    """(N,) the chain of each of `edges` (N,): those that hang together at vertices where just two of them meet."""
    if not len(edges):
        return np.zeros(0, np.int64)
    ends, which = mesh.edges[edges].ravel(), np.repeat(np.arange(len(edges)), 2)
    goes_on = np.bincount(ends, minlength=mesh.n_vertices)[ends] == 2
    ends, which = ends[goes_on], which[goes_on]
    at = csr_array((np.ones(len(ends)), (which, ends)), shape=(len(edges), mesh.n_vertices))
    return np.asarray(connected_components(at @ at.T, directed=False)[1], np.int64)


def corners(mesh: Topology, points: FloatArray, is_sharp: BoolArray) -> BoolArray:
    """(V,) vertices at which exactly two sharp edges meet and the curve turns by more than 50 degrees."""
    ends = mesh.edges[is_sharp]
    along = unit_vectors(points[ends[:, 1]] - points[ends[:, 0]])
    outward = np.zeros((mesh.n_vertices, 3))
    np.add.at(outward, ends[:, 0], along)
    np.add.at(outward, ends[:, 1], -along)
    n_sharp = np.bincount(ends.ravel(), minlength=mesh.n_vertices)
    # Two unit vectors away from the vertex, that turn by t, have a sum of length 2 sin(t / 2).
    return (n_sharp == 2) & (np.linalg.norm(outward, axis=1) > 2 * np.sin(_CORNER_TURN / 2))
