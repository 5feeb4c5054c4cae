"""Ordinary networks as the bias-free ones that fused kernels run: the same function, other weights.

A bias is a weight of an input that is always 1. The input gets one; from there a unit of every hidden layer carries it
on, since each activation a has some c with a(c) = 1::

    [x, 1] --> [a(W x + b), a(c 1) = 1] --> ... --> W x + b

So a layer of h units becomes one of h + 1, padded with units that nothing listens to up to a width that kernels have: a
network of 31 or 63 hidden units folds without loss, one of 32 or 64 takes the next width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch

from .backend import FUSED_WIDTHS, SOFTPLUS_BETA

# What each activation maps to 1.
_INVERSE_OF_ONE = {
    "ReLU": 1.0,
    "Softplus": math.log(math.expm1(SOFTPLUS_BETA)) / SOFTPLUS_BETA,
    "Sine": math.pi / 2,
}


def without_biases(
    weights: Sequence[torch.Tensor], biases: Sequence[torch.Tensor], activation: str = "ReLU"
) -> list[torch.Tensor]:
    """Bias-free layers of a network with biases, whose input has a constant 1 as its last column.

    Parameters
    ----------
    weights : sequence of (O, I) float32 tensor
    biases : sequence of (O,) float32 tensor
        One for each layer.
    activation : {'ReLU', 'Softplus', 'Sine'}
        After each layer but the last, as `backend.fused_network` has it.

    Returns
    -------
    layers : list of (O', I') float32 tensor
        Hidden layers are as wide as the widest one and one more, rounded up to a fused width where there is one.

    Examples
    --------
    >>> layers = without_biases([torch.ones(31, 2), torch.ones(1, 31)], [torch.ones(31), torch.ones(1)])
    >>> [tuple(layer.shape) for layer in layers]
    [(32, 3), (1, 32)]
    """
    width = _width_for(max((layer.shape[0] for layer in weights[:-1]), default=0) + 1)
    folded = []
    for i, (layer, bias) in enumerate(zip(weights, biases, strict=True)):
        n_out, n_in = layer.shape
        last = i == len(weights) - 1
        found = layer.new_zeros(n_out if last else width, n_in + 1 if i == 0 else width)
        found[:n_out, :n_in], found[:n_out, n_in] = layer, bias
        if not last:
            found[n_out, n_in] = _INVERSE_OF_ONE[activation]
        folded.append(found)
    return folded


def with_softplus_10(weights: Sequence[torch.Tensor], beta: float) -> list[torch.Tensor]:
    """Bias-free layers whose softplus has the kernels' beta, 10, of a network whose softplus has another.

    softplus_b(x) = (10 / b) softplus_10(b x / 10): between layers the factors cancel.
    """
    factor = beta / SOFTPLUS_BETA
    if len(weights) == 1:
        return [weights[0]]
    return [weights[0] * factor, *weights[1:-1], weights[-1] / factor]


def _width_for(n_units: int) -> int:
    return next((width for width in FUSED_WIDTHS if width >= n_units), n_units)
