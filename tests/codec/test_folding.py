"""Networks with biases and other softplus betas as bias-free ones: the same function, in widths that kernels have."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from sdfz.codec.backend import ACTIVATIONS, FUSED_WIDTHS, SOFTPLUS_BETA, plain_network, with_one
from sdfz.codec.folding import with_softplus_10, without_biases


def random_layers(*sizes: int) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Weights (outputs, inputs) and biases (outputs,)."""
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(n_out, n_in, generator=generator) / n_in**0.5 for n_in, n_out in pairwise(sizes)]
    return weights, [torch.randn(n, generator=generator) for n in sizes[1:]]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(3, 31, 1), (3, 15, 15, 15, 2), (4, 20, 12, 1), (2, 1)])
def test_biases_become_weights_of_a_constant(sizes: tuple[int, ...], activation: str) -> None:
    weights, biases = random_layers(*sizes)
    inputs = torch.randn(200, sizes[0], generator=torch.Generator().manual_seed(1))
    expected = inputs
    for i, (layer, bias) in enumerate(zip(weights, biases, strict=True)):
        expected = torch.nn.functional.linear(expected, layer, bias)
        if i < len(weights) - 1:
            expected = ACTIVATIONS[activation](expected)
    found = plain_network(without_biases(weights, biases, activation), activation)(with_one(inputs))
    assert found.numpy() == pytest.approx(expected.numpy(), abs=2e-5)


@pytest.mark.parametrize(("widest", "width"), [(15, 16), (16, 32), (31, 32), (63, 64), (127, 128), (200, 201)])
def test_folded_widths_are_those_of_kernels_where_there_is_one(widest: int, width: int) -> None:
    layers = without_biases(*random_layers(3, widest, widest, 1))
    assert [tuple(layer.shape) for layer in layers] == [(width, 4), (width, width), (1, width)]
    assert (width in FUSED_WIDTHS) == (widest < 128)


@pytest.mark.parametrize("beta", [1.0, 100.0])
@pytest.mark.parametrize("sizes", [(3, 16, 1), (3, 16, 16, 16, 1), (3, 2)])
def test_any_softplus_is_one_of_beta_10(sizes: tuple[int, ...], beta: float) -> None:
    weights, _ = random_layers(*sizes)
    inputs = torch.randn(200, 3, generator=torch.Generator().manual_seed(1))
    expected = inputs
    for layer in weights[:-1]:
        expected = torch.nn.functional.softplus(expected @ layer.T, beta=beta)
    expected = expected @ weights[-1].T
    found = plain_network(with_softplus_10(weights, beta), "Softplus")(inputs)
    assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-4, abs=1e-4)
    assert beta != SOFTPLUS_BETA
