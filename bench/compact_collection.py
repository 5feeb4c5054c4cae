"""A whole collection by `compact`, one model pack and a tiny file a shape, against every shape by itself.

    python -m sdfz.bench.compact_collection CORPUS -o TABLE --work DIR [--sequence SEQUENCE.npz] [--plot curves.png]

Collections are the first 10, 50 and 200 shapes of `mixed_collection` of the corpus' folder `train` and, with
``--sequence``, frames of a registered sequence. Packs are fitted and files made as `sdfz pack build` does it. The
others are the scaffold, the grid, and decimation with Draco, at settings around the errors of the packs.

A row is a codec at a setting on a collection. Of large collections some shapes, evenly spread, are measured
(`n_measured`), and the bytes of all are taken for as many times their mean; `total_bytes` are those of pack and files.
Errors are means over shapes, of fractions of their diagonals, times 10,000. Rows that the table has are not made anew.

Beside it, ``TABLE`` with the suffix ``.equal.tsv`` says what the others take at the mean error of each pack, between
their settings on straight lines of logarithms, and from how many shapes on the pack and its files would take less
(`break_even`), if neither the pack nor the error grew with the collection.
"""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

from ..codec.compact.collection import encode_learned
from ..codec.compact.networks import CompactSizes
from ..codec.compact.train import CompactModule, CompactTrainee
from ..codec.decode import decode_bytes
from ..codec.distortion import Reference
from ..codec.encode import EncodeSettings, encode_mesh
from ..codec.threads import torch_threads
from ..codec.training.cache import CachedShape, digest_of, prepared_shapes
from ..codec.training.loop import TrainSettings, train
from ..formats.files import write_atomic
from ..formats.mesh_io import read_mesh, write_mesh
from ..formats.model_pack import write_model
from .corpus import corpus_shapes, load_sequence, mixed_collection
from .envelope import bytes_at, lower_envelope
from .peers.contract import Mesh, RatePoint
from .peers.opponent import Opponent
from .records import read_records, write_records

logger = logging.getLogger(__name__)

SIZES = (10, 50, 200)
F_SCORE_AT = 0.01  # of the diagonal
_MEASURED = 10  # shapes of a collection, about
_SAMPLES = 50_000
_SCAFFOLD_QUALITIES, _GRID_QUALITIES = (0, 15, 35, 60), (0, 25)
_FACES, _BITS = (60, 160, 420), (6, 7, 8)


@dataclass(frozen=True)
class Collection:
    """Shapes by name."""

    name: str
    shapes: tuple[tuple[str, Path], ...]

    @property
    def n_shapes(self) -> int:
        """In all."""
        return len(self.shapes)

    @property
    def key(self) -> str:
        """Name and number of shapes."""
        return f"{self.name}-{self.n_shapes}"

    def measured(self) -> list[int]:
        """Positions of the shapes that are measured."""
        return list(range(0, self.n_shapes, max(self.n_shapes // _MEASURED, 1)))


@dataclass(frozen=True)
class Plan:
    """How a pack is fitted: its sizes and prices, for how many steps; and the steps in a unit of the files' codes."""

    name: str
    trainee: CompactTrainee
    n_steps: int
    fineness: float


@dataclass(frozen=True)
class Row:
    """A row of the table; the module says what the columns mean."""

    collection: str
    n_shapes: int
    codec: str
    setting: str
    n_measured: int
    pack_bytes: int
    file_bytes: float  # of a file, in the mean
    total_bytes: float
    cd_e4: float
    worst_cd_e4: float
    f_001: float
    seconds: float  # of the processor: for a pack, and else for a file, decimation and all


def plans(collection: Collection) -> Iterator[Plan]:
    """Packs for a collection, the larger one for more steps; of the largest also one whose bits are dear."""
    usual = CompactTrainee(n_near=18_000, n_far=6_000, batch_size=1024)
    n_steps = round(2400 * (collection.n_shapes / 10) ** 0.3)
    n_code = 32 if collection.name == "mixed" else 8
    for width, price in ((64, 0.5), (48, 1.5)) if collection.n_shapes == max(SIZES) else ((64, 0.5),):
        sizes = CompactSizes(n_code=n_code, resolution=16, n_features=8, width=width)
        name = f"{n_code} numbers, 16^3 x 8, {width} units, price {price:g}"
        yield Plan(name, replace(usual, sizes=sizes, bit_price=price), n_steps, 21.0)


# -- collections -------------------------------------------------------------------------------------------------------


def corpus_collections(corpus: Path) -> Iterator[Collection]:
    """The first so many shapes of the corpus."""
    shapes = corpus_shapes(corpus, ["train"])
    for n_shapes in SIZES:
        chosen = mixed_collection(shapes, n_shapes)
        yield Collection("mixed", tuple((shape.name, shape.path) for shape in chosen))


def frames_of(sequence: Path, folder: Path) -> Collection:
    """The frames of a sequence, written to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    vertices, faces = load_sequence(sequence)
    found = []
    for number, frame in enumerate(vertices.astype(np.float64)):
        path = folder / f"{sequence.stem}_{number:03d}.ply"
        write_mesh(frame, faces, path)
        found.append((path.stem, path))
    return Collection(sequence.stem, tuple(found))


# -- one shape ---------------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """A file of a shape; `seconds` of the processor to make it, decimation and all."""

    codec: str
    setting: str
    n_bytes: int
    cd: float
    f_score: float
    seconds: float


class Judge:
    """A shape to measure against."""

    def __init__(self, path: Path) -> None:
        mesh = read_mesh(path)
        self.mesh = Mesh(mesh.vertices, mesh.faces)
        self._reference = Reference(mesh.vertices, mesh.faces, _SAMPLES, seed=1)

    def judged(self, codec: str, setting: str, encode: Callable[[], bytes], decode: Callable[[bytes], Mesh]) -> Judged:
        """Encode the shape, decode it and measure what comes back."""
        started = time.process_time()
        data = encode()
        seconds, found = time.process_time() - started, decode(data)
        distortion = self._reference.measure(found.vertices, found.faces)
        return Judged(codec, setting, len(data), distortion.cd, distortion.f_scores[F_SCORE_AT], seconds)


def by_others(judge: Judge) -> Iterator[Judged]:
    """A shape's files by itself."""
    for codec, qualities, effort in (("scaffold", _SCAFFOLD_QUALITIES, 2), ("grid", _GRID_QUALITIES, 1)):
        for quality in qualities:
            settings = EncodeSettings(codec, quality=quality, effort=effort, device="cpu", threads=1)
            yield judge.judged(codec, f"q{quality}", partial(_encoded, settings, judge.mesh), _decoded)
    for n_faces in _FACES:
        yield from by_draco(judge, n_faces)


def by_draco(judge: Judge, n_faces: int) -> Iterator[Judged]:
    """A shape decimated to so many faces, once, and coded with several numbers of bits."""
    peer, started = Opponent(), time.process_time()
    decimated = peer.prepare(judge.mesh, f"f{min(n_faces, len(judge.mesh.faces))}")
    seconds = time.process_time() - started
    for bits in _BITS:
        encode = partial(peer.encode, decimated, RatePoint("", "", {"qp": bits}))
        found = judge.judged("decimation + Draco", f"f{n_faces}-qp{bits}", encode, peer.decode)
        yield found._replace(seconds=found.seconds + seconds)


def _encoded(settings: EncodeSettings, mesh: Mesh) -> bytes:
    return encode_mesh(mesh.vertices, mesh.faces, settings).data


def _decoded(data: bytes) -> Mesh:
    return Mesh(*decode_bytes(data, device="cpu").triangles())


# -- a collection ------------------------------------------------------------------------------------------------------


def rows_of_others(collection: Collection, work: Path) -> list[Row]:
    """Every shape by itself; what was measured of a shape is kept in a folder."""
    found: list[Judged] = []
    positions = collection.measured()
    for position in positions:
        name, path = collection.shapes[position]
        kept = work / f"{name}.others.json"
        if not kept.exists():
            write_atomic(kept, json.dumps(list(by_others(Judge(path)))).encode())
            logger.info("%s", name)
        found += [Judged(*entry) for entry in json.loads(kept.read_text())]
    settings = dict.fromkeys((judged.codec, judged.setting) for judged in found)
    return [
        _row(collection, codec, setting, [j for j in found if (j.codec, j.setting) == (codec, setting)], 0)
        for codec, setting in settings
    ]


def row_of_pack(collection: Collection, plan: Plan, work: Path) -> Row:
    """A pack, fitted to the collection, and the files of its shapes; both are kept in a folder."""
    folder = work / f"{collection.name}-{len(collection.shapes)} {plan.name}"
    folder.mkdir(parents=True, exist_ok=True)
    shapes = prepared_shapes(work / "samples", plan.trainee.cache_key, collection.shapes, plan.trainee.prepare)
    module, seconds = trained(plan, shapes, folder / "checkpoint")
    pack = plan.trainee.to_pack(module, {})
    write_model(folder / "pack.sdfm", pack)
    numbers = {shape.digest: number for number, shape in enumerate(shapes)}
    found = []
    for position in collection.measured():
        name, path = collection.shapes[position]
        code = module.codes.of(numbers[digest_of(path)]).detach().numpy()
        mesh = read_mesh(path)
        encoded = encode_learned(mesh.vertices, mesh.faces, code, plan.fineness, EncodeSettings("compact"), pack)
        (folder / f"{name}.sdfz").write_bytes(encoded.data)
        cd, f_score = encoded.distortion.cd, encoded.distortion.f_scores[F_SCORE_AT]
        found.append(Judged("compact", plan.name, len(encoded.data), cd, f_score, 0.0))
    row = _row(collection, "compact", plan.name, found, (folder / "pack.sdfm").stat().st_size)
    return replace(row, seconds=seconds)


def trained(plan: Plan, shapes: Sequence[CachedShape], checkpoint: Path) -> tuple[CompactModule, float]:
    """What a plan comes to, and seconds of the processor; a finished training is read, not made anew."""
    clock = checkpoint.with_name("seconds.txt")
    before = float(clock.read_text()) if clock.exists() else 0.0
    started = time.process_time()
    settings = TrainSettings(plan.n_steps, device="cpu", checkpoint_every=250)

    def note(*_: object) -> None:
        clock.write_text(f"{before + time.process_time() - started:.1f}")

    module = train(plan.trainee, shapes, [], settings, checkpoint=checkpoint, key=plan.name, report=note).module
    assert isinstance(module, CompactModule)
    return module, float(clock.read_text())


def _row(collection: Collection, codec: str, setting: str, found: Sequence[Judged], pack_bytes: int) -> Row:
    n_shapes, file_bytes = len(collection.shapes), float(np.mean([judged.n_bytes for judged in found]))
    return Row(
        collection=collection.name,
        n_shapes=n_shapes,
        codec=codec,
        setting=setting,
        n_measured=len(found),
        pack_bytes=pack_bytes,
        file_bytes=file_bytes,
        total_bytes=pack_bytes + n_shapes * file_bytes,
        cd_e4=1e4 * float(np.mean([judged.cd for judged in found])),
        worst_cd_e4=1e4 * max(judged.cd for judged in found),
        f_001=float(np.mean([judged.f_score for judged in found])),
        seconds=float(np.mean([judged.seconds for judged in found])),
    )


# -- equal errors ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Equal:
    """A pack, and what another codec takes for the same mean error on the same collection.

    Attributes
    ----------
    theirs : float
        Bytes of a shape by the other codec.
    ratio : float
        All bytes of the pack and its files over all bytes of the other codec.
    break_even : float
        Shapes from which on the pack would take less; infinite if its files alone take no less.
    """

    collection: str
    n_shapes: int
    setting: str
    cd_e4: float
    pack_bytes: int
    file_bytes: float
    codec: str
    theirs: float
    ratio: float
    break_even: float


def equals(rows: Sequence[Row]) -> Iterator[Equal]:
    """For each pack and each other codec whose errors bracket the pack's."""
    curves: dict[tuple[str, int, str], list[tuple[float, float]]] = {}
    for row in rows:
        if row.codec != "compact":
            curves.setdefault((row.collection, row.n_shapes, row.codec), []).append((row.file_bytes, row.cd_e4))
    for row in rows:
        for (name, n_shapes, codec), points in curves.items():
            if row.codec != "compact" or (name, n_shapes) != (row.collection, row.n_shapes):
                continue
            theirs = bytes_at(lower_envelope(points), row.cd_e4)
            if theirs is None:
                continue
            saved = theirs - row.file_bytes
            yield Equal(
                name, n_shapes, row.setting, row.cd_e4, row.pack_bytes, row.file_bytes, codec, theirs,
                row.total_bytes / (n_shapes * theirs), row.pack_bytes / saved if saved > 0 else math.inf,
            )  # fmt: skip


# -- the table ---------------------------------------------------------------------------------------------------------


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The table.")
@click.option("--work", required=True, type=click.Path(path_type=Path), help="Folder for all that is made; kept.")
@click.option("--sequence", "sequences", multiple=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--only", help="Name and number of shapes of a collection, such as mixed-50.")
@click.option("--plot", "picture", type=click.Path(path_type=Path, dir_okay=False), help="PNG of the curves.")
@torch_threads(1)
def main(
    corpus: Path, out: Path, work: Path, sequences: tuple[Path, ...], only: str | None, picture: Path | None
) -> None:
    """Encode, decode, measure and write the tables, row by row."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = read_records(out, Row)
    found = [*corpus_collections(corpus), *(frames_of(path, work / path.stem) for path in sequences)]
    for collection in found:
        if only not in (None, collection.key):
            continue
        done = {row.setting for row in rows if (row.collection, row.n_shapes) == (collection.name, collection.n_shapes)}
        for plan in plans(collection):
            if plan.name not in done:
                rows.append(row_of_pack(collection, plan, work))
                write_records(out, rows)
        if f"q{_SCAFFOLD_QUALITIES[0]}" not in done:
            rows += rows_of_others(collection, work)
            write_records(out, rows)
    write_records(out.with_suffix(".equal.tsv"), list(equals(rows)))
    if picture is not None:
        plot(rows, picture)


def plot(rows: Sequence[Row], path: Path) -> None:
    """Bytes a shape against errors, pack and all; a panel a collection."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    collections = list(dict.fromkeys((row.collection, row.n_shapes) for row in rows))
    colours = {codec: f"C{k}" for k, codec in enumerate(dict.fromkeys(row.codec for row in rows))}
    figure, panels = pyplot.subplots(1, len(collections), figsize=(4.2 * len(collections), 4), squeeze=False)
    for (name, n_shapes), panel in zip(collections, panels[0], strict=True):
        of = [row for row in rows if (row.collection, row.n_shapes) == (name, n_shapes)]
        for codec, colour in colours.items():
            points = [(row.total_bytes / n_shapes, row.cd_e4) for row in of if row.codec == codec]
            style = "o" if codec == "compact" else "o-"
            curve = sorted(points) if codec == "compact" else lower_envelope(points)
            if curve:
                panel.plot(*zip(*curve, strict=True), style, markersize=4, label=codec, color=colour)
        files = [(row.file_bytes, row.cd_e4) for row in of if row.codec == "compact"]
        if files:
            panel.plot(*zip(*files, strict=True), "x", label="compact, without its pack", color=colours["compact"])
        panel.set(xscale="log", yscale="log", xlabel="bytes a shape", title=f"{n_shapes} shapes, {name}")
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_minor_formatter(ticker.NullFormatter())
        panel.grid(True, which="both", alpha=0.3)
    panels[0, 0].set_ylabel("mean CD, 1e-4 of the diagonal")
    panels[0, len(collections) // 2].legend(fontsize=8, loc="lower left")
    figure.tight_layout()
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    main()
