"""LP-DIF on objects, as its Table 1: those of categories that a pack was trained with, and others.

    python -m sdfz.bench.lpdif_objects CORPUS -o TABLE [--steps 1500] [--shapes 80]

CORPUS has the folders `train` and `dev` and a catalog.csv with categories. Two packs are trained alike beside the
table, on as many shapes: one of all categories, one of all but `UNSEEN`. The shapes of `dev` are encoded with each of
them, and with the bundled pack. What the table or the folder has already is not made anew.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time

import click
import numpy as np

from ..codec.decode import decode_bytes
from ..codec.encode import EncodeSettings, encode_mesh
from ..codec.lpdif.train import LpdifTrainee
from ..codec.packs.bundled import bundled_pack
from ..codec.packs.lookup import PackSearch
from ..codec.shape import DEFAULT_RESOLUTION
from ..codec.training.cache import prepared_shapes
from ..codec.training.loop import TrainSettings, train
from ..formats.errors import SdfzError
from ..formats.model_pack import ModelPack, read_model, write_model
from .corpus import CorpusError, CorpusShape, corpus_shapes
from .metrics.clouds import cloud_distances, independent_points
from .metrics.papers import PROTOCOLS, diagonal
from .peers.contract import Mesh
from .records import read_records, text_of, write_records

logger = logging.getLogger(__name__)

UNSEEN = ("character", "organic", "scan")
BUNDLED, ALL, MADE = "bundled", "all categories", "without character, organic, scan"
F_DISTANCE = 0.01  # of the diagonal
_METHOD = "lpdif"
_COARSE = 5  # one part of so many of the steps is stage 1, as of the bundled pack
_PROTOCOL = PROTOCOLS["lpdif-objects"]
_FILES = {ALL: "all.sdfm", MADE: "made.sdfm"}


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes
    ----------
    pack : str
        `BUNDLED`, `ALL` or `MADE`.
    shape, category : str
    seen : bool
        Whether the pack was trained with shapes of the category.
    bytes : int
        Of the file.
    cd : float
        Squared, times 1,000, between 100,000 points, the sum of both directions; in units of the diagonal.
    f_score : float
        At `F_DISTANCE`.
    seconds : float
        Of the processor, for encoding.
    """

    pack: str
    shape: str
    category: str
    seen: bool
    bytes: int
    cd: float
    f_score: float
    seconds: float


@dataclass(frozen=True)
class Training:
    """How the packs are trained: steps, shapes, and the seed that draws them."""

    n_steps: int
    n_shapes: int
    seed: int = 0


def trained_pack(
    trainee: LpdifTrainee, shapes: Sequence[CorpusShape], training: Training, path: Path, cache: Path
) -> ModelPack:
    """A pack of some of the shapes, also written; that of an earlier run if it is there.

    Parameters
    ----------
    trainee : LpdifTrainee
    shapes : sequence of CorpusShape
        That are drawn from.
    training : Training
    path : Path
        Of the pack.
    cache : Path
        Folder of what is prepared of shapes.
    """
    if path.exists():
        return read_model(path)
    drawn = np.random.default_rng(training.seed).permutation(len(shapes))[: training.n_shapes]
    entries = [(shapes[i].name, shapes[i].path) for i in sorted(drawn.tolist())]
    prepared = prepared_shapes(cache, trainee.cache_key, entries, trainee.prepare)
    settings = TrainSettings(training.n_steps, seed=training.seed, device="cpu")
    checkpoint = path.with_suffix(".checkpoint")
    key = "\n".join(shape.digest for shape in prepared)
    trained = train(trainee, prepared, [], settings, checkpoint=checkpoint, key=key)
    pack = trainee.to_pack(trained.module, {"corpus": "\n".join(shape.name for shape in prepared)})
    write_model(path, pack)
    checkpoint.unlink()
    return pack


def row_of(name: str, pack: ModelPack, shape: CorpusShape, packs: PackSearch, settings: EncodeSettings) -> Row:
    """Encode a shape with a pack, which is found in `packs` again, decode it and measure."""
    mesh = shape.load()
    started = process_time()
    encoded = encode_mesh(mesh.vertices, mesh.faces, replace(settings, pack=pack))
    seconds = process_time() - started
    decoded = Mesh(*decode_bytes(encoded.data, device="cpu", packs=packs).triangles(DEFAULT_RESOLUTION))
    generators = (np.random.default_rng([0, which]) for which in (0, 1))
    clouds = [independent_points(m, _PROTOCOL.n_points, g) for m, g in zip((mesh, decoded), generators, strict=True)]
    found = cloud_distances(clouds[0], clouds[1], unit=diagonal(mesh))
    seen = name != MADE or shape.category not in UNSEEN
    return Row(name, shape.name, shape.category, seen, len(encoded.data), _PROTOCOL.factor * found.chamfer_l2,
               found.f_score(F_DISTANCE), seconds)  # fmt: skip


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="The table; grown.")
@click.option("--steps", "n_steps", default=1500, show_default=True, help="Of the two trainings.")
@click.option("--shapes", "n_shapes", default=80, show_default=True, help="In each training.")
@click.option("--quality", default=60.0, show_default=True)
@click.option("--effort", default=3, show_default=True)
@click.option("--cache", type=click.Path(path_type=Path, file_okay=False), help="Of prepared shapes.")
def main(corpus: Path, out: Path, n_steps: int, n_shapes: int, quality: float, effort: int, cache: Path | None) -> None:
    """Train the packs, encode the shapes and measure them."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = read_records(out, Row)
    done = {(row.pack, row.shape) for row in rows}
    training, trainee = Training(n_steps, n_shapes), LpdifTrainee(coarse_steps=max(n_steps // _COARSE, 1))
    cache = out.parent / "shapes" if cache is None else cache
    settings = EncodeSettings(_METHOD, quality=quality, effort=effort, device="cpu")
    try:
        known = [shape for shape in corpus_shapes(corpus, ("train",)) if shape.licence_class == "permissive"]
        drawn_from = {ALL: known, MADE: [shape for shape in known if shape.category not in UNSEEN]}
        packs = {BUNDLED: bundled_pack(_METHOD)}
        for name, shapes in drawn_from.items():
            packs[name] = trained_pack(trainee, shapes, training, out.with_name(_FILES[name]), cache)
        searched = PackSearch(tuple(map(out.with_name, _FILES.values())))
        for shape in corpus_shapes(corpus, ("dev",)):
            for name, pack in packs.items():
                if (name, shape.name) in done:
                    continue
                rows.append(row_of(name, pack, shape, searched, settings))
                write_records(out, rows)
                logger.info("%s", text_of(rows[-1]))
    except (CorpusError, SdfzError) as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
