"""How much smaller a `hashgrid` file is than the tables that it decodes to, in half precision as they are used.

    python -m sdfz.bench.hashgrid_ratio bench/results/hashgrid-0.5.0.tsv -o TABLE --corpus DIR

The bytes and the error are those of a table of rate and distortion; what grid a file of such a quality has is worked
out from the shape again. The network's weights are not among the raw bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from ..codec.fineness import choose_grid
from ..codec.hashgrid.trials import SIZING, grid_for
from ..codec.target import Target
from ..formats.errors import SdfzError
from .corpus import CorpusError, chosen_shapes, corpus_shapes
from .peers.contract import Mesh
from .records import write_records
from .rows import Row, RowsError, read_rows

_METHOD = "hashgrid"
_BYTES_A_NUMBER = 2


@dataclass(frozen=True)
class Ratio:
    """A row.

    Attributes
    ----------
    shape, point : str
        `point` names the file: its quality.
    bytes : int
        Of the file.
    cd : float
        Fraction of the diagonal.
    depth, cells : int
        Level of the occupied cells, and how many there are.
    log2_table : int
        Logarithm of the entries of the largest level's table.
    raw_bytes : int
        Of all tables in half precision.
    ratio : float
        Raw bytes over those of the file.
    """

    shape: str
    point: str
    bytes: int
    cd: float
    depth: int
    cells: int
    log2_table: int
    raw_bytes: int
    ratio: float


def ratios(rows: Sequence[Row], mesh: Mesh) -> list[Ratio]:
    """Of the rows of one shape that are about the method and went well."""
    target = Target(mesh.vertices, mesh.faces)
    found = []
    for row in rows:
        if row.status != "ok" or row.settings.get("method") != _METHOD or row.bytes is None or row.cd is None:
            continue
        frame, depth = choose_grid(target, SIZING.of_quality(row.settings["quality"]))
        n_cells = len(target.cells(frame, depth))
        grid = grid_for(n_cells, depth)
        raw = grid.offsets[-1] * grid.n_features * _BYTES_A_NUMBER
        ratio = round(raw / row.bytes, 1)
        found.append(Ratio(row.shape, row.point, row.bytes, row.cd, depth, n_cells, grid.log2_table, raw, ratio))
    return found


@click.command()
@click.argument("table", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
def main(table: Path, out: Path, corpus: Path | None) -> None:
    """Put the files of a table of rate and distortion beside their raw tables."""
    try:
        rows = read_rows(table)
        names = sorted({row.shape for row in rows})
        shapes = chosen_shapes(corpus_shapes(corpus), names)
        found = []
        for shape in shapes:
            found += ratios([row for row in rows if row.shape == shape.name], shape.load())
    except (CorpusError, RowsError, SdfzError) as error:
        raise click.ClickException(str(error)) from None
    write_records(out, found)


if __name__ == "__main__":
    main()
