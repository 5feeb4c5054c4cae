"""One complex shape by `compact`, pack and all, beside the codecs that fit one shape: the first table of its paper.

    python -m sdfz.bench.compact_single CORPUS -o TABLE --work DIR [--shapes dragon,nefertiti,armadillo]

With one shape there is nothing to share and nothing that a code could tell: a pack with a code of one number is fitted
to it, and its bytes count. Precision, recall and F-score are at 0.002 of the diagonal, exact, to the nearest triangle:
`precision` of what was decoded, `recall` of the original. `cd2_e4` is the sum of both directed mean squares, as in the
paper, in 1e-4 of the diagonal squared; `cd_e4` and `hd_e4` are un-squared, as everywhere else. Shapes are those of the
corpus' folder `dev`: to fit one is to encode it. A row that the table has is not made anew.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click

from ..codec.compact.collection import encode_learned
from ..codec.compact.networks import CompactSizes
from ..codec.compact.train import CompactTrainee
from ..codec.decode import decode_bytes
from ..codec.distortion import Reference
from ..codec.encode import EncodeSettings, encode_mesh
from ..codec.packs.lookup import PackSearch
from ..codec.threads import torch_threads
from ..codec.training.cache import prepared_shapes
from ..formats.model_pack import write_model
from .compact_collection import Plan, trained
from .corpus import CorpusShape, chosen_shapes, corpus_shapes
from .peers.contract import Mesh
from .records import read_records, write_records

logger = logging.getLogger(__name__)

SHAPES = ("dragon", "nefertiti", "armadillo")
WITHIN = 0.002  # of the diagonal
_SAMPLES = 100_000
_FINENESS = 64.0  # of the file beside a pack; there is next to nothing in it
_OTHERS = (("overfit", 100), ("hashgrid", 80), ("grid", 90))


@dataclass(frozen=True)
class Row:
    """A row of the table; the module says what the columns mean."""

    shape: str
    codec: str
    setting: str
    pack_bytes: int
    file_bytes: int
    cd_e4: float
    cd2_e4: float
    hd_e4: float
    f_0002: float
    precision: float
    recall: float
    seconds: float  # of the processor, to encode


@dataclass(frozen=True)
class Coded:
    """A shape's file, what else has to be sent, and what both decode to."""

    pack_bytes: int
    data: bytes
    decoded: Mesh


def plans() -> Iterator[Plan]:
    """Packs of one shape."""
    sizes = CompactSizes(n_code=1, resolution=32, n_features=4, width=32)
    trainee = CompactTrainee(sizes, n_near=98_304, n_far=32_768, batch_size=2048, bit_price=0.5)
    yield Plan("32^3 x 4, 32 units", trainee, 1200, _FINENESS)


def ways(shape: CorpusShape, mesh: Mesh, work: Path) -> Iterator[tuple[str, str, Callable[[], Coded]]]:
    """Codec, setting, and what codes the shape."""
    for plan in plans():
        yield "compact", plan.name, partial(by_pack, shape, mesh, plan, work)
    for method, quality in _OTHERS:
        yield method, f"q{quality}", partial(by_method, mesh, method, quality)


def by_pack(shape: CorpusShape, mesh: Mesh, plan: Plan, work: Path) -> Coded:
    """With a pack that is fitted to the shape alone."""
    folder = work / f"{shape.name} {plan.name}"
    folder.mkdir(parents=True, exist_ok=True)
    entries = [(shape.name, shape.path)]
    prepared = prepared_shapes(work / "samples", plan.trainee.cache_key, entries, plan.trainee.prepare)
    module, _ = trained(plan, prepared, folder / "checkpoint")
    pack = plan.trainee.to_pack(module, {})
    write_model(folder / "pack.sdfm", pack)
    code = module.codes.of(0).detach().numpy()
    data = encode_learned(mesh.vertices, mesh.faces, code, plan.fineness, EncodeSettings("compact"), pack).data
    decoded = decode_bytes(data, device="cpu", packs=PackSearch((folder / "pack.sdfm",))).triangles()
    return Coded((folder / "pack.sdfm").stat().st_size, data, Mesh(*decoded))


def by_method(mesh: Mesh, method: str, quality: float) -> Coded:
    """By a codec that fits one shape."""
    settings = EncodeSettings(method, quality=quality, device="cpu", threads=1)
    data = encode_mesh(mesh.vertices, mesh.faces, settings).data
    return Coded(0, data, Mesh(*decode_bytes(data, device="cpu").triangles()))


def row_of(shape: CorpusShape, codec: str, setting: str, code: Callable[[], Coded], reference: Reference) -> Row:
    """Code a shape and measure what comes back."""
    started = time.process_time()
    coded = code()
    seconds = time.process_time() - started
    found = reference.measure(coded.decoded.vertices, coded.decoded.faces)
    return Row(
        shape=shape.name,
        codec=codec,
        setting=setting,
        pack_bytes=coded.pack_bytes,
        file_bytes=len(coded.data),
        cd_e4=1e4 * found.cd,
        cd2_e4=1e4 * 2 * found.rms**2,
        hd_e4=1e4 * found.hd,
        f_0002=found.f_scores[WITHIN],
        precision=found.backward.within[WITHIN],
        recall=found.forward.within[WITHIN],
        seconds=seconds,
    )


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The table.")
@click.option("--work", required=True, type=click.Path(path_type=Path), help="Folder for packs and trainings; kept.")
@click.option("--shapes", default=",".join(SHAPES), show_default=True, help="Names, with commas.")
@click.option("--codec", "codecs", multiple=True, help="Only this one; may be given several times.")
@torch_threads(1)
def main(corpus: Path, out: Path, work: Path, shapes: str, codecs: tuple[str, ...]) -> None:
    """Measure what the table lacks."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = read_records(out, Row)
    for shape in chosen_shapes(corpus_shapes(corpus, ["dev"]), shapes.split(",")):
        mesh = shape.load()
        reference = Reference(mesh.vertices, mesh.faces, _SAMPLES, seed=1)
        for codec, setting, code in ways(shape, mesh, work):
            known = {(row.shape, row.codec, row.setting) for row in rows}
            if (shape.name, codec, setting) in known or (codecs and codec not in codecs):
                continue
            rows.append(row_of(shape, codec, setting, code, reference))
            write_records(out, rows)
            logger.info("%s", rows[-1])


if __name__ == "__main__":
    main()
