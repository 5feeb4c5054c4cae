"""The experiment of LGCL's Tables 2 to 4 on registered sequences: SDF-4, SDF-8, DeepSDF, and LGCL with both kernels.

    python -m sdfz.bench.lgcl_sequences SEQUENCE.npz -o bench/results/lgcl-tables-0.6.0.tsv --seconds 100

SEQUENCE has `vertices` (T, V, 3) and `faces`. Every tenth frame is taken; of these, every tenth, from the fifth on, is
for the test. All methods train for the same time of the CPU and find the codes of test frames, networks frozen, in the
same share of it. Lengths are scaled so that the first frame is 1,700 high along its longest side, as if in
millimetres. A run that was stopped goes on at the method at which it was: results that the table has are not made anew.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt
import torch

from ..codec.deepsdf.train import AutoDecoder, DeepSdfTrainee
from ..codec.distance import DistanceOracle
from ..codec.lgcl.losses import PAPER
from ..codec.lgcl.networks import SDF_4, SDF_8, SdfNetwork
from ..codec.lgcl.template import FrameField, Frames, TemplateTrainee
from ..codec.target import Target
from ..codec.tensor_field import TensorField
from ..codec.training.trainee import Trainee
from ..codec.whole import FILL, WHOLE, WholeSurface
from ..formats.mesh_io import Mesh as Input
from ..formats.mesh_io import write_mesh
from .corpus import load_sequence
from .metrics.clouds import cloud_distances, independent_points
from .peers.contract import Mesh
from .records import read_records, text_of, write_records

HEIGHT = 1700.0
EVERY = 10
N_POINTS = 30_000
FIT_SHARE = 0.25  # of the time of training, for the codes of all test frames together
_NEAR, _FAR = 0.5, 0.9  # the percentiles of Table 3
_LIMITS = (5.0, 10.0, 20.0)


@dataclass(frozen=True)
class Result:
    """A row: a method on a sequence, over its test frames. Lengths are in the unit of the table.

    Attributes
    ----------
    n_network, n_varying, n_code : int
        Parameters of the networks without and with those of single edges, and numbers of a frame's code.
    n_steps : int
        Of training.
    seconds : float
        Of the CPU, for training.
    cd, hd : float
        Between clouds of 30,000 points: mean of the directed means; largest.
    ed, ed_std, ed_50, ed_90 : float
        From the frames' vertices to the surface: mean, standard deviation, percentiles.
    above_5, above_10, above_20 : float
        Share of the vertices that are farther away, percent.
    """

    sequence: str
    method: str
    n_network: int
    n_varying: int
    n_code: int
    n_steps: int
    seconds: float
    n_frames: int
    cd: float
    hd: float
    ed: float
    ed_std: float
    ed_50: float
    ed_90: float
    above_5: float
    above_10: float
    above_20: float


class _Memory:
    """Arrays of a frame, kept."""

    def __init__(self, name: str, arrays: dict[str, npt.NDArray[Any]]) -> None:
        self.name, self._arrays = name, arrays

    def open(self) -> Mapping[str, npt.NDArray[Any]]:
        return self._arrays


def split(n_frames: int, every: int = EVERY) -> tuple[list[int], list[int]]:
    """Frames to train on and frames for the test."""
    taken = list(range(0, n_frames, every))
    test = taken[min(4, len(taken) - 1) :: 10]
    return [frame for frame in taken if frame not in test], test


def trainees(faces: npt.NDArray[np.int64], n_samples: int, batch_size: int) -> dict[str, Any]:
    """All methods of the tables by name; those of Table 4 and Fig. 4 differ from LGCL's by one setting each."""
    cheb = TemplateTrainee(faces, n_samples=n_samples, batch_size=batch_size)
    deep = DeepSdfTrainee(n_samples=n_samples, batch_size=batch_size)
    varying = replace(cheb, varying=True)
    found: dict[str, Any] = {
        "SDF-4": replace(deep, sizes=SDF_4, clamp=0.0),
        "SDF-8": replace(deep, sizes=SDF_8, clamp=0.0),
        "DeepSDF": deep,
        "LGCL-Cheb": cheb,
        "LGCL-VC": varying,
    }
    for weight in (0.1, 10.0, 0.0):
        for name, trainee in (("LGCL-Cheb", cheb), ("LGCL-VC", varying)):
            found[f"{name} sim {weight:g}"] = replace(trainee, weights=replace(PAPER, similarity=weight))
    found["LGCL-Cheb same code"] = replace(cheb, same_code=True, weights=replace(PAPER, similarity=0.0))
    return found


def run(
    sequence: str, vertices: npt.NDArray[np.floating], faces: npt.NDArray[np.int64], method: str, trainee: Any,
    seconds: float, resolution: int, every: int = EVERY, meshes: Path | None = None,
) -> Result:  # fmt: skip
    """Train a method, fit the test frames, and measure them; `meshes` is a folder for the first of these, decoded."""
    shapes = {
        frame: _Memory(str(frame), _arrays(trainee, vertices[frame], faces))
        for part in split(len(vertices), every)
        for frame in part
    }
    train_frames, test_frames = split(len(vertices), every)
    module = trainee.module([shapes[f] for f in train_frames], torch.Generator().manual_seed(0))
    n_steps, spent = descend(trainee, module, [shapes[f] for f in train_frames], trainee.optimizers(module), seconds)
    tested = trainee.module([shapes[f] for f in test_frames], torch.Generator().manual_seed(1))
    tested.network.load_state_dict(module.network.state_dict())
    tested.network.requires_grad_(False)
    descend(trainee, tested, [shapes[f] for f in test_frames], trainee.optimizers(tested)[1:], FIT_SHARE * seconds)
    unit = np.ptp(vertices[0], axis=0).max() / HEIGHT
    figures = []
    for number, frame in enumerate(test_frames):
        found = meshed(_field(tested, number), vertices[frame], faces, resolution)
        figures.append(measured(found, vertices[frame], faces, unit))
        if meshes is not None and not number:
            write_mesh(*found, meshes / f"{sequence} {method}.ply")
    return Result(
        sequence, method, _size(module.network, without="coefficients"), _size(module.network),
        module.codes.weight.shape[1], n_steps, round(spent, 1), len(test_frames), **_over(figures),
    )  # fmt: skip


def descend(
    trainee: Trainee, module: torch.nn.Module, shapes: Sequence[_Memory], optimizers: list[Any], seconds: float
) -> tuple[int, float]:
    """Steps for a time of the CPU, rates halved after two thirds of it as in the paper; steps, and seconds spent."""
    rng, generator = np.random.default_rng(0), torch.Generator().manual_seed(0)
    start, n_steps, halved = time.process_time(), 0, False
    while (spent := time.process_time() - start) < seconds or not n_steps:
        if spent > seconds * 2 / 3 and not halved:
            halved = True
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] /= 2
        number = n_steps % len(shapes)
        batch = {name: torch.from_numpy(a) for name, a in trainee.batch(shapes[number].open(), rng).items()}
        loss = trainee.loss(module, number, batch, generator)
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()
        n_steps += 1
    return n_steps, time.process_time() - start


def meshed(
    field: TensorField, vertices: npt.NDArray[np.floating], faces: npt.NDArray[np.int64], resolution: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Vertices and triangles of a field of a frame, where the frame lies."""
    normalized, triangles = WholeSurface(field).mesh(resolution)
    return np.asarray(Target(vertices, faces).frame(FILL).from_normalized(normalized), np.float64), triangles


def measured(
    surface: tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]], vertices: npt.NDArray[np.floating],
    faces: npt.NDArray[np.int64], unit: float,
) -> dict[str, npt.NDArray[np.float64]]:  # fmt: skip
    """Distances of a frame: from its vertices, and between the clouds; of no surface, that to the frame's middle."""
    found, triangles = surface
    points: npt.NDArray[np.float64] = np.asarray(vertices, np.float64)
    if not len(triangles):
        nothing: npt.NDArray[np.float64] = np.linalg.norm(points - points.mean(0), axis=1) / unit
        return {"ed": nothing, "forward": nothing, "backward": nothing}
    rng = np.random.default_rng(0)
    clouds = (independent_points(Mesh(v, f), N_POINTS, rng) for v, f in ((points, faces), (found, triangles)))
    distances = cloud_distances(*clouds, unit=unit)
    ed = DistanceOracle(found, triangles).unsigned(points) / unit
    return {"ed": ed, "forward": distances.forward, "backward": distances.backward}


def _over(figures: Sequence[Mapping[str, npt.NDArray[np.float64]]]) -> dict[str, float]:
    """The figures of a row, of all test frames."""
    ed = np.concatenate([figure["ed"] for figure in figures])
    return {
        "cd": float(np.mean([(f["forward"].mean() + f["backward"].mean()) / 2 for f in figures])),
        "hd": float(np.mean([max(f["forward"].max(), f["backward"].max()) for f in figures])),
        "ed": float(ed.mean()),
        "ed_std": float(ed.std()),
        "ed_50": float(np.quantile(ed, _NEAR)),
        "ed_90": float(np.quantile(ed, _FAR)),
        **{f"above_{limit:g}": float(100 * (ed > limit).mean()) for limit in _LIMITS},
    }


def _arrays(
    trainee: Any, vertices: npt.NDArray[np.floating], faces: npt.NDArray[np.int64]
) -> dict[str, npt.NDArray[Any]]:
    rng = np.random.default_rng(0)
    found: dict[str, npt.NDArray[Any]]
    if isinstance(trainee, TemplateTrainee):
        found = trainee.frame_arrays(vertices, rng)
    else:
        found = trainee.prepare(Input(vertices.astype(np.float64), faces), rng)
    return found


def _field(module: torch.nn.Module, number: int) -> TensorField:
    if isinstance(module, Frames):
        return FrameField(module, number)
    assert isinstance(module, AutoDecoder)
    return _CodeField(module.network, module.codes.of(number).detach())


class _CodeField(TensorField):
    """A network with a code that is not quantized."""

    def __init__(self, network: SdfNetwork, code: torch.Tensor) -> None:
        super().__init__(WHOLE)
        self._network, self._code = network, code

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self._network(points, self._code.expand(len(points), -1))
        return found


def _size(module: torch.nn.Module, without: str = "-") -> int:
    return sum(p.numel() for name, p in module.named_parameters() if without not in name)


@click.command()
@click.argument("sequences", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The table.")
@click.option("--seconds", default=300.0, show_default=True, help="Of the CPU, to train each method.")
@click.option("--method", "methods", multiple=True, help="Only this one; may be given several times.")
@click.option("--samples", default=1 << 16, show_default=True, help="Of each sort, a frame.")
@click.option("--batch", default=2048, show_default=True, help="Of each sort, a step.")
@click.option("--resolution", default=128, show_default=True, help="Of the meshes that are measured.")
@click.option("--every", default=EVERY, show_default=True, help="One of so many frames is taken.")
@click.option(
    "--meshes", type=click.Path(path_type=Path, exists=True, file_okay=False), help="Folder for a test frame of each."
)
def main(
    sequences: tuple[Path, ...], out: Path, seconds: float, methods: tuple[str, ...], samples: int, batch: int,
    resolution: int, every: int, meshes: Path | None,
) -> None:  # fmt: skip
    """Train, measure and write the table, row by row."""
    rows = read_records(out, Result)
    done = {(row.sequence, row.method) for row in rows}
    for path in sequences:
        vertices, faces = load_sequence(path)
        for method, trainee in trainees(faces, samples, batch).items():
            if (path.stem, method) in done or (methods and method not in methods):
                continue
            rows.append(run(path.stem, vertices, faces, method, trainee, seconds, resolution, every, meshes))
            write_records(out, rows)
            click.echo(text_of(rows[-1]))


if __name__ == "__main__":
    main()
