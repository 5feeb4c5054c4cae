"""Train the branches and the grid that `compact` files share: the codes of all shapes with them (auto-decoding).

With the paper's losses, or, for a pack that is to be small, with the price of the bits of grid and weights: these are
then rounded from the first step on, gradients straight through, to multiples of a step that each tensor learns.
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
from ..fitting import laplace_bits, rounded
from ..latent_fit import CodeFit, fit_code
from ..sample import Samples
from ..target import Target
from ..training.codes import ShapeCodes
from ..training.trainee import Arrays, Metrics, ShapeArrays
from ..whole import FILL
from .band import DEPTH, LAYERS
from .field import evaluator
from .networks import SMALL, CompactSizes, coarse_distance, fine_distance, first_grid, first_layers
from .samples import as_arrays, lattice_samples
from .shared import METHOD, Branches, branches_of_pack, pack_of_branches
from .stream import pack_symbols

_FIRST_STEPS = (1 / 64, 1 / 128)  # of the grid, and of layers
_STEP_RATE = 0.01
_LEAST_SPREAD = 0.02  # of symbols
_VALIDATION_STEP = 1 / 64
BRANCHES = ("coarse", "fine")


@dataclass(frozen=True)
class CompactTrainee:
    """Branches, grid and codes in training.

    Parameters
    ----------
    sizes : CompactSizes
    n_near, n_far : int
        Samples of each shape in the band and anywhere.
    n_layers : int
        Of the band, in cells of depth `DEPTH`.
    batch_size : int
        Samples in a step.
    grid_rate, code_rate, network_rate : float
        Of Adam. The paper has 0.1 and 0.001 for the first two; features that are rounded want smaller steps.
    code_price, feature_price : float
        Of the mean squares of a shape's code, and of the grid's features.
    bit_price : float
        Percent of error that a percent of the pack's bits is worth; 0 for the paper's losses, without rounding.
    branches : tuple of str
        Those that are trained: ``"coarse"``, ``"fine"`` or both; one alone is for comparison.
    n_validated : int
        Shapes that a validation takes.
    validation_steps : int
        Of the fits of a validation.
    """

    sizes: CompactSizes = SMALL
    n_near: int = 24_000
    n_far: int = 8_000
    n_layers: int = LAYERS
    batch_size: int = 4096
    grid_rate: float = 2e-2
    code_rate: float = 1e-2
    network_rate: float = 3e-3
    code_price: float = 1e-4
    feature_price: float = 1e-6
    bit_price: float = 0.5
    branches: tuple[str, ...] = BRANCHES
    n_validated: int = 3
    validation_steps: int = 200

    @property
    def method(self) -> str:
        """``"compact"``."""
        return METHOD

    @property
    def cache_key(self) -> str:
        """What the samples depend on."""
        return f"compact 1, {self.n_near} near, {self.n_far} far, {self.n_layers} layers"

    @property
    def settings_key(self) -> str:
        """What the training depends on."""
        return (
            f"{self.sizes}, batches of {self.batch_size}, rates {self.grid_rate:g} {self.code_rate:g} "
            f"{self.network_rate:g}, prices {self.code_price:g} {self.feature_price:g} {self.bit_price:g}, "
            f"{' and '.join(self.branches)}"
        )

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples of a shape: `points` (N, 3) and `distances` (N,), float32."""
        target = Target(mesh.vertices, mesh.faces, int(rng.integers(1 << 31)))
        band = (self.n_layers + 0.5) * 2 / (1 << DEPTH)
        return as_arrays(lattice_samples(target, target.frame(FILL), self.n_near, self.n_far, band, rng))

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """Branches, grid and the codes of all shapes."""
        return CompactModule(len(shapes), self.sizes, generator)

    def optimizers(self, module: torch.nn.Module) -> list[torch.optim.Optimizer]:
        """One for what is shared, one that moves only the codes of a step's shapes."""
        assert isinstance(module, CompactModule)
        groups = [([module.grid], self.grid_rate), ([*module.layers], self.network_rate)]
        groups.append(([module.log_steps], _STEP_RATE))
        shared = torch.optim.Adam([{"params": found, "lr": rate} for found, rate in groups], betas=(0.9, 0.99))
        return [shared, module.codes.optimizer(self.code_rate)]

    def batch(self, arrays: Arrays, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """Samples of a step."""
        rows = rng.integers(0, len(arrays["distances"]), self.batch_size)
        return {name: np.asarray(arrays[name])[rows] for name in ("points", "distances")}

    def loss(
        self, module: torch.nn.Module, shape: int, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> torch.Tensor:
        """Squared errors of both branches and the squares of code and features; logarithms, if bits have a price."""
        assert isinstance(module, CompactModule)
        code = module.codes.of(shape)
        branches, bits = module.rounded() if self.bit_price else (module.branches(), None)
        errors = self.code_price * code.square().mean()
        if "coarse" in self.branches:
            coarse = coarse_distance(self.sizes, branches.coarse, batch["points"], code)
            errors = errors + (coarse - batch["distances"]).square().mean()
        if "fine" in self.branches:
            fine = fine_distance(branches.grid, branches.fine, batch["points"], code)
            errors = errors + (fine - batch["distances"]).square().mean()
        if bits is None:
            return errors + self.feature_price * branches.grid.square().mean()
        return errors.log() + self.bit_price * bits.log()

    def validate(self, module: torch.nn.Module, shapes: Sequence[ShapeArrays]) -> Metrics:
        """What short fits of other shapes come to.

        Returns
        -------
        pack : float
            Bytes of the pack.
        bytes : float
            Of a payload; geometric mean.
        error : float
            Mean error of the fine branch at samples, most of them in the band, normalized units; geometric mean.
        """
        pack = self.to_pack(module, {})
        found = np.mean([np.log(self._fitted(shape.open(), pack)) for shape in shapes[: self.n_validated]], 0)
        n_bytes, error = np.exp(found).tolist()
        return {"pack": float(pack.arrays["coded"].size), "bytes": n_bytes, "error": error}

    def to_pack(self, module: torch.nn.Module, notes: dict[str, str]) -> ModelPack:
        """Branches and grid, rounded."""
        assert isinstance(module, CompactModule)
        return pack_of_branches(module.branches(), module.log_steps.exp().tolist(), notes)

    def _fitted(self, arrays: Arrays, pack: ModelPack) -> tuple[float, float]:
        evaluate = evaluator(branches_of_pack(pack))
        samples = Samples(np.array(arrays["points"]), np.array(arrays["distances"]))
        settings = CodeFit(_VALIDATION_STEP, self.validation_steps, batch_size=self.batch_size)
        symbols = fit_code(evaluate, self.sizes.n_code, samples, settings, torch.Generator().manual_seed(0))
        with torch.inference_mode():
            values = evaluate(torch.from_numpy(samples.points), torch.from_numpy(symbols.values))[:, 1]
        error = np.abs(values.numpy() - samples.distances).mean()
        return sum(len(section.data) for section in pack_symbols(symbols)), float(error)


class CompactModule(torch.nn.Module):
    """What is learned: the shared grid, the layers of both branches, their steps, and the codes of all shapes.

    Parameters
    ----------
    n_shapes : int
    sizes : CompactSizes
    generator : torch.Generator
        Of the first weights, features and codes.
    """

    def __init__(self, n_shapes: int, sizes: CompactSizes, generator: torch.Generator) -> None:
        super().__init__()
        self.sizes = sizes
        self.grid = torch.nn.Parameter(first_grid(sizes, generator))
        layers = first_layers(sizes.coarse_shapes, generator) + first_layers(sizes.fine_shapes, generator)
        self.layers = torch.nn.ParameterList(layers)
        steps = torch.tensor([_FIRST_STEPS[0], *[_FIRST_STEPS[1]] * len(layers)])
        self.log_steps = torch.nn.Parameter(steps.log())
        self.codes = ShapeCodes(n_shapes, sizes.n_code, generator)

    def branches(self) -> Branches:
        """As they are, not rounded."""
        return self._branches(self.grid, list(self.layers))

    def rounded(self) -> tuple[Branches, torch.Tensor]:
        """Rounded, with gradients as if they were not; and the bits that the numbers cost."""
        tensors, bits = [], torch.zeros((), device=self.grid.device)
        for tensor, log_step in zip([self.grid, *self.layers], self.log_steps, strict=True):
            symbols = rounded(tensor / log_step.exp())
            spread = symbols.detach().abs().mean().clamp(min=_LEAST_SPREAD)
            bits = bits + laplace_bits(symbols, spread).sum()
            tensors.append(symbols * log_step.exp())
        return self._branches(tensors[0], tensors[1:]), bits

    def _branches(self, grid: torch.Tensor, layers: list[torch.Tensor]) -> Branches:
        n_coarse = len(self.sizes.coarse_shapes)
        return Branches(self.sizes, grid, layers[:n_coarse], layers[n_coarse:])
