"""Where networks run, and what is refused where there is no GPU."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from sdfz.codec.backend import (
    ACTIVATIONS,
    FUSED_ALIGNMENT,
    TOLERANCE,
    check_backend,
    flat_parameters,
    fused_encoding,
    fused_network,
    layers_of,
    network_configuration,
    pick_device,
    with_more,
    with_one,
)
from sdfz.formats.errors import BackendError

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


def has_tinycudann() -> bool:
    try:
        check_backend("cuda", "tcnn")
    except BackendError:
        return False
    return True


with_tinycudann = pytest.mark.skipif(not has_tinycudann(), reason="tinycudann cannot run here: no CUDA, or not built")


def layers(*sizes: int) -> list[torch.Tensor]:
    """Random weights, (outputs, inputs) each."""
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n_out, n_in, generator=generator) for n_in, n_out in pairwise(sizes)]


def test_plain_network() -> None:
    weights = layers(7, 16, 16, 1)
    inputs = torch.randn(50, 7, generator=torch.Generator().manual_seed(1))
    hidden = inputs.numpy()
    for layer in weights[:-1]:
        hidden = np.maximum(hidden @ layer.numpy().T, 0)
    expected = hidden @ weights[-1].numpy().T  # no ReLU after the last layer
    assert fused_network(weights)(inputs).numpy() == pytest.approx(expected, rel=1e-4, abs=1e-5)
    assert (expected < 0).any()


def test_gradients_go_through() -> None:
    inputs = torch.randn(5, 7, generator=torch.Generator().manual_seed(1)).requires_grad_()
    (gradient,) = torch.autograd.grad(fused_network(layers(7, 16, 1))(inputs).sum(), inputs)
    assert bool(torch.isfinite(gradient).all())
    assert bool((gradient != 0).any())


def test_devices() -> None:
    assert pick_device("cpu").type == "cpu"
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")
    with pytest.raises(ValueError, match="'gpu' is not auto, cpu or cuda"):
        pick_device("gpu")


@no_gpu
def test_cuda_without_a_gpu() -> None:
    with pytest.raises(BackendError, match="no CUDA device is available here; use --device cpu"):
        pick_device("cuda")


def test_tcnn_on_the_cpu() -> None:
    with pytest.raises(BackendError, match="runs on CUDA devices only"):
        fused_network(layers(7, 16, 1), "tcnn")


def test_unknown_backend() -> None:
    with pytest.raises(ValueError, match="'jax' is not auto, torch or tcnn"):
        fused_network(layers(7, 16, 1), "jax")


def test_check_refuses_what_would_fail() -> None:
    check_backend()
    check_backend("cpu", "torch")
    with pytest.raises(BackendError):
        check_backend("cpu", "tcnn")
    with pytest.raises(ValueError, match="backend"):
        check_backend("cpu", "jax")


def test_activations() -> None:
    inputs = torch.randn(50, 3, generator=torch.Generator().manual_seed(1))
    weights = layers(3, 16, 1)
    hidden = inputs.numpy() @ weights[0].numpy().T
    bent = {
        "ReLU": np.maximum(hidden, 0),
        "Softplus": np.logaddexp(0, 10 * hidden) / 10,
        "Sine": np.sin(hidden),
    }
    assert set(bent) == set(ACTIVATIONS)
    for activation, values in bent.items():
        found = fused_network(weights, "torch", activation)(inputs).numpy()
        assert found == pytest.approx(values @ weights[1].numpy().T, rel=1e-4, abs=1e-4)
    with pytest.raises(ValueError, match="'Swish' is not ReLU, Softplus, Sine"):
        fused_network(weights, "torch", "Swish")


# -- tiny-cuda-nn's parameters ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(7, 16, 1), (16, 32, 32, 16), (17, 64, 64, 64, 3)])
def test_parameters_go_there_and_back(sizes: tuple[int, ...]) -> None:
    weights = layers(*sizes)
    parameters = flat_parameters(weights)
    back = layers_of(parameters, [tuple(layer.shape) for layer in weights])
    assert all(torch.equal(a, b) for a, b in zip(weights, back, strict=True))
    n_in, n_out = (size + -size % FUSED_ALIGNMENT for size in (sizes[0], sizes[-1]))
    widths = (n_in, *sizes[1:-1], n_out)
    assert len(parameters) == sum(a * b for a, b in pairwise(widths))
    # Row by row, an output each, with the padding at the end of a row: it meets inputs that do not count.
    assert torch.equal(parameters[: sizes[0]], weights[0][0])
    assert not parameters[sizes[0] : n_in].any()
    with pytest.raises(ValueError, match="when padded"):
        layers_of(parameters[1:], [tuple(layer.shape) for layer in weights])


@pytest.mark.parametrize(
    ("activation", "kernels"), [("ReLU", "FullyFusedMLP"), ("Softplus", "FullyFusedMLP"), ("Sine", "CutlassMLP")]
)
def test_configuration(activation: str, kernels: str) -> None:
    assert network_configuration(layers(7, 32, 32, 1), activation) == {
        "otype": kernels,
        "activation": activation,
        "output_activation": "None",
        "n_neurons": 32,
        "n_hidden_layers": 2,
    }
    for sizes in ((7, 24, 1), (7, 16, 32, 1)):
        with pytest.raises(BackendError, match="hidden width"):
            network_configuration(layers(*sizes), activation)


def test_more_inputs_go_beside_an_encoding() -> None:
    assert with_more({"otype": "HashGrid", "n_levels": 4}, 4) == {
        "otype": "Composite",
        "nested": [
            {"otype": "HashGrid", "n_levels": 4, "n_dims_to_encode": 3},
            {"otype": "Identity", "n_dims_to_encode": 4},
        ],
    }


def test_an_encoding_and_a_network_in_torch() -> None:
    weights, points = layers(4, 16, 1), torch.rand(20, 3, generator=torch.Generator().manual_seed(1))
    network = fused_encoding({}, torch.zeros(8), weights, lambda x: 2 * x)
    assert torch.equal(network(points), fused_network(weights)(with_one(2 * points)))
    more, wider = torch.rand(20, 2, generator=torch.Generator().manual_seed(2)), layers(6, 16, 1)
    network = fused_encoding({}, torch.zeros(8), wider, lambda x: 2 * x, n_more=2)
    both = torch.cat([2 * points, more], 1)
    assert torch.equal(network(torch.cat([points, more], 1)), fused_network(wider)(with_one(both)))
    with pytest.raises(BackendError, match="runs on CUDA devices only"):
        fused_encoding({}, torch.zeros(8), weights, lambda x: 2 * x, "tcnn")


def test_half_precision_stays_within_the_tolerance() -> None:
    """What tiny-cuda-nn rounds, done on the CPU: weights, inputs and what every layer puts out."""
    for activation in ACTIVATIONS:
        weights = [layer / layer.shape[1] ** 0.5 for layer in layers(32, 64, 64, 64, 1)]
        inputs = torch.randn(2000, 32, generator=torch.Generator().manual_seed(1))
        exact = fused_network(weights, "torch", activation)(inputs)
        found = inputs.half().float()
        for i, layer in enumerate(weights):
            found = (found @ layer.half().float().T).half().float()
            found = ACTIVATIONS[activation](found).half().float() if i < len(weights) - 1 else found
        assert float((found - exact).abs().max()) < TOLERANCE * float(exact.abs().max())


# -- on a GPU ---------------------------------------------------------------------------------------------------------


@pytest.mark.gpu
@with_tinycudann
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sizes", [(7, 16, 1), (32, 64, 64, 64, 1), (20, 128, 128, 3)])
def test_tinycudann_agrees(sizes: tuple[int, ...], activation: str) -> None:
    weights = [layer / layer.shape[1] ** 0.5 for layer in layers(*sizes)]
    inputs = torch.randn(1000, sizes[0], generator=torch.Generator().manual_seed(1))
    expected = fused_network(weights, "torch", activation)(inputs)
    found = fused_network([w.cuda() for w in weights], "tcnn", activation)(inputs.cuda()).cpu()
    assert float((found - expected).abs().max()) < TOLERANCE * float(expected.abs().max())


@pytest.mark.gpu
def test_the_gpu_agrees() -> None:
    weights, inputs = layers(7, 16, 1), torch.randn(1000, 7, generator=torch.Generator().manual_seed(1))
    expected = fused_network(weights)(inputs)
    found = fused_network([w.cuda() for w in weights], "torch")(inputs.cuda()).cpu()
    assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-3)
