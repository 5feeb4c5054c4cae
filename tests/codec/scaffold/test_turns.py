"""Edges that are turned: what comes of it is the same kind of mesh, and follows a ridge."""

from __future__ import annotations

import numpy as np
import pytest
from sdfz.codec.closest import Triangles
from sdfz.codec.scaffold.fit import FitSettings, choose_creases, fit_control
from sdfz.codec.scaffold.fit_target import FitTarget
from sdfz.codec.scaffold.subdivision import SHARP, creased
from sdfz.codec.scaffold.topology import topology
from sdfz.codec.scaffold.turns import corners_of, promising, turned
from shapes import plane, sphere


def roof(is_across):
    """A ridge along x with four corners of it on a square, connected along it or across it; its closest points too."""
    points = np.array(
        [[-1, 0, 0.5], [1, 0, 0.5], [0, 1, 0.0], [0, -1, 0.0], [-2, 2, 0], [2, 2, 0], [-2, -2, 0], [2, -2, 0]]
    )
    middle = [[2, 0, 3], [3, 1, 2]] if is_across else [[0, 1, 2], [1, 0, 3]]
    rim = [[0, 2, 4], [2, 1, 5], [0, 6, 3], [3, 7, 1], [0, 4, 6], [1, 7, 5]]
    return points.astype(np.float64), np.array(middle + rim)


def edge(mesh, *ends):
    return int(np.flatnonzero((mesh.edges == sorted(ends)).all(axis=1))[0])


def test_an_edge_across_a_ridge_is_turned_to_run_along_it():
    points, along = roof(is_across=False)
    _, across = roof(is_across=True)
    surface, control = Triangles(points, along), creased(across, len(points))
    chosen = promising(control, points, surface, 0.01)
    assert chosen.tolist() == [edge(control.topology, 2, 3)]
    after = turned(control, chosen)
    assert edge(after.topology, 0, 1) >= 0
    assert {frozenset(face) for face in after.faces.tolist()} == {frozenset(face) for face in along.tolist()}
    assert not len(promising(after, points, surface, 0.0))


def test_neither_creases_nor_boundaries_nor_what_is_near_enough_is_turned():
    points, along = roof(is_across=False)
    _, across = roof(is_across=True)
    surface = Triangles(points, along)
    mesh = topology(across, len(points))
    assert not len(promising(creased(across, len(points)), points, surface, 1.0))
    sharp = np.where(mesh.is_boundary | (np.arange(mesh.n_edges) == edge(mesh, 2, 3)), SHARP, 0).astype(np.uint8)
    assert edge(mesh, 2, 3) not in promising(creased(across, len(points), sharp), points, surface, 0.01)


@pytest.mark.parametrize("seed", range(5))
def test_turned_meshes_are_what_they_were_but_for_their_edges(seed):
    rng = np.random.default_rng(seed)
    vertices, faces = sphere(1.0, 2)
    mesh = topology(faces, len(vertices))
    sharpness = np.where(rng.random(mesh.n_edges) < 0.2, SHARP, 0).astype(np.uint8)
    control = creased(faces, len(vertices), sharpness)
    other = Triangles(vertices * (1 + 0.2 * np.sin(5 * vertices[:, :1])), faces)
    edges = promising(control, vertices, other, 0.0)
    corners = corners_of(mesh, edges)
    assert len(edges) and len(np.unique(corners)) == corners.size and not sharpness[edges].any()
    after = turned(control, edges)
    assert not after.topology.is_boundary.any() and after.topology.n_edges == mesh.n_edges

    def creases(mesh):
        return {tuple(ends) for ends in mesh.topology.edges[mesh.sharpness > 0].tolist()}

    assert creases(after) == creases(control)
    kept = np.setdiff1d(np.arange(len(faces)), mesh.half_edges[edges].ravel() // 3)
    assert (after.faces[kept] == faces[kept]).all()
    volumes = [np.linalg.det(vertices[some.faces]).sum() for some in (control, after)]
    assert volumes[1] > 0.8 * volumes[0]  # no face is turned inside out


def test_a_fit_with_turned_edges_is_better_where_they_ran_across_a_ridge():
    def ridge(n):
        points, faces = plane(n)
        points[:, 2] = 0.2 * np.exp(-60 * (points[:, 0] + points[:, 1]) ** 2)
        return points, faces

    target = FitTarget(*ridge(48))
    points, faces = ridge(8)
    settings = [FitSettings(least_samples=6000, crease_angles=(180.0,), n_turns=n) for n in (0, 2)]
    first, _ = choose_creases(target, (points - target.origin) / target.scale, faces, settings[0])
    never, twice = (fit_control(target, first, some) for some in settings)
    assert (never.dense.control.faces == faces).all()
    assert (twice.dense.control.faces != faces).any(axis=1).sum() > 20
    assert twice.matches.cd < 0.95 * never.matches.cd
