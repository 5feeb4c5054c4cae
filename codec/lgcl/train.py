"""Train the networks that `lgcl` files share: codes of all shapes and the networks, together (auto-decoding).

The loss of a shape is what an encoder makes small (`fit`). The paper's own losses, for surfaces without sides, are in
`losses`; its experiment is `bench.lgcl_sequences`.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...formats.errors import MeshError
from ...formats.mesh_io import Mesh
from ...formats.model_pack import ModelPack
from ..fitting import with_noise
from ..sample import Samples
from ..target import Target
from ..training.trainee import Arrays, Metrics, ShapeArrays
from ..whole import FILL
from .field import LocalField, key_points_of
from .fit import FitSettings, bits_of, bounds, distance_samples, fit_codes, relative_error, spread_key_points
from .model import KeyPoints, LocalNetwork, LocalSizes, Regions, local_distances
from .networks import Mlp
from .shared import METHOD, network_of_pack, pack_of_network
from .stream import pack_symbols
from .symbols import LocalSymbols, code_of_step, middles

_NETWORK_RATE, _CODE_RATE, _SPREAD_RATE = 2e-3, 0.05, 0.02
_BETAS = (0.9, 0.99)
_FEWEST = 16  # key points of a shape to learn from

# Smaller than the paper's (`LocalSizes()`), so that a mesh of it comes in seconds on a CPU.
SMALL = LocalSizes(channels=(8, 16, 16, 32), order=4, decoder=Mlp(32, 64, 4, beta=10), geometry=True, blend=3)


@dataclass(frozen=True)
class LgclTrainee:
    """The networks of `lgcl` in training.

    Parameters
    ----------
    sizes : LocalSizes
        With Chebyshev filters.
    n_key_points : (float, float)
        Each shape gets a number between these, evenly spread in their logarithms.
    n_neighbours : int
        Of a key point.
    n_samples : int
        Distance samples a shape.
    batch_size : int
        Of these, in a step.
    elasticity : float
        As of an encoder.
    n_validated : int
        Shapes that a validation takes.
    validation_steps : int
        Of the fits of a validation.
    """

    sizes: LocalSizes = SMALL
    n_key_points: tuple[float, float] = (40.0, 800.0)
    n_neighbours: int = 8
    n_samples: int = 1 << 16
    batch_size: int = 2048
    elasticity: float = 1.1
    n_validated: int = 3
    validation_steps: int = 300

    @property
    def method(self) -> str:
        """``"lgcl"``."""
        return METHOD

    @property
    def cache_key(self) -> str:
        """What the samples depend on."""
        low, high = self.n_key_points
        return (
            f"lgcl 1, {low:g} to {high:g} key points, {self.n_neighbours} neighbours, {self.n_samples} samples, "
            f"blend {self.sizes.blend}"
        )

    @property
    def settings_key(self) -> str:
        """What the training depends on."""
        return f"{self.sizes}, batches of {self.batch_size}, elasticity {self.elasticity:g}"

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Key points of a shape, in a number drawn for it, and samples with the key points that answer for them.

        Returns
        -------
        cells : (K, 3) int32
        depth : (1,) int32
        points : (N, 3) float32
        distances : (N,) float32
        nearest : (N, B) int32
        """
        low, high = np.log(self.n_key_points)
        target = Target(mesh.vertices, mesh.faces, int(rng.integers(1 << 31)))
        frame = target.frame(FILL)
        n = float(np.exp(rng.uniform(low, high)))
        start = spread_key_points(target, frame, n, self.n_neighbours, rng)
        if len(start.cells) < _FEWEST:
            raise MeshError(f"its {len(start.cells)} key points are fewer than {_FEWEST}")
        spacing = float(key_points_of(start, torch.device("cpu")).spacing.mean())
        samples = distance_samples(target, frame, spacing, self.n_samples, rng)
        nearest = Regions(middles(start.cells, start.depth), self.sizes.blend).nearest(samples.points)
        return {
            "cells": start.cells,
            "depth": np.array([start.depth], np.int32),
            "points": samples.points,
            "distances": samples.distances,
            "nearest": nearest.astype(np.int32),
        }

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """The networks and the codes of all shapes."""
        return AutoDecoder([self._start(shape.open()) for shape in shapes], self.sizes, generator)

    def optimizers(self, module: torch.nn.Module) -> list[torch.optim.Optimizer]:
        """One for the networks, one that moves only what belongs to the shapes of a step."""
        assert isinstance(module, AutoDecoder)
        own = [
            {"params": [module.codes.weight], "lr": _CODE_RATE},
            {"params": [module.log_spreads.weight], "lr": _SPREAD_RATE},
        ]
        return [
            torch.optim.Adam(module.network.parameters(), lr=_NETWORK_RATE, betas=_BETAS),
            torch.optim.SparseAdam(own, betas=_BETAS),
        ]

    def batch(self, arrays: Arrays, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples that follow each other, which are in random order, and where |f| should lie there."""
        first = int(rng.integers(max(len(arrays["points"]) - self.batch_size, 0) + 1))
        part = slice(first, first + self.batch_size)
        return {name: np.array(arrays[name][part]) for name in ("points", "distances", "nearest")}

    def loss(
        self, module: torch.nn.Module, shape: int, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> torch.Tensor:
        """Logarithm of the mean error, in spacings, and of the bits, as `fit` has it while it adds noise."""
        assert isinstance(module, AutoDecoder)
        symbols, log_spreads = module.own(shape)
        symbols = with_noise(symbols, generator)
        found = module(shape, symbols, batch["points"], batch["nearest"])
        spacing = module.key_points(shape).spacing.mean().item()
        low, high = bounds(batch["distances"].abs().cpu().numpy(), spacing, FitSettings.slack)
        limits = (torch.from_numpy(limit).to(found.device) for limit in (low, high))
        error = relative_error(found, batch["distances"].sign(), *limits) / spacing
        return torch.log(error) + self.elasticity * torch.log(bits_of(symbols, log_spreads))

    def validate(self, module: torch.nn.Module, shapes: Sequence[ShapeArrays]) -> Metrics:
        """What short fits of other shapes come to.

        Returns
        -------
        bytes : float
            A key point; geometric mean.
        error : float
            Mean error as the loss has it, in spacings, of samples that were not fitted to; geometric mean.
        """
        pack = self.to_pack(module, {})
        found = np.mean([np.log(self._fitted(shape.open(), pack)) for shape in shapes[: self.n_validated]], 0)
        return dict(zip(("bytes", "error"), np.exp(found).tolist(), strict=True))

    def to_pack(self, module: torch.nn.Module, notes: dict[str, str]) -> ModelPack:
        """The networks."""
        assert isinstance(module, AutoDecoder)
        return pack_of_network(module.network, notes)

    def _start(self, arrays: Arrays) -> LocalSymbols:
        """Symbols of a prepared shape, without codes."""
        cells = np.array(arrays["cells"])
        return LocalSymbols(
            int(arrays["depth"][0]), cells, self.n_neighbours, code_of_step(1.0), np.zeros((len(cells), 0), np.int32)
        )

    def _fitted(self, arrays: Arrays, pack: ModelPack) -> tuple[float, float]:
        """Bytes a key point and mean error of a short fit; half of the samples are for measuring."""
        points, distances = np.array(arrays["points"]), np.array(arrays["distances"])
        half = len(points) // 2
        settings = FitSettings(0, pack, self.validation_steps, self.elasticity, batch_size=min(half, self.batch_size))
        network, start = network_of_pack(pack), self._start(arrays)
        seen = Samples(points[:half], distances[:half])
        symbols = fit_codes(start, network, seen, settings, torch.Generator().manual_seed(0))
        found = LocalField(symbols, network).distance(points[half:])
        spacing = float(key_points_of(start, torch.device("cpu")).spacing.mean())
        low, high = bounds(np.abs(distances[half:]), spacing, settings.slack)
        outward = found * np.sign(distances[half:])
        error = (np.maximum(low - outward, 0) + np.maximum(outward - high, 0)).mean() / spacing
        n_bytes = sum(len(section.data) for section in pack_symbols(symbols))
        return n_bytes / len(start.cells), float(error)


class AutoDecoder(torch.nn.Module):
    """The networks, and the codes and their spreads of many shapes.

    Parameters
    ----------
    shapes : sequence of LocalSymbols
        Key points of each.
    sizes : LocalSizes
    generator : torch.Generator
        Of the first weights.
    """

    def __init__(self, shapes: Sequence[LocalSymbols], sizes: LocalSizes, generator: torch.Generator) -> None:
        super().__init__()
        self.network = LocalNetwork(sizes)
        self.network.reset(generator)
        self._shapes = list(shapes)
        self._known: dict[int, KeyPoints] = {}
        ends = np.cumsum([len(shape.cells) for shape in shapes])
        self._parts = [slice(start, end) for start, end in itertools.pairwise([0, *ends.tolist()])]
        self.codes = _table(torch.zeros(int(ends[-1]), sizes.channels[0]))
        self.log_spreads = _table(torch.zeros(len(shapes), sizes.channels[0]))

    def own(self, shape: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(K, C) codes of a shape, in steps, and (C,) the logarithms of their spreads."""
        part, device = self._parts[shape], self.codes.weight.device
        spreads: torch.Tensor = self.log_spreads(torch.tensor(shape, device=device))
        return self.codes(torch.arange(part.start, part.stop, device=device)), spreads

    def key_points(self, shape: int) -> KeyPoints:
        """Key points of a shape, where the parameters are."""
        if shape not in self._known:
            self._known[shape] = key_points_of(self._shapes[shape], self.codes.weight.device)
        return self._known[shape]

    def forward(self, shape: int, codes: torch.Tensor, points: torch.Tensor, nearest: torch.Tensor) -> torch.Tensor:
        """(N,) signed distances at (N, 3) points whose (N, B) nearest key points are given."""
        key_points = self.key_points(shape)
        inputs = key_points.inputs(codes, self.network.sizes.geometry)
        local = self.network.local_codes(inputs, key_points.graph)
        return local_distances(points, nearest.long(), key_points, local, self.network.decoder)


def _table(values: torch.Tensor) -> torch.nn.Embedding:
    return torch.nn.Embedding.from_pretrained(values, freeze=False, sparse=True)
