"""The control mesh coder as a plain mesh coder, beside Draco: the same decimated triangles, equally fine positions.

    python -m sdfz.bench.scaffold_plain CORPUS -o TABLE [--shapes NAMES] [--faces 250,1000] [--bits 11]

Of each shape the clean sheets are decimated to so many triangles. Draco gets them at its highest level with so many
bits along the longest side of the bounding box; our coder gets steps of the same length in all directions, and no
creases. Draco's bytes are a whole file, frame included; ours are the coded mesh alone, without the header of a `.sdfz`.
Decoding is timed as the processor counts it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from ..codec.scaffold.coder import decode_control, encode_control
from ..codec.scaffold.decimate import decimate
from ..codec.scaffold.sheets import manifold_sheets
from ..codec.scaffold.steps import UNITS_A_STEP
from ..codec.scaffold.traversal import traverse
from ..formats.files import write_atomic
from .corpus import CorpusError, CorpusShape, chosen_shapes, corpus_shapes
from .peers.contract import Mesh
from .peers.draco import encode_draco

logger = logging.getLogger(__name__)


class Compared(NamedTuple):
    """A row of the table; bits are a vertex of the decimated mesh."""

    shape: str
    faces: int
    vertices: int
    bits: int
    draco_bytes: int
    bytes: int
    ratio: float
    draco_bpv: float
    connectivity: float
    normal: float
    tangential: float
    seeds: float
    decode_ms: float


def compared(shape: str, vertices: NDArray[np.float64], faces: NDArray[np.int64], n_bits: int) -> Compared:
    """What a mesh costs, positions of `n_bits` bits along the longest side of its bounding box."""
    draco = len(encode_draco(Mesh(vertices, faces), n_bits))
    step = np.ptp(vertices, axis=0).max() / ((1 << n_bits) - 1)
    walked = traverse(faces)
    coded = encode_control(walked, (vertices - vertices[walked.order[0]]) / step * UNITS_A_STEP, UNITS_A_STEP)
    seconds = []
    for _ in range(3):
        start = time.process_time()
        decode_control(coded.data, len(vertices), len(faces), UNITS_A_STEP)
        seconds.append(time.process_time() - start)
    n, bits = len(vertices), {name: value / len(vertices) for name, value in coded.bits.items()}
    return Compared(
        shape,
        len(faces),
        n,
        n_bits,
        draco,
        len(coded.data),
        round(len(coded.data) / draco, 4),
        round(8 * draco / n, 3),
        round(bits["connectivity"] + bits["joins"], 3),
        round(bits["normal"], 3),
        round(bits["tangential"], 3),
        round(bits["seeds"], 3),
        round(1000 * float(np.median(seconds)), 1),
    )


def measured(shape: CorpusShape, face_counts: list[int], n_bits: int) -> Iterator[Compared]:
    """A row for each count of faces below the shape's own."""
    mesh = shape.load()
    sheets = manifold_sheets(mesh.vertices, mesh.faces)
    for n_faces in face_counts:
        if n_faces < len(sheets.faces):
            yield compared(shape.name, *decimate(sheets.vertices, sheets.faces, n_faces), n_bits)


def table(rows: list[Compared]) -> str:
    """The rows as tab-separated text."""
    return "".join("\t".join(map(str, row)) + "\n" for row in [Compared._fields, *rows])


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--shapes", "names", default="", help="Only these, with commas between them.")
@click.option("--faces", "face_counts", default="250,1000,4000,50000", show_default=True)
@click.option("--bits", "n_bits", default=11, show_default=True)
def main(corpus: Path, out: Path, names: str, face_counts: str, n_bits: int) -> None:
    """Measure shapes of a corpus and write the table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        shapes = chosen_shapes(corpus_shapes(corpus), filter(None, names.split(",")))
    except CorpusError as error:
        raise click.ClickException(str(error)) from None
    counts = [int(count) for count in face_counts.split(",")]
    rows: list[Compared] = []
    for shape in shapes:
        rows += measured(shape, counts, n_bits)
        logger.info("%s", shape.name)
    write_atomic(out, table(rows).encode())
    for count in counts:
        ratios = [row.ratio for row in rows if abs(row.faces - count) <= count / 10]
        if ratios:
            click.echo(f"about {count} faces: {np.mean(ratios):.3f} of Draco's bytes, mean of {len(ratios)} shapes")


if __name__ == "__main__":
    main()
