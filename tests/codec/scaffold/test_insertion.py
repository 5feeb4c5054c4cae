"""Control vertices put where a fit is worst."""

import numpy as np
import pytest
from sdfz.codec.scaffold.correspondences import dense_surface, match
from sdfz.codec.scaffold.fit import FitSettings, choose_creases, fit_control
from sdfz.codec.scaffold.fit_target import FitTarget
from sdfz.codec.scaffold.insertion import best_apart, edge_scores, split_edges
from sdfz.codec.scaffold.subdivision import SHARP, creased
from sdfz.codec.scaffold.topology import topology
from shapes import box, plane, sphere


def _areas(points, faces):
    first, second, third = (points[faces[:, k]] for k in range(3))
    return np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2


@pytest.mark.parametrize("mesh", [sphere(subdivisions=1), plane(3), box()])
def test_split_edges_leave_the_surface_and_its_creases_as_they_were(mesh):
    points, faces = np.asarray(mesh[0], float), np.asarray(mesh[1])
    coarse = topology(faces, len(points))
    control = creased(faces, len(points), np.where(np.arange(coarse.n_edges) % 3, 0, SHARP))
    edges = best_apart(np.arange(coarse.n_edges, 0.0, -1), coarse, 5)
    refined, moved = split_edges(control, points, edges)

    assert refined.n_vertices == len(points) + len(edges)
    assert len(refined.faces) == len(faces) + (coarse.edge_faces[edges] >= 0).sum()
    assert _areas(moved, refined.faces).sum() == pytest.approx(_areas(points, faces).sum())
    assert (_areas(moved, refined.faces) > 0).all()

    def sharp_length(mesh, at):
        ends = mesh.topology.edges[mesh.sharpness == SHARP]
        return np.linalg.norm(at[ends[:, 0]] - at[ends[:, 1]], axis=1).sum()

    assert sharp_length(refined, moved) == pytest.approx(sharp_length(control, points))
    assert not refined.pinned[len(points) :].any()


def test_chosen_edges_are_the_best_and_share_no_face():
    vertices, faces = plane(4)
    mesh = topology(faces, len(vertices))
    scores = np.random.default_rng(0).random(mesh.n_edges)
    edges = best_apart(scores, mesh, 6)
    assert len(edges) == 6 and edges[0] == scores.argmax()
    touched = mesh.edge_faces[edges]
    touched = touched[touched >= 0]
    assert len(np.unique(touched)) == len(touched)
    assert not len(best_apart(np.zeros(mesh.n_edges), mesh, 6))


def test_the_highest_score_is_next_to_the_largest_error():
    vertices, faces = plane(4)
    target = FitTarget(vertices, faces)
    dense = dense_surface(creased(faces, len(vertices), np.full(topology(faces, len(vertices)).n_edges, SHARP)), 2)
    points = target.points.copy()
    inner = int(np.linalg.norm(points - points.mean(axis=0), axis=1).argmin())
    points[inner, 2] += 0.1
    scores = edge_scores(dense, points, match(target, dense, dense.matrix @ points, 5000), 2.0)
    assert inner in dense.control.topology.edges[scores.argmax()]


def test_inserted_vertices_lower_the_error_and_flat_parts_get_none():
    settings = FitSettings(least_samples=5000, crease_angles=(180.0,))
    vertices, faces = sphere(subdivisions=4)
    # A nose, for which the few control vertices of an even sphere are too far apart.
    vertices = vertices * (1 + 0.5 * np.exp(-40 * (vertices[:, 2:] / np.abs(vertices).max() - 1) ** 2))
    target = FitTarget(vertices, faces)
    coarse, corners = sphere(subdivisions=1)
    coarse = (coarse - vertices.min(axis=0)) / target.scale
    first, _ = choose_creases(target, coarse, corners, settings)
    without, with_more = (fit_control(target, first, settings, n) for n in (0, 6))
    assert with_more.dense.control.n_vertices == without.dense.control.n_vertices + 6
    assert with_more.matches.cd < 0.95 * without.matches.cd

    flat = FitTarget(*plane(8))
    first, _ = choose_creases(flat, (plane(1)[0] - flat.origin) / flat.scale, plane(1)[1], settings)
    fitted = fit_control(flat, first, settings, 6)
    assert fitted.dense.control.n_vertices == 4
