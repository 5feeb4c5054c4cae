"""What each part of the compact latent space is good for: the ablation of its paper [1]_, on shapes of the corpus.

    python -m sdfz.bench.compact_ablation CORPUS -o TABLE [--seconds 45]

Branches (both, or one alone), layers of the band (1, 3, 6), samples (in the band, or of even lattices of 32^3, 128^3,
256^3) and numbers of a code (8 to 256), with the sizes of the codec, not the paper's, but its losses: nothing is
quantized and bits have no price. All variants train on the same shapes for about the same seconds of the processor,
with as many samples of each shape, drawn once; the lattice of 32^3 has fewer.

`mixed_collection` of the corpus' folder `train` says which shapes; some more are held out: for these only a code is
fitted. Errors are means over shapes. `cd_e4` is exact and un-squared, in 1e-4 of the diagonal, as everywhere in this
project, and `rest_cd_e4` the mean without the worst shape; `cd2_e4` is the sum of both directed mean squares, as in the
paper, in 1e-4 of the diagonal squared; `f_001` is the F-score at 0.01 of the diagonal. `near_e4` and `far_e4` are mean
errors of the field, in 1e-4 of the diagonal, at points in the band of three layers and anywhere. A `field` that is not
of both branches reads one of them alone, wherever it is trained.

A variant that has its rows already is not run again.

References
----------
.. [1] Learning compact latent space for representing neural signed distance functions with high-fidelity geometry
   details, AAAI 2026, arXiv 2511.14539.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch

from ..codec.cell_surface import CellSurface
from ..codec.compact.band import DEPTH, LAYERS
from ..codec.compact.decode import CompactSurface
from ..codec.compact.field import CompactField
from ..codec.compact.networks import SMALL, coarse_distance, fine_distance
from ..codec.compact.samples import as_arrays, lattice_samples, uniform_samples
from ..codec.compact.shared import Branches
from ..codec.compact.train import CompactModule, CompactTrainee
from ..codec.latent_code import LatentCode, code_of_step, step_of_code
from ..codec.latent_fit import CodeFit, Evaluate, encode_code
from ..codec.region import Region
from ..codec.target import Target
from ..codec.tensor_field import TensorField
from ..codec.threads import torch_threads
from ..codec.training.cache import CachedShape, prepared_shapes
from ..codec.training.loop import TrainSettings, train
from ..codec.whole import FILL
from ..formats.frame import Frame
from ..formats.mesh_io import Mesh, read_mesh
from .corpus import CorpusShape, corpus_shapes, mixed_collection
from .records import read_records, write_records

logger = logging.getLogger(__name__)

N_SHAPES, N_HELD_OUT = 20, 4
F_SCORE_AT = 0.01  # of the diagonal
_N_NEAR, _N_FAR = 49_152, 16_384  # samples of a shape
_BATCH = 1024  # of each of four shapes in a step
_FINE = 2.0**-12  # step of codes that are as good as not quantized
_FIT_STEPS = 300  # of a code for a shape that is held out
_VOXELS = 128  # along a shape
_CRUMB_CELLS = 1.5  # as of the codec
_MEASURED, _TESTED = 20_000, 5_000  # samples of a surface; points of the field, in the band and anywhere
_TRIED = 60  # steps that tell how long one takes


@dataclass(frozen=True)
class StudyTrainee(CompactTrainee):
    """As for the codec, of a band or of an even lattice.

    Parameters
    ----------
    lattice : int, optional
        Steps of an even lattice along the cube, in place of the band.
    """

    lattice: int | None = None

    @property
    def cache_key(self) -> str:
        """As of `CompactTrainee`."""
        return super().cache_key if self.lattice is None else f"{super().cache_key}, of {self.lattice}^3 evenly"

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """As of `CompactTrainee`."""
        if self.lattice is None:
            return super().prepare(mesh, rng)
        target = Target(mesh.vertices, mesh.faces, int(rng.integers(1 << 31)))
        n_samples = self.n_near + self.n_far
        return as_arrays(uniform_samples(target, target.frame(FILL), self.lattice, n_samples, rng))


@dataclass(frozen=True)
class Variant:
    """What is trained, and which field of it is read: that of both branches, or one's own."""

    study: str
    name: str
    trainee: StudyTrainee
    fields: tuple[str, ...] = ("both",)
    seed: int = 0


@dataclass(frozen=True)
class Row:
    """A row of the table; the module says what the columns mean."""

    study: str
    variant: str
    field: str
    n_code: int
    n_layers: int
    samples: int  # of a shape
    steps: int
    seconds: float
    cd_e4: float
    cd2_e4: float
    f_001: float
    worst_cd_e4: float
    rest_cd_e4: float
    near_e4: float
    far_e4: float
    held_out_cd_e4: float
    held_out_f_001: float


def variants() -> Iterator[Variant]:
    """All that is tried."""
    usual = StudyTrainee(n_near=_N_NEAR, n_far=_N_FAR, batch_size=_BATCH, bit_price=0.0)
    yield Variant("branches", "dual", usual, ("both", "coarse", "fine"))
    yield Variant("branches", "generalization only", replace(usual, branches=("coarse",)), ("coarse",))
    yield Variant("branches", "overfitting only", replace(usual, branches=("fine",)), ("fine",))
    for n_layers in (1, 6):
        yield Variant("band", f"n = {n_layers}", replace(usual, n_layers=n_layers))
    for lattice in (32, 128, 256):
        yield Variant("samples", f"uniform {lattice}^3", replace(usual, lattice=lattice))
    for n_code in (8, 16, 64, 128, 256):
        yield Variant("code", f"d = {n_code}", replace(usual, sizes=replace(SMALL, n_code=n_code)))
    yield Variant("why", "overfitting only, band only", replace(usual, branches=("fine",), n_far=0), ("fine",))
    finer = replace(SMALL, resolution=96, n_features=4)
    yield Variant("why", "dual, 96^3 nodes", replace(usual, sizes=finer), ("both", "coarse", "fine"))
    yield Variant("noise", "dual, another seed", usual, seed=1)


# -- training ----------------------------------------------------------------------------------------------------------


def trained(
    variant: Variant, shapes: Sequence[CachedShape], seconds: float, checkpoint: Path
) -> tuple[CompactModule, int, float]:
    """Branches and codes, the steps for which there was time, and the seconds that they took."""
    clock: list[float] = []
    tried = partial(train, variant.trainee, shapes, [], checkpoint=checkpoint)
    report = partial(_note_time, clock)
    tried(TrainSettings(_TRIED, device="cpu", checkpoint_every=1 << 30), report=report)
    checkpoint.unlink()
    a_step = (clock[-1] - clock[_TRIED // 4]) / (_TRIED - 1 - _TRIED // 4)  # the first ones are slow
    n_steps = max(round(seconds / a_step), 1)
    started = time.process_time()
    settings = TrainSettings(n_steps, seed=variant.seed, device="cpu", checkpoint_every=1 << 30)
    module = tried(settings).module
    checkpoint.unlink()
    assert isinstance(module, CompactModule)
    return module, n_steps, time.process_time() - started


def _note_time(clock: list[float], *_: object) -> None:
    clock.append(time.process_time())


def evaluator_of(branches: Branches, field: str) -> Evaluate:
    """What a code for a shape is fitted through: one branch, or both."""

    def evaluate(points: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
        found = []
        if field != "fine":
            found.append(coarse_distance(branches.sizes, branches.coarse, points, code))
        if field != "coarse":
            found.append(fine_distance(branches.grid, branches.fine, points, code))
        return torch.stack(found, 1)

    return evaluate


# -- measuring ---------------------------------------------------------------------------------------------------------


class BranchField(TensorField):
    """One branch, anywhere in the cube."""

    def __init__(self, branches: Branches, code: LatentCode, field: str) -> None:
        n_cells = 1 << DEPTH
        super().__init__(Region(DEPTH, np.argwhere(np.ones((n_cells,) * 3, bool)).astype(np.int32)))
        self._evaluate, self._code = evaluator_of(branches, field), torch.from_numpy(code.values)

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        """As of `TensorField`."""
        return self._evaluate(points, self._code)[:, 0]


class Judge:
    """A shape, and how far fields are from it.

    Parameters
    ----------
    mesh : Mesh
    """

    def __init__(self, mesh: Mesh) -> None:
        self.target = Target(mesh.vertices, mesh.faces)
        self.frame: Frame = self.target.frame(FILL)
        self._reference = self.target.reference(_MEASURED)
        band = (LAYERS + 0.5) * 2 / (1 << DEPTH)
        rng = np.random.default_rng(1)
        self._tests = [
            lattice_samples(self.target, self.frame, near, _TESTED - near, band, rng) for near in (_TESTED, 0)
        ]

    def figures(self, branches: Branches, code: LatentCode, field: str, n_layers: int) -> dict[str, float]:
        """Columns of the table, for this shape."""
        found: TensorField
        if field == "both":
            found = CompactField(code, branches, n_layers=n_layers)
            vertices, faces = CompactSurface(found).mesh(_VOXELS)
        else:
            found = BranchField(branches, code, field)
            vertices, faces = CellSurface(found, _CRUMB_CELLS, margin=0).mesh(_VOXELS)
        distortion = self._reference.measure(self.target.to_home(vertices, self.frame), faces)
        unit = 1e4 * self.frame.scale / self.target.diagonal
        near, far = (unit * float(np.abs(found.distance(test.points) - test.distances).mean()) for test in self._tests)
        return {
            "cd_e4": 1e4 * distortion.cd,
            "cd2_e4": 1e4 * 2 * distortion.rms**2,
            "f_001": distortion.f_scores[F_SCORE_AT],
            "near_e4": near,
            "far_e4": far,
        }


def rows_of(
    variant: Variant, shapes: Sequence[CachedShape], judges: Sequence[Judge], held_out: Sequence[Judge],
    seconds: float, checkpoint: Path,
) -> list[Row]:  # fmt: skip
    """Train a variant and measure it."""
    module, n_steps, spent = trained(variant, shapes, seconds, checkpoint)
    branches = module.branches()
    branches = replace(
        branches,
        grid=branches.grid.detach(),
        coarse=[layer.detach() for layer in branches.coarse],
        fine=[layer.detach() for layer in branches.fine],
    )
    codes = [_fixed(module.codes.of(number).detach().numpy()) for number in range(len(shapes))]
    rows = []
    for field in variant.fields:
        n_layers, n_code = variant.trainee.n_layers, branches.sizes.n_code
        known = [j.figures(branches, code, field, n_layers) for j, code in zip(judges, codes, strict=True)]
        evaluate, settings = evaluator_of(branches, field), CodeFit(_FINE, _FIT_STEPS, elasticity=0.0)
        new = [
            j.figures(branches, encode_code(j.target, evaluate, n_code, settings)[1], field, n_layers) for j in held_out
        ]
        cds = [figures["cd_e4"] for figures in known]
        means = {name: float(np.mean([figures[name] for figures in known])) for name in known[0]}
        rows.append(
            Row(
                study=variant.study,
                variant=variant.name,
                field=field,
                n_code=n_code,
                n_layers=n_layers,
                samples=round(float(np.mean([len(shape.open()["distances"]) for shape in shapes]))),
                steps=n_steps,
                seconds=spent,
                worst_cd_e4=max(cds),
                rest_cd_e4=float(np.mean(sorted(cds)[:-1])),
                held_out_cd_e4=float(np.mean([figures["cd_e4"] for figures in new])),
                held_out_f_001=float(np.mean([figures["f_001"] for figures in new])),
                **means,
            )
        )
    return rows


def _fixed(values: npt.NDArray[np.float32]) -> LatentCode:
    step_code = code_of_step(_FINE)
    return LatentCode(step_code, np.rint(values / step_of_code(step_code)).astype(np.int32))


# -- the table ---------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Table (TSV) to begin or go on with.")
@click.option("--seconds", default=45.0, show_default=True, help="Of the processor, to train a variant.")
@click.option("--only", multiple=True, help="Of the variants, by name.")
@click.option("--at-most", default=1 << 30, help="Variants to run now.")
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder for samples; kept.")
@torch_threads(1)
def main(corpus: Path, out: Path, seconds: float, only: tuple[str, ...], at_most: int, cache: Path) -> None:
    """Run the variants that have no row in the table yet."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    table = read_records(out, Row)
    known = {row.variant for row in table}
    chosen = mixed_collection(corpus_shapes(corpus, ["train"]), N_SHAPES + N_HELD_OUT)
    missing = [v for v in variants() if v.name not in known and (not only or v.name in only)][:at_most]
    judges = [Judge(read_mesh(shape.path)) for shape in (chosen if missing else ())]
    for variant in missing:
        shapes = _prepared(chosen[:N_SHAPES], variant.trainee, cache)
        rows = rows_of(variant, shapes, judges[:N_SHAPES], judges[N_SHAPES:], seconds, cache / "checkpoint")
        table += rows
        write_records(out, table)
        for row in rows:
            logger.info("%s", row)


def _prepared(chosen: Sequence[CorpusShape], trainee: StudyTrainee, cache: Path) -> list[CachedShape]:
    entries = [(shape.name, shape.path) for shape in chosen]
    return prepared_shapes(cache, trainee.cache_key, entries, trainee.prepare)


if __name__ == "__main__":
    main()
