"""`sdfz bench report`: measurements as Markdown and HTML, with plots and pictures."""

from __future__ import annotations

from pathlib import Path

import click

from ..console import Console
from ..helptext import GroupedCommand, console_options, option
from .options import bench_errors, check_folder, corpus_option, folder_option


@click.command(cls=GroupedCommand, short_help="Measurements as Markdown and HTML.")
@click.argument(
    "tables", metavar="RESULTS...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False)
)
@option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    metavar="DIR",
    group="Output",
    help="Folder for report.md, its images and report.html, which needs no other file.",
)
@option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    group="Output",
    help="Where pictures and what else takes time are kept for the next report.",
)
@corpus_option
@folder_option
@option("--reference", default="opponent", show_default=True, metavar="NAME", group="Content", help="Whom we face.")
@option(
    "--speed",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="TSV",
    group="Content",
    help="What `sdfz bench speed` measured.",
)
@option(
    "--prefixes",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="TSV",
    group="Content",
    help="What `python -m sdfz.bench.prefixes` measured.",
)
@option("--date", default="", metavar="TEXT", group="Content", help="When it was measured, as it is to be printed.")
@option("--pictures/--no-pictures", default=True, show_default=True, group="Content", help="Of each shape.")
@option(
    "--noise/--no-noise",
    default=True,
    show_default=True,
    group="Content",
    help="How sure the figures are; measured now.",
)
@console_options
def report(
    *,
    tables: tuple[Path, ...],
    output: Path,
    cache: Path | None,
    corpus: Path | None,
    folders: tuple[str, ...],
    reference: str,
    speed: Path | None,
    prefixes: Path | None,
    date: str,
    pictures: bool,
    noise: bool,
    console: Console,
) -> None:
    """Write a report of one or more tables of measurements.

    Rate-distortion plots, BD-rates, bytes at some errors, speeds, and for each shape pictures of the original and of
    what is decoded from files of about 2, 5 and 20 kB, with the error as colour.
    Rows of single methods (sdfz-METHOD) have a section of their own.

    \b
    sdfz bench report results.tsv -o report/
    sdfz bench report results.tsv methods.tsv -o report/ --corpus meshes/ --speed speed.tsv
    """
    check_folder(output)
    from ...bench.report import write_report

    with bench_errors():
        written = write_report(
            tables,
            output,
            corpus=corpus,
            folders=folders,
            pictures=pictures,
            noise=noise,
            reference=reference,
            speed=speed,
            prefixes=prefixes,
            cache=cache,
            date=date,
            progress=console.detail,
        )
    console.note(f"{written.markdown} and {written.html}")
