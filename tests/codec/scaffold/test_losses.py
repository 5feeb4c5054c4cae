"""Distances to the parts that are left, and what is lost with a part."""

import numpy as np
import pytest
import shapes
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.scaffold.losses import give_up, loss, open_accounts, spread_points
from sdfz.codec.scaffold.nearby import nearest, part_tree


def distance_to_triangle(point, corners):
    """By least squares over the plane if the foot is inside, and over the sides."""
    found = []
    for start, end in ((0, 1), (1, 2), (2, 0)):
        side = corners[end] - corners[start]
        share = np.clip((point - corners[start]) @ side / max(side @ side, 1e-300), 0, 1)
        found.append(np.linalg.norm(point - corners[start] - share * side))
    sides = (corners[1:] - corners[0]).T
    foot = np.linalg.lstsq(sides, point - corners[0], rcond=None)[0]
    if foot.min() >= 0 and foot.sum() <= 1:
        found.append(np.linalg.norm(point - corners[0] - sides @ foot))
    return min(found)


@given(st.integers(0, 2**32), st.integers(1, 60), st.booleans())
@settings(max_examples=40, deadline=None)
def test_the_nearest_part_is_the_nearest_of_those_that_are_left(seed, n_faces, is_flat):
    rng = np.random.default_rng(seed)
    points = rng.random((3 * n_faces, 3)) * (1, 1, 0 if is_flat else 1)
    faces, part = rng.integers(0, len(points), (n_faces, 3)), rng.integers(0, 4, n_faces)
    is_left = rng.random(4) < 0.7
    excluded = int(rng.integers(-1, 4))
    tree, stack = part_tree(points, faces, part), np.empty(128, np.int64)
    counts = is_left[part] & (part != excluded)
    for query in rng.normal(size=(10, 3)):
        squared, found = nearest(tree, is_left, query, excluded, stack)
        if not counts.any():
            assert (squared, found) == (np.inf, -1)
            continue
        each = [distance_to_triangle(query, corners) ** 2 for corners in points[faces[counts]]]
        assert squared == pytest.approx(min(each), abs=1e-12)
        assert found in part[counts]


def test_the_loss_of_a_part_is_its_squared_distance_times_its_area():
    low, high = shapes.plane(4, half=0.5), shapes.plane(4, half=0.25, height=0.1)
    points, faces = shapes.joined(low, high)
    part = np.repeat([0, 1], [len(low[1]), len(high[1])])
    accounts = open_accounts(points, faces, part, spread_points(points, faces))
    assert loss(accounts, 1) == pytest.approx(0.1**2 * 0.5**2, rel=1e-6)
    give_up(accounts, 1)
    assert loss(accounts, 0) == np.inf


def test_who_takes_over_answers_for_what_was_left_out():
    sheets = [shapes.plane(4, half=0.5, height=height) for height in (0.0, 0.0, 0.3)]
    points, faces = shapes.joined(*sheets)
    part = np.repeat([0, 1, 2], len(sheets[0][1]))
    accounts = open_accounts(points, faces, part, spread_points(points, faces))
    free = 0 if loss(accounts, 0) == pytest.approx(0, abs=1e-12) else 1
    assert loss(accounts, free) == pytest.approx(0, abs=1e-12)
    give_up(accounts, free)
    assert loss(accounts, 1 - free) == pytest.approx(2 * 0.3**2, rel=1e-6)


def test_points_stand_for_the_whole_area():
    points, faces = shapes.joined(shapes.sphere(0.5, 3), shapes.sphere(0.001, 1, (1, 0, 0)))
    standing = spread_points(points, faces)
    corners = points[faces]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert standing.areas.sum() == pytest.approx(np.linalg.norm(cross, axis=1).sum() / 2)
    near_the_small = np.linalg.norm(standing.positions - (1, 0, 0), axis=1) < 0.0011
    assert near_the_small.sum() == 4
    on_the_large = np.linalg.norm(standing.positions[~near_the_small], axis=1)
    assert (on_the_large < 0.5 + 1e-9).all() and (on_the_large > 0.48).all()
