"""`sdfz bench rd`: rate points of codecs on shapes, into a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import Console, count, print_json
from ..helptext import GroupedCommand, console_options, option
from .options import NamesType, bench_errors, check_folder, corpus_option, find_shapes, folder_option, shapes_option

if TYPE_CHECKING:
    from ...bench.peers.contract import Peer
    from ...bench.rows import Row

GB = 1_000_000_000


@click.command(cls=GroupedCommand, short_help="Rate points of codecs on shapes, into a table.")
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    group="Output",
    help="Table (TSV) to begin, or to go on with.",
)
@option("--json", "as_json", is_flag=True, group="Output", help="Print the rows as JSON, one a line, on stdout.")
@corpus_option
@folder_option
@shapes_option
@option(
    "--codecs",
    type=NamesType(),
    default=(),
    metavar="A,B",
    group="Codecs",
    help="Only these; sdfz-METHOD is one method alone. [default: all but those]",
)
@option(
    "--quick",
    is_flag=True,
    group="Codecs",
    help="Four shapes, unless --shapes names others, and about three rate points a codec: minutes.",
)
@option("--again", is_flag=True, group="Codecs", help="Measure what the table has, too.")
@option(
    "--samples",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    metavar="N",
    group="Measurement",
    help="Points on each surface. A table does not tell how many: use one table for each number.",
)
@option("--papers", is_flag=True, group="Measurement", help="Variants of the metrics that papers use, too.")
@option(
    "-j", "--jobs", type=click.IntRange(min=1), metavar="N", group="Running", help="Processes. [default: all cores]"
)
@option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=1800.0,
    show_default=True,
    metavar="SECONDS",
    group="Running",
    help="For a group of rate points that share work.",
)
@option(
    "--memory",
    type=click.FloatRange(min=0),
    metavar="GB",
    group="Running",
    help="Address space of a process, 10^9 bytes; 0: no limit. [default: a share of the memory; no limit with CUDA]",
)
@console_options
def rd(
    *,
    output: Path,
    as_json: bool,
    corpus: Path | None,
    folders: tuple[str, ...],
    shapes: tuple[str, ...],
    codecs: tuple[str, ...],
    quick: bool,
    again: bool,
    samples: int,
    papers: bool,
    jobs: int | None,
    timeout: float,
    memory: float | None,
    console: Console,
) -> None:
    """Measure bytes, errors, times and memory of codecs on shapes.

    Each shape, codec and rate point becomes a row of the table. What the table has already is not measured again, so
    that a sweep can be stopped and taken up at any time. A codec that crashes, takes too long or cannot run here leaves
    a row with the reason.

    \b
    sdfz bench rd -o results.tsv --quick
    sdfz bench rd -o results.tsv --corpus meshes/ --codecs sdfz,opponent -j 4
    """
    from ...bench.machine import describe_machine, memory_share
    from ...bench.rd import measure_rd
    from ...bench.worker import Measuring
    from ...codec.threads import n_cores

    chosen = find_shapes(corpus, folders, shapes, quick=quick)
    peers = _peers(codecs)
    n_jobs = jobs or n_cores()
    limit = memory_share(n_jobs) if memory is None else int(memory * GB)
    measuring = Measuring(samples, papers, limit, describe_machine())
    check_folder(output)
    with bench_errors(), console.progress() as progress:
        rows = measure_rd(
            chosen,
            peers,
            output,
            measuring,
            jobs=n_jobs,
            timeout=timeout,
            quick=quick,
            again=again,
            progress=progress,
            on_row=lambda row: _say_row(row, console),
        )
    _say_rows(rows, output, console)
    if as_json:
        for row in rows:
            print_json(row.as_dict())


def _peers(names: Sequence[str]) -> list[Peer]:
    from ...bench import peers

    try:
        return [peers.peer(name) for name in names] or list(peers.all_peers())
    except ValueError as error:
        raise click.UsageError(f"{error}.") from error


def _say_row(row: Row, console: Console) -> None:
    what = " ".join(filter(None, (row.shape, row.codec, row.point)))
    if row.bytes is None or row.cd is None:
        console.warning(f"{what}: {row.status}: {row.reason}")
    else:
        console.detail(f"{what}: {count(row.bytes, 'byte')}, cd {row.cd:.3g}, {row.encode_s or 0:.2f} s")


def _say_rows(rows: Sequence[Row], output: Path, console: Console) -> None:
    by_status = Counter(row.status for row in rows)
    parts = [f"{by_status[status]} {status}" for status in ("ok", "skipped", "failed") if by_status[status]]
    console.note(f"{output}: {count(len(rows), 'row')} of these shapes and codecs: {', '.join(parts) or 'none'}")
