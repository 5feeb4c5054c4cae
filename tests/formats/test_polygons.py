import numpy as np
import pytest
from sdfz.formats.polygons import triangulate


def area(vertices, faces):
    """Signed area seen from above; overlaps and triangles turned over show up in the sum of sizes."""
    doubled = np.cross(vertices[faces[:, 1]] - vertices[faces[:, 0]], vertices[faces[:, 2]] - vertices[faces[:, 0]])
    assert (doubled[:, 2] >= 0).all()
    return doubled[:, 2].sum() / 2


def flat(*points):
    return np.array([(x, y, 0) for x, y in points], dtype=float)


SHAPES = {
    "convex": (flat((0, 0), (2, 0), (3, 1), (1, 2), (-1, 1)), 5.0),
    "L": (flat((0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)), 3.0),
    "arrow": (flat((0, 0), (2, -2), (0, 3), (-2, -2)), 6.0),
    "comb": (
        flat((0, 0), (5, 0), (5, 3), (4, 3), (4, 1), (3, 1), (3, 3), (2, 3), (2, 1), (1, 1), (1, 3), (0, 3)),
        11.0,
    ),
    "hole by a bridge": (
        flat((0, 0), (4, 0), (4, 4), (0, 4), (0, 0), (1, 1), (1, 3), (3, 3), (3, 1), (1, 1)),
        12.0,
    ),
    "collinear corners": (flat((0, 0), (1, 0), (2, 0), (2, 2), (1, 1)), 2.0),
}


@pytest.mark.parametrize(("points", "expected"), SHAPES.values(), ids=SHAPES.keys())
def test_area_and_winding_survive_from_any_first_corner(points, expected):
    n = len(points)
    for shift in range(n):
        faces = triangulate(points, np.array([n]), (np.arange(n) + shift) % n)
        assert faces.shape == (n - 2, 3)
        assert area(points, faces) == pytest.approx(expected)


def test_a_polygon_turned_in_space_stays_whole():
    points, expected = SHAPES["comb"]
    rotation, _ = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))
    turned = points @ rotation.T
    faces = triangulate(turned, np.array([len(points)]), np.arange(len(points)))
    assert area(points, faces) == pytest.approx(expected)


def test_mixed_polygons_keep_their_order():
    vertices = flat((0, 0), (1, 0), (1, 1), (0, 1), (2, 0))
    sizes = np.array([4, 2, 3, 0, 4])
    corners = np.array([0, 1, 2, 3, 0, 1, 1, 4, 2, 0, 1, 2, 3])
    faces = triangulate(vertices, sizes, corners)
    assert faces.tolist() == [[0, 1, 2], [0, 2, 3], [1, 4, 2], [0, 1, 2], [0, 2, 3]]
    assert triangulate(vertices, np.array([2]), np.array([0, 1])).shape == (0, 3)


def test_a_polygon_that_crosses_itself_ends():
    star = flat(*[(np.cos(4 * np.pi * i / 5), np.sin(4 * np.pi * i / 5)) for i in range(5)])
    assert triangulate(star, np.array([5]), np.arange(5)).shape == (3, 3)
