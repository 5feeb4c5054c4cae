"""The two branches of the compact latent space [1]_: one that generalizes, one that overfits through a shared grid.

::

    x --+-- positional encoding --+--> coarse branch --> s_g         a fair distance anywhere
        |                      z -+
        +-- shared grid --> c --+
        +-----------------------+---> fine branch ---> s_o           details, near the surface
                             z -+

A layer is one matrix whose last column is its bias; ReLU between layers. The code of a shape is the same at all points:
it only moves the bias of a first layer.

References
----------
.. [1] Learning Compact Latent Space for Representing Neural Signed Distance Functions with High-fidelity Geometry
   Details, AAAI 2026, arXiv:2511.14539.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

Layers = Sequence[torch.Tensor]
_FEATURE_SPREAD = 0.1  # of the grid's numbers at first
_LAST_SHARE = 0.3  # of the usual spread, for weights that make a distance: distances are small numbers


@dataclass(frozen=True)
class CompactSizes:
    """Sizes of code, grid and branches.

    Parameters
    ----------
    n_code : int
        d, numbers of a shape's code.
    n_octaves : int
        Of the positional encoding.
    resolution : int
        Nodes of the grid along an axis, at least 2.
    n_features : int
        Of a node.
    width : int
        Of the hidden layers of both branches.
    n_hidden : int
        Hidden layers of both.
    """

    n_code: int = 32
    n_octaves: int = 5
    resolution: int = 32
    n_features: int = 8
    width: int = 64
    n_hidden: int = 3

    @property
    def coarse_shapes(self) -> tuple[tuple[int, int], ...]:
        """(outputs, inputs) of the coarse branch's layers; the code comes last of the inputs, before the constant."""
        return self._shapes(3 + 6 * self.n_octaves)

    @property
    def fine_shapes(self) -> tuple[tuple[int, int], ...]:
        """As `coarse_shapes`, of the fine branch."""
        return self._shapes(3 + self.n_features)

    @property
    def grid_shape(self) -> tuple[int, int, int, int]:
        """(F, R, R, R): features, then nodes along x, y, z."""
        return self.n_features, self.resolution, self.resolution, self.resolution

    def _shapes(self, n_local: int) -> tuple[tuple[int, int], ...]:
        hidden = ((self.width, self.width + 1),) * (self.n_hidden - 1)
        return (self.width, n_local + self.n_code + 1), *hidden, (1, self.width + 1)


SMALL = CompactSizes()
# As printed: 128^3 nodes of 128 numbers, codes of 256, eight layers of 512. The octaves are not said; 6 are usual.
PAPER = CompactSizes(256, 6, 128, 128, 512, 7)


def first_layers(shapes: Sequence[tuple[int, int]], generator: torch.Generator) -> list[torch.Tensor]:
    """Random layers (O, I) float32 whose units have about the same spread; biases are 0."""
    layers = []
    for i, (n_out, n_in) in enumerate(shapes):
        layer = torch.randn(n_out, n_in, generator=generator) * math.sqrt(2 / n_in)
        layer[:, -1] = 0
        layers.append(layer if i < len(shapes) - 1 else _LAST_SHARE * layer)
    return layers


def first_grid(sizes: CompactSizes, generator: torch.Generator) -> torch.Tensor:
    """Random features (F, R, R, R) float32."""
    return torch.randn(sizes.grid_shape, generator=generator) * _FEATURE_SPREAD


def coarse_distance(sizes: CompactSizes, layers: Layers, points: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """(N,) distances by the branch that generalizes.

    Parameters
    ----------
    sizes : CompactSizes
    layers : sequence of (O, I) float32 tensor
        Of its `coarse_shapes`.
    points : (N, 3) float32 tensor
        Normalized.
    code : (d,) float32 tensor
    """
    inputs = [points]
    for octave in range(sizes.n_octaves):
        angle = (math.pi * 2**octave) * points
        inputs += [torch.sin(angle), torch.cos(angle)]
    return _run(layers, torch.cat(inputs, 1), code)


def fine_distance(grid: torch.Tensor, layers: Layers, points: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    """(N,) distances by the branch that overfits.

    Parameters
    ----------
    grid : (F, R, R, R) float32 tensor
        Nodes over [-1, 1]^3, corners included.
    layers : sequence of (O, I) float32 tensor
        Of `fine_shapes`.
    points, code
        As of `coarse_distance`.
    """
    return _run(layers, torch.cat([interpolated(grid, points), points], 1), code)


def interpolated(volume: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """(N, F) trilinear values of a volume (F, R, R, R) over [-1, 1]^3 at (N, 3) points; outside, of its border."""
    places = points.flip(1).view(1, 1, 1, -1, 3)  # torch wants the last axis first
    found = torch.nn.functional.grid_sample(volume[None], places, align_corners=True, padding_mode="border")
    return found.view(volume.shape[0], -1).T


def _run(layers: Layers, inputs: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    n_local = inputs.shape[1]
    first = layers[0]
    units = torch.relu(inputs @ first[:, :n_local].T + (first[:, n_local:-1] @ code + first[:, -1]))
    for layer in layers[1:-1]:
        units = torch.relu(units @ layer[:, :-1].T + layer[:, -1])
    return (units @ layers[-1][:, :-1].T + layers[-1][:, -1])[:, 0]
