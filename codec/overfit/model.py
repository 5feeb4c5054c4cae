"""The field that an `overfit` file describes: a network from points to signed distances.

::

    x, y, z, 1 --+------------------------------> layer, activation --> ... --> layer --(tanh)--> signed distance
                 +--> sin, cos of 2^k pi x, ... --^                 (skip: the inputs once more, in the middle)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch

from ...formats.errors import BackendError
from ..backend import FUSED_WIDTHS, fused_network
from ..region import Region
from ..tensor_field import TensorField
from ..whole import WHOLE
from .architecture import Architecture
from .symbols import OverfitSymbols

Drop = Callable[[torch.Tensor], torch.Tensor]

# Radians that the argument of a first layer's sine turns along a unit of length, at most, before fitting: for each
# unit of the layer, and in all. More of them, and a small network makes noise of what it cannot resolve.
_FREQUENCY_A_UNIT, _MOST_FREQUENCY = 1.4, 45.0
_KERNEL_NAMES = {"relu": "ReLU", "sine": "Sine"}
# Points times units of a layer that are evaluated at once on a CPU: they stay in its cache.
_UNITS_AT_ONCE = 1 << 18
_CHUNK = 1 << 18  # points on other devices
_UNITS_KEPT = 1 << 24  # points times units of all layers, for gradients: bounds the memory


def network_inputs(architecture: Architecture, points: torch.Tensor) -> torch.Tensor:
    """(N, I) inputs of the network at (N, 3) points: the point, 1, then sines and cosines by octave."""
    inputs = [points, torch.ones_like(points[:, :1])]
    for octave in range(architecture.n_frequencies):
        angle = (math.pi * 2**octave) * points
        inputs += [torch.sin(angle), torch.cos(angle)]
    return torch.cat(inputs, 1)


def run_network(
    architecture: Architecture, layers: Sequence[torch.Tensor], points: torch.Tensor, drop: Drop | None = None
) -> torch.Tensor:
    """Signed distances of a network.

    Parameters
    ----------
    architecture : Architecture
    layers : sequence of (O, I) float32 tensor
        Of the architecture's shapes.
    points : (N, 3) float32 tensor
    drop : callable, optional
        Done to the units of each hidden layer.

    Returns
    -------
    distances : (N,) float32 tensor
        Normalized units.
    """
    inputs = network_inputs(architecture, points)
    activation = torch.sin if architecture.activation == "sine" else torch.relu
    units = activation(inputs @ layers[0].T)
    for i, layer in enumerate(layers[1:], 1):
        if drop is not None:
            units = drop(units)
        # The weights of units, bias and inputs taken apart: concatenating the units would copy them.
        total = units @ layer[:, : architecture.width].T
        if architecture.biases:
            total = total + layer[:, architecture.width]
        if i == architecture.skip_layer:
            total = total + inputs @ layer[:, -architecture.n_inputs :].T
        units = activation(total) if i < architecture.n_hidden else total
    return torch.tanh(units[:, 0]) if architecture.bounded else units[:, 0]


def initial_layers(architecture: Architecture, generator: torch.Generator) -> list[torch.Tensor]:
    """Random weights, (O, I) float32 each, whose units have about the same spread in all layers.

    Notes
    -----
    He's normal initialization of ReLU networks, and SIREN's of networks of sines, where the first layer's frequency
    decides how fine the details are that come first.
    """
    layers = []
    for i, (n_out, n_in) in enumerate(architecture.shapes):
        uniform = 2 * torch.rand(n_out, n_in, generator=generator) - 1
        if architecture.activation == "relu":
            layer = torch.randn(n_out, n_in, generator=generator) * math.sqrt(2 / n_in)
            if i and architecture.biases:
                layer[:, architecture.width] = 0
        elif i == 0 and not architecture.n_frequencies:
            layer = uniform * (min(_FREQUENCY_A_UNIT * architecture.width, _MOST_FREQUENCY) / 3)
            layer[:, 3] = uniform[:, 3] * math.pi
        else:
            layer = uniform * math.sqrt(6 / n_in)
        # Distances are small numbers.
        layers.append(layer if i < architecture.n_hidden else 0.3 * layer)
    return layers


class NetworkField(TensorField):
    """Signed distance field of a network.

    Parameters
    ----------
    architecture : Architecture
    layers : sequence of (O, I) float32 tensor
    region : Region
        Where it is defined; by default the whole cube.
    device : torch.device, optional
        By default the CPU.
    backend : {'auto', 'torch', 'tcnn'}
        Only networks without biases and skip run in tiny-cuda-nn; 'auto' takes torch for the others.

    Raises
    ------
    BackendError
        'tcnn' is asked for and cannot run this network here.
    """

    def __init__(
        self,
        architecture: Architecture,
        layers: Sequence[torch.Tensor],
        region: Region = WHOLE,
        device: torch.device | None = None,
        backend: str = "auto",
    ) -> None:
        super().__init__(region, device)
        self._architecture = architecture
        self._layers = [layer.to(self.device) for layer in layers]
        self._fused = None
        is_fused = architecture.is_fused and architecture.width <= FUSED_WIDTHS[-1]
        if backend == "tcnn" and not is_fused:
            raise BackendError("backend tcnn: no kernel has this network's layers; use --backend torch")
        if is_fused and (backend == "tcnn" or self.device.type != "cpu"):
            self._fused = fused_network(padded_layers(self._layers), backend, _KERNEL_NAMES[architecture.activation])

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        if self._fused is None:
            n_at_once = max(_UNITS_AT_ONCE // self._architecture.width, 1) if points.device.type == "cpu" else _CHUNK
            parts = points.split(n_at_once)
            return torch.cat([run_network(self._architecture, self._layers, part) for part in parts])
        values = self._fused(network_inputs(self._architecture, points))[:, 0]
        return torch.tanh(values) if self._architecture.bounded else values

    def values_and_gradient(self, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """As `TensorField.values_and_gradient`, some points at a time: all units of all layers are kept for them."""
        parts = points.split(max(_UNITS_KEPT // (self._architecture.width * self._architecture.n_hidden), 1))
        found = [super(NetworkField, self).values_and_gradient(part) for part in parts]
        return torch.cat([values for values, _ in found]), torch.cat([gradient for _, gradient in found])


def field_of(symbols: OverfitSymbols, device: torch.device | None = None, backend: str = "auto") -> NetworkField:
    """The field of decoded symbols."""
    layers = [torch.from_numpy(layer) for layer in symbols.layers()]
    return NetworkField(symbols.architecture, layers, Region(symbols.depth, symbols.cells), device, backend)


def padded_layers(layers: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The same network with units of weight zero up to the next width that fused kernels have."""
    width = layers[0].shape[0]
    extra = min(fused for fused in FUSED_WIDTHS if fused >= width) - width
    last = len(layers) - 1
    return [
        torch.nn.functional.pad(layer, (0, extra if i else 0, 0, extra if i < last else 0))
        for i, layer in enumerate(layers)
    ]
