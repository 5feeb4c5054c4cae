"""Train the network that `deepsdf` files share: codes of all shapes and the network, together (auto-decoding).

The loss is DeepSDF's clamped distance, or that of LGCL's baselines SDF-8 and SDF-4 (`lgcl.losses`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from ...formats.mesh_io import Mesh
from ...formats.model_pack import ModelPack
from ..latent_fit import CodeFit, fit_code
from ..lgcl.losses import PAPER, LossWeights, basic_loss
from ..lgcl.networks import DEEP_SDF, Mlp, SdfNetwork
from ..lgcl.surface_samples import surface_arrays, surface_batch
from ..sample import Samples
from ..target import Target
from ..training.codes import ShapeCodes
from ..training.trainee import Arrays, Metrics, ShapeArrays
from ..whole import FILL
from .field import CodeField, evaluator
from .shared import METHOD, network_of_pack, pack_of_network
from .stream import pack_symbols

_NAMES = ("surface", "normals", "points", "distances")
_VALIDATION_STEP = 1 / 64


@dataclass(frozen=True)
class DeepSdfTrainee:
    """The network of `deepsdf` in training.

    Parameters
    ----------
    sizes : Mlp
    clamp : float
        Distances beyond count as this far, in normalized units; 0 takes the losses of LGCL's baselines in place of
        DeepSDF's.
    weights : LossWeights
        Of those losses; `size` is for both.
    n_samples : int
        Points on each shape's surface, and as many around it.
    batch_size : int
        Of each, in a step.
    network_rate, code_rate : float
        Of Adam; the defaults are those of LGCL's experiments.
    n_validated : int
        Shapes that a validation takes.
    validation_steps : int
        Of the fits of a validation.
    """

    sizes: Mlp = DEEP_SDF
    clamp: float = 0.1
    weights: LossWeights = PAPER
    n_samples: int = 1 << 16
    batch_size: int = 2048
    network_rate: float = 5e-4
    code_rate: float = 1e-3
    n_validated: int = 3
    validation_steps: int = 200

    @property
    def method(self) -> str:
        """``"deepsdf"``."""
        return METHOD

    @property
    def cache_key(self) -> str:
        """What the samples depend on."""
        return f"deepsdf 1, {self.n_samples} samples"

    @property
    def settings_key(self) -> str:
        """What the training depends on."""
        return (
            f"{self.sizes}, clamp {self.clamp:g}, {self.weights}, batches of {self.batch_size}, rates "
            f"{self.network_rate:g} {self.code_rate:g}"
        )

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples of a shape, as `surface_arrays` has them."""
        target = Target(mesh.vertices, mesh.faces, int(rng.integers(1 << 31)))
        return surface_arrays(target, target.frame(FILL), self.n_samples, rng)

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """The network and the codes of all shapes."""
        return AutoDecoder(len(shapes), self.sizes, generator)

    def optimizers(self, module: torch.nn.Module) -> list[torch.optim.Optimizer]:
        """One for the network, one that moves only the codes of a step's shapes."""
        assert isinstance(module, AutoDecoder)
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
        """Of clamped distances, or Eq. (4) of LGCL; with the norm of the code."""
        assert isinstance(module, AutoDecoder)
        code = module.codes.of(shape)
        size = self.weights.size * (code.square().sum() + 1e-12).sqrt()

        def field(points: torch.Tensor, _: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = module.network(points, code.expand(len(points), -1))
            return found

        if not self.clamp:
            nothing = {"points_near": code, "surface_near": code}
            unsigned = {"distances": batch["distances"].abs()}
            return basic_loss(field, {**batch, **unsigned, **nothing}, self.weights) + size
        points = torch.cat([batch["points"], batch["surface"]])
        wanted = torch.cat([batch["distances"], torch.zeros_like(batch["distances"])])
        found = field(points, code).clamp(-self.clamp, self.clamp)
        return (found - wanted.clamp(-self.clamp, self.clamp)).abs().mean() + size

    def validate(self, module: torch.nn.Module, shapes: Sequence[ShapeArrays]) -> Metrics:
        """What short fits of other shapes come to.

        Returns
        -------
        bytes : float
            Of a payload; geometric mean.
        error : float
            Mean |f| on the surface, normalized units; geometric mean.
        """
        pack = self.to_pack(module, {})
        found = np.mean([np.log(self._fitted(shape.open(), pack)) for shape in shapes[: self.n_validated]], 0)
        return dict(zip(("bytes", "error"), np.exp(found).tolist(), strict=True))

    def to_pack(self, module: torch.nn.Module, notes: dict[str, str]) -> ModelPack:
        """The network."""
        assert isinstance(module, AutoDecoder)
        return pack_of_network(module.network, notes)

    def _fitted(self, arrays: Arrays, pack: ModelPack) -> tuple[float, float]:
        network = network_of_pack(pack)
        samples = Samples(np.array(arrays["points"]), np.array(arrays["distances"]))
        settings = CodeFit(_VALIDATION_STEP, self.validation_steps, batch_size=self.batch_size)
        evaluate, generator = evaluator(network), torch.Generator().manual_seed(0)
        symbols = fit_code(evaluate, network.sizes.n_code, samples, settings, generator)
        error = np.abs(CodeField(symbols, network).distance(np.array(arrays["surface"]))).mean()
        return sum(len(section.data) for section in pack_symbols(symbols)), float(error)


class AutoDecoder(torch.nn.Module):
    """The network, and the codes of many shapes.

    Parameters
    ----------
    n_shapes : int
    sizes : Mlp
    generator : torch.Generator
        Of the first weights and codes.
    """

    def __init__(self, n_shapes: int, sizes: Mlp, generator: torch.Generator) -> None:
        super().__init__()
        self.network = SdfNetwork(sizes)
        self.network.reset(generator, radius=0.5)
        self.codes = ShapeCodes(n_shapes, sizes.n_code, generator)
