"""Train on registered meshes, whose vertices and edges are the key points and the graph: the paper's setting.

A vertex is where the frame has it, as in the paper, so that a network is told where the surface passes; what is counted
as a frame's code does not hold that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ..target import Target
from ..tensor_field import TensorField
from ..training.codes import ShapeCodes
from ..training.trainee import Arrays, ShapeArrays
from ..whole import FILL, WHOLE
from .graph import Graph
from .key_points import edges_of_faces
from .losses import PAPER, LossWeights, basic_loss, rings_of, similarity_loss
from .model import KeyPoints, LocalNetwork, LocalSizes, Regions, local_distances
from .surface_samples import surface_arrays, surface_batch

_NAMES = ("surface", "normals", "points", "distances", "surface_near", "points_near")


@dataclass(frozen=True, eq=False)
class TemplateTrainee:
    """The networks of a registered template in training, with the losses of the paper.

    Parameters
    ----------
    faces : (F, 3) int array
        Of all frames.
    sizes : LocalSizes
    varying : bool
        Spatially varying kernels in place of Chebyshev filters.
    same_code : bool
        One code for all key points of a frame, as in the paper's Fig. 4 (b).
    weights : LossWeights
    n_samples : int
        Points on each frame's surface, and as many around it.
    batch_size : int
        Of each, in a step.
    network_rate, code_rate : float
        Of Adam; the defaults are the paper's.
    """

    faces: npt.NDArray[np.int64]
    sizes: LocalSizes = LocalSizes()  # noqa: RUF009
    varying: bool = False
    same_code: bool = False
    weights: LossWeights = PAPER
    n_samples: int = 1 << 16
    batch_size: int = 2048
    network_rate: float = 5e-4
    code_rate: float = 1e-3

    @property
    def settings_key(self) -> str:
        """What the training depends on."""
        return (
            f"{self.sizes}, varying {self.varying}, same {self.same_code}, {self.weights}, batches of "
            f"{self.batch_size}, rates {self.network_rate:g} {self.code_rate:g}"
        )

    def frame_arrays(self, vertices: npt.NDArray[np.floating], rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples of a frame with (V, 3) vertices, as `surface_arrays` has them, with what the field needs there.

        Returns
        -------
        positions : (V, 3) float32
            Key points.
        surface_near, points_near : (N, 1) int32
            Which of them answers.
        """
        target = Target(vertices, self.faces, int(rng.integers(1 << 31)))
        frame = target.frame(FILL)
        arrays = surface_arrays(target, frame, self.n_samples, rng)
        positions = frame.to_normalized(np.asarray(vertices, np.float64)).astype(np.float32)
        regions = Regions(positions, self.sizes.blend)
        near = {f"{name}_near": regions.nearest(arrays[name]).astype(np.int32) for name in ("surface", "points")}
        return {**arrays, **near, "positions": positions}

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """The networks and the codes of all frames."""
        positions = [np.array(shape.open()["positions"]) for shape in shapes]
        graph = Graph(len(positions[0]), edges_of_faces(self.faces))
        network = LocalNetwork(self.sizes, graph if self.varying else None)
        network.reset(generator)
        n_codes = 1 if self.same_code else graph.n
        codes = ShapeCodes(len(shapes), n_codes * self.sizes.channels[0], generator)
        return Frames(network, positions, graph, codes)

    def optimizers(self, module: torch.nn.Module) -> list[torch.optim.Optimizer]:
        """One for the networks, one that moves only the codes of a step's frames."""
        assert isinstance(module, Frames)
        return [
            torch.optim.Adam(module.network.parameters(), lr=self.network_rate),
            module.codes.optimizer(self.code_rate),
        ]

    def batch(self, arrays: Arrays, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples of a step."""
        return surface_batch(arrays, _NAMES, self.batch_size, rng)

    def loss(
        self, module: torch.nn.Module, shape: int, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> torch.Tensor:
        """Eq. (8)."""
        assert isinstance(module, Frames)
        key_points, code = module.key_points(shape), module.code(shape)
        local = module.network.local_codes(code, module.graph)

        def field(points: torch.Tensor, near: torch.Tensor) -> torch.Tensor:
            return local_distances(points, near.long(), key_points, local, module.network.decoder)

        unsigned = {"distances": batch["distances"].abs()}
        loss = basic_loss(field, {**batch, **unsigned}, self.weights)
        if self.weights.similarity:
            loss = loss + self.weights.similarity * similarity_loss(local, module.rings)
        return loss + self.weights.size * (code.square().sum() + 1e-12).sqrt()


class Frames(torch.nn.Module):
    """The networks, and the codes of many frames.

    Parameters
    ----------
    network : LocalNetwork
    positions : sequence of (V, 3) float32
        Key points of each frame.
    graph : Graph
        Of the template.
    codes : ShapeCodes
        Of V * C numbers, or of C for all key points.
    """

    def __init__(
        self, network: LocalNetwork, positions: Sequence[npt.NDArray[np.float32]], graph: Graph, codes: ShapeCodes
    ) -> None:
        super().__init__()
        self.network, self.graph, self.rings = network, graph, rings_of(graph)
        self._key_points = [KeyPoints.of(frame, graph) for frame in positions]
        self.codes = codes

    def key_points(self, frame: int) -> KeyPoints:
        """Key points of a frame."""
        return self._key_points[frame]

    def code(self, frame: int) -> torch.Tensor:
        """(V, C) z_G of a frame."""
        return self.codes.of(frame).view(-1, self.network.sizes.channels[0]).expand(self.graph.n, -1)


class FrameField(TensorField):
    """The field of a frame.

    Parameters
    ----------
    module : Frames
    frame : int
    """

    def __init__(self, module: Frames, frame: int) -> None:
        super().__init__(WHOLE)
        self._network, self._key_points = module.network, module.key_points(frame)
        self._regions = Regions(self._key_points.positions.numpy(), module.network.sizes.blend)
        with torch.no_grad():
            self._codes = module.network.local_codes(module.code(frame), module.graph)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points."""
        nearest = torch.from_numpy(self._regions.nearest(points.detach().numpy()))
        return local_distances(points, nearest, self._key_points, self._codes, self._network.decoder)
