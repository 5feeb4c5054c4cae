"""A shape code and a residual grid against the grid alone: bytes at equal error, of shapes that a pack never saw.

    python -m sdfz.bench.compact_residual SHAPE... --pack PACK -o TABLE [--cells 90 ...] [--control] [--effort 3]
    python -m sdfz.bench.compact_residual --summary TABLE

For each shape and each number of cells there are files of the same grid, fitted with as many steps:

    grid             the method `grid`
    grid, as coarse  its finest levels only, as many as a residual has: what leaving out the others does by itself
    residual         code and residual
    code             the code alone; one file, of no grid

`bytes` is the whole file, without the pack; `code_bytes` those of the code in it; `cd` and the others are measured on
the decoded mesh, fractions of the diagonal. A row that is there already is not measured again. The summary has the
mean difference in bytes at equal `cd` to `grid`, over the errors that both curves of a shape have, and the mean of
shapes, by logarithms: no BD-rates, since curves of three points often meet over less than half a decade.
"""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np

from ..codec.compact.field import evaluator
from ..codec.compact.residual import ResidualSettings, coded_residual, encode_residual, levels_of
from ..codec.compact.shared import PackNumbers, branches_of_numbers, numbers_of_pack
from ..codec.compact.stream import pack_symbols
from ..codec.fineness import choose_grid
from ..codec.grid.encode import GridSettings, fit_grid
from ..codec.grid.trials import iterations_of, sections_of
from ..codec.job import Encoded, Job
from ..codec.latent_code import coded_numbers
from ..codec.latent_fit import CodeFit
from ..codec.latent_trials import code_trial
from ..codec.search import Trial
from ..codec.settings import EncodeSettings
from ..codec.target import Target
from ..codec.threads import torch_threads
from ..formats.mesh_io import read_mesh
from ..formats.model_pack import ModelPack, read_model
from .envelope import Curve, bytes_at, lower_envelope
from .records import read_records, text_of, write_records

logger = logging.getLogger(__name__)

SAMPLES = 100_000  # of a measurement
_CODE_STEP = 1 / 64
CODE_STEPS = 400  # of the fit of a code
_CODE, _REFERENCE, _CONTROL, _RESIDUAL = "code", "grid", "grid, as coarse", "residual"
_N_ERRORS = 50  # at which curves are compared


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    shape: str
    codec: str
    wanted_cells: int
    cells: int
    depth: int
    levels: int
    bytes: int
    code_bytes: int
    cd: float
    rms: float
    hd: float
    seconds: float  # of the processor, for fit, coding, decoding and measurement


class Bench:
    """A shape and a pack on the bench.

    Parameters
    ----------
    name : str
    job : Job
    pack : ModelPack
    """

    def __init__(self, name: str, job: Job, pack: ModelPack) -> None:
        self._name, self._job, self._pack = name, job, pack
        self._numbers: PackNumbers = numbers_of_pack(pack)
        self._branches = branches_of_numbers(self._numbers)

    def code(self) -> Row:
        """The code alone."""
        started = time.process_time()
        n_code = self._numbers.sizes.n_code
        trial = code_trial(
            self._job, "compact", pack_symbols, self._pack, evaluator(self._branches), n_code, 1 / _CODE_STEP, False
        )
        return self._row(_CODE, 0, trial, 0, started)

    def grid(self, n_cells: int, is_control: bool) -> Row:
        """The grid, or the levels of it that a residual has."""
        started = time.process_time()
        frame, depth = choose_grid(self._job.target, n_cells)
        settings = GridSettings(n_cells, iterations_of(self._job, False))
        if is_control:
            settings = replace(settings, n_levels=levels_of(depth))
        symbols = fit_grid(self._job.target, frame, depth, settings)
        detail = {"cells": len(symbols.cells), "depth": depth, "levels": symbols.n_levels}
        trial = self._job.trial("grid", n_cells, frame, sections_of(symbols), detail)
        return self._row(_CONTROL if is_control else _REFERENCE, n_cells, trial, 0, started)

    def residual(self, n_cells: int) -> Row:
        """A code and a residual."""
        started = time.process_time()
        settings = ResidualSettings(
            GridSettings(n_cells, iterations_of(self._job, False)), CodeFit(_CODE_STEP, CODE_STEPS)
        )
        frame, code, rest = encode_residual(self._job.target, self._numbers, self._branches, settings)
        sections = pack_symbols(code, coded_residual(self._numbers, code, rest))
        detail = {"cells": len(rest.grid.cells), "depth": rest.grid.depth, "levels": rest.grid.n_levels}
        trial = self._job.trial("compact", n_cells, frame, sections, detail, self._pack)
        return self._row(_RESIDUAL, n_cells, trial, len(coded_numbers(code.code)), started)

    def _row(self, codec: str, n_cells: int, trial: Trial[Encoded], code_bytes: int, started: float) -> Row:
        made, found = trial.result, trial.result.distortion
        cells, depth, levels = (int(made.detail.get(name, 0)) for name in ("cells", "depth", "levels"))
        return Row(
            shape=self._name,
            codec=codec,
            wanted_cells=n_cells,
            cells=cells,
            depth=depth,
            levels=levels,
            bytes=len(made.data),
            code_bytes=code_bytes,
            cd=found.cd,
            rms=found.rms,
            hd=found.hd,
            seconds=time.process_time() - started,
        )


def rows_of(bench: Bench, cells: Sequence[int], has_control: bool, done: set[tuple[str, int]]) -> Iterator[Row]:
    """The rows of a shape that are not there yet."""
    if (_CODE, 0) not in done:
        yield bench.code()
    for n_cells in cells:
        if (_REFERENCE, n_cells) not in done:
            yield bench.grid(n_cells, False)
        if (_RESIDUAL, n_cells) not in done:
            yield bench.residual(n_cells)
        if has_control and (_CONTROL, n_cells) not in done:
            yield bench.grid(n_cells, True)


def summary(rows: Sequence[Row]) -> list[str]:
    """Lines of text: for each codec its difference in bytes to the grid, by shape and in the mean."""
    points: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        points[row.codec][row.shape].append((row.bytes, row.cd))
    lines = []
    for codec in sorted(points):
        if codec in (_REFERENCE, _CODE):
            continue
        found = {
            shape: ratio
            for shape, own in points[codec].items()
            if (ratio := _log_ratio(lower_envelope(own), lower_envelope(points[_REFERENCE][shape]))) is not None
        }
        mean = 100 * math.expm1(np.mean(list(found.values()))) if found else math.nan
        by_shape = ", ".join(f"{shape} {100 * math.expm1(ratio):+.1f}" for shape, ratio in found.items())
        lines.append(f"{codec}: {mean:+.1f} % bytes at equal cd ({by_shape})")
    return lines


def _log_ratio(curve: Curve, reference: Curve) -> float | None:
    """Mean logarithm of the ratio of bytes at errors that both curves have; None where they have none in common."""
    low = max(min(error for _, error in each) for each in (curve, reference))
    high = min(max(error for _, error in each) for each in (curve, reference))
    if low >= high:
        return None
    found = [[bytes_at(each, error) for error in np.geomspace(low, high, _N_ERRORS)] for each in (curve, reference)]
    return float(np.mean([math.log(a / b) for a, b in zip(*found, strict=True) if a is not None and b is not None]))


@click.command()
@click.argument("shapes", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--pack", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Of compact.")
@click.option("-o", "--out", type=click.Path(path_type=Path), help="The table; grown.")
@click.option("--cells", multiple=True, default=(90, 250, 800), show_default=True, help="Wanted.")
@click.option("--control", "has_control", is_flag=True, help="Also grids of as few levels as residuals have.")
@click.option("--effort", default=3, show_default=True)
@click.option("--summary", "table", type=click.Path(path_type=Path, exists=True), help="Only sum up this table.")
def main(
    shapes: tuple[Path, ...], pack: Path | None, out: Path | None, cells: tuple[int, ...], has_control: bool,
    effort: int, table: Path | None,
) -> None:  # fmt: skip
    """Measure what has no row in the table yet, or sum up a table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if table is not None:
        for line in summary(read_records(table, Row)):
            click.echo(line)
        return
    if pack is None or out is None or not shapes:
        raise click.UsageError("shapes, --pack and -o are needed, or --summary.")
    model = read_model(pack)
    rows = read_records(out, Row)
    for path in shapes:
        done = {(row.codec, row.wanted_cells) for row in rows if row.shape == path.stem}
        mesh = read_mesh(path)
        target = Target(mesh.vertices, mesh.faces)
        job = Job(target, target.reference(SAMPLES), EncodeSettings("compact", effort=effort, pack=model))
        with torch_threads(1):
            for row in rows_of(Bench(path.stem, job, model), cells, has_control, done):
                rows.append(row)
                write_records(out, rows)
                logger.info("%s", text_of(row))


if __name__ == "__main__":
    main()
