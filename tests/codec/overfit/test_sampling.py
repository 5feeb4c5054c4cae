import numpy as np
import pytest
import shapes
from sdfz.codec.overfit.sampling import near_surface, unit_sphere_fill, weighted
from sdfz.codec.target import Target

RADIUS = 0.5
BALL = shapes.sphere(RADIUS, 4)


def signed(points):
    return shapes.sphere_distance(points, RADIUS)


class Counting:
    """Counts the distances that are evaluated."""

    def __init__(self):
        self.n = 0

    def __call__(self, points):
        self.n += len(points)
        return signed(points)


def test_near_surface():
    """A tenth on the surface, whose distance is known, and two normal distributions."""
    count = Counting()
    found = near_surface(count, *BALL, 11_000, np.random.default_rng(0), variances=(1e-2, 1e-4))
    points, distances = found.samples.points, found.samples.distances
    assert (points.shape, points.dtype, distances.dtype) == ((11_000, 3), np.float32, np.float32)
    assert found.n_evaluations == count.n == 10_000
    assert (distances == 0).sum() == 1000
    np.testing.assert_allclose(distances, signed(points), atol=2e-3)  # of a polyhedron for a sphere
    # Of the radial offsets, the variance is that of a coordinate.
    assert np.std(np.sort(np.abs(distances))[:6000]) < 0.02
    wide = np.sort(np.abs(distances))[-5000:]
    assert np.sqrt(np.mean(wide**2)) == pytest.approx(0.1, rel=0.15)
    assert abs(np.corrcoef(np.arange(11_000), np.abs(distances))[0, 1]) < 0.05  # in random order


def test_weighted():
    """Candidates in the unit sphere, of which those near the surface stay; all of them are evaluated."""
    count = Counting()
    found = weighted(count, 50_000, 5000, np.random.default_rng(0), beta=20)
    points, distances = found.samples.points, found.samples.distances
    assert found.n_evaluations == count.n == 50_000
    assert len(np.unique(points, axis=0)) == 5000
    assert np.linalg.norm(points, axis=1).max() <= 1 + 1e-6
    np.testing.assert_array_equal(distances, signed(points))
    # Drawn by exp(-20 |d|) times the area of a shell, without replacement.
    shells = np.linspace(0, 1, 100_001)
    weight = np.exp(-20 * np.abs(shells - RADIUS)) * shells**2
    expected = (weight * np.abs(shells - RADIUS)).sum() / weight.sum()
    assert np.abs(distances).mean() == pytest.approx(expected, rel=0.25)


def test_weighted_without_weights_is_uniform():
    found = weighted(signed, 20_000, 2000, np.random.default_rng(1), beta=0)
    radii = np.linalg.norm(found.samples.points, axis=1)
    assert np.mean(radii**3) == pytest.approx(0.5, abs=0.02)


def test_weighted_in_batches(monkeypatch):
    monkeypatch.setattr("sdfz.codec.overfit.sampling._AT_ONCE", 700)
    found = weighted(signed, 5000, 1000, np.random.default_rng(0), beta=1000)
    assert len(found.samples.points) == 1000
    assert np.abs(found.samples.distances).max() < 0.25


def test_unit_sphere():
    target = Target(*shapes.box((3.0, 2.0, 1.0)))
    frame = target.frame(unit_sphere_fill(target.vertices))
    radius = np.linalg.norm(frame.to_normalized(shapes.box((3.0, 2.0, 1.0))[0]), axis=1)
    assert 0.98 < radius.max() <= 1
