"""Where networks run, and what is refused where there is no GPU."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from sdfz.codec.backend import check_backend, fused_network, pick_device
from sdfz.formats.errors import BackendError

no_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


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


@pytest.mark.gpu
def test_the_gpu_agrees() -> None:
    weights, inputs = layers(7, 16, 1), torch.randn(1000, 7, generator=torch.Generator().manual_seed(1))
    expected = fused_network(weights)(inputs)
    found = fused_network([w.cuda() for w in weights], "torch")(inputs.cuda()).cpu()
    assert found.numpy() == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-3)
