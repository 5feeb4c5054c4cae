"""What helps a network that represents one shape: the studies of the paper, on a smaller scale.

    python -m sdfz.bench.overfit_ablation CORPUS -o TABLE [--shapes NAMES] [--steps N]

Regularization, depth and width, sampling and loss, section 4 of [1]_, with everything else as there: shapes in the unit
sphere, 8 ReLU layers of 32 units, a tanh at the end, L1, Adam at 1e-3, reduced on plateaus. Networks are small and
steps fewer than the paper's 10,000, so that the table takes minutes on a core. Weights are not quantized: the codec
does not come into it. A row that is in the table is not measured again.

References
----------
.. [1] Sergeev, Talabot, Donier, Fua, Implicit high resolution representation of 3D shapes, 2022.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path

import click
import numpy as np
import torch

from ..codec.crumbs import drop_crumbs
from ..codec.device_mesher import surface_of
from ..codec.overfit import sampling
from ..codec.overfit.architecture import PAPER, Architecture
from ..codec.overfit.fit import FitSettings, fit_network
from ..codec.overfit.losses import clamped_l1, curriculum, l1
from ..codec.overfit.model import NetworkField
from ..codec.overfit.sampling import Sampled
from ..codec.target import Target
from .corpus import CorpusShape, chosen_shapes, corpus_shapes
from .metrics import PROTOCOLS, earth_movers_distance, independent_points, paper_chamfer, unit_sphere_radius
from .peers.contract import Mesh

SHAPES = ("spot", "rocker_arm", "fandisk")
N_EVALUATIONS = 100_000
_RESOLUTION = 128
_N_EMD = 500


@dataclass(frozen=True)
class Variant:
    """One thing that is tried.

    Attributes
    ----------
    study, name : str
    architecture : Architecture
    settings : FitSettings
    variances : (float, float)
        Of the sampling near the surface.
    share_kept : float, optional
        Of the candidates of the weighted sampling, which is then used; both evaluate equally many distances.
    """

    study: str
    name: str
    architecture: Architecture = PAPER
    settings: FitSettings = field(default_factory=FitSettings)
    variances: tuple[float, float] = (1e-3, 1e-4)
    share_kept: float | None = None


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes
    ----------
    study, variant, shape : str
    width, hidden, weights : int
        Of the network.
    steps, batch : int
        Of the fit.
    samples, evaluations : int
        Points to learn from, and distances that were evaluated for them.
    cd_1e3 : float
        As in the paper: squared, times 1000, 10,000 points, in the unit sphere; infinite without a surface.
    emd : float
        Of 500 points, in the unit sphere.
    cd_e4, hd_e4 : float
        Exact, un-squared, in 1e-4 of the diagonal, as everywhere else in this project.
    seconds : float
        Of the processor, for the fit.
    """

    study: str
    variant: str
    shape: str
    width: int
    hidden: int
    weights: int
    steps: int
    batch: int
    samples: int
    evaluations: int
    cd_1e3: float
    emd: float
    cd_e4: float
    hd_e4: float
    seconds: float


def variants(n_steps: int, batch_size: int) -> Iterator[Variant]:
    """All that is tried, with so many steps each."""
    plain = FitSettings(loss=l1, n_iterations=n_steps, batch_size=batch_size)
    yield Variant("regularization", "default", settings=plain)
    yield Variant("regularization", "weight normalization", settings=replace(plain, weight_norm=True))
    yield Variant("regularization", "skip connection", Architecture(32, 8, skip=True), plain)
    yield Variant("regularization", "dropout 0.2", settings=replace(plain, dropout=0.2))
    for n_hidden in (2, 4):
        yield Variant("depth", f"{n_hidden} x 32", Architecture(32, n_hidden), plain)
    for width in (16, 64):
        yield Variant("width", f"8 x {width}", Architecture(width, 8), plain)
    clamped = replace(plain, loss=clamped_l1)
    near = Variant("sampling", "near surface", settings=clamped, variances=sampling.VARIANCES)
    yield near
    yield replace(near, name="weighted", share_kept=0.1)
    yield replace(near, study="loss", name="curriculum, Table 2",
                  settings=replace(plain, loss=curriculum(), schedule="constant"))  # fmt: skip


def measured(variant: Variant, shape: CorpusShape, n_evaluations: int = N_EVALUATIONS, seed: int = 0) -> Row:
    """Fit a variant to a shape and measure what it represents."""
    mesh = shape.load()
    target = Target(mesh.vertices, mesh.faces, seed)
    frame = target.frame(sampling.unit_sphere_fill(target.vertices))
    sampled = _sampled(variant, target, target.to_home_ratio(frame), n_evaluations)
    settings = variant.settings
    started = time.process_time()
    layers = fit_network(variant.architecture, sampled.samples, settings, torch.Generator().manual_seed(seed))
    seconds = time.process_time() - started
    n_voxels = round(_RESOLUTION / sampling.unit_sphere_fill(target.vertices))
    vertices, faces = surface_of(NetworkField(variant.architecture, layers), n_voxels, margin=0)
    vertices, faces = drop_crumbs(vertices, faces, 4 * 2 / n_voxels)
    found = target.reference(30_000).measure(target.to_home(vertices, frame), faces)
    cd, emd = np.inf, np.inf
    if len(faces):
        home = Mesh(target.vertices, target.faces)
        other = Mesh(target.to_home(vertices, frame), faces)
        cd, emd = _papers(home, other, seed)
    return Row(
        variant.study, variant.name, shape.name, variant.architecture.width, variant.architecture.n_hidden,
        variant.architecture.n_weights, settings.n_iterations, settings.batch_size, len(sampled.samples.points),
        sampled.n_evaluations, round(cd, 4), round(emd, 4), round(1e4 * found.cd, 3), round(1e4 * found.hd, 2),
        round(seconds, 1),
    )  # fmt: skip


def _sampled(variant: Variant, target: Target, unit: float, n_evaluations: int) -> Sampled:
    """Samples in the unit sphere; `unit` is its radius in the target's frame."""
    rng = np.random.default_rng(target.seed)

    def signed(points: np.ndarray) -> np.ndarray:
        return target.oracle.signed(points * unit) / unit

    if variant.share_kept is not None:
        return sampling.weighted(signed, n_evaluations, round(variant.share_kept * n_evaluations), rng)
    n_samples = round(n_evaluations * (1 + sampling.SURFACE_SHARE))
    vertices = target.vertices / unit
    return sampling.near_surface(signed, vertices, target.faces, n_samples, rng, variances=variant.variances)


def _papers(reference: Mesh, other: Mesh, seed: int) -> tuple[float, float]:
    """CD times 1000 and EMD as the paper measures them."""
    unit = unit_sphere_radius(reference)
    chamfer = paper_chamfer(PROTOCOLS["overfit"], reference, other, unit=unit, seed=seed)
    rngs = (np.random.default_rng([seed, which]) for which in (2, 3))
    clouds = [independent_points(mesh, _N_EMD, rng) for mesh, rng in zip((reference, other), rngs, strict=True)]
    return chamfer, earth_movers_distance(clouds[0], clouds[1], unit=unit)


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="Table (TSV) to begin or go on with.")
@click.option("--shapes", default=",".join(SHAPES), show_default=True, help="Names of shapes, with commas.")
@click.option("--steps", default=1500, show_default=True, help="Of a fit.")
@click.option("--batch", default=4000, show_default=True, help="Samples in a step.")
@click.option("--threads", default=1, show_default=True)
def main(corpus: Path, out: Path, shapes: str, steps: int, batch: int, threads: int) -> None:
    """Measure what the table lacks."""
    torch.set_num_threads(threads)
    known = _known(out)
    for shape in chosen_shapes(corpus_shapes(corpus, ["dev"]), shapes.split(",")):
        for variant in variants(steps, batch):
            if (variant.study, variant.name, shape.name, str(steps)) in known:
                continue
            row = measured(variant, shape)
            _append(out, row)
            click.echo(f"{row.study}, {row.variant}, {row.shape}: CD {row.cd_1e3}, EMD {row.emd}, {row.seconds} s")


def _known(out: Path) -> set[tuple[str, ...]]:
    if not out.exists():
        return set()
    with open(out, newline="", encoding="utf-8") as file:
        return {(r["study"], r["variant"], r["shape"], r["steps"]) for r in csv.DictReader(file, delimiter="\t")}


def _append(out: Path, row: Row) -> None:
    is_new = not out.exists()
    with open(out, "a", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [f.name for f in fields(Row)], delimiter="\t", lineterminator="\n")
        if is_new:
            writer.writeheader()
        writer.writerow(asdict(row))


if __name__ == "__main__":
    main()
