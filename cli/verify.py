"""`sdfz verify`: whether .sdfz files are whole and sound."""

from __future__ import annotations

import click

from . import streams
from .console import Console, count, print_json
from .errors import Outcome, run_each
from .helptext import GroupedCommand, console_options, json_option


@click.command(cls=GroupedCommand, short_help="Whether .sdfz files are undamaged.")
@click.argument("inputs", metavar="FILE...", nargs=-1, required=True)
@json_option
@console_options
def verify(*, inputs: tuple[str, ...], as_json: bool, console: Console) -> None:
    """Check that .sdfz files are whole: structure, lengths, checksums, and that every symbol decodes.

    FILE is a .sdfz file, or - for stdin. Prints a line a file; exit code 1 if any fails.

    \b
    sdfz verify *.sdfz
    """
    ctx = click.get_current_context()

    def check(source: str) -> Outcome:
        from ..formats.container import unpack

        data = streams.read_source(source)
        container = unpack(data)
        name, n_sections = streams.source_name(source), len(container.sections) + (container.metadata is not None)
        if as_json:
            print_json({"input": name, "bytes": len(data), "n_sections": n_sections})
        elif not console.quiet:
            click.echo(f"{name}: ok, {count(len(data), 'byte')}, {count(n_sections, 'section')}")
        return Outcome.DONE

    run_each(ctx, inputs, streams.source_name, check, as_json=as_json)
