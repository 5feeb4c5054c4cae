import numpy as np
import shapes
from sdfz.codec.crumbs import drop_crumbs


def same(found, expected):
    return all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


def test_small_pieces_go_and_the_rest_stays_as_it_was():
    """Crumbs before, between and after the parts; vertices and faces keep their order."""
    big, small = shapes.sphere(0.3, 2), shapes.box((0.2, 0.01, 0.01))
    crumb = shapes.sphere(0.05, 1, (0.9, 0.9, 0.9))
    assert same(drop_crumbs(*shapes.joined(crumb, big, crumb, small, crumb), 0.2), shapes.joined(big, small))


def test_extent_is_the_longest_side():
    rod, ball = shapes.box((0.2, 0.01, 0.01)), shapes.sphere(0.3, 2)
    both = shapes.joined(rod, ball)
    assert same(drop_crumbs(*both, 0.399), both)
    assert same(drop_crumbs(*both, 0.401), ball)


def test_the_largest_piece_always_stays():
    crumbs = [shapes.sphere(radius, 1) for radius in (0.01, 0.03, 0.02)]
    assert same(drop_crumbs(*shapes.joined(*crumbs), 1.0), crumbs[1])
    assert same(drop_crumbs(*crumbs[0], 1.0), crumbs[0])


def test_no_faces():
    empty = np.zeros((0, 3)), np.zeros((0, 3), np.int64)
    assert same(drop_crumbs(*empty, 1.0), empty)
