"""Train the network that `grid` files share: latents of all shapes and one network, together (auto-decoding).

The loss of a shape is what an encoder makes small (`fit`): the logarithm of its mean error and that of its bits. The
latents are thrown away at the end; an encoder finds those of its shape through the network, which stays as it is.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...formats.errors import MeshError
from ...formats.mesh_io import Mesh
from ...formats.model_pack import ModelPack
from ..fineness import choose_grid
from ..fitting import bounds, laplace_bits, with_noise
from ..occupancy import OCTANTS, Cells, cell_names
from ..sample import Samples
from ..target import Target
from ..training.trainee import Arrays, Metrics, ShapeArrays
from .encode import N_LEVELS
from .fit import GAIN_RATE, LATENT_RATE, SPREAD_RATE, FitSettings, fit, inside, least_squares
from .lattice import pyramid
from .model import INPUT_SCALE, OUTPUT_SCALE, GridField
from .shared import METHOD, n_inputs, pack_of_layers
from .stream import pack_symbols
from .symbols import OWN_NETWORK, SHARED_NETWORK

_NETWORK_RATE = 5e-3
_BETAS = (0.9, 0.99)
_STEP = FitSettings.step  # first step of the latents, in cells


@dataclass(frozen=True)
class GridTrainee:
    """The network of `grid` in training.

    Parameters
    ----------
    width, n_hidden : int
        Of the network.
    n_cells : (float, float)
        Each shape gets a grid of a number of cells between these, evenly spread in their logarithms.
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

    width: int = 32
    n_hidden: int = 2
    n_cells: tuple[float, float] = (400.0, 2500.0)
    n_samples: int = 1 << 17
    batch_size: int = 4096
    elasticity: float = 1.1
    n_validated: int = 3
    validation_steps: int = 400
    # Bytes and error with a network of their own, by shape: found at the first validation.
    _alone: dict[str, tuple[int, float]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def method(self) -> str:
        """``"grid"``."""
        return METHOD

    @property
    def cache_key(self) -> str:
        """What the samples depend on."""
        return f"grid 2, {self.n_cells[0]:g} to {self.n_cells[1]:g} cells, {self.n_samples} samples, {N_LEVELS} levels"

    @property
    def settings_key(self) -> str:
        """What the training depends on."""
        return f"{self.n_hidden} layers of {self.width}, batches of {self.batch_size}, elasticity {self.elasticity:g}"

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples of a shape on a grid of a size drawn for it, and where they lie in each level.

        Returns
        -------
        cells : (M, 3) int32
        depth : (1,) int32
        points : (N, 3) float32
        distances : (N,) float32
        places : (N,) int32
            Which cell a point is in.
        corners : (M, L, 8) int32
            Of each cell, and of the cells of the coarser levels that hold it: positions among the nodes of all levels,
            coarse to fine.
        starts : (K,) float32
            Latents that a least squares fit finds, in first steps, of all levels.
        sizes : (L,) int32
            Nodes of each level.
        """
        low, high = np.log(self.n_cells)
        target = Target(mesh.vertices, mesh.faces, int(rng.integers(1 << 31)))
        frame, depth = choose_grid(target, float(np.exp(rng.uniform(low, high))))
        if depth < N_LEVELS:
            raise MeshError(f"its grid of depth {depth} has fewer than {N_LEVELS} levels")
        cells = target.cells(frame, depth)
        lattices = pyramid(cells, depth, N_LEVELS)
        points, distances = inside(lattices[-1], target.samples(frame, cells, depth, self.n_samples))
        places = _places(cells, depth, points)
        points, distances, places = points[places >= 0], distances[places >= 0], places[places >= 0]
        found = least_squares(lattices, points, distances)
        sizes = np.array([len(latents) for latents in found], np.int32)
        first = np.concatenate([[0], np.cumsum(sizes[:-1])]).astype(np.int32)
        middles = ((cells + 0.5) * lattices[-1].cell_size - 1).astype(np.float32)
        corners = [lattice.interpolation(middles)[0] + n for lattice, n in zip(lattices, first, strict=True)]
        return {
            "cells": cells.astype(np.int32),
            "depth": np.array([depth], np.int32),
            "points": points,
            "distances": distances,
            "places": places,
            "corners": np.stack(corners, 1).astype(np.int32),
            "starts": (np.concatenate(found) / (_STEP * lattices[-1].cell_size)).astype(np.float32),
            "sizes": sizes,
        }

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """The network and the latents of all shapes."""
        return AutoDecoder([shape.open() for shape in shapes], self.width, self.n_hidden, generator)

    def optimizers(self, module: torch.nn.Module) -> list[torch.optim.Optimizer]:
        """One for the network, one that moves only what belongs to the shapes of a step."""
        assert isinstance(module, AutoDecoder)
        own = [
            {"params": [module.latents.weight], "lr": LATENT_RATE},
            {"params": [module.log_gains.weight], "lr": GAIN_RATE},
            {"params": [module.log_spreads.weight], "lr": SPREAD_RATE},
        ]
        return [
            torch.optim.Adam(module.layers.parameters(), lr=_NETWORK_RATE, betas=_BETAS),
            torch.optim.SparseAdam(own, betas=_BETAS),
        ]

    def batch(self, arrays: Arrays, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples that follow each other, which are in random order, and where |f| should lie there, in cells."""
        start = int(rng.integers(max(len(arrays["points"]) - self.batch_size, 0) + 1))
        part = slice(start, start + self.batch_size)
        cell = np.float32(2.0 / (1 << int(arrays["depth"][0])))
        distances = arrays["distances"][part] / cell
        low, high = bounds(np.abs(distances), 1.0, FitSettings.slack)
        return {
            "points": np.array(arrays["points"][part]),
            "corners": arrays["corners"][arrays["places"][part]],
            "signs": np.sign(distances),
            "low": low,
            "high": high,
            "cell": np.array([cell]),
            "sizes": np.array(arrays["sizes"]),
        }

    def loss(
        self, module: torch.nn.Module, shape: int, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> torch.Tensor:
        """Logarithm of the mean error, in cells, and of the bits, as `fit` has it while it adds noise."""
        assert isinstance(module, AutoDecoder)
        symbols = module.symbols(shape)
        symbols = with_noise(symbols, generator)
        found = module(shape, symbols, batch["points"], batch["corners"], batch["sizes"], batch["cell"].item())
        outward = found * batch["signs"]
        error = (batch["low"] - outward).clamp(min=0) + (outward - batch["high"]).clamp(min=0)
        bits = module.bits(shape, symbols, batch["sizes"])
        return torch.log(error.mean()) + self.elasticity * torch.log(bits)

    def validate(self, module: torch.nn.Module, shapes: Sequence[ShapeArrays]) -> Metrics:
        """Bytes and error of fits through the network, over those of fits with networks of their own.

        The fits are short, which favours a network that need not be fitted: long ones are what `sdfz bench` is for.

        Returns
        -------
        rate, distortion : float
            Geometric means.
        cost : float
            Of both, as the encoder weighs them: percent of error, a percent of bytes counting `elasticity`.
        """
        pack = self.to_pack(module, {})
        ratios = []
        for shape in shapes[: self.n_validated]:
            if shape.name not in self._alone:
                self._alone[shape.name] = self._fitted(shape, None)
            with_pack = self._fitted(shape, pack)
            ratios.append(np.log(with_pack) - np.log(self._alone[shape.name]))
        rate, distortion = np.mean(ratios, axis=0).tolist()
        cost = 100 * (distortion + self.elasticity * rate)
        return {"rate": math.exp(rate), "distortion": math.exp(distortion), "cost": cost}

    def to_pack(self, module: torch.nn.Module, notes: dict[str, str]) -> ModelPack:
        """The network's layers."""
        assert isinstance(module, AutoDecoder)
        return pack_of_layers([layer.weight.detach().cpu().float().numpy() for layer in module.linear()], notes)

    def _fitted(self, shape: ShapeArrays, pack: ModelPack | None) -> tuple[int, float]:
        """Bytes and mean error, in cells, of a short fit; half of the samples are for measuring."""
        arrays = shape.open()
        cells, depth = np.array(arrays["cells"]), int(arrays["depth"][0])
        points, distances = np.array(arrays["points"]), np.array(arrays["distances"])
        half = len(points) // 2
        settings = FitSettings(
            self.elasticity,
            n_iterations=self.validation_steps,
            n_levels=N_LEVELS,
            network=OWN_NETWORK if pack is None else SHARED_NETWORK,
            pack=pack,
            batch_size=min(half, FitSettings.batch_size),
        )
        seen = Samples(points[:half], distances[:half])
        symbols = fit(cells, depth, seen, settings, torch.Generator().manual_seed(0))
        found = GridField(symbols, pack=pack).distance(points[half:]) * np.sign(distances[half:])
        cell = 2.0 / (1 << depth)
        low, high = bounds(np.abs(distances[half:]), cell, settings.slack)
        error = np.maximum(low - found, 0) + np.maximum(found - high, 0)
        n_bytes = sum(len(section.data) for section in pack_symbols(symbols, symbols.n_levels))
        return n_bytes, float(error.mean() / cell)


def _places(cells: Cells, depth: int, points: npt.NDArray[np.float32]) -> npt.NDArray[np.int32]:
    """(N,) which of the sorted cells a point is in; -1 where it is in none."""
    n = 1 << depth
    names = cell_names(cells)
    wanted = cell_names(np.clip(((points + 1) * np.float32(n / 2)).astype(np.int64), 0, n - 1))
    found = np.minimum(np.searchsorted(names, wanted), len(names) - 1)
    return np.where(names[found] == wanted, found, -1).astype(np.int32)


class AutoDecoder(torch.nn.Module):
    """One network, and the latents, steps and spreads of many shapes.

    Parameters
    ----------
    shapes : sequence of Arrays
        As `GridTrainee.prepare` makes them.
    width, n_hidden : int
    generator : torch.Generator
        Of the first weights.
    """

    def __init__(self, shapes: Sequence[Arrays], width: int, n_hidden: int, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [n_inputs(N_LEVELS), *[width] * n_hidden, 1]
        self.layers = torch.nn.ModuleList(
            torch.nn.Linear(n_in, n_out, bias=False) for n_in, n_out in itertools.pairwise(sizes)
        )
        for layer in self.linear():
            n_out, n_in = layer.weight.shape
            # As in a fit: the answer starts small, since the sum of the levels is already a fair field.
            spread = math.sqrt(2 / n_in) * (0.1 if n_out == 1 else 1.0)
            layer.weight.data = torch.randn(n_out, n_in, generator=generator) * spread
        ends = np.cumsum([len(arrays["starts"]) for arrays in shapes])
        self._parts = [slice(start, end) for start, end in itertools.pairwise([0, *ends.tolist()])]
        starts = torch.from_numpy(np.concatenate([arrays["starts"] for arrays in shapes]))
        self.latents = torch.nn.Embedding.from_pretrained(starts[:, None], freeze=False, sparse=True)
        gains = torch.full((len(shapes), N_LEVELS), math.log(_STEP))
        self.log_gains = torch.nn.Embedding.from_pretrained(gains, freeze=False, sparse=True)
        spreads = torch.zeros(len(shapes), N_LEVELS)
        self.log_spreads = torch.nn.Embedding.from_pretrained(spreads, freeze=False, sparse=True)

    def linear(self) -> list[torch.nn.Linear]:
        """The network's layers."""
        return [layer for layer in self.layers if isinstance(layer, torch.nn.Linear)]

    def symbols(self, shape: int) -> torch.Tensor:
        """(K,) latents of a shape, of all levels, in steps."""
        part, device = self._parts[shape], self.latents.weight.device
        return self.latents(torch.arange(part.start, part.stop, device=device))[:, 0]

    def bits(self, shape: int, symbols: torch.Tensor, sizes: torch.Tensor) -> torch.Tensor:
        """Bits of a shape's (noisy) symbols under a Laplace distribution a level."""
        spreads = torch.repeat_interleave(self._row(self.log_spreads, shape).exp(), sizes)
        return laplace_bits(symbols, spreads).sum()

    def forward(
        self,
        shape: int,
        symbols: torch.Tensor,
        points: torch.Tensor,
        corners: torch.Tensor,
        sizes: torch.Tensor,
        cell: float,
    ) -> torch.Tensor:
        """(N,) signed distances, in cells.

        Parameters
        ----------
        shape : int
        symbols : (K,) float32 tensor
            Of all levels of the shape.
        points : (N, 3) float32 tensor
        corners : (N, L, 8) int32 tensor
        sizes : (L,) int32 tensor
        cell : float
            Edge of a finest cell, normalized units.
        """
        values = symbols * torch.repeat_interleave(self._row(self.log_gains, shape).exp(), sizes)
        features = (values[corners.long()] * _weights(points, cell)).sum(2)  # (N, L)
        local = torch.cos((2 * math.pi / cell) * (points + 1))
        answer = torch.cat([features * INPUT_SCALE, local, torch.ones_like(local[:, :1])], 1)
        for number, layer in enumerate(self.linear()):
            answer = layer(torch.relu(answer) if number else answer)
        return features.sum(1) + answer[:, 0].float() * OUTPUT_SCALE

    def _row(self, table: torch.nn.Embedding, shape: int) -> torch.Tensor:
        row: torch.Tensor = table(torch.tensor(shape, device=table.weight.device))
        return row


def _weights(points: torch.Tensor, cell: float) -> torch.Tensor:
    """(N, L, 8) trilinear weights of the corners of the cells around points, as `Lattice.interpolation` has them."""
    octants = torch.from_numpy(OCTANTS.astype(np.int64)).to(points.device)
    found = []
    for level in range(N_LEVELS):
        edge = cell * (1 << (N_LEVELS - 1 - level))
        scaled = (points + 1) / edge
        offset = scaled - scaled.floor().clamp(0, round(2 / edge) - 1)
        axes = torch.stack([1 - offset, offset], 1)  # (N, 2, 3)
        found.append(axes[:, octants[:, 0], 0] * axes[:, octants[:, 1], 1] * axes[:, octants[:, 2], 2])
    return torch.stack(found, 1)
