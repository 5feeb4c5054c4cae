"""Creases and corners of decimated meshes."""

import numpy as np
from sdfz.codec.scaffold.fit_creases import chains, creased_at, dihedral_angles, merged, relative_bits
from sdfz.codec.scaffold.subdivision import CORNER, CREASE, SHARP
from sdfz.codec.scaffold.topology import topology
from shapes import box, plane, sphere


def test_a_box_has_its_twelve_edges_and_eight_corners():
    vertices, faces = box(subdivisions=1)
    angles = dihedral_angles(topology(faces, len(vertices)), vertices)
    assert set(np.round(np.degrees(angles)).tolist()) == {0, 90}
    control = creased_at(faces, vertices, np.radians(45))
    assert (control.sharpness == SHARP).sum() == 24
    assert (control.kinds == CORNER).sum() == 8
    assert (control.kinds == CREASE).sum() == 12
    assert not creased_at(faces, vertices, np.radians(95)).sharpness.any()


def test_corners_of_a_sheet_are_pinned():
    vertices, faces = plane(4)
    control = creased_at(faces, vertices, np.pi)
    is_corner = (np.abs(vertices[:, :2]) > 0.89).all(axis=1)
    assert is_corner.sum() == 4 and (control.pinned == is_corner).all()


def test_a_single_sharp_edge_is_left_smooth():
    vertices, faces = sphere(subdivisions=1)
    vertices = vertices.copy()
    mesh = topology(faces, len(vertices))
    edge = mesh.edges[np.flatnonzero(mesh.valences[mesh.edges].min(axis=1) == 6)[0]]
    vertices[edge] *= 1.35
    angles = dihedral_angles(mesh, vertices)
    threshold = np.sort(angles)[-2] + 1e-6
    assert (angles > threshold).sum() == 1
    assert not creased_at(faces, vertices, threshold).sharpness.any()


def test_chains_end_at_junctions():
    vertices, faces = box(subdivisions=2)
    mesh = topology(faces, len(vertices))
    sharp = np.flatnonzero(dihedral_angles(mesh, vertices) > 1)
    found = chains(mesh, sharp)
    assert np.bincount(found).tolist() == [4] * 12
    # The middles of the box's edges are where the four of a chain lie together: they differ in one coordinate.
    middles = vertices[mesh.edges[sharp]].mean(axis=1)
    assert all((np.ptp(middles[found == chain], axis=0) > 1e-12).sum() == 1 for chain in range(12))
    assert len(chains(mesh, sharp[:0])) == 0


def test_each_chain_is_taken_where_it_makes_less_error():
    vertices, faces = box(subdivisions=2)
    smooth, sharp = creased_at(faces, vertices, np.pi), creased_at(faces, vertices, 1.0)
    centres = vertices[faces].mean(axis=1)
    left = centres[:, 0] < 0
    better = np.where(left, 0.1, 2.0)
    found = merged(smooth, sharp, np.ones(len(faces)), better, vertices)
    x = vertices[found.topology.edges[found.sharpness > 0], 0]
    # The four creases in the left face and none of those in the right one.
    assert (found.sharpness > 0).sum() >= 16 and (x < 0.69).any(axis=1).all()
    back = merged(sharp, smooth, better, np.ones(len(faces)), vertices)
    assert (back.sharpness == found.sharpness).all()
    same = merged(smooth, sharp, np.ones(len(faces)), np.full(len(faces), 0.9999), vertices)
    assert not same.sharpness.any()  # hardly better is not worth the bits


def test_creases_cost_bits():
    vertices, faces = box(subdivisions=2)
    assert relative_bits(creased_at(faces, vertices, np.pi)) == 1
    assert relative_bits(creased_at(faces, vertices, 1.0)) > 1
