"""What each part of LP-DIF is good for, on one scene: decoders and codes are fitted to it together.

    python -m sdfz.bench.lpdif_ablation SCENE -o TABLE [--steps 600]

The tables of the paper, scaled to a CPU: its Table 10 (one network; clusters at random; without weights; fixed and
dynamic weights), its Table 9 (fewer regions against more), and the number of patterns. All variants have about as many
weights in all (within 4 %), as long codes and as many steps with as many samples; a quarter of the steps is stage 1,
but with one network, and but for "one small network", which is of a pattern's size: a region costs as much to decode
as with patterns. In the fit codes are not quantized and bits have no price. Half of each region's samples are kept from
it: `error` is the mean distance of the field from the truth there, cut off as in the fit. `cd` and `f_score` are those
of the mesh, from triangle to triangle, both ways; the F-score is at 0.001 of the scene's diagonal.

As a codec of one scene: the networks are a pack of its own, in half precision (`pack_bytes`), with which the scene is
encoded by the method (`file_bytes`, `file_cd`). Both have to be paid for.

A variant that has its row already is not run again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt
import torch

from ..codec.crumbs import drop_crumbs
from ..codec.distortion import Reference
from ..codec.lpdif.decode import LpdifSurface
from ..codec.lpdif.encode import LpdifSettings, encode_lpdif
from ..codec.lpdif.fit import CodeFit
from ..codec.lpdif.losses import clamped
from ..codec.lpdif.model import LpdifField
from ..codec.lpdif.network import NetworkShape, code_part, evaluate
from ..codec.lpdif.patterns import Patterns
from ..codec.lpdif.regions import arrays_of_regions
from ..codec.lpdif.shared import LpdifDecoders, decoders_of_pack, pack_of_decoders
from ..codec.lpdif.steps import code_of_step, step_of_code
from ..codec.lpdif.stream import pack_symbols
from ..codec.lpdif.symbols import PAPER_BORDER, LpdifSymbols
from ..codec.lpdif.train import LpdifTrainee
from ..codec.mesher import extract
from ..codec.occupancy import Cells
from ..codec.target import Target
from ..codec.training.loop import TrainSettings, train
from ..codec.training.trainee import Metrics, ShapeArrays
from ..formats.mesh_io import read_mesh
from ..formats.model_pack import pack_model
from .records import read_records, text_of, write_records

logger = logging.getLogger(__name__)

F_SCORE_AT = 0.001  # of the diagonal
_FINE = 2.0**-12  # step of codes that are as good as not quantized
_FILL = 0.95
_SAMPLES = 256  # of a region
_VALIDATIONS = 12  # of a run
_VOXELS = 256  # along the scene
_MARGIN = 0.125  # of the mesh around the regions, in edges


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    variant: str
    depth: int
    regions: int
    easy: int
    codes: int  # numbers in all codes
    weights: int  # in all networks
    steps: int
    error: float  # mean, on samples not fitted, in units of the scene
    cd: float  # in units of the scene
    f_score: float
    pack_bytes: int  # of the networks
    file_bytes: int  # of the payload of the scene, coded with that pack
    file_cd: float  # of what is decoded from it, in units of the scene
    seconds: float  # of the processor, for the fit
    history: str  # of errors: step:seconds:error


@dataclass(frozen=True)
class Variant:
    """A name, the depth of the grid and what differs from the full method."""

    name: str
    depth: int
    settings: Mapping[str, Any] = field(default_factory=dict)


def _network(width: int) -> NetworkShape:
    return NetworkShape(12, width, 6, again=3)


# One network of as many weights as the coarse one and four of the patterns.
_ONE = {"pattern": _network(69), "n_clusters": 1, "weighting": "none", "coarse_steps": 1, "easy_error": 0.0}
_SMALL = {**_ONE, "pattern": _network(32)}
VARIANTS = [
    Variant("one small network", 5, _SMALL),
    Variant("one network", 5, _ONE),
    Variant("clusters at random", 5, {"clustering": "random"}),
    Variant("no weights", 5, {"weighting": "none"}),
    Variant("fixed weights", 5, {"weighting": "fixed"}),
    Variant("dynamic weights", 5),
    Variant("16^3, one small network", 4, _SMALL),
    Variant("16^3, one network", 4, _ONE),
    Variant("16^3, dynamic weights", 4),
    Variant("1 pattern", 5, {"n_clusters": 1, "pattern": _network(66)}),
    Variant("2 patterns", 5, {"n_clusters": 2, "pattern": _network(46)}),
    Variant("8 patterns", 5, {"n_clusters": 8, "pattern": _network(21)}),
]


@dataclass(frozen=True)
class Part:
    """Some of the samples of a scene, as the loop wants them."""

    name: str
    arrays: Mapping[str, npt.NDArray[Any]]

    def open(self) -> Mapping[str, npt.NDArray[Any]]:
        """The arrays."""
        return self.arrays


class Stopwatch:
    """Seconds of the processor since its making, but for those that are taken out."""

    def __init__(self) -> None:
        self._started = time.process_time()

    def seconds(self) -> float:
        """So far."""
        return time.process_time() - self._started

    def take_out(self, seconds: float) -> None:
        """Let so many not count."""
        self._started += seconds


@dataclass(frozen=True)
class SceneTrainee(LpdifTrainee):
    """Decoders of one scene; validated with the codes that are being learned."""

    seen: list[Patterns] = field(default_factory=list, compare=False, repr=False)
    watch: Stopwatch = field(default_factory=Stopwatch, compare=False, repr=False)

    def module(self, shapes: Sequence[ShapeArrays], generator: torch.Generator) -> torch.nn.Module:
        """As of `LpdifTrainee`; also kept."""
        module = super().module(shapes, generator)
        assert isinstance(module, Patterns)
        self.seen.append(module)
        return module

    def validate(self, module: torch.nn.Module, shapes: Sequence[ShapeArrays]) -> Metrics:
        """Mean error on samples that were not fitted, in halves of a region's edge, and seconds of fitting so far."""
        assert isinstance(module, Patterns)
        seconds = self.watch.seconds()
        arrays = shapes[0].open()
        points, distances = torch.from_numpy(arrays["points"]), torch.from_numpy(arrays["distances"])
        error = torch.zeros(len(points))
        with torch.inference_mode():
            for network in range(len(module.patterns) + 1):
                layers = module.layers(network)
                for rows in torch.nonzero(module.networks_of.clamp(min=0) == network)[:, 0].split(512):
                    of_codes = code_part(layers, module.codes_of(network).weight[rows])[:, None]
                    found = evaluate(layers, of_codes, points[rows])
                    wanted = clamped(distances[rows], self.most_distance)
                    error[rows] = (clamped(found, self.most_distance) - wanted).abs().mean(1)
        self.watch.take_out(self.watch.seconds() - seconds)
        return {"error": float(error.mean()), "seconds": seconds}


def row_of(variant: Variant, target: Target, reference: Reference, n_steps: int, folder: Path) -> Row:
    """Fit a variant and measure it."""
    frame = target.frame(_FILL)
    cells, arrays = arrays_of_regions(target, frame, variant.depth, _SAMPLES)
    half = _SAMPLES // 2
    fitted = Part("fitted", {name: array[:, :half] for name, array in arrays.items()})
    kept = Part("kept", {name: array[:, half:] for name, array in arrays.items()})
    usual = {"pattern": _network(32), "coarse_steps": n_steps, "easy_error": 0.02, "bit_price": 0.0}
    trainee = SceneTrainee(**{**usual, **variant.settings})
    settings = TrainSettings(n_steps, device="cpu", validate_every=max(n_steps // _VALIDATIONS, 1))
    checkpoint = folder / f".{variant.name.replace(' ', '-')}.checkpoint"
    trained = train(trainee, [fitted], [kept], settings, checkpoint=checkpoint, key=variant.name)
    checkpoint.unlink()
    module, progress = trained.module, trained.progress
    assert isinstance(module, Patterns)
    symbols = symbols_of(module, cells, variant.depth)
    vertices, faces = mesh_of(symbols, module.decoders())
    distortion = reference.measure(target.to_home(vertices, frame), faces)
    half_edge = 1 / (1 << variant.depth) * frame.scale
    coded = _coded(module.decoders(), target, reference, len(cells))
    used = [network for network in range(len(symbols.n_codes)) if (symbols.networks == network).any()]
    return Row(
        variant=variant.name,
        depth=variant.depth,
        regions=len(cells),
        easy=int((symbols.networks == 0).sum()),
        codes=int(np.array(symbols.n_codes)[symbols.networks].sum()),
        weights=sum(layer.numel() for network in used for layer in module.layers(network)),
        steps=progress.step,
        error=progress.history[-1]["error"] * half_edge,
        cd=distortion.cd * target.diagonal,
        f_score=distortion.f_scores[F_SCORE_AT],
        pack_bytes=coded.pack_bytes,
        file_bytes=coded.file_bytes,
        file_cd=coded.cd * target.diagonal,
        seconds=progress.history[-1]["seconds"],
        history=" ".join(
            f"{entry['step']:.0f}:{entry['seconds']:.0f}:{entry['error'] * half_edge:.4g}" for entry in progress.history
        ),
    )


class _Coded(NamedTuple):
    pack_bytes: int
    file_bytes: int
    cd: float


def _coded(decoders: LpdifDecoders, target: Target, reference: Reference, n_regions: int) -> _Coded:
    """The scene with networks that were fitted to it alone: what they and the file take, and what comes back."""
    pack = pack_of_decoders(decoders, {})
    frame, symbols = encode_lpdif(target, decoders_of_pack(pack), LpdifSettings(n_regions, CodeFit()))
    n_bytes = sum(len(section.data) for section in pack_symbols(symbols))
    vertices, faces = LpdifSurface(symbols, decoders_of_pack(pack), "cpu").mesh(_VOXELS)
    return _Coded(len(pack_model(pack)), n_bytes, reference.measure(target.to_home(vertices, frame), faces).cd)


def symbols_of(module: Patterns, cells: Cells, depth: int) -> LpdifSymbols:
    """The symbols of codes that were learned with the networks, as good as not quantized."""
    networks = module.networks_of.clamp(min=0).numpy().astype(np.int32)
    n_codes = tuple(module.decoders().n_codes)
    code = code_of_step(_FINE)
    codes = np.zeros((len(cells), max(n_codes)), np.int32)
    for network, n in enumerate(n_codes):
        rows = np.flatnonzero(networks == network)
        learned = module.codes_of(network).weight.detach().numpy()[rows]
        codes[rows, :n] = np.rint(learned / step_of_code(code))
    return LpdifSymbols(depth, cells, PAPER_BORDER, networks, n_codes, (code,) * len(n_codes), codes)


def mesh_of(symbols: LpdifSymbols, decoders: LpdifDecoders) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Vertices and faces of a field."""
    field_ = LpdifField(symbols, decoders)
    vertices, faces = extract(field_, _VOXELS, margin=_MARGIN)
    return drop_crumbs(vertices, faces, field_.region.cell_size / 2)


@click.command()
@click.argument("scene", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The table; grown.")
@click.option("--steps", "n_steps", default=600, show_default=True, help="Of each variant.")
@click.option("--only", multiple=True, help="Of the variants, by name.")
def main(scene: Path, out: Path, n_steps: int, only: tuple[str, ...]) -> None:
    """Run the variants that have no row in the table yet."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = read_records(out, Row)
    done = {row.variant for row in rows}
    mesh = read_mesh(scene)
    target = Target(mesh.vertices, mesh.faces)
    reference = target.reference(200_000)
    for variant in VARIANTS:
        if variant.name in done or (only and variant.name not in only):
            continue
        rows.append(row_of(variant, target, reference, n_steps, out.parent))
        write_records(out, rows)
        logger.info("%s", text_of(rows[-1]))


if __name__ == "__main__":
    main()
