"""All that is learned when decoders are trained: the networks, the codes of the regions, and what codes cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from ..fitting import laplace_bits
from .clusters import centres_of, nearest_centre
from .density import weights_of
from .losses import clamped, gradient_loss, smooth_l1
from .network import PLANE_SHARE, NetworkShape, code_part, evaluate, has_planes, initial_layers, with_planes_first
from .shared import LpdifDecoders

if TYPE_CHECKING:
    from .train import LpdifTrainee

FIRST_STEP = 1 / 16  # of quantized codes
_NO_CLUSTER, _EASY = -1, 0
_DENSITY_CODES = 1024  # a density is estimated among
_ERROR_MEMORY = 0.9  # of a region's running error
_PRICE_RISES = 4000  # batches of a stage in which a bit comes to its full price


def first_codes(planes: npt.NDArray[np.float32], n_codes: int) -> torch.Tensor:
    """(R, C) codes to begin with: that of the plane that a region is most like, within the unit ball.

    With codes that are all alike, the networks take long to find that regions differ in where their surface faces.
    """
    codes = torch.zeros(len(planes), n_codes)
    n = min(n_codes, planes.shape[1])
    codes[:, :n] = torch.from_numpy(planes[:, :n]) * PLANE_SHARE
    return codes / torch.linalg.vector_norm(codes, dim=1, keepdim=True).clamp(min=1)


class Patterns(torch.nn.Module):
    """Networks, codes and their rates.

    Parameters
    ----------
    planes : sequence of (R, 4) float32
        Of the regions of each shape (`regions.planes_of`).
    coarse, pattern : NetworkShape
    n_clusters : int
    generator : torch.Generator
        Of first weights.

    Attributes
    ----------
    n_batches : () int64
        Seen so far.
    networks_of : (N,) int64
        Network of each region: 0 for the coarse one, -1 before the clusters are known.
    """

    coarse: torch.nn.ParameterList
    patterns: torch.nn.ModuleList
    codes: torch.nn.ModuleList
    n_batches: torch.Tensor
    networks_of: torch.Tensor
    centres: torch.Tensor
    errors: torch.Tensor
    fixed_weights: torch.Tensor

    def __init__(
        self,
        planes: Sequence[npt.NDArray[np.float32]],
        coarse: NetworkShape,
        pattern: NetworkShape,
        n_clusters: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self._firsts = np.cumsum([0, *map(len, planes)])
        n_regions, n_codes = int(self._firsts[-1]), max(coarse.n_codes, pattern.n_codes)
        self.coarse = torch.nn.ParameterList(initial_layers(coarse, generator))
        self.patterns = torch.nn.ModuleList(
            torch.nn.ParameterList(initial_layers(pattern, generator)) for _ in range(n_clusters)
        )
        self.codes = torch.nn.ModuleList(
            torch.nn.Embedding.from_pretrained(
                first_codes(np.concatenate(planes), shape.n_codes), freeze=False, sparse=True
            )
            for shape in (coarse, pattern)
        )
        self.rates = torch.nn.ParameterDict(
            {
                "log_steps": torch.full((n_clusters + 1,), math.log(FIRST_STEP)),
                "log_spreads": torch.zeros(n_clusters + 1, n_codes),
            }
        )
        self.register_buffer("n_batches", torch.zeros((), dtype=torch.int64))
        self.register_buffer("networks_of", torch.full((n_regions,), _NO_CLUSTER))
        self.register_buffer("centres", torch.zeros(n_clusters, coarse.n_codes))
        self.register_buffer("errors", torch.full((n_regions,), torch.inf))
        self.register_buffer("fixed_weights", torch.ones(n_regions))

    def first_of(self, shape: int) -> int:
        """Number of a shape's first region."""
        return int(self._firsts[shape])

    def layers(self, network: int) -> list[torch.Tensor]:
        """Layers of a network, by its number."""
        found = self.patterns[network - 1] if network else self.coarse
        assert isinstance(found, torch.nn.ParameterList)
        return list(found)

    def codes_of(self, network: int) -> torch.nn.Embedding:
        """Codes of all regions for a network."""
        found = self.codes[min(network, 1)]
        assert isinstance(found, torch.nn.Embedding)
        return found

    def project(self) -> None:
        """Codes outside the unit ball to its surface (Eq. 3)."""
        for network in (0, 1):
            weight = self.codes_of(network).weight.data
            weight /= torch.linalg.vector_norm(weight, dim=1, keepdim=True).clamp(min=1)

    @torch.no_grad()
    def cluster(self, easy_error: float, at_random: bool) -> None:
        """Stage 2: the network of each region, and weights of fixed densities."""
        codes = self.codes_of(0).weight
        hard = torch.nonzero(self.errors >= easy_error)[:, 0]
        n_clusters = len(self.centres)
        self.networks_of[:] = _EASY
        if not len(hard):
            return
        found = codes[hard].cpu().numpy()
        centres = centres_of(found, n_clusters, 0)
        clusters = np.random.default_rng(0).integers(n_clusters, size=len(found)) if at_random else nearest_centre(
            found, centres
        )  # fmt: skip
        self.centres[:] = torch.from_numpy(centres)
        self.networks_of[hard] = torch.from_numpy(clusters + 1).to(hard.device)
        for network in range(1, n_clusters + 1):
            rows = torch.nonzero(self.networks_of == network)[:, 0]
            if len(rows):
                among = codes[rows[torch.linspace(0, len(rows) - 1, min(len(rows), 4 * _DENSITY_CODES)).long()]]
                self.fixed_weights[rows] = weights_of(codes[rows], among)

    def loss_of(
        self,
        rows: torch.Tensor,
        batch: Mapping[str, torch.Tensor],
        settings: LpdifTrainee,
        coarse: bool,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """Weighted loss of a batch of regions of one shape; those that are easy have none after stage 1.

        Where bits have a price it is the logarithm of the mean root of the regions' losses, and the price.
        """
        networks = torch.zeros_like(rows) if coarse else self.networks_of[rows]
        losses, weights, bits = [], [], []
        for network in [0] if coarse else range(1, len(self.patterns) + 1):
            these = torch.nonzero(networks == network)[:, 0]
            if not len(these):
                continue
            codes = self.codes_of(network)(rows[these])
            weights.append(self._weights(rows[these], codes.detach(), network, settings, generator))
            if settings.bit_price:
                step = self.rates["log_steps"][network].exp()
                noise = torch.rand(codes.shape, generator=generator, device=codes.device) - 0.5
                symbols = codes / step + noise
                spreads = self.rates["log_spreads"][network, : codes.shape[1]].exp()
                bits.append(laplace_bits(symbols, spreads).sum(1))
                codes = symbols * step
            part = {name: array[these] for name, array in batch.items() if name != "rows"}
            losses.append(self._losses(network, rows[these], codes, part, settings))
        if not losses:
            return 0 * self.rates["log_steps"].sum()
        loss, weight = torch.cat(losses), torch.cat(weights)
        if not settings.bit_price:
            return (loss * weight).sum() / weight.sum()
        # What a file is measured by is a mean of distances, not of squares: else edges count for all, and flat regions
        # come out as pillows.
        total = (torch.sqrt(2 * loss) * weight).sum() / weight.sum()
        # A stage begins with what can be said at no cost, so that codes are not priced out before they mean anything.
        done = int(self.n_batches) - (0 if coarse else settings.coarse_steps)
        return torch.log(total) + settings.bit_price * min(1.0, done / _PRICE_RISES) * torch.cat(bits).mean()

    def _losses(
        self,
        network: int,
        rows: torch.Tensor,
        codes: torch.Tensor,
        batch: Mapping[str, torch.Tensor],
        settings: LpdifTrainee,
    ) -> torch.Tensor:
        """(R,) Eq. 7 of regions with a network."""
        layers, n_gradients = self.layers(network), batch["directions"].shape[1]
        of_codes = code_part(layers, codes)[:, None]
        near = batch["points"][:, :n_gradients].requires_grad_(settings.gradient_weight > 0)
        found = [evaluate(layers, of_codes, near), evaluate(layers, of_codes, batch["points"][:, n_gradients:])]
        distances, wanted = (clamped(d, settings.most_distance) for d in (torch.cat(found, 1), batch["distances"]))
        if network == 0:
            error = (distances.detach() - wanted).abs().mean(1)
            before = self.errors[rows]
            mixed = _ERROR_MEMORY * before + (1 - _ERROR_MEMORY) * error
            self.errors[rows] = torch.where(torch.isinf(before), error, mixed)
        loss = smooth_l1(distances, wanted).mean(1)
        if settings.gradient_weight:
            (gradients,) = torch.autograd.grad(found[0].sum(), near, create_graph=True)
            turned = gradient_loss(gradients, batch["directions"], batch["distances"][:, :n_gradients])
            loss = loss + settings.gradient_weight * turned.mean(1)
        return loss

    def _weights(
        self,
        rows: torch.Tensor,
        codes: torch.Tensor,
        network: int,
        settings: LpdifTrainee,
        generator: torch.Generator,
    ) -> torch.Tensor:
        """(R,) weights of regions of one network."""
        if network == 0 or settings.weighting == "none":
            return torch.ones(len(rows), device=rows.device)
        if settings.weighting == "fixed":
            return self.fixed_weights[rows]
        others = torch.nonzero(self.networks_of == network)[:, 0]
        if len(others) > _DENSITY_CODES:
            others = others[torch.randint(len(others), (_DENSITY_CODES,), generator=generator, device=rows.device)]
        return weights_of(codes, self.codes_of(1).weight[others].detach())

    def decoders(self) -> LpdifDecoders:
        """The networks as they are, for fits and packs."""
        networks = [
            [layer.detach().cpu().float().numpy() for layer in self.layers(number)]
            for number in range(len(self.patterns) + 1)
        ]
        centres = self.centres.cpu().numpy()
        if not all(map(has_planes, networks)):
            return LpdifDecoders(networks, centres)
        turned = [with_planes_first(layers) for layers in networks]
        return LpdifDecoders([layers for layers, _ in turned], np.linalg.solve(turned[0][1], centres.T).T)
