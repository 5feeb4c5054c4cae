"""`sdfz pack`: the model packs that files may need: which are here, what one is, and adding one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from . import streams
from .console import Console, count, print_json
from .errors import CliError, Outcome, SdfzGroup, explain, run_each
from .helptext import GroupedCommand, console_options, json_option
from .pack_build import build

if TYPE_CHECKING:
    from pathlib import Path

    from ..formats.model_pack import ModelPack


@click.group(cls=SdfzGroup, short_help="Model packs: list, show, add, build.")
def pack() -> None:
    """Handle model packs (.sdfm): what decoders share between files, named in them by its hash.

    \b
    sdfz pack list                        those that are found here, in the order of the search
    sdfz pack info 1f2e3d4c5b6a7988       what one is and where it comes from
    sdfz pack add download.sdfm           verify a pack and keep it where decoders look
    sdfz pack build *.obj -o set.sdfm     fit a pack to a collection, and encode the collection with it

    A pack is looked for in --pack FILE, the folders of $SDFZ_PACKS, ~/.cache/sdfz/packs, and those that come with sdfz.
    """


pack.add_command(build)


@pack.command("list", cls=GroupedCommand, short_help="Packs that are found here.")
@json_option
@console_options
def list_packs(*, as_json: bool, console: Console) -> None:
    """List the model packs that are found here, in the order of the search: of equal ones the first is used."""
    from ..codec.packs.lookup import PackSearch, load_pack

    n_found = 0
    for path in PackSearch().paths():
        try:
            found = load_pack(path)
        except Exception as error:  # one damaged file does not hide the others
            console.warning(explain(error, str(path)))
            continue
        n_found += 1
        if as_json:
            print_json(_report(found, path))
        else:
            click.echo(f"{found.short.hex()}  {found.method:<10} {count(found.n_values, 'number'):>18}  {path}")
    if not n_found:
        console.note("no model pack is here")


@pack.command(cls=GroupedCommand, short_help="What a pack is and where it comes from.")
@click.argument("packs", metavar="PACK...", nargs=-1, required=True)
@json_option
@console_options
def info(*, packs: tuple[str, ...], as_json: bool, console: Console) -> None:
    """Print what model packs are: hash, method, arrays, and where they come from. Their content is verified.

    PACK is a .sdfm file, or the hash of a pack that is found here: as many of its digits as make it the only one.
    """
    ctx = click.get_current_context()

    def show(source: str) -> Outcome:
        from ..codec.packs.lookup import load_pack

        path = _path_of(source)
        found = load_pack(path)
        if as_json:
            print_json({"input": source, **_report(found, path)})
        else:
            click.echo("\n".join(_page(found, path)))
        return Outcome.DONE

    run_each(ctx, packs, str, show, as_json=as_json)


@pack.command(cls=GroupedCommand, short_help="Verify a pack and keep it where decoders look.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@json_option
@console_options
def add(*, files: tuple[str, ...], as_json: bool, console: Console) -> None:
    """Verify model packs and copy them to ~/.cache/sdfz/packs, where decoders look.

    FILE is a .sdfm file, or - for stdin.
    """
    ctx = click.get_current_context()

    def add_one(source: str) -> Outcome:
        from ..codec.packs.add import add_pack

        added, path = add_pack(streams.read_source(source))
        console.note(f"{streams.source_name(source)} -> {path}: model pack {added.short.hex()} for {added.method}")
        if as_json:
            print_json({"input": streams.source_name(source), **_report(added, path)})
        return Outcome.DONE

    run_each(ctx, files, streams.source_name, add_one, as_json=as_json)


def _path_of(source: str) -> Path:
    """The file that a path or the first digits of a hash mean."""
    import os
    import re
    from pathlib import Path

    from ..codec.packs.lookup import PackSearch
    from ..formats.model_pack import stated_hash

    if os.path.lexists(source) or not re.fullmatch("[0-9a-f]{4,64}", source):
        return Path(source)
    found: dict[bytes, Path] = {}
    for path in PackSearch().paths():
        short = stated_hash(path)
        if short is not None and (short.hex().startswith(source) or source.startswith(short.hex())):
            found.setdefault(short, path)
    if len(found) > 1:
        raise CliError(f"{source}: {len(found)} packs begin like this: {', '.join(short.hex() for short in found)}")
    if not found:
        raise CliError(f"{source}: no such file, and no pack here has a hash that begins like this")
    return next(iter(found.values()))


def _report(found: ModelPack, path: Path) -> dict[str, Any]:
    """What --json prints of a pack."""
    return {
        "hash": found.short.hex(),
        "sha256": found.digest.hex(),
        "method": found.method,
        "layout": found.layout,
        "bytes": path.stat().st_size,
        "path": str(path),
        "arrays": {name: {"dtype": str(array.dtype), "shape": array.shape} for name, array in found.arrays.items()},
        "notes": dict(found.notes),
    }


def _page(found: ModelPack, path: Path) -> list[str]:
    """Lines for people."""
    lines = [f"{path}: model pack {found.short.hex()}, {count(path.stat().st_size, 'byte')}"]

    def row(label: str, text: str) -> None:
        lines.append(f"  {label:<10} {text}")

    row("method", f"{found.method}, layout {found.layout}")
    row("sha256", found.digest.hex())
    for name, array in found.arrays.items():
        row("array", f"{name}, {array.dtype}, {' x '.join(map(str, array.shape)) or 'one number'}")
    for name, text in found.notes.items():
        first, *others = text.split("\n")
        row(name, first)
        lines.extend(f"  {'':<10} {line}" for line in others)
    return lines
