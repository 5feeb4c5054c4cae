"""Pairs of points of a fitted surface and of its target."""

import numpy as np
import pytest
from sdfz.codec.scaffold.correspondences import ENTRIES, dense_surface, match
from sdfz.codec.scaffold.fit_target import FitTarget
from sdfz.codec.scaffold.subdivision import SHARP, creased
from shapes import box, joined, plane, sphere


def test_a_surface_matches_itself():
    vertices, faces = box()
    target = FitTarget(vertices, faces)
    n_edges = 18
    dense = dense_surface(creased(faces, 8, np.full(n_edges, SHARP)), 2)
    matches = match(target, dense, dense.matrix @ target.points, 2000)
    assert matches.cd < 1e-12 and matches.rms < 1e-12
    assert np.abs(matches.pairs.offset).max() < 1e-12


@pytest.mark.parametrize("offset", [0.01, -0.02])
def test_distances_are_those_of_a_shell(offset):
    vertices, faces = sphere(0.5, 4)
    target = FitTarget(vertices, faces)
    dense = dense_surface(creased(faces, len(vertices)), 0)
    centre = (target.points.min(axis=0) + target.points.max(axis=0)) / 2
    radius = 0.5 / target.scale
    points = centre + (target.points - centre) * (1 + offset / radius)
    matches = match(target, dense, points, 4000)
    assert matches.cd == pytest.approx(abs(offset), rel=0.01)
    energy = _energies(matches.pairs).sum()
    assert energy == pytest.approx(2 * offset**2, rel=0.03)


def test_what_faces_away_pulls_only_from_far_away_and_along_the_offset():
    vertices, faces = sphere(0.5, 3)
    target = FitTarget(vertices, faces)
    inside_out = dense_surface(creased(faces[:, ::-1], len(vertices)), 0)
    centre = (target.points.min(axis=0) + target.points.max(axis=0)) / 2
    shell = centre + (target.points - centre) * 1.01
    assert not match(target, inside_out, shell, 1000).pairs.counts.any()
    shell[0] = centre + (target.points[0] - centre) * 1.5
    pairs = match(target, inside_out, shell, 1000).pairs
    distance = np.linalg.norm(pairs.offset, axis=1)
    far, near = distance > 4.5 * distance.mean(), distance < 1.5 * distance.mean()
    assert far.any() and near.any() and not pairs.counts[near].any()
    # All of the offset counts, and nothing across it.
    assert np.allclose(_energies(pairs)[far] / distance[far] ** 2, pairs.counts[far, :3].sum(axis=1))
    assert (pairs.counts[far, :3].sum(axis=1) > 0).all()


def test_far_pairs_weigh_more_where_asked():
    vertices, faces = sphere(0.5, 3)
    target = FitTarget(vertices, faces)
    dense = dense_surface(creased(faces, len(vertices)), 0)
    points = target.points.copy()
    points[0] *= 1.2
    plain, weighed = (match(target, dense, points, 2000, far_weight=weight).pairs for weight in (0.0, 2.0))
    distance = np.linalg.norm(plain.offset, axis=1)
    ratio = _energies(weighed) / np.maximum(_energies(plain), 1e-300)
    is_pulled = _energies(plain) > 0
    assert np.allclose(ratio[is_pulled & (distance < 0.25 * distance.max())].min(), 1)
    assert ratio[is_pulled].max() > 3


def test_a_collapsed_surface_is_infinitely_far_away():
    vertices, faces = sphere(0.5, 1)
    target = FitTarget(vertices, faces)
    dense = dense_surface(creased(faces, len(vertices)), 0)
    matches = match(target, dense, np.full_like(vertices, 0.25), 100)
    assert matches.cd == matches.rms == np.inf
    assert np.isfinite(matches.pairs.offset).all() and np.isfinite(matches.pairs.counts).all()


def test_the_match_before_may_be_of_a_collapsed_surface():
    vertices, faces = sphere(0.5, 1)
    target = FitTarget(vertices, faces)
    dense = dense_surface(creased(faces, len(vertices)), 0)
    collapsed = match(target, dense, np.full_like(vertices, 0.25), 100)
    alone = match(target, dense, vertices, 100)
    assert match(target, dense, vertices, 100, before=collapsed).cd == pytest.approx(alone.cd, rel=1e-12)


def test_power_moves_weight_to_the_far_or_to_the_near():
    vertices, faces = sphere(0.5, 3)
    target = FitTarget(vertices, faces)
    dense = dense_surface(creased(faces, len(vertices)), 0)
    points = target.points + [0.05, 0, 0]
    shares = []
    for power in (1.5, 2.0, 3.0):
        pairs = match(target, dense, points, 2000, power).pairs
        weight, distance = pairs.counts[:, :3].sum(axis=1), np.linalg.norm(pairs.offset, axis=1)
        shares.append(weight[distance > np.median(distance)].sum() / weight.sum())
    assert shares[0] < shares[1] < shares[2]


def test_boundaries_pull_along_the_sheet_but_not_along_themselves():
    vertices, faces = plane(4)
    target = FitTarget(vertices, faces)
    dense = dense_surface(creased(faces, len(vertices)), 0)
    shrunk = target.points * [0.9, 1, 1]
    pairs = match(target, dense, shrunk, 1000).pairs
    pull = _pulls(pairs)
    where = np.einsum("nk,nkx->nx", pairs.share, shrunk[dense.mesh.faces[pairs.face]])
    side = shrunk[:, 0].max()
    # Close to a corner the nearest boundary may be that of the other side.
    away = np.abs(where[:, 1] - where[:, 1].mean()) < 0.2
    # In the inside only the offset along the normal counts, where nothing is wrong.
    assert np.abs(pull[away, 1:]).max() < 1e-12
    at_the_side = np.isclose(where[:, 0], side)
    assert (pull[away & at_the_side, 0] > 0).any() and (pull[away, 0] >= -1e-12).all()
    assert np.abs(pull[away & ~at_the_side]).max() < 1e-12


def test_the_boundary_of_a_part_that_was_left_out_hardly_pulls():
    sheet, scrap = plane(4), plane(2, half=0.1, height=0.5)
    target = FitTarget(*joined(sheet, scrap))
    dense = dense_surface(creased(sheet[1], len(sheet[0])), 0)
    pairs = match(target, dense, target.points[: len(sheet[0])], 2000).pairs
    is_flat = np.abs(pairs.offset[:, 2]) < 0.1
    weight = pairs.counts[:, :3].sum(axis=1)
    from_scrap = ~is_flat & (pairs.counts[:, 0] > 0)  # across the sheet's boundary, which pairs of surfaces never are
    assert from_scrap.sum() > 4
    assert weight[from_scrap].max() < 0.01 * weight[is_flat & (pairs.counts[:, 0] > 0)].max()


def _pulls(pairs):
    pull = np.zeros_like(pairs.offset)
    for entry, (i, j) in enumerate(ENTRIES):
        pull[:, i] += pairs.counts[:, entry] * pairs.offset[:, j]
        if i != j:
            pull[:, j] += pairs.counts[:, entry] * pairs.offset[:, i]
    return pull


def _energies(pairs):
    return np.einsum("nx,nx->n", pairs.offset, _pulls(pairs))
