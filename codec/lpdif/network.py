"""The networks that turn a region's code and a place in it into a distance (LP-DIF [1]_, section 3.3).

::

    code ---+
            +--> layer 0 --> ... --> layer k --+--> ... --> last layer --> distance
    point --+                                  |
    point -------------------------------------+

Places and distances are in the region's own units: its cube is [-1, 1]^3. A layer is one matrix whose last column is
its bias; ReLU between layers. The point goes in again where a layer has three inputs more than the width.

Not in the paper: a network may have one more matrix behind its layers, of four rows, which makes a plane of a code, a
linear function of the point (gradient and value at the middle) that is added to the answer. Small networks of ReLU
units find it hard to multiply a normal by a place, and most of a surface is nearly flat.

The shapes of its matrices tell all there is to know of a network.

References
----------
.. [1] M. Wang, Y.-S. Liu, Y. Gao, K. Shi, Y. Fang, Z. Han, LP-DIF: Learning Local Pattern-specific Deep Implicit
   Function for 3D Objects and Scenes, CVPR 2023.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

Float32Array = npt.NDArray[np.float32]

N_AXES = 3
PLANE_ROWS = N_AXES + 1
# Of the plane that fits a region best, in the first numbers of a code to begin with.
PLANE_SHARE = 0.5


@dataclass(frozen=True)
class NetworkShape:
    """Sizes of a network.

    Parameters
    ----------
    n_codes : int
        Numbers of a code.
    width : int
        Of its hidden layers.
    n_layers : int
        With the last one; at least two.
    again : int, optional
        After how many layers the point goes in again; never where None.
    plane : bool
        Whether codes have planes.
    """

    n_codes: int
    width: int
    n_layers: int
    again: int | None = None
    plane: bool = False

    def layers(self) -> list[tuple[int, int]]:
        """(outputs, inputs + 1) of each layer, then (4, numbers of a code) where codes have planes."""
        inputs = [self.n_codes + N_AXES, *[self.width] * (self.n_layers - 1)]
        if self.again is not None:
            inputs[self.again] += N_AXES
        outputs = [*[self.width] * (self.n_layers - 1), 1]
        layers = [(n_out, n_in + 1) for n_out, n_in in zip(outputs, inputs, strict=True)]
        return [*layers, *([(PLANE_ROWS, self.n_codes)] if self.plane else [])]

    @property
    def n_weights(self) -> int:
        """Of all layers, with biases."""
        return sum(rows * columns for rows, columns in self.layers())


# The sizes of the paper (its Table 6): 3,745 weights of the coarse network. A pattern network of the text has 9 layers.
PAPER_COARSE = NetworkShape(13, 32, 5)
PAPER_PATTERN = NetworkShape(61, 128, 9, again=4)


def initial_layers(shape: NetworkShape, generator: torch.Generator) -> list[torch.Tensor]:
    """First weights: those that keep the size of what goes through (He), the answer small, no biases."""
    layers: list[torch.Tensor] = []
    for rows, columns in shape.layers():
        if rows == PLANE_ROWS and len(layers) == shape.n_layers:
            layers.append(torch.eye(rows, columns) / PLANE_SHARE)
            continue
        spread = math.sqrt(2 / (columns - 1)) * (0.1 if rows == 1 else 1.0)
        layer = torch.randn(rows, columns, generator=generator) * spread
        layer[:, -1] = 0
        layers.append(layer)
    return layers


def has_planes(layers: Sequence[Any]) -> bool:
    """Whether the last matrix makes planes: a network's last layer has one row."""
    return bool(layers[-1].shape[0] == PLANE_ROWS)


def with_planes_first(layers: Sequence[Float32Array]) -> tuple[list[Float32Array], Float32Array]:
    """The same network for codes in other coordinates, the first four of which are the plane times `PLANE_SHARE`.

    Returns
    -------
    layers : list of (O, I + 1) float32
    turned : (C, C) float32
        The matrix that makes a code for the network given of one for this one.
    """
    first, planes = layers[0], layers[-1]
    n_codes = planes.shape[1]
    inverse = np.linalg.pinv(planes)  # (C, 4)
    rest = (np.eye(n_codes) - inverse @ planes)[:, PLANE_ROWS:]  # without a plane, and nearly as they were
    turned = np.concatenate([inverse / PLANE_SHARE, rest], 1).astype(np.float32)
    new_first = np.concatenate([first[:, :n_codes] @ turned, first[:, n_codes:]], 1)
    return [new_first, *layers[1:-1], np.eye(PLANE_ROWS, n_codes, dtype=np.float32) / PLANE_SHARE], turned


def code_part(layers: Sequence[torch.Tensor], codes: torch.Tensor) -> torch.Tensor:
    """(R, W) what a network makes of (R, C) codes alone: the same for all points of a region.

    That is the share of the codes in the first layer, with its bias, and behind it the planes, if there are some.
    """
    first, n_codes = layers[0], codes.shape[1]
    parts = [codes @ first[:, :n_codes].T + first[:, -1]]
    if has_planes(layers):
        parts.append(codes @ layers[-1].T)
    return torch.cat(parts, 1)


def evaluate(layers: Sequence[torch.Tensor], of_codes: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """Distances at points of regions.

    Parameters
    ----------
    layers : sequence of (O, I + 1) float32 tensor
    of_codes : (..., W) float32 tensor
        As `code_part` gives it, spread over the points.
    points : (..., 3) float32 tensor
        In the units of their regions.

    Returns
    -------
    distances : (...) float32 tensor
        In the same units.
    """
    first, width = layers[0], layers[0].shape[0]
    others = layers[1:-1] if has_planes(layers) else layers[1:]
    hidden = torch.relu(of_codes[..., :width] + points @ first[:, -1 - N_AXES : -1].T)
    for layer in others:
        answer = torch.nn.functional.linear(hidden, layer[:, :width], layer[:, -1])
        if layer.shape[1] == width + N_AXES + 1:
            answer = answer + points @ layer[:, width:-1].T
        hidden = torch.relu(answer) if layer is not others[-1] else answer
    if not has_planes(layers):
        return hidden[..., 0]
    plane = of_codes[..., width:]
    return hidden[..., 0] + (plane[..., :N_AXES] * points).sum(-1) + plane[..., N_AXES]
