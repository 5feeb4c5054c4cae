"""Train the decoders that `lpdif` files share: the three stages of LP-DIF (section 3.4).

::

    stage 1   coarse network and a code for each region                       Eqs. 3, 5-7
    stage 2   easy regions stay with it; the others in P clusters, by their codes     Eq. 4
    stage 3   a network for each cluster, with codes of its own, regions weighted by how rare they are

What an encoder will do to the codes is done to them here as well: noise in place of rounding, and a price for bits.
Without the price (`bit_price` 0) the losses are the paper's. Codes are thrown away at the end; an encoder finds those
of its shape, with the decoders as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...formats.errors import MeshError
from ...formats.mesh_io import Mesh
from ...formats.model_pack import ModelPack
from ..fineness import choose_grid
from ..target import Target
from ..training.trainee import Arrays, Metrics, ShapeArrays
from .fit import MOST_DISTANCE, CodeFit, fit_codes
from .network import NetworkShape
from .patterns import Patterns
from .regions import arrays_of_regions, planes_of
from .shared import METHOD, pack_of_decoders

# Smaller than the paper's (network.PAPER_COARSE, PAPER_PATTERN): files are small, and are decoded on CPUs.
COARSE = NetworkShape(6, 24, 4, plane=True)
PATTERN = NetworkShape(16, 40, 6, again=3, plane=True)
_NETWORK_RATE = 3e-3
_CODE_RATE = 2e-2
_RATE_RATE = 1e-2  # of steps and spreads
_BETAS = (0.9, 0.99)


@dataclass(frozen=True)
class LpdifTrainee:
    """The decoders of `lpdif` in training; the defaults are those of the bundled pack.

    Parameters
    ----------
    coarse, pattern : NetworkShape
    n_clusters : int
        P, the pattern networks.
    n_regions : (float, float)
        Each shape is divided so that it meets a number of regions between these, evenly spread in their logarithms.
    most_regions : int
        Of a shape, that are learned from.
    samples_a_region : int
        That are kept.
    regions_a_step, samples_a_step : int
        Regions of a shape, and samples of each of them, in a step.
    gradients_a_step : int
        Of these samples, those with a gradient loss.
    coarse_steps : int
        Steps of stage 1, each with a batch of one shape.
    easy_error : float
        Mean error of the coarse network, in halves of a region's edge, below which a region stays with it.
    weighting : {'none', 'fixed', 'dynamic'}
        Of regions in stage 3.
    clustering : {'k-means', 'random'}
    gradient_weight : float
        λ of Eq. 7.
    most_distance : float
        At which distances are cut off, in halves of a region's edge; infinite in the paper.
    bit_price : float
        What a bit of a region's code costs, in logarithms of the error; 0 for none, then there is no noise either.
    """

    coarse: NetworkShape = COARSE
    pattern: NetworkShape = PATTERN
    n_clusters: int = 4
    n_regions: tuple[float, float] = (100.0, 1500.0)
    most_regions: int = 128
    samples_a_region: int = 96
    regions_a_step: int = 128
    samples_a_step: int = 24
    gradients_a_step: int = 4
    coarse_steps: int = 1200
    easy_error: float = 0.025
    weighting: str = "dynamic"
    clustering: str = "k-means"
    gradient_weight: float = 0.01
    most_distance: float = MOST_DISTANCE
    bit_price: float = 0.01
    n_validated: int = 4

    @property
    def method(self) -> str:
        """``"lpdif"``."""
        return METHOD

    @property
    def cache_key(self) -> str:
        """What the samples depend on."""
        low, high = self.n_regions
        return f"lpdif 2, {low:g} to {high:g} regions, at most {self.most_regions} of {self.samples_a_region} samples"

    @property
    def settings_key(self) -> str:
        """What the training depends on."""
        return repr(replace(self, n_validated=0))

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples of regions of a shape, of a size drawn for it.

        Returns
        -------
        points : (R, S, 3) float32
            In the coordinates of the regions.
        distances : (R, S) float32
        directions : (R, S, 3) float16
            Gradients of the signed distance.
        """
        low, high = np.log(self.n_regions)
        target = Target(mesh.vertices, mesh.faces, int(rng.integers(1 << 31)))
        frame, depth = choose_grid(target, float(np.exp(rng.uniform(low, high))))
        _, arrays = arrays_of_regions(target, frame, depth, self.samples_a_region)
        n_found = len(arrays["distances"])
        if n_found < self.n_clusters:
            raise MeshError(f"only {n_found} of its regions have an inside and an outside")
        rows = np.sort(rng.permutation(n_found)[: self.most_regions])
        chosen = {name: array[rows] for name, array in arrays.items()}
        return {**chosen, "directions": chosen["directions"].astype(np.float16)}

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """The networks, and the codes of all regions of all shapes."""
        planes = [planes_of(arrays["points"], arrays["distances"]) for arrays in (shape.open() for shape in shapes)]
        return Patterns(planes, self.coarse, self.pattern, self.n_clusters, generator)

    def optimizers(self, module: torch.nn.Module) -> list[torch.optim.Optimizer]:
        """One for the networks, one that moves only the codes of a step's regions; then the codes are in their ball."""
        assert isinstance(module, Patterns)
        coarse = torch.optim.Adam(module.coarse.parameters(), lr=_NETWORK_RATE, betas=_BETAS)
        # The loop lets rates fall once, at the end; the coarse network is done long before.
        coarse.register_step_pre_hook(lambda optimizer, *_: _scale_rate(optimizer, self._coarse_share(module)))
        codes = torch.optim.SparseAdam(module.codes.parameters(), lr=_CODE_RATE, betas=_BETAS)
        codes.register_step_post_hook(lambda *_: module.project())
        patterns = torch.optim.Adam(module.patterns.parameters(), lr=_NETWORK_RATE, betas=_BETAS)
        rates = torch.optim.Adam(module.rates.parameters(), lr=_RATE_RATE, betas=_BETAS)
        return [coarse, patterns, rates, codes]

    def _coarse_share(self, module: Patterns) -> float:
        """Of the coarse network's rate: falls in the last quarter of its stage, none after it."""
        done = int(module.n_batches) / max(self.coarse_steps, 1)
        return min(1.0, max(0.0, 4 * (1 - done)))

    def batch(self, arrays: Arrays, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Some samples of some regions."""
        n_regions, n_samples = arrays["distances"].shape
        rows = np.sort(rng.permutation(n_regions)[: self.regions_a_step])
        columns = rng.permutation(n_samples)[: self.samples_a_step]
        chosen = np.ix_(rows, columns)
        return {
            "rows": rows,
            "points": arrays["points"][chosen],
            "distances": arrays["distances"][chosen],
            "directions": arrays["directions"][np.ix_(rows, columns[: self.gradients_a_step])].astype(np.float32),
        }

    def loss(
        self, module: torch.nn.Module, shape: int, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> torch.Tensor:
        """Eq. 7 of regions by the networks of the stage, weighted; if bits have a price, its logarithm and theirs."""
        assert isinstance(module, Patterns)
        if int(module.n_batches) == self.coarse_steps:
            module.cluster(self.easy_error, self.clustering == "random")
        module.n_batches += 1
        rows = batch["rows"] + module.first_of(shape)
        coarse = int(module.n_batches) <= self.coarse_steps
        return module.loss_of(rows, batch, self, coarse, generator)

    def validate(self, module: torch.nn.Module, shapes: Sequence[ShapeArrays]) -> Metrics:
        """What short fits of codes come to, with the decoders so far; half of the samples are for measuring.

        Returns
        -------
        error : float
            Mean distance between the field and the truth, in halves of a region's edge; geometric mean of shapes.
        bits : float
            Of a region, as estimated by the fit.
        easy : float
            Share of regions that stay with the coarse network.
        """
        assert isinstance(module, Patterns)
        if int(module.n_batches) < self.coarse_steps:
            return {}
        decoders = module.decoders()
        found = []
        for shape in shapes[: self.n_validated]:
            arrays = shape.open()
            points, distances = np.array(arrays["points"]), np.array(arrays["distances"])
            half = points.shape[1] // 2
            settings = CodeFit(n_iterations=150, easy_error=self.easy_error, bit_price=0.01)
            fitted = fit_codes(
                points[:, :half], distances[:, :half], decoders, settings, torch.Generator().manual_seed(0)
            )
            error = fitted.errors(points[:, half:], distances[:, half:]).mean()
            found.append((math.log(error), fitted.bits_a_region, float((fitted.networks == 0).mean())))
        logs, bits, easy = np.mean(found, axis=0).tolist()
        return {"error": math.exp(logs), "bits": bits, "easy": easy}

    def to_pack(self, module: torch.nn.Module, notes: dict[str, str]) -> ModelPack:
        """The networks, the centres of the clusters, and what is easy."""
        assert isinstance(module, Patterns)
        return pack_of_decoders(module.decoders(), notes)


def _scale_rate(optimizer: torch.optim.Optimizer, share: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= share
