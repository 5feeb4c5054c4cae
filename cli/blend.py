"""`sdfz blend`: a shape between two others."""

from __future__ import annotations

import click

from . import streams
from .console import Console, count, print_json
from .helptext import GroupedCommand, console_options, force_option, json_option, option


@click.command(cls=GroupedCommand, short_help="A shape between two others.")
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@option("-t", "share", type=click.FloatRange(0, 1), default=0.5, show_default=True, metavar="0..1", group="Blending",
        help="How much of B: 0 is A, 1 is B.")  # fmt: skip
@option(
    "-o", "--output", required=True, metavar="FILE", group="Input and output", help="A .sdfz file, or - for stdout."
)
@force_option
@json_option
@console_options
def blend(*, first: str, second: str, share: float, output: str, force: bool, as_json: bool, console: Console) -> None:
    """Write the shape between two .sdfz files that share a model pack of compact or deepsdf.

    Their latent codes are blended; no original is needed, and nothing is measured: the errors in the file are the
    larger ones of A and B.

    \b
    sdfz blend chair.sdfz stool.sdfz -o between.sdfz
    sdfz blend a.sdfz b.sdfz -t 0.25 -o nearer-a.sdfz
    """
    if as_json and output == streams.STREAM:
        raise click.UsageError("--json prints on stdout, where the file goes; give -o a file.")
    job = streams.Job(first, output)
    streams.check_target(job, force=force)
    from ..codec.blend import blend as blended

    data = blended(streams.read_source(first), streams.read_source(second), share)
    streams.write_target(job, data)
    console.note(f"{streams.source_name(first)}, {streams.source_name(second)} -> {job.target_name}: "
                 f"{count(len(data), 'byte')}")  # fmt: skip
    if as_json:
        print_json({"inputs": [first, second], "share": share, "output": output, "bytes": len(data)})
