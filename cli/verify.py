"""`sdfz verify`: whether .sdfz files are whole and sound."""

from __future__ import annotations

import click

from . import streams
from .console import Console, count, print_json
from .errors import Outcome, run_each
from .helptext import GroupedCommand, console_options, json_option, pack_option


@click.command(cls=GroupedCommand, short_help="Whether .sdfz files are undamaged.")
@click.argument("inputs", metavar="FILE...", nargs=-1, required=True)
@pack_option
@json_option
@console_options
def verify(*, inputs: tuple[str, ...], pack: str | None, as_json: bool, console: Console) -> None:
    """Check that .sdfz files are whole: structure, lengths, checksums, and that every symbol decodes.

    FILE is a .sdfz file, or - for stdin. Prints a line a file; exit code 1 if any fails. A model pack is needed only
    where symbols are coded by what it says: in residuals of compact.

    \b
    sdfz verify *.sdfz
    """
    ctx = click.get_current_context()

    def check(source: str) -> Outcome:
        from ..codec.decode import check_bytes
        from ..codec.packs.lookup import search_with

        data = streams.read_source(source)
        counts = check_bytes(data, packs=search_with(pack))
        name = streams.source_name(source)
        if as_json:
            print_json({"input": name, "bytes": len(data), **counts})
        elif not console.quiet:
            click.echo(f"{name}: ok, {count(len(data), 'byte')}")
        for key, value in counts.items():
            console.detail(f"{key}: {value}")
        return Outcome.DONE

    run_each(ctx, inputs, streams.source_name, check, as_json=as_json)
