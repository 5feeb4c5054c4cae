"""Figures of `codec.distortion` in closed form: a hole, scaled boxes, a sphere that moved, parts counted by area."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from scipy.integrate import dblquad
from sdfz.codec.distortion import F_SCORE_DISTANCES, measure


def sheet_with_hole(n: int, half: float, hole: float) -> shapes.Mesh:
    """A square sheet without its middle square; both sides given by halves, the hole's a whole number of squares."""
    vertices, faces = shapes.plane(n, half)
    middles = vertices[faces].mean(axis=1)
    return vertices, faces[np.abs(middles).max(axis=1) > hole]


@pytest.mark.parametrize("hole", [0.1, 0.3])
def test_a_square_hole(hole: float) -> None:
    """Over the hole the distance to its rim is a pyramid of height `hole`; elsewhere, and backward, it is zero."""
    half, diagonal = 0.5, np.sqrt(2)
    found = measure(shapes.plane(10, half), sheet_with_hole(10, half, hole), 100_000)
    share = (hole / half) ** 2
    assert found.backward.max < 1e-12
    assert found.backward.within == dict.fromkeys(F_SCORE_DISTANCES, 1.0)
    assert found.forward.mean == pytest.approx(share * hole / 3 / diagonal, rel=0.01)
    assert found.forward.rms == pytest.approx(np.sqrt(share / 6) * hole / diagonal, rel=0.01)
    assert found.forward.max == found.hd == pytest.approx(hole / diagonal)  # a vertex is in the middle
    # Farther than p99 is a hundredth of the sheet: a square of a tenth of its side, in the middle of the hole.
    assert found.p99 == found.forward.p99 == pytest.approx((hole - half / 10) / diagonal, rel=0.02)
    assert found.cd == pytest.approx(found.forward.mean / 2)
    assert found.rms == pytest.approx(found.forward.rms / np.sqrt(2))
    assert found.normal_consistency == pytest.approx(1.0)
    for limit, score in found.f_scores.items():
        recall = 1 - share * (1 - limit * diagonal / hole) ** 2
        assert found.forward.within[limit] == pytest.approx(recall, abs=0.002)
        assert score == pytest.approx(2 * recall / (1 + recall), abs=0.002)


def test_a_hole_filled_shows_backward() -> None:
    pierced, whole = sheet_with_hole(10, 0.5, 0.3), shapes.plane(10, 0.5)
    missing, added = measure(whole, pierced, 20_000), measure(pierced, whole, 20_000)
    assert added.forward.max < 1e-12
    assert added.backward.mean == pytest.approx(missing.forward.mean, rel=0.02)
    assert added.hd == missing.hd
    assert added.f_scores == pytest.approx(missing.f_scores, abs=0.005)


def test_a_cube_and_a_larger_one() -> None:
    """From the inner one every point is the gap away; from the outer one edges and corners are farther."""
    gap, outer = 0.1, 1.1
    found = measure(shapes.box((1, 1, 1), 3), shapes.box((outer, outer, outer), 3), 50_000)
    diagonal = 2 * np.sqrt(3)
    for figure in (found.forward.mean, found.forward.rms, found.forward.max, found.forward.p99):
        assert figure == pytest.approx(gap / diagonal)
    # A face of the outer one: a square over the inner face, four strips beyond an edge, four squares beyond a corner.
    flat, strip, corner = 1 / outer**2, 2 * gap / outer**2, (gap / outer) ** 2
    over_strip = (np.sqrt(2) + np.arcsinh(1)) / 2  # mean of sqrt(1 + u^2) over (0, 1)
    over_corner, _ = dblquad(lambda u, v: np.sqrt(1 + u**2 + v**2), 0, 1, 0, 1)
    mean = gap * (flat + strip * over_strip + corner * over_corner)
    assert found.backward.mean == pytest.approx(mean / diagonal, rel=0.001)
    mean_square = gap**2 * (flat + strip * (1 + 1 / 3) + corner * (1 + 2 / 3))
    assert found.backward.rms == pytest.approx(np.sqrt(mean_square) / diagonal, rel=0.001)
    assert found.hd == found.backward.max == pytest.approx(np.sqrt(3) * gap / diagonal)
    assert found.f_scores == dict.fromkeys(F_SCORE_DISTANCES, 0.0)


def test_a_sphere_that_moved() -> None:
    """By d in x: the distance at a point whose normal makes the angle a with x is d |cos a|, uniform in 0 to d."""
    moved, diagonal = 0.008, 2 * np.sqrt(3)
    vertices, faces = shapes.sphere(1.0, 5)
    found = measure((vertices, faces), (vertices + [moved, 0, 0], faces), 50_000)
    for one_way in (found.forward, found.backward):
        assert one_way.mean == pytest.approx(moved / 2 / diagonal, rel=0.02)
        assert one_way.rms == pytest.approx(moved / np.sqrt(3) / diagonal, rel=0.02)
        assert one_way.max == pytest.approx(moved / diagonal, rel=0.02)
        assert one_way.p99 == pytest.approx(0.99 * moved / diagonal, rel=0.02)
    within = 0.001 * diagonal / moved
    assert found.f_scores[0.001] == pytest.approx(within, abs=0.01)
    assert found.f_scores[0.005] == 1.0


def test_normal_consistency_is_a_mean_over_the_area() -> None:
    """A sheet folded along its middle by 60 degrees: one half is level, the other has a cosine of 1/2."""
    vertices, faces = shapes.plane(10, 0.5)
    folded = vertices + np.maximum(vertices[:, :1], 0) * [0, 0, np.sqrt(3)]
    found = measure((vertices, faces), (folded, faces), 20_000)
    # Seen from the folded one a third of the area is level. From the level one the nearest point is on the fold's
    # slope wherever x > 0, and the slope's nearest on the sheet is straight below.
    assert found.forward.normal_consistency == pytest.approx(0.75, abs=0.002)
    assert found.backward.normal_consistency == pytest.approx(1 / 3 + 2 / 3 * 0.5, abs=0.002)
    assert found.backward.mean == pytest.approx(2 / 3 * np.sqrt(3) / 4 / np.sqrt(2), rel=0.01)
    assert found.forward.mean == pytest.approx(0.5 * np.sin(np.pi / 3) * 0.25 / np.sqrt(2), rel=0.01)


def test_samples_go_by_area_not_by_triangles() -> None:
    """A coarse sheet in place and a small fine one above it: the fine one counts by its area, a tenth."""
    base, patch = shapes.plane(1, 1.5), shapes.plane(60, 0.5, height=0.1)
    found = measure(base, shapes.joined(base, patch), 50_000)
    assert found.backward.mean == pytest.approx(0.1 * 0.1 / np.sqrt(18), rel=0.01)
    assert found.backward.within[0.01] == pytest.approx(0.9, abs=0.005)


def test_double_faces_and_hidden_parts_count() -> None:
    """A surface inside another is a surface too: what a codec leaves out of it shows, as does a wall drawn twice."""
    shell, core = shapes.box((1, 1, 1), 2), shapes.box((0.5, 0.5, 0.5), 2)
    lost = measure(shapes.joined(shell, core), shell, 50_000)
    assert lost.backward.max < 1e-12
    assert lost.hd == pytest.approx(0.5 / (2 * np.sqrt(3)))
    assert lost.forward.mean == pytest.approx(0.2 * 0.5 / (2 * np.sqrt(3)), rel=0.01)  # a fifth of the area
    twice = measure(shapes.joined(shell, core, core), shell, 50_000)
    assert twice.forward.mean == pytest.approx(0.5 / (2 * np.sqrt(3)) / 3, rel=0.01)  # a third
