"""The field of local codes: a point asks the decoder with the code of its nearest key point, in that one's coordinates.

::

    z_G, 8 numbers a key point --G2L, on the graph--> local codes z_i --+
    point x --nearest key point i--> T_i(x) = (x - p_i) / spacing_i ----+--> decoder --times spacing_i--> distance

Eq. (2), (3) of [1]_. Two things are ours, and a pack may do without them. The graph network may see, beside z_G, how
the neighbours of a key point lie around it: the decoder knows that, it costs no bits, and it tells the tangent plane
but for its side. And several key points may answer for a point, with weights that fade before another one takes over,
so that the surface has no steps where regions meet.

References
----------
.. [1] S. Yao, F. Yang, Y. Cheng, M. G. Mozerov, 3D shapes local geometry codes learning with SDF, ICCVW 2021,
   arXiv:2108.08593.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.spatial
import torch

from .convolution import ChebConv, VcConv
from .graph import Graph, spacings
from .networks import SDF_4, Mlp, SdfNetwork

N_GEOMETRY = 9
# Part of the format, never change: beyond so many spacings from its key point, a point is answered for as the one this
# far in its direction is, in proportion to the distance. What was never trained is never asked.
REACH = 2.0

Decode = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class LocalSizes:
    """Sizes of the networks; the defaults are the paper's.

    Attributes
    ----------
    channels : tuple of int
        Of the graph network: numbers of z_G a key point, then the outputs of each convolution; the last ones are the
        local code.
    order : int
        Of the Chebyshev filters.
    decoder : Mlp
    geometry : bool
        Whether the graph network also sees the neighbours' positions.
    blend : int
        Key points that answer for a point; 1 for Eq. (3).
    """

    channels: tuple[int, ...] = (8, 8, 16, 32, 64)
    order: int = 6
    decoder: Mlp = SDF_4
    geometry: bool = False
    blend: int = 1

    @property
    def n_inputs(self) -> int:
        """Channels that the first convolution sees."""
        return self.channels[0] + (N_GEOMETRY if self.geometry else 0)


class LocalNetwork(torch.nn.Module):
    """The graph network and the decoder.

    Parameters
    ----------
    sizes : LocalSizes
    template : Graph, optional
        For spatially varying kernels on its edges, with as many bases as outputs; Chebyshev filters where there is
        none. The last convolution has no bias: the sizes are then those of the paper's Table 2.
    """

    def __init__(self, sizes: LocalSizes, template: Graph | None = None) -> None:
        super().__init__()
        self.sizes = sizes
        convolutions = []
        for number, n_out in enumerate(sizes.channels[1:]):
            n_in, bias = (sizes.channels[number] if number else sizes.n_inputs), number < len(sizes.channels) - 2
            convolutions.append(
                ChebConv(n_in, n_out, sizes.order, bias)
                if template is None
                else VcConv(n_in, n_out, n_out, template, bias)
            )
        self.convolutions = torch.nn.ModuleList(convolutions)
        self.decoder = SdfNetwork(sizes.decoder)

    def reset(self, generator: torch.Generator) -> None:
        """First weights."""
        for convolution in self.convolutions:
            assert isinstance(convolution, ChebConv | VcConv)
            convolution.reset(generator)
        self.decoder.reset(generator)

    def local_codes(self, inputs: torch.Tensor, graph: Graph) -> torch.Tensor:
        """(K, C) local codes from (K, `sizes.n_inputs`) numbers; ELU follows all convolutions but the last."""
        for number, convolution in enumerate(self.convolutions):
            inputs = convolution(torch.nn.functional.elu(inputs) if number else inputs, graph)
        return inputs


@dataclass(frozen=True, eq=False)
class KeyPoints:
    """Key points, and what follows from their positions alone.

    Attributes
    ----------
    positions : (K, 3) float32 tensor
        Normalized units.
    graph : Graph
    spacing : (K, 1) float32 tensor
        Mean length of a key point's edges.
    """

    positions: torch.Tensor
    graph: Graph
    spacing: torch.Tensor

    @staticmethod
    def of(positions: npt.NDArray[np.floating], graph: Graph) -> KeyPoints:
        """Key points at (K, 3) positions."""
        found = torch.from_numpy(np.asarray(positions, np.float32)).to(graph.device)
        return KeyPoints(found, graph, spacings(found, graph))

    def geometry(self) -> torch.Tensor:
        """(K, 9): mean and six second moments of the offsets to the neighbours, in spacings."""
        n = len(self.positions)
        if not len(self.graph.edges):
            return torch.zeros(n, N_GEOMETRY, device=self.positions.device)
        start, end = torch.from_numpy(self.graph.edges.T.copy()).to(self.positions.device)
        offset = (self.positions[end] - self.positions[start]) / self.spacing[start]
        rows, columns = torch.triu_indices(3, 3)
        moments = offset[:, rows] * offset[:, columns]
        total = torch.zeros(n, N_GEOMETRY, device=self.positions.device)
        total.index_add_(0, start, torch.cat([offset, moments], 1))
        return total / self.graph.degrees

    def inputs(self, codes: torch.Tensor, geometry: bool) -> torch.Tensor:
        """What the graph network sees: (K, C) numbers of z_G, with the geometry if wanted."""
        return torch.cat([codes, self.geometry()], 1) if geometry else codes


class Regions:
    """Which key points answer for a point.

    Parameters
    ----------
    positions : (K, 3) float array
    blend : int
        How many.
    """

    def __init__(self, positions: npt.NDArray[np.floating], blend: int) -> None:
        self._tree = scipy.spatial.cKDTree(positions)
        # One more than answer, for where their weights end; where there are not so many, the nearest alone.
        self._n = blend + 1 if 1 < blend < len(positions) else 1

    def nearest(self, points: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
        """(N, 1 or blend + 1) key points, nearest first."""
        found: npt.NDArray[np.int64] = self._tree.query(points, self._n)[1]
        return found.reshape(len(points), self._n)


def local_distances(
    points: torch.Tensor, nearest: torch.Tensor, key_points: KeyPoints, codes: torch.Tensor, decode: Decode
) -> torch.Tensor:
    """Signed distances, differentiable in points and codes.

    Parameters
    ----------
    points : (N, 3) float32 tensor
        Normalized units.
    nearest : (N, B) int64 tensor
        As `Regions.nearest` gives them.
    key_points : KeyPoints
    codes : (K, C) float32 tensor
        Local codes.
    decode : callable
        The decoder.

    Returns
    -------
    distances : (N,) float32 tensor
    """
    if nearest.shape[1] == 1:
        return _of_region(points, nearest[:, 0], key_points, codes, decode)
    offset = points[:, None] - key_points.positions[nearest]
    distance = (offset.square().sum(2) + 1e-12).sqrt()
    weights = (1 - distance[:, :-1] / distance[:, -1:]).clamp(min=0).square() + 1e-6
    n_points, n_blend = weights.shape
    each = points[:, None].expand(-1, n_blend, -1).reshape(-1, 3)
    answers = _of_region(each, nearest[:, :-1].reshape(-1), key_points, codes, decode)
    return (weights * answers.view(n_points, n_blend)).sum(1) / weights.sum(1)


def _of_region(
    points: torch.Tensor, region: torch.Tensor, key_points: KeyPoints, codes: torch.Tensor, decode: Decode
) -> torch.Tensor:
    spacing = key_points.spacing[region]
    local = (points - key_points.positions[region]) / spacing  # T_i(x)
    length = (local.square().sum(1, keepdim=True) + 1e-12).sqrt()
    beyond = (length / REACH).clamp(min=1)
    return decode(local / beyond, codes[region]) * (beyond * spacing)[:, 0]
