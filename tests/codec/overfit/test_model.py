import itertools

import numpy as np
import pytest
import torch
from sdfz.codec.overfit import model
from sdfz.codec.overfit.architecture import Architecture
from sdfz.codec.overfit.model import NetworkField, initial_layers, network_inputs, padded_layers, run_network
from sdfz.formats.errors import BackendError

ALL = [
    Architecture(5, n_hidden, activation, n_frequencies, biases, skip, bounded)
    for n_hidden, activation, n_frequencies, biases, skip, bounded in itertools.product(
        (1, 3), ("relu", "sine"), (0, 2), (False, True), (False, True), (False, True)
    )
]


def layers_of(architecture, seed=0):
    return initial_layers(architecture, torch.Generator().manual_seed(seed))


def by_hand(architecture, layers, points):
    """As the format document has it, point by point."""
    found = []
    for point in points.tolist():
        inputs = [*point, 1.0]
        for octave in range(architecture.n_frequencies):
            for function in (np.sin, np.cos):
                inputs += [float(function(2**octave * np.pi * x)) for x in point]
        units = inputs
        for i, layer in enumerate(layers):
            if i:
                units = [*units, *([1.0] if architecture.biases else [])]
                units += inputs if i == architecture.skip_layer else []
            sums = layer.double().numpy() @ np.array(units)
            if i < architecture.n_hidden:
                units = np.sin(sums) if architecture.activation == "sine" else np.maximum(sums, 0)
            units = list(units)
        found.append(np.tanh(sums[0]) if architecture.bounded else sums[0])
    return found


@pytest.mark.parametrize("architecture", ALL, ids=str)
def test_a_network_is_what_the_format_document_says(architecture):
    points = torch.rand(7, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    layers = layers_of(architecture)
    assert tuple(tuple(layer.shape) for layer in layers) == architecture.shapes
    np.testing.assert_allclose(
        run_network(architecture, layers, points), by_hand(architecture, layers, points), atol=2e-5
    )


@pytest.mark.parametrize("activation", ["relu", "sine"])
def test_units_of_all_layers_have_about_the_same_spread_at_first(activation):
    architecture = Architecture(256, 6, activation, biases=False, bounded=False)
    points = torch.rand(2000, 3, generator=torch.Generator().manual_seed(1)) * 2 - 1
    units = network_inputs(architecture, points)
    spreads = []
    for layer in layers_of(architecture)[:-1]:
        units = getattr(torch, "sin" if activation == "sine" else "relu")(units @ layer.T)
        spreads.append(units.square().mean().sqrt().item())
    assert max(spreads) < 3 * min(spreads)


def test_gradient_and_values_in_parts(monkeypatch):
    """As of the whole, and as of differences."""
    architecture = Architecture(8, 3, "sine", biases=False, bounded=False)
    field = NetworkField(architecture, layers_of(architecture))
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3)).astype(np.float32)
    values, gradient = field.distance_and_gradient(points)
    monkeypatch.setattr(model, "_UNITS_AT_ONCE", 64)
    monkeypatch.setattr(model, "_UNITS_KEPT", 100)
    for found, expected in zip(field.distance_and_gradient(points), (values, gradient), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(field.distance(points), values, rtol=1e-5, atol=1e-6)
    for axis, step in enumerate(np.eye(3, dtype=np.float32) * np.float32(1e-3)):
        slope = (field.distance(points + step) - field.distance(points - step)) / 2e-3
        np.testing.assert_allclose(slope, gradient[:, axis], atol=5e-3)


def test_no_points():
    architecture = Architecture(8, 1)
    field = NetworkField(architecture, layers_of(architecture))
    nothing = np.zeros((0, 3), np.float32)
    assert [len(found) for found in (field.distance(nothing), *field.distance_and_gradient(nothing))] == [0, 0, 0]


def test_units_added_for_a_kernel_change_nothing():
    architecture = Architecture(20, 3, biases=False)
    layers = layers_of(architecture)
    padded = padded_layers(layers)
    assert [tuple(layer.shape) for layer in padded] == [(32, 4), (32, 32), (32, 32), (1, 32)]
    wider = Architecture(32, 3, biases=False)
    points = torch.rand(9, 3)
    assert torch.allclose(run_network(wider, padded, points), run_network(architecture, layers, points), atol=1e-6)


@pytest.mark.parametrize("architecture", [Architecture(16, 2), Architecture(200, 2, biases=False)], ids=str)
def test_a_network_that_no_kernel_has_is_refused_where_kernels_are_asked_for(architecture):
    with pytest.raises(BackendError, match="no kernel has this network's layers"):
        NetworkField(architecture, layers_of(architecture), backend="tcnn")
