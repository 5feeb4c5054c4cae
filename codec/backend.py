"""Where networks run: plain torch (the reference) or tiny-cuda-nn's kernels.

A decoder network has no biases (a constant 1 goes in), one width and one activation; the last layer is linear. Both
backends take the same weights::

    torch layers with biases --folding.without_biases--> layers --+--> plain_network                       (torch)
    softplus of any beta -----folding.with_softplus_10--> layers --+--flat_parameters--> tinycudann.Network (CUDA)
    tables of a hash grid ----------------------------------------+--flat_parameters--> its encoding and network in one

tiny-cuda-nn computes in half precision: `TOLERANCE` says how far the two may be apart.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ..formats.errors import BackendError

FUSED_WIDTHS = (16, 32, 64, 128)
FUSED_ALIGNMENT = 16  # tiny-cuda-nn pads inputs and outputs to multiples of this
SOFTPLUS_BETA = 10.0  # of tiny-cuda-nn's softplus
# Most that half precision moves an output, in units of the largest one.
TOLERANCE = 0.02

Network = Callable[[torch.Tensor], torch.Tensor]

ACTIVATIONS: Mapping[str, Network] = {
    "ReLU": torch.relu,
    "Softplus": lambda x: torch.nn.functional.softplus(x, beta=SOFTPLUS_BETA),
    "Sine": torch.sin,
}
# tiny-cuda-nn's fully fused kernels have no sine; its other networks have the same parameters and are slower.
_KERNELS = {"ReLU": "FullyFusedMLP", "Softplus": "FullyFusedMLP", "Sine": "CutlassMLP"}


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


def fused_network(weights: Sequence[torch.Tensor], backend: str = "auto", activation: str = "ReLU") -> Network:
    """A bias-free network, (N, inputs) -> (N, outputs).

    Parameters
    ----------
    weights : sequence of (O, I) float32 tensor
        Layers in order, on the device they shall run on.
    backend : {'auto', 'torch', 'tcnn'}
        'auto' takes tiny-cuda-nn where the weights are on a GPU and it can be imported.
    activation : {'ReLU', 'Softplus', 'Sine'}
        After each layer but the last; a softplus has the beta `SOFTPLUS_BETA`.

    Raises
    ------
    BackendError
        'tcnn' is asked for and cannot run here.
    """
    return _chosen(
        backend,
        weights[0].is_cuda,
        lambda: plain_network(weights, activation),
        lambda: _tinycudann(weights, activation),
    )


def fused_encoding(
    configuration: Mapping[str, object],
    tables: torch.Tensor,
    weights: Sequence[torch.Tensor],
    plain_encoding: Network,
    backend: str = "auto",
    n_more: int = 0,
) -> Network:
    """A grid's features and a bias-free ReLU network on them in one, (N, 3 + M) -> (N, outputs).

    The inputs are positions in [0, 1]^3, and M more that the network sees as they are.

    Parameters
    ----------
    configuration : mapping
        The encoding as tiny-cuda-nn names it (`HashGrid.configuration`).
    tables : (P,) float32 tensor
        Its parameters in tiny-cuda-nn's order, level by level.
    weights : sequence of (O, I) float32 tensor
        The first layer has a column for each feature, M for the further inputs and a last one for a constant 1.
    plain_encoding : callable
        (N, 3) -> (N, I - M - 1), the same features in torch.
    backend : {'auto', 'torch', 'tcnn'}
    n_more : int
        M.

    Raises
    ------
    BackendError
        'tcnn' is asked for and cannot run here.
    """
    network = plain_network(weights)

    def plain(inputs: torch.Tensor) -> torch.Tensor:
        return network(with_one(torch.cat([plain_encoding(inputs[:, :3]), inputs[:, 3:]], 1)))

    def fused() -> Network:
        return _tinycudann_encoding(configuration, tables, weights, n_more)

    return _chosen(backend, tables.is_cuda, lambda: plain, fused)


def plain_network(weights: Sequence[torch.Tensor], activation: str = "ReLU") -> Network:
    """The same in plain torch: the reference."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation {activation!r} is not {', '.join(ACTIVATIONS)}")
    bent = ACTIVATIONS[activation]

    def run(inputs: torch.Tensor) -> torch.Tensor:
        for layer in weights[:-1]:
            inputs = bent(inputs @ layer.T)
        return inputs @ weights[-1].T

    return run


def with_one(inputs: torch.Tensor) -> torch.Tensor:
    """(N, I + 1): inputs and a constant 1, in place of biases."""
    return torch.cat([inputs, torch.ones_like(inputs[:, :1])], 1)


# -- tiny-cuda-nn's parameters -----------------------------------------------------------------------------------------


def flat_parameters(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """(P,) parameters of a network as tiny-cuda-nn has them: layers in order, row by row, padded with zeros.

    The first layer's columns and the last layer's rows are padded to multiples of `FUSED_ALIGNMENT`.
    """
    return torch.cat([_padded(layer).ravel() for layer in weights])


def layers_of(parameters: torch.Tensor, shapes: Sequence[tuple[int, int]]) -> list[torch.Tensor]:
    """The layers, of (outputs, inputs) each, that `flat_parameters` made parameters of.

    Raises
    ------
    ValueError
        There are more or fewer parameters than these shapes have.
    """
    padded = [tuple(size + -size % FUSED_ALIGNMENT for size in shape) for shape in shapes]
    sizes = [math.prod(shape) for shape in padded]
    if len(parameters) != sum(sizes):
        raise ValueError(f"{len(parameters)} parameters, but layers {list(shapes)} have {sum(sizes)} when padded")
    parts = zip(torch.split(parameters, sizes), padded, shapes, strict=True)
    return [part.reshape(whole)[: shape[0], : shape[1]] for part, whole, shape in parts]


def network_configuration(weights: Sequence[torch.Tensor], activation: str = "ReLU") -> dict[str, object]:
    """A network as tiny-cuda-nn names it.

    Raises
    ------
    BackendError
        Its kernels have no such width.
    """
    width = weights[0].shape[0]
    if width not in FUSED_WIDTHS or any(layer.shape[0] != width for layer in weights[:-1]):
        raise BackendError(f"backend tcnn: hidden width {width} is not one of {FUSED_WIDTHS}")
    return {
        "otype": _KERNELS[activation],
        "activation": activation,
        "output_activation": "None",
        "n_neurons": width,
        "n_hidden_layers": len(weights) - 1,
    }


def with_more(configuration: Mapping[str, object], n_more: int = 1) -> dict[str, object]:
    """An encoding of points (N, 3) with further features that are inputs themselves: its inputs are (N, 3 + n_more).

    tiny-cuda-nn pads the features to a multiple of `FUSED_ALIGNMENT`; what it pads with meets weights of zero.
    """
    nested = [{**configuration, "n_dims_to_encode": 3}, {"otype": "Identity", "n_dims_to_encode": n_more}]
    return {"otype": "Composite", "nested": nested}


def _padded(layer: torch.Tensor) -> torch.Tensor:
    """A layer with zero rows and columns up to tiny-cuda-nn's alignment."""
    rows, columns = (-size % FUSED_ALIGNMENT for size in layer.shape)
    return torch.nn.functional.pad(layer, (0, columns, 0, rows))


# -- which of them runs ------------------------------------------------------------------------------------------------


def _chosen(backend: str, is_cuda: bool, plain: Callable[[], Network], fused: Callable[[], Network]) -> Network:
    if backend not in ("auto", "torch", "tcnn"):
        raise ValueError(f"backend {backend!r} is not auto, torch or tcnn")
    if backend == "tcnn" and not is_cuda:
        raise BackendError("backend tcnn: it runs on CUDA devices only; use --backend torch")
    if backend == "tcnn" or (backend == "auto" and is_cuda):
        try:
            return fused()
        except BackendError:
            if backend == "tcnn":
                raise
    return plain()


def _tinycudann(weights: Sequence[torch.Tensor], activation: str) -> Network:
    configuration = network_configuration(weights, activation)
    network = _imported().Network(weights[0].shape[1], weights[-1].shape[0], configuration)
    with torch.no_grad():
        network.params.copy_(flat_parameters(weights))
    return lambda inputs: network(inputs).float()


def _tinycudann_encoding(
    configuration: Mapping[str, object], tables: torch.Tensor, weights: Sequence[torch.Tensor], n_more: int
) -> Network:
    encoding = with_more(configuration, n_more + 1)  # the last is the constant 1
    network = _imported().NetworkWithInputEncoding(
        3 + n_more + 1, weights[-1].shape[0], encoding, network_configuration(weights)
    )
    with torch.no_grad():
        network.params.copy_(torch.cat([flat_parameters(weights), tables]))  # the network's come first
    return lambda points: network(with_one(points)).float()


def _imported() -> Any:
    try:
        # Imported here: the module raises at import where there is no GPU.
        import tinycudann
    except (ImportError, OSError) as error:
        raise BackendError(f"backend tcnn: tinycudann cannot be imported ({error})") from error
    return tinycudann
