"""`sdfz bench speed`: seconds and throughput of sdfz and of Draco."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..console import Console, print_json
from ..helptext import METHOD, GroupedCommand, console_options, option
from .options import (
    NamesType,
    bench_errors,
    check_folder,
    corpus_option,
    find_shapes,
    folder_option,
    print_table,
    shapes_option,
)

if TYPE_CHECKING:
    from ...bench.speed import Timing


_HEADER = ("shape", "codec", "device", "stage", "seconds", "from", "to", "throughput", "against Draco")


@click.command(cls=GroupedCommand, short_help="Seconds and throughput, against Draco.")
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    group="Output",
    help="Table (TSV) to write. [default: none]",
)
@option("--json", "as_json", is_flag=True, group="Output", help="Print the timings as JSON, one a line, on stdout.")
@corpus_option
@folder_option
@shapes_option
@option(
    "--method",
    type=METHOD,
    default="auto",
    show_default=True,
    group="Measurement",
    help="What sdfz encodes by.",
)
@option(
    "-q",
    "--quality",
    type=click.FloatRange(0, 100),
    metavar="0..100",
    group="Measurement",
    help="What sdfz encodes at. [default: as sdfz encode]",
)
@option(
    "-e",
    "--effort",
    type=click.IntRange(1, 9),
    default=5,
    show_default=True,
    metavar="1..9",
    group="Measurement",
    help="What sdfz encodes with.",
)
@option(
    "--repeats",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    group="Measurement",
    help="Runs of each, in turns; the median counts.",
)
@option(
    "--devices",
    type=NamesType(("cpu", "cuda")),
    default=(),
    metavar="A,B",
    group="Measurement",
    help="Where networks run. [default: cpu, and cuda if it is there]",
)
@console_options
def speed(
    *,
    output: Path | None,
    as_json: bool,
    corpus: Path | None,
    folders: tuple[str, ...],
    shapes: tuple[str, ...],
    method: str,
    quality: float | None,
    effort: int,
    repeats: int,
    devices: tuple[str, ...],
    console: Console,
) -> None:
    """Time encoding and decoding, and the stages they are made of.

    sdfz and Draco run in turns in the same process, so that their ratio holds on a busy machine too.

    \b
    sdfz bench speed
    sdfz bench speed -o speed.tsv --corpus meshes/ --shapes spot,fandisk --repeats 3
    """
    chosen = find_shapes(corpus, folders, shapes)
    if output is not None:
        check_folder(output)
    from ...bench.speed import default_devices, run, write_timings

    with bench_errors():
        timings = run(
            [(shape.name, shape.load()) for shape in chosen],
            method=method,
            quality=quality,
            effort=effort,
            repeats=repeats,
            devices=devices or default_devices(),
            progress=console.detail,
        )
        if output is not None:
            write_timings(output, timings)
    if as_json:
        for timing in timings:
            print_json(asdict(timing))
    else:
        print_table([_HEADER, *map(_line, timings)], n_names=4)


def _line(timing: Timing) -> tuple[str, ...]:
    seconds = (timing.seconds_median, timing.seconds_min, timing.seconds_max)
    throughput = "" if timing.throughput is None else f"{timing.throughput:,.0f} {timing.unit}"
    ratio = "" if timing.ratio_to_draco is None else f"{timing.ratio_to_draco:,.3g}x"
    return timing.shape, timing.codec, timing.device, timing.stage, *(f"{s:.4g}" for s in seconds), throughput, ratio
