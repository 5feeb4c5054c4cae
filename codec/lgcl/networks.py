"""Networks that answer with a signed distance: a decoder of local codes, and the DeepSDF family.

References
----------
.. [1] M. Atzmon, Y. Lipman, SAL: Sign agnostic learning of shapes from raw data, CVPR 2020, arXiv:1911.10414: the first
   weights, whose zero set is a sphere.
.. [2] J. J. Park, P. Florence, J. Straub, R. Newcombe, S. Lovegrove, DeepSDF: Learning continuous signed distance
   functions for shape representation, CVPR 2019, arXiv:1901.05103.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

N_SPACE = 3


@dataclass(frozen=True)
class Mlp:
    """Sizes of a network.

    Attributes
    ----------
    n_code : int
        Numbers of a latent code; a point's three coordinates come first.
    width : int
        Of the hidden layers.
    n_layers : int
        Linear layers, the last one included.
    skip : int
        The layer, counted from 0, that is given the inputs once more; the one before it is narrower by as many. 0 for
        none.
    beta : int
        Sharpness of Softplus; 0 for ReLU.
    """

    n_code: int
    width: int
    n_layers: int
    skip: int = 0
    beta: int = 100

    @property
    def n_inputs(self) -> int:
        """A point's coordinates and its code."""
        return N_SPACE + self.n_code

    def shapes(self) -> list[tuple[int, int]]:
        """(outputs, inputs) of each layer."""
        found = []
        for layer in range(self.n_layers):
            n_out = 1 if layer == self.n_layers - 1 else self.width
            if self.skip and layer == self.skip - 1:
                n_out -= self.n_inputs
            found.append((n_out, self.width if layer else self.n_inputs))
        return found


# The sizes of LGCL's Table 1 and of its baselines.
SDF_4 = Mlp(64, 128, 4)
SDF_8 = Mlp(256, 512, 8, skip=4)
DEEP_SDF = Mlp(256, 512, 9, skip=4, beta=0)


class SdfNetwork(torch.nn.Module):
    """Signed distances of points from their coordinates and codes.

    Parameters
    ----------
    sizes : Mlp
    """

    def __init__(self, sizes: Mlp) -> None:
        super().__init__()
        self.sizes = sizes
        self.layers = torch.nn.ModuleList(torch.nn.Linear(n_in, n_out) for n_out, n_in in sizes.shapes())

    def linear(self) -> list[torch.nn.Linear]:
        """Its layers."""
        return [layer for layer in self.layers if isinstance(layer, torch.nn.Linear)]

    def reset(self, generator: torch.Generator, radius: float = 1.0) -> None:
        """First weights: with zeros for a code and a sharp Softplus, about the distance to a sphere [1]_."""
        for layer in self.linear():
            n_out, n_in = layer.weight.shape
            layer.bias.data.zero_()
            layer.weight.data = torch.randn(n_out, n_in, generator=generator) * math.sqrt(2 / n_out)
        last = self.linear()[-1]
        last.weight.data = math.sqrt(math.pi / last.in_features) + 1e-4 * torch.randn(
            last.weight.shape, generator=generator
        )
        last.bias.data.fill_(-radius)

    def forward(self, points: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points with (N, C) codes."""
        layers = [(layer.weight, layer.bias) for layer in self.linear()]
        return evaluate(layers, self.sizes, torch.cat([points, codes], 1))


def evaluate(layers: Sequence[tuple[torch.Tensor, torch.Tensor]], sizes: Mlp, inputs: torch.Tensor) -> torch.Tensor:
    """(N,) answers to (N, inputs), from the weights and biases of the layers."""
    hidden = inputs
    for number, (weight, bias) in enumerate(layers):
        if number and number == sizes.skip:
            hidden = torch.cat([hidden, inputs], 1) / math.sqrt(2)
        hidden = torch.nn.functional.linear(hidden, weight, bias)
        if number < len(layers) - 1:
            hidden = activation(hidden, sizes.beta)
    return hidden[:, 0]


def activation(values: torch.Tensor, beta: int) -> torch.Tensor:
    """Softplus of a sharpness, or ReLU."""
    return torch.nn.functional.softplus(values, beta) if beta else torch.relu(values)
