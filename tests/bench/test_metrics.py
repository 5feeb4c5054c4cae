"""The papers' metrics, points as a surface, and the noise of all figures, on shapes whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import shapes
from sdfz.bench.metrics import (
    PROTOCOLS,
    CloudChamfer,
    Spread,
    cloud_distances,
    diagonal,
    earth_movers_distance,
    figures,
    independent_points,
    noise_floor,
    paper_chamfer,
    papers_variants,
    spread_over_seeds,
    unit_sphere_radius,
    vertex_errors,
)
from sdfz.bench.metrics.clouds import face_areas
from sdfz.bench.peers.contract import Mesh
from sdfz.bench.rows import COLUMNS, PAPERS
from sdfz.codec.distortion import Reference, measure

NOTHING = Mesh(np.empty((0, 3)), np.empty((0, 3), np.int64))


def mesh(shape: shapes.Mesh, offset: tuple[float, float, float] = shapes.ORIGIN) -> Mesh:
    return Mesh(shape[0] + offset, shape[1])


def lattice(n: int, half: float, height: float = 0.0) -> np.ndarray:
    """Points in the middles of n x n squares, which fill a square of this half side."""
    ticks = (2 * np.arange(n) + 1 - n) / n * half
    x, y = np.meshgrid(ticks, ticks)
    return np.column_stack([x.ravel(), y.ravel(), np.full(n * n, height)])


# -- clouds -----------------------------------------------------------------------------------------------------------


def test_cloud_distances_of_points_on_a_line() -> None:
    here, there = np.zeros((2, 3)), np.zeros((4, 3))
    here[:, 0], there[:, 0] = [0, 10], [0, 1, 2, 14]
    found = cloud_distances(here, there, unit=2)
    assert found.forward.tolist() == [0, 2]  # 10 is nearest to 14
    assert found.backward.tolist() == [0, 0.5, 1, 2]
    assert found.chamfer_l1 == (1 + 3.5 / 4) / 2
    assert found.chamfer_l2 == 2 + 5.25 / 4
    assert found.hausdorff == 2
    assert (found.recall(1), found.precision(1)) == (0.5, 0.75)
    assert found.f_score(1) == pytest.approx(0.6)
    assert cloud_distances(here, there + 100).f_score(1) == 0


@pytest.mark.parametrize("shape", [shapes.sphere(1, 4), shapes.plane(3), shapes.box()])
def test_two_samplings_of_a_surface_are_apart_as_independent_points_are(shape: shapes.Mesh) -> None:
    n, surface = 30_000, mesh(shape)
    area = face_areas(surface).sum()
    clouds = [independent_points(surface, n, np.random.default_rng(seed)) for seed in (0, 1)]
    found = cloud_distances(*clouds)
    assert found.chamfer_l1 == pytest.approx(np.sqrt(area / n) / 2, rel=0.015)
    assert found.chamfer_l2 == pytest.approx(2 * area / (np.pi * n), rel=0.03)


def test_independent_points_go_by_area() -> None:
    small, large = shapes.plane(1, 0.5), shapes.plane(20, 1.5, height=1.0)
    points = independent_points(mesh(shapes.joined(small, large)), 40_000, np.random.default_rng(0))
    assert np.mean(points[:, 2] == 1) == pytest.approx(0.9, abs=0.005)
    on_large = points[points[:, 2] == 1]
    assert on_large.mean(axis=0) == pytest.approx([0, 0, 1], abs=0.02)
    assert on_large[:, :2].var(axis=0) == pytest.approx(np.full(2, 0.75), rel=0.02)  # of (-1.5, 1.5): 3^2 / 12
    with pytest.raises(ValueError, match="no area"):
        independent_points(NOTHING, 5, np.random.default_rng(0))


def test_earth_movers_distance_of_a_moved_cloud_is_how_far_it_moved() -> None:
    rng = np.random.default_rng(0)
    cloud = rng.normal(size=(200, 3))
    moved = rng.permutation(cloud) + [3, 0, 4]
    assert earth_movers_distance(cloud, moved) == pytest.approx(5)
    assert earth_movers_distance(cloud, moved, unit=10) == pytest.approx(0.5)
    # The nearest are not the partners: 0 and 1 to 1 and 5.
    line = np.array([[0.0, 0, 0], [1, 0, 0]]), np.array([[1.0, 0, 0], [5, 0, 0]])
    assert earth_movers_distance(*line) == 2.5
    with pytest.raises(ValueError, match="200 and 199"):
        earth_movers_distance(cloud, moved[1:])


# -- papers -----------------------------------------------------------------------------------------------------------


def test_vertex_errors_of_a_staircase() -> None:
    # Vertices at heights 0, 1, ... 99 above a wide sheet, and one that no face uses.
    steps = np.arange(99.0)
    column = np.column_stack([steps % 2, steps % 3 / 9, steps])
    faces = np.column_stack([np.arange(97), np.arange(1, 98), np.arange(2, 99)])
    reference = Mesh(np.concatenate([column, [[0, 0, 1e9]]]), faces)
    found = vertex_errors(reference, mesh(shapes.plane(4, 10.0)), unit=2, limits=(5.0, 24.5, 60.0))
    assert found.mean == pytest.approx(24.5)
    assert found.std == pytest.approx(np.sqrt((99**2 - 1) / 12) / 2)
    assert found.median == pytest.approx(24.5)
    assert found.p90 == pytest.approx(0.9 * 49)
    assert found.above == {5.0: pytest.approx(88 / 99), 24.5: pytest.approx(49 / 99), 60.0: 0.0}


def test_vertex_errors_go_to_the_surface_not_to_its_vertices() -> None:
    coarse, fine = mesh(shapes.plane(1, 1.0)), mesh(shapes.plane(16, 1.0))
    assert vertex_errors(fine, coarse, unit=1).above[5.0] == 0
    assert vertex_errors(fine, coarse, unit=1).mean == pytest.approx(0, abs=1e-12)
    with pytest.raises(ValueError, match="no area"):
        vertex_errors(fine, NOTHING, unit=1)


def test_chamfer_of_a_protocol() -> None:
    # Two spheres whose gap is far wider than the points' spacing: nearest points are a little more than the gap apart.
    inner, outer = mesh(shapes.sphere(1.0, 5)), mesh(shapes.sphere(1.5, 5))
    for squared, expected in ((False, 0.5), (True, 2 * 0.25)):
        protocol = CloudChamfer(10_000, squared=squared, factor=1e3, unit="metre")
        found = paper_chamfer(protocol, inner, outer, unit=1)
        assert found == pytest.approx(1e3 * expected, rel=0.005)
        in_millimetres = paper_chamfer(protocol, inner, outer, unit=1e-3)
        assert in_millimetres == pytest.approx(found * (1e6 if squared else 1e3))
        assert paper_chamfer(protocol, inner, outer, unit=1, seed=1) != found
    with pytest.raises(ValueError, match="no area"):
        paper_chamfer(PROTOCOLS["overfit"], inner, NOTHING, unit=1)


def test_tables_of_the_overfit_paper_are_near_the_floor() -> None:
    """Which is how its text was read: CD as a sum of mean squares, EMD as a mean, in the unit sphere."""
    surface = mesh(shapes.torus())
    radius = unit_sphere_radius(surface)
    floor = paper_chamfer(PROTOCOLS["overfit"], surface, surface, unit=radius)
    area = face_areas(surface).sum() / radius**2
    assert floor == pytest.approx(1e3 * 2 * area / (np.pi * 10_000), rel=0.05)
    assert 0.645 / 3 < floor < 1.004  # its best and its default network
    assert 0.05 < papers_variants(surface, surface, unit=radius)["emd_500"] < 0.15  # 0.087 and 0.098


def test_radius_and_diagonal_ask_only_what_has_an_area() -> None:
    box = shapes.box((1.0, 2.0, 2.0))
    stray = np.array([[90.0, 0, 0], [91, 0, 0], [92, 0, 0], [0, 0, -70]])
    surface = mesh(shapes.joined(box, (stray, np.array([[0, 1, 2]]))), (5.0, 5.0, 5.0))
    assert unit_sphere_radius(surface) == pytest.approx(3)
    assert diagonal(surface) == pytest.approx(6)
    assert diagonal(surface) == pytest.approx(Reference(surface.vertices, surface.faces, 10).diagonal)


def test_variants_are_the_columns_of_the_table_in_diagonals() -> None:
    inner, outer = mesh(shapes.sphere(1.0, 4)), mesh(shapes.sphere(1.1, 4))
    found = papers_variants(inner, outer)
    gap = 0.1 / np.sqrt(12)
    assert tuple(found) == PAPERS
    assert found["ed_mean"] == pytest.approx(gap, rel=0.01)
    assert found["ed_median"] == pytest.approx(gap, rel=0.01)
    assert found["ed_std"] < 0.01 * gap
    assert found["cloud_l1_30k"] == pytest.approx(gap, rel=0.01)
    assert found["cloud_l2_30k"] == pytest.approx(2 * gap**2, rel=0.02)
    assert found["f_0.025"] == 0.0  # the gap is 0.0289
    assert papers_variants(inner, outer, unit=4.5)["f_0.025"] == 1.0  # of a longer unit
    assert found["emd_500"] > gap
    assert papers_variants(inner, outer) == found
    # Frame and unit of the input do not count.
    far = [Mesh(1e-3 * each.vertices + 1000, each.faces) for each in (inner, outer)]
    assert papers_variants(*far) == pytest.approx(found, rel=1e-5)


def test_variants_of_nothing() -> None:
    found = papers_variants(mesh(shapes.box()), NOTHING)
    assert set(found) == set(PAPERS)
    assert found.pop("f_0.025") == 0.0
    assert set(found.values()) == {np.inf}
    with pytest.raises(ValueError, match="has an area"):
        papers_variants(NOTHING, mesh(shapes.box()))


# -- points -----------------------------------------------------------------------------------------------------------


def test_points_above_a_sheet() -> None:
    """Backward is the height; forward has the spacing in it, which nothing fills."""
    half, n, height = 0.5, 20, 0.02
    side, diagonal_ = 2 * half / n, np.sqrt(2)
    reference = Reference(*shapes.plane(10, half), n_samples=50_000)
    found = reference.measure_points(lattice(n, half, height))
    for figure in (found.backward.mean, found.backward.rms, found.backward.p99, found.backward.max):
        assert figure == pytest.approx(height / diagonal_)
    assert found.backward.within == {0.001: 0.0, 0.002: 0.0, 0.005: 0.0, 0.01: 0.0}
    assert found.forward.rms == pytest.approx(np.sqrt(height**2 + side**2 / 6) / diagonal_, rel=0.005)
    assert found.forward.max == found.hd == pytest.approx(np.sqrt(height**2 + side**2 / 2) / diagonal_)
    assert found.cd == pytest.approx((found.forward.mean + found.backward.mean) / 2)
    assert np.isnan(found.normal_consistency)
    assert "normal_consistency" not in figures(found)


def test_points_on_a_surface_are_precise_but_not_complete() -> None:
    half, n = 0.5, 50
    side = 2 * half / n
    reference = Reference(*shapes.plane(10, half), n_samples=50_000)
    found = reference.measure_points(lattice(n, half))
    assert found.backward.max < 1e-12
    reach = 0.005 * np.sqrt(2)  # within half the spacing: discs do not meet
    recall = np.pi * reach**2 / side**2
    assert found.forward.within[0.005] == pytest.approx(recall, abs=0.01)
    assert found.f_scores[0.005] == pytest.approx(2 * recall / (1 + recall), abs=0.01)
    assert found.f_scores[0.01] == pytest.approx(1.0)


def test_points_in_any_frame_and_none() -> None:
    shape, points = shapes.sphere(1.0, 3), shapes.sphere(1.2, 3)[0]
    found = Reference(*shape, n_samples=2000).measure_points(points)
    far = Reference(shape[0] * 1e-3 + 1000, shape[1], n_samples=2000).measure_points(points * 1e-3 + 1000)
    assert far.cd == pytest.approx(found.cd, rel=1e-5)
    nothing = Reference(*shape, n_samples=2000).measure_points(np.empty((0, 3)))
    assert nothing.cd == nothing.hd == np.inf


# -- noise ------------------------------------------------------------------------------------------------------------


def test_floor_of_exact_and_of_sampled_figures() -> None:
    surface = mesh(shapes.torus())
    found = noise_floor(surface, n_samples=20_000, seeds=(0, 1, 2))
    assert set(found) <= set(COLUMNS)
    assert max(found[name].mean for name in ("cd", "cd_forward", "cd_backward", "rms", "hd", "p99")) < 1e-12
    assert found["ed_mean"].mean < 1e-12
    assert found["normal_consistency"].mean == pytest.approx(1)
    assert found["f_0.001"].mean == found["f_0.025"].mean == 1
    spacing = np.sqrt(face_areas(surface).sum() / 30_000) / diagonal(surface)
    assert found["cloud_l1_30k"].mean == pytest.approx(spacing / 2, rel=0.02)
    assert found["cloud_l2_30k"].mean == pytest.approx(2 * spacing**2 / np.pi, rel=0.03)
    assert found["emd_500"].mean > np.sqrt(60) * spacing / 2  # more than the way to the nearest of 500


def test_spread_is_that_of_the_sample() -> None:
    """A half that is missing: the forward mean has a known standard deviation, if samples were independent."""
    vertices, faces = shapes.plane(10, 0.5)
    half = vertices[faces].mean(axis=1)[:, 0] < 0
    n, whole, other = 2000, Mesh(vertices, faces), Mesh(vertices, faces[half])
    found = spread_over_seeds(whole, other, n_samples=n, seeds=range(20), papers=False)
    independent = np.sqrt(1 / 24 - 1 / 64) / np.sqrt(2) / np.sqrt(n)  # of max(x, 0), x uniform in +-1/2
    assert found["cd_forward"].mean == pytest.approx(0.125 / np.sqrt(2), rel=0.005)
    assert 0 < found["cd_forward"].std < independent  # stratified samples are better than independent ones
    assert found["cd_backward"].std < 1e-12
    assert set(found) <= set(COLUMNS) - set(PAPERS)


def test_figures_closer_than_the_resolution_are_chance() -> None:
    surface, other = mesh(shapes.sphere(1.0, 3)), mesh(shapes.box((1.0, 0.9, 0.8)))
    found = spread_over_seeds(surface, other, n_samples=300, seeds=range(60), papers=False)["cd"]
    pair = (surface.vertices, surface.faces), (other.vertices, other.faces)
    fresh = np.array([measure(*pair, 300, seed=seed).cd for seed in range(1000, 1120, 2)])
    apart = np.abs(fresh[:, None] - fresh)[np.triu_indices(len(fresh), 1)]
    assert 0.01 < np.mean(apart > found.resolution) < 0.12  # 0.05 of all pairs there are
    assert Spread(mean=1.0, std=2.0, n_seeds=5).resolution == pytest.approx(2 * np.sqrt(2) * 2.776, rel=1e-3)


def test_spread_needs_seeds_and_areas() -> None:
    box = mesh(shapes.box())
    for seeds in ((1,), (1, 1)):
        with pytest.raises(ValueError, match="two at least"):
            noise_floor(box, n_samples=10, seeds=seeds)
    with pytest.raises(ValueError, match="no area"):
        spread_over_seeds(box, NOTHING, n_samples=10)


def test_figures_are_columns_of_the_table() -> None:
    found = measure(shapes.box(), shapes.sphere(0.5, 2), 100)
    named = figures(found)
    assert set(named) <= set(COLUMNS)
    assert (named["cd_forward"], named["f_0.002"]) == (found.forward.mean, found.f_scores[0.002])
