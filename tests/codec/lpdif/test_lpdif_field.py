"""The field of regions: what a region says is its network's, and borders leave no steps between them."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sdfz.codec.lpdif.model import LpdifField
from sdfz.codec.lpdif.network import NetworkShape, code_part, evaluate, initial_layers
from sdfz.codec.lpdif.shared import LpdifDecoders
from sdfz.codec.lpdif.steps import step_of_code
from sdfz.codec.lpdif.symbols import LpdifSymbols

RNG = np.random.default_rng(5)
SHAPES = (NetworkShape(2, 8, 3), NetworkShape(3, 8, 4, again=2))


def decoders(n_patterns=2):
    generator = torch.Generator().manual_seed(0)
    networks = [
        [layer.numpy() for layer in initial_layers(SHAPES[min(k, 1)], generator)] for k in range(n_patterns + 1)
    ]
    return LpdifDecoders(networks, np.zeros((n_patterns, 2), np.float32))


def symbols(cells, depth=2, border=5):
    networks = RNG.integers(0, 3, len(cells)).astype(np.int32)
    codes = RNG.integers(-9, 10, (len(cells), 3)).astype(np.int32)
    codes[networks == 0, 2] = 0
    return LpdifSymbols(depth, np.array(cells, np.int32), border, networks, (2, 3, 3), (8, 16, 16), codes)


BLOCK = [[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]


def across_faces(n=2000):
    """Points to both sides of the faces of regions of a block of 2^3, and within a thousandth of an edge of them."""
    points = RNG.uniform(-1, 0, (n, 3))
    axis = RNG.integers(0, 3, n)
    low, high = points.copy(), points.copy()
    low[np.arange(n), axis], high[np.arange(n), axis] = -0.5 - 1e-4, -0.5 + 1e-4
    return low.astype(np.float32), high.astype(np.float32)


def test_inside_a_region_its_network_speaks():
    s, d = symbols(BLOCK), decoders()
    field = LpdifField(s, d)
    for row, cell in enumerate(s.cells):
        number = s.networks[row]
        layers = [torch.from_numpy(layer) for layer in d.networks[number]]
        code = torch.from_numpy(s.codes[row : row + 1, : s.n_codes[number]] * step_of_code(s.step_codes[number]))
        local = torch.from_numpy(RNG.uniform(-0.89, 0.89, (50, 3)).astype(np.float32))
        expected = evaluate(layers, code_part(layers, code.float()), local).numpy() * 0.25
        points = (cell + 0.5 + local.numpy() / 2) * 0.5 - 1
        np.testing.assert_allclose(field.distance(points.astype(np.float32)), expected, rtol=1e-4, atol=1e-5)


def test_steps_at_faces_are_gone_with_a_border():
    """Without it neighbours contradict each other at their faces; with it the field is continuous, everywhere."""
    s, d = symbols(BLOCK), decoders()
    low, high = across_faces()
    without, blended = LpdifField(replace(s, border=0), d), LpdifField(s, d)
    assert np.abs(without.distance(high) - without.distance(low)).mean() > 0.01
    assert np.abs(blended.distance(high) - blended.distance(low)).max() < 2e-3
    # Nor is there one where the border ends: a walk across two regions has no jump.
    walk = np.stack([np.linspace(-0.99, -0.01, 20_000), np.full(20_000, -0.7), np.full(20_000, -0.53)], 1)
    values = blended.distance(walk.astype(np.float32))
    assert np.abs(np.diff(values)).max() < 2e-3
    assert np.abs(np.diff(without.distance(walk.astype(np.float32)))).max() > 0.01


def test_at_a_face_both_sides_count_half():
    s, d = symbols(BLOCK[:1] + [[1, 0, 0]]), decoders()
    face = np.stack([np.full(40, -0.5), *RNG.uniform(-0.9, -0.6, (2, 40))], 1).astype(np.float32)
    sides = [LpdifField(replace(s, cells=s.cells[k : k + 1], networks=s.networks[k : k + 1], codes=s.codes[k : k + 1]),
                        d).distance(face) for k in range(2)]  # fmt: skip
    np.testing.assert_allclose(LpdifField(s, d).distance(face), np.mean(sides, 0), atol=1e-5)


def test_beyond_the_regions():
    """A little outside, the nearest region is asked; far away nothing is known."""
    field = LpdifField(symbols(BLOCK[:1], depth=3), decoders())
    assert np.isfinite(field.distance(np.float32([[-0.74, -0.9, -0.9], [-0.7, -0.9, -0.9]]))).all()
    assert np.isnan(field.distance(np.float32([[0.5, 0.5, 0.5]]))).all()


@pytest.mark.parametrize("border", [0, 5])
def test_gradients(border):
    field = LpdifField(symbols(BLOCK, border=border), decoders())
    points = RNG.uniform(-0.95, -0.05, (200, 3)).astype(np.float32)
    _, gradients = field.distance_and_gradient(points)
    h, ends = 1e-3, []
    for axis in range(3):
        step = np.zeros(3, np.float32)
        step[axis] = h
        ends.append((field.distance(points + step) - field.distance(points - step)) / (2 * h))
    error = np.abs(np.stack(ends, 1) - gradients).max(1)
    assert np.median(error) < 5e-3  # not where a unit switches, or a region ends
