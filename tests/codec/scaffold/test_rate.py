"""The rate of positions as a quadratic term."""

import numpy as np
from sdfz.codec.scaffold.rate import frames, rate_rows


def _bits(points, parents, axes, steps):
    """log2 of the residuals in fixed frames, floored as the model has it."""
    found = 0.0
    for vertex, (a, b, c) in enumerate(parents):
        if a >= 0:
            residual = axes[vertex] @ (points[vertex] - points[a] - points[b] + points[c])
            floor = 0.5 * np.array([steps[1], steps[1], steps[0]])
            found += 0.5 * np.log2(residual**2 + floor**2).sum()
    return found


def test_the_squares_have_the_slope_of_the_bits():
    rng = np.random.default_rng(0)
    points = rng.normal(size=(6, 3))
    parents = np.array([[-1] * 3, [-1] * 3, [-1] * 3, [0, 1, 2], [3, 1, 0], [4, 3, 1]])
    steps = (0.1, 0.3)
    rows = rate_rows(points, parents, steps)
    slope = 2 * rows.T @ (rows @ points.ravel())
    axes = np.zeros((6, 3, 3))
    axes[3:] = frames(points, parents[3:])
    h = 1e-6
    for unknown in range(points.size):
        move = np.zeros(points.size)
        move[unknown] = h
        ends = [_bits(points + sign * move.reshape(-1, 3), parents, axes, steps) for sign in (-1, 1)]
        assert np.isclose((ends[1] - ends[0]) / (2 * h), slope[unknown], rtol=1e-5, atol=1e-6)


def test_frames_lead_away_from_the_third_vertex_and_flat_triangles_do_no_harm():
    points = np.array([[0.0, 0, 0], [2, 0, 0], [0, -1, 0], [4, 0, 0]])
    axes = frames(points, np.array([[0, 1, 2], [0, 1, 3], [0, 0, 0]]))
    assert np.allclose(axes[0], [[1, 0, 0], [0, 1, 0], [0, 0, -1]])
    assert np.isfinite(axes).all()
    assert np.isfinite(rate_rows(points * 0, np.array([[-1] * 3] * 3 + [[0, 1, 2]]), (1.0, 2.0)).data).all()
