"""The parts of LP-DIF by themselves: networks, regions, losses, weights and clusters."""

import numpy as np
import pytest
import shapes
import torch
from sdfz.codec.lpdif.clusters import centres_of, nearest_centre
from sdfz.codec.lpdif.density import weights_of
from sdfz.codec.lpdif.losses import clamped, gradient_loss, smooth_l1
from sdfz.codec.lpdif.network import (
    PAPER_COARSE,
    PAPER_PATTERN,
    PLANE_SHARE,
    NetworkShape,
    code_part,
    evaluate,
    initial_layers,
    with_planes_first,
)
from sdfz.codec.lpdif.planes import expected_planes
from sdfz.codec.lpdif.regions import (
    arrays_of_regions,
    on_surface,
    planes_of,
    samples_of_regions,
)
from sdfz.codec.lpdif.steps import STEP_BITS, code_of_step, step_of_code
from sdfz.codec.occupancy import find_cells, sorted_cells
from sdfz.codec.sample import Samples
from sdfz.codec.target import Target

RNG = np.random.default_rng(0)


# -- networks ---------------------------------------------------------------------------------------------------------


def test_sizes_of_the_paper():
    assert PAPER_COARSE.n_weights == 3745  # its Table 6
    assert len(PAPER_PATTERN.layers()) == 9
    assert [columns for _, columns in PAPER_PATTERN.layers()] == [65, 129, 129, 129, 132, 129, 129, 129, 129]


def test_a_network_by_hand():
    """Point and code in, the point again after the first layer."""
    shape = NetworkShape(2, 3, 3, again=1)
    layers = initial_layers(shape, torch.Generator().manual_seed(1))
    for layer in layers:
        layer[:, -1] = 0.1
    codes, points = torch.tensor(RNG.normal(size=(4, 2))).float(), torch.tensor(RNG.normal(size=(4, 3))).float()
    one = torch.ones(4, 1)
    hidden = torch.relu(torch.cat([codes, points, one], 1) @ layers[0].T)
    hidden = torch.relu(torch.cat([hidden, points, one], 1) @ layers[1].T)
    expected = (torch.cat([hidden, one], 1) @ layers[2].T)[:, 0]
    torch.testing.assert_close(evaluate(layers, code_part(layers, codes), points), expected)


def test_planes_in_codes():
    """What a network with planes adds is the plane; with the planes first it is the same network."""
    shape = NetworkShape(6, 8, 4, again=2, plane=True)
    layers = initial_layers(shape, torch.Generator().manual_seed(1))
    assert [tuple(layer.shape) for layer in layers] == shape.layers()
    layers[-1] += 0.1 * torch.tensor(RNG.normal(size=(4, 6))).float()
    codes, points = torch.tensor(RNG.normal(size=(9, 6))).float(), torch.tensor(RNG.normal(size=(9, 3))).float()
    found = evaluate(layers, code_part(layers, codes), points)
    planes = codes @ layers[-1].T
    without = evaluate(layers[:-1], code_part(layers[:-1], codes), points)
    torch.testing.assert_close(found, without + (planes[:, :3] * points).sum(1) + planes[:, 3])
    turned_layers, turned = with_planes_first([layer.numpy() for layer in layers])
    again = [torch.from_numpy(layer) for layer in turned_layers]
    codes = torch.linalg.solve(torch.from_numpy(turned), codes.T).T
    torch.testing.assert_close(evaluate(again, code_part(again, codes), points), found, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(codes[:, :4] / PLANE_SHARE, planes, rtol=1e-4, atol=1e-4)


def test_planes_of_neighbours_tell_those_of_a_region():
    """A plane in two regions of different steps, and the third one that is expected exactly."""
    gradient, steps = np.array([0.5, -0.25, 0.25]), (16, 24)  # of a quarter and an eighth
    offsets = np.array([[-1, 0, 0], [0, 1, -1]])  # to the region
    values = 1.0 - 2 * offsets @ gradient  # at the middles of the neighbours
    codes = np.zeros((3, 5), np.int32)
    for row, step in ((0, 1 / 4), (1, 1 / 8)):
        codes[row, :4] = np.append(gradient, values[row]) / step
    networks, near = np.int32([0, 1, 1]), np.array([[0, 1, -1]])
    found = expected_planes(codes, networks, steps, np.array([2]), near, np.array([[*offsets, [9, 9, 9]]]))
    assert found.tolist() == [[4, -2, 2, 8]]
    none = expected_planes(codes, networks, steps, np.array([2]), np.full((1, 2), -1), np.ones((1, 2, 3), np.int64))
    assert none.tolist() == [[0, 0, 0, 0]]


def test_steps_have_codes():
    for code in range(1 << STEP_BITS):
        assert code_of_step(step_of_code(code)) == code
    assert (code_of_step(9.0), code_of_step(1e-9)) == (0, 127)


# -- regions ----------------------------------------------------------------------------------------------------------


def test_samples_come_back_from_the_coordinates_of_regions():
    depth = 3
    cells = sorted_cells(RNG.integers(0, 8, (40, 3)), depth)
    samples = Samples(RNG.uniform(-1, 1, (20_000, 3)).astype(np.float32), RNG.normal(size=20_000).astype(np.float32))
    found = samples_of_regions(cells, depth, samples, 30)
    assert np.array_equal(found.rows, np.arange(len(cells)))
    assert np.abs(found.points).max() <= 1.25 + 1e-5
    edge = 2 / (1 << depth)
    middles = (cells + 0.5) * edge - 1
    np.testing.assert_allclose(
        middles[:, None] + found.points * edge / 2, samples.points[found.source], rtol=0, atol=1e-6
    )
    np.testing.assert_allclose(found.distances * edge / 2, samples.distances[found.source], rtol=1e-5)


def test_regions_without_samples_are_left_out_and_few_samples_repeat():
    samples = Samples(np.float32([[-0.9, -0.9, -0.9], [-0.8, -0.9, -0.7]]), np.float32([0.1, -0.2]))
    found = samples_of_regions(np.int32([[0, 0, 0], [3, 3, 3]]), 2, samples, 5)
    assert found.rows.tolist() == [0]
    assert found.source.tolist() == [[0, 1, 0, 1, 0]]


def test_regions_that_a_surface_does_not_divide():
    """A plane at a height of half an edge, in cells below, at and above it."""
    cells = np.int32([[0, 0, 0], [0, 0, 1], [0, 0, 2]])
    points = RNG.uniform([-1, -1, -1], [-0.5, -0.5, 0.5], (3000, 3)).astype(np.float32)
    found = samples_of_regions(cells, 2, Samples(points, points[:, 2] + np.float32(0.25)), 64)
    assert on_surface(found).tolist() == [False, True, False]
    planes = planes_of(found.points, found.distances)
    np.testing.assert_allclose(planes[1], [0, 0, 1, 0], atol=1e-3)


def test_a_surface_in_a_face_keeps_its_regions():
    cells = np.int32([[0, 0, 0], [0, 0, 1], [0, 0, 2]])
    points = RNG.uniform([-1, -1, -1], [-0.5, -0.5, 0.5], (9000, 3)).astype(np.float32)
    found = samples_of_regions(cells, 2, Samples(points, points[:, 2]), 96)
    assert on_surface(found).tolist() == [False, True, True]


def test_cells_are_found():
    cells = sorted_cells(RNG.integers(0, 16, (100, 3)), 4)
    assert np.array_equal(find_cells(cells, cells), np.arange(len(cells)))
    assert find_cells(cells, np.array([[-1, 0, 0], [99, 3, 4]])).tolist() == [-1, -1]


def test_arrays_of_a_ball(monkeypatch):
    """Distances and directions in the units of the regions are those of the ball."""
    monkeypatch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 20_000)
    target = Target(*shapes.sphere(4), 0)
    frame, depth = target.frame(0.8), 2
    cells, arrays = arrays_of_regions(target, frame, depth, 40)
    edge = 2 / (1 << depth)
    middles = (cells + 0.5) * edge - 1
    positions = middles[:, None] + arrays["points"] * edge / 2
    radii = np.linalg.norm(positions, axis=2)
    np.testing.assert_allclose(arrays["distances"] * edge / 2, radii - 0.8, atol=5e-3)
    clear = np.abs(radii - 0.8) > 0.02
    cosines = (arrays["directions"] * positions).sum(2) / radii
    assert cosines[clear].min() > 0.99


# -- losses and weights -----------------------------------------------------------------------------------------------


def test_losses():
    found = torch.tensor([0.0, 0.5, 3.0])
    assert smooth_l1(found, torch.zeros(3)).tolist() == [0, 0.125, 2.5]
    assert clamped(found, 0.4).tolist() == pytest.approx([0, 0.4, 0.4])
    up, along = torch.tensor([[0.0, 0, 2]]), torch.tensor([[0.0, 0, 1]])
    assert gradient_loss(up, along, torch.zeros(1)).item() == pytest.approx(0, abs=1e-6)
    assert gradient_loss(-up, along, torch.zeros(1)).item() == pytest.approx(2)
    assert gradient_loss(-up, along, torch.tensor([16 / 100])).item() == pytest.approx(2 / np.e)


def test_rare_codes_weigh_more():
    """Ninety codes in one place and ten in another, far away: weights are as one to nine."""
    codes = torch.zeros(100, 3)
    codes[90:, 0] = 5
    weights = weights_of(codes, codes)
    assert weights.mean().item() == pytest.approx(1)
    assert (weights[95] / weights[5]).item() == pytest.approx(9, rel=1e-4)


def test_clusters():
    middles = np.float32([[0, 0], [3, 0], [0, 3]])
    codes = (middles[np.arange(90) % 3] + 0.1 * RNG.normal(size=(90, 2))).astype(np.float32)
    centres = centres_of(codes, 3, 0)
    found = nearest_centre(codes, centres)
    assert len(set(found[:3])) == 3
    assert np.array_equal(found, np.tile(found[:3], 30))
    assert centres_of(codes[:2], 4, 0).shape == (4, 2)
