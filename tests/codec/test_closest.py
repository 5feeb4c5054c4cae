"""Closest points on triangles, against all triangles asked one by one."""

import igl
import numpy as np
import pytest
from sdfz.codec.closest import Triangles
from sdfz.codec.threads import at_most
from shapes import sphere, torus


def _slow(points, corners, queries):
    """Distances by libigl, one triangle after another."""
    best = np.full(len(queries), np.inf)
    for corner in corners:
        tree = igl.AABB()
        tree.init(np.ascontiguousarray(points[corner]), np.array([[0, 1, 2]]))
        best = np.minimum(best, tree.squared_distance(points[corner], np.array([[0, 1, 2]]), queries)[0].ravel())
    return np.sqrt(best)


def _check(points, corners, queries):
    triangle, share = Triangles(points, corners).closest(queries)
    assert (share >= 0).all() and np.allclose(share.sum(axis=1), 1)
    near = np.einsum("nk,nkx->nx", share, points[corners[triangle]])
    assert np.allclose(np.linalg.norm(queries - near, axis=1), _slow(points, corners, queries), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("n_triangles", [1, 2, 4, 5, 33, 200])
def test_they_are_the_closest_of_any_triangles(n_triangles):
    rng = np.random.default_rng(n_triangles)
    points = rng.normal(size=(3 * n_triangles, 3))
    points[1::3] = points[::3] + 0.3 * rng.normal(size=(n_triangles, 3))
    _check(points, np.arange(len(points)).reshape(-1, 3), rng.normal(size=(100, 3)) * 2)


def test_flat_triangles_are_segments_and_points():
    points = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 0], [3, 1, 0]])
    corners = np.array([[0, 1, 2], [0, 2, 0], [3, 3, 3]])
    _check(points, corners, np.random.default_rng(0).normal(size=(50, 3)) * 2)


@pytest.mark.parametrize("mesh", [sphere(0.5, 3), torus()])
def test_points_of_the_surface_are_themselves(mesh):
    points, corners = mesh
    rng = np.random.default_rng(0)
    share = rng.dirichlet([1, 1, 1], 500)
    face = rng.integers(len(corners), size=500)
    queries = np.einsum("nk,nkx->nx", share, points[corners[face]])
    triangle, found = Triangles(points, corners).closest(queries)
    assert (triangle == face).mean() > 0.98 and np.abs(found - share)[triangle == face].max() < 1e-9


def test_what_is_known_changes_nothing_but_the_time():
    points, corners = sphere(0.5, 3)
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(9000, 3))  # more than one lot
    before = Triangles(points, corners)
    moved = points + 0.01 * rng.normal(size=points.shape)
    triangle, share = Triangles(moved, corners).closest(queries)
    again, share_again = Triangles(moved, corners, before).closest(queries, before.closest(queries)[0])
    near, near_again = (
        np.einsum("nk,nkx->nx", shares, moved[corners[found]])
        for found, shares in ((triangle, share), (again, share_again))
    )
    assert np.abs(near - near_again).max() < 1e-12


def test_the_reach_is_the_largest_distance():
    points, corners = torus()
    queries = np.random.default_rng(0).normal(size=(9000, 3))
    triangles = Triangles(points, corners)
    distance, triangle = triangles.distances(queries)
    assert (triangle == triangles.closest(queries)[0]).all()
    assert triangles.reach(queries) == distance.max()
    assert triangles.reach(queries[:0]) == 0


@pytest.mark.parametrize("n_threads", [1, 2, 5])
def test_threads_do_not_matter(n_threads):
    points, corners = sphere(0.5, 3)
    queries = np.random.default_rng(0).normal(size=(20_000, 3))
    triangles = Triangles(points, corners)
    with at_most(1):
        expected = triangles.closest(queries)
    with at_most(n_threads):
        found = triangles.closest(queries)
    assert all((a == b).all() for a, b in zip(expected, found, strict=True))
