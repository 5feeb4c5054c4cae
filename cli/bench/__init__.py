"""`sdfz bench`: measure codecs on shapes, and say what came out."""

from __future__ import annotations

import click

from ..errors import SdfzGroup
from .bdrate import bdrate
from .rd import rd
from .report import report
from .speed import speed


@click.group(cls=SdfzGroup, short_help="Measure sdfz against other codecs.")
def bench() -> None:
    """Measure codecs on the same shapes in the same way, and compare them.

    \b
    sdfz bench rd -o results.tsv          rate points of all codecs into a table
    sdfz bench bdrate results.tsv         who needs how many bytes for the same error
    sdfz bench report results.tsv -o out  plots, tables and pictures
    sdfz bench speed                      seconds, stage by stage

    Errors are exact point-to-triangle distances, both ways, as fractions of the diagonal of the original's bounding
    box. Codecs whose packages or programs are missing are skipped; `pip install sdfz[bench]` brings the packages.
    """


for _command in (rd, bdrate, report, speed):
    bench.add_command(_command)
