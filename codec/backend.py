"""Where networks run: plain torch (the reference) or tiny-cuda-nn's fused kernels.

A decoder network has the fused form (DESIGN.md section 6): no biases (a constant 1 goes in), ReLU, one width. Both
backends take the same weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from ..formats.errors import BackendError

FUSED_WIDTHS = (16, 32, 64, 128)
FUSED_ALIGNMENT = 16  # tiny-cuda-nn pads inputs and outputs to multiples of this

Network = Callable[[torch.Tensor], torch.Tensor]


def pick_device(name: str = "auto") -> torch.device:
    """The torch device of ``--device``.

    Parameters
    ----------
    name : {'auto', 'cpu', 'cuda'}

    Raises
    ------
    BackendError
        CUDA is asked for and there is none.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name == "cuda" and not torch.cuda.is_available():
        raise BackendError("device cuda: no CUDA device is available here; use --device cpu")
    if name not in ("cpu", "cuda"):
        raise ValueError(f"device {name!r} is not auto, cpu or cuda")
    return torch.device(name)


def check_backend(device: str = "auto", backend: str = "auto") -> None:
    """Refuse a device or backend that cannot run here: arguments and errors of `pick_device` and `fused_network`."""
    layer = torch.zeros(FUSED_ALIGNMENT, FUSED_ALIGNMENT, device=pick_device(device))
    fused_network([layer, layer], backend)


def fused_network(weights: Sequence[torch.Tensor], backend: str = "auto") -> Network:
    """A bias-free ReLU network, (N, inputs) -> (N, outputs).

    Parameters
    ----------
    weights : sequence of (O, I) float32 tensor
        Layers in order, on the device they shall run on.
    backend : {'auto', 'torch', 'tcnn'}
        'auto' takes tiny-cuda-nn where the weights are on a GPU and it can be imported.

    Raises
    ------
    BackendError
        'tcnn' is asked for and cannot run here.
    """
    if backend not in ("auto", "torch", "tcnn"):
        raise ValueError(f"backend {backend!r} is not auto, torch or tcnn")
    if backend == "tcnn" or (backend == "auto" and weights[0].is_cuda):
        try:
            return _tinycudann(weights)
        except BackendError:
            if backend == "tcnn":
                raise
    return plain_network(weights)


def plain_network(weights: Sequence[torch.Tensor]) -> Network:
    """The same in plain torch: the reference."""

    def run(inputs: torch.Tensor) -> torch.Tensor:
        for i, layer in enumerate(weights):
            inputs = inputs @ layer.T
            if i < len(weights) - 1:
                inputs = torch.relu(inputs)
        return inputs

    return run


def _tinycudann(weights: Sequence[torch.Tensor]) -> Network:
    if not weights[0].is_cuda:
        raise BackendError("backend tcnn: it runs on CUDA devices only; use --backend torch")
    width = weights[0].shape[0]
    if width not in FUSED_WIDTHS or any(layer.shape[0] != width for layer in weights[:-1]):
        raise BackendError(f"backend tcnn: hidden width {width} is not one of {FUSED_WIDTHS}")
    try:
        # Imported here: the module raises at import where there is no GPU.
        import tinycudann
    except (ImportError, OSError) as error:
        raise BackendError(f"backend tcnn: tinycudann cannot be imported ({error})") from error
    network = tinycudann.Network(
        weights[0].shape[1],
        weights[-1].shape[0],
        {
            "otype": "FullyFusedMLP",
            "activation": "ReLU",
            "output_activation": "None",
            "n_neurons": width,
            "n_hidden_layers": len(weights) - 1,
        },
    )
    with torch.no_grad():
        network.params.copy_(torch.cat([_padded(layer).ravel() for layer in weights]))
    return lambda inputs: network(inputs).float()


def _padded(layer: torch.Tensor) -> torch.Tensor:
    """A layer with zero rows and columns up to tiny-cuda-nn's alignment; its parameters lie in this order."""
    rows, columns = (-size % FUSED_ALIGNMENT for size in layer.shape)
    return torch.nn.functional.pad(layer, (0, columns, 0, rows))
