"""Error against prefix length: how good a shape the start of a progressive file is.

    python -m sdfz.bench.prefixes -o TABLE --corpus DIR [--shapes NAMES] [--qualities 60,75]

A `grid` file is cut after each of its sections and decoded. Each is measured in two layouts of the same symbols: as the
encoder lays them out, with all levels but the finest in the first section, and with a section for each level. The
other methods have a single section, whose start says nothing.
"""

from __future__ import annotations

import csv
import io
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click

from ..codec.decode import decode_bytes
from ..codec.distortion import measure
from ..codec.encode import EncodeSettings, encode_mesh
from ..codec.grid.stream import pack_symbols, unpack_symbols
from ..formats.container import Container, Section, pack, unpack
from ..formats.errors import SdfzError
from ..formats.files import write_atomic
from .corpus import CorpusError, chosen_shapes, corpus_shapes
from .peers.contract import Mesh
from .rows import RowsError

logger = logging.getLogger(__name__)

AS_WRITTEN, BY_LEVEL = "as written", "a section a level"
SHAPES = ("spot", "nefertiti", "bunny_zipper", "bicycle_wheel")
QUALITIES = (60.0, 75.0)
_EFFORT = 4


class Prefix(NamedTuple):
    """A row of the table.

    Attributes
    ----------
    shape, point : str
        `point` names the file: its quality.
    layout : str
        `AS_WRITTEN` or `BY_LEVEL`.
    levels, levels_of : int
        Levels of latents that the prefix holds, and that the file does.
    bytes, bytes_of : int
        Length of the prefix and of the file.
    cd, rms, hd : float
        Fractions of the diagonal; None if nothing can be measured: no surface comes out.
    """

    shape: str
    point: str
    layout: str
    levels: int
    levels_of: int
    bytes: int
    bytes_of: int
    cd: float | None
    rms: float | None
    hd: float | None


def prefixes(shape: str, point: str, data: bytes, mesh: Mesh) -> Iterator[Prefix]:
    """Rows of a `grid` file and of its other layout."""
    written = unpack(data)
    symbols = unpack_symbols(written.sections)
    levels = symbols.n_levels
    for layout, sections in ((AS_WRITTEN, list(written.sections)), (BY_LEVEL, pack_symbols(symbols, 1))):
        whole = pack(written.header, sections)
        for n in range(1, len(sections) + 1):
            n_bytes = _end_of(written, sections, n)
            row = Prefix(
                shape, point, layout, levels - len(sections) + n, levels, n_bytes, len(whole), None, None, None
            )
            try:
                decoded = decode_bytes(whole[:n_bytes], allow_truncated=n < len(sections)).triangles()
                found = measure((mesh.vertices, mesh.faces), decoded)
            except (SdfzError, ValueError) as error:
                logger.info("%s %s, %s, %d sections: %s", shape, point, layout, n, error)
                yield row
                continue
            yield row._replace(cd=found.cd, rms=found.rms, hd=found.hd)


def _end_of(written: Container, sections: list[Section], n: int) -> int:
    """Length of a file up to the end of its n-th section: that of the file of these sections alone."""
    return len(pack(written.header, sections[:n]))


def write_prefixes(rows: list[Prefix], path: Path) -> None:
    """Write a table."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter="\t", lineterminator="\n")
    writer.writerow(Prefix._fields)
    writer.writerows(["" if value is None else f"{value:.6g}" if isinstance(value, float) else value for value in row]
                     for row in rows)  # fmt: skip
    write_atomic(path, text.getvalue().encode())


def read_prefixes(path: Path) -> list[Prefix]:
    """Rows of a table.

    Raises
    ------
    RowsError
        It is none of prefixes.
    """
    with path.open(newline="") as file:
        reader = csv.DictReader(file, delimiter="\t")
        if tuple(reader.fieldnames or ()) != Prefix._fields:
            raise RowsError(f"{path}: not a table of prefixes")
        try:
            return [_row_of(row) for row in reader]
        except (TypeError, ValueError) as error:
            raise RowsError(f"{path}, line {reader.line_num}: {error}") from None


def _row_of(row: dict[str, str]) -> Prefix:
    counts = (int(row[name]) for name in ("levels", "levels_of", "bytes", "bytes_of"))
    errors = (float(row[name]) if row[name] else None for name in ("cd", "rms", "hd"))
    return Prefix(row["shape"], row["point"], row["layout"], *counts, *errors)


@click.command()
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--shapes", "names", default=",".join(SHAPES), show_default=True)
@click.option("--qualities", default=",".join(f"{quality:g}" for quality in QUALITIES), show_default=True)
@click.option("--effort", default=_EFFORT, show_default=True)
def main(out: Path, corpus: Path | None, names: str, qualities: str, effort: int) -> None:
    """Encode shapes, cut their files, and write the table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        shapes = chosen_shapes(corpus_shapes(corpus), names.split(","))
    except CorpusError as error:
        raise click.ClickException(str(error)) from None
    rows: list[Prefix] = []
    for shape in shapes:
        mesh = shape.load()
        for quality in map(float, qualities.split(",")):
            settings = EncodeSettings(method="grid", quality=quality, effort=effort)
            encoded = encode_mesh(mesh.vertices, mesh.faces, settings)
            rows += prefixes(shape.name, f"q{quality:g}", encoded.data, mesh)
            logger.info("%s q%g: %d bytes", shape.name, quality, len(encoded.data))
    write_prefixes(rows, out)


if __name__ == "__main__":
    main()
