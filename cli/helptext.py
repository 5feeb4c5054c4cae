"""Help pages with groups of options, and the options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from .console import Console

F = TypeVar("F", bound=Callable[..., Any])

MESH_INPUTS = ("ply", "obj", "stl", "off", "glb", "gltf")
MESH_OUTPUTS = ("ply", "obj", "stl", "off", "glb")


class GroupedOption(click.Option):
    """An option that knows the heading it is listed under.

    Parameters
    ----------
    group : str
        The heading; `General` unless told.
    """

    def __init__(self, *args: Any, group: str = "General", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group

    def get_help_extra(self, ctx: click.Context) -> Any:
        """What click adds in brackets, without the range, which our metavars and texts tell already."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class GroupedCommand(click.Command):
    """A command whose help lists its options under headings, in the order in which the groups first appear."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section of options a group, `General` last."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and isinstance(parameter, click.Option):
                groups.setdefault(getattr(parameter, "group", "General"), []).append(record)
        groups["General"] = groups.pop("General", [])
        for group, records in groups.items():
            if records:
                with formatter.section(group):
                    formatter.write_dl(records)


def option(*names: str, group: str = "General", **kwargs: Any) -> Callable[[F], F]:
    """`click.option` under a heading."""
    return click.option(*names, cls=GroupedOption, group=group, **kwargs)


def console_options(command: F) -> F:
    """Add -v and --quiet, handed to the command as one argument `console`."""

    @option("-v", "--verbose", is_flag=True, help="Say more on stderr; show tracebacks.")
    @option("--quiet", is_flag=True, help="Only errors on stderr: no notes, warnings, results or progress.")
    @wraps(command)
    def with_console(*args: Any, verbose: bool, quiet: bool, **kwargs: Any) -> Any:
        ctx = click.get_current_context()
        if verbose and quiet:
            raise click.UsageError("-v/--verbose and --quiet are mutually exclusive.")
        console = Console(quiet=quiet, verbose=verbose)
        console.install(ctx)
        return command(*args, console=console, **kwargs)

    return with_console  # type: ignore[return-value]


# What a shape can be encoded by.
METHOD = click.Choice(["auto", "scaffold", "grid", "overfit", "hashgrid", "lpdif", "lgcl", "deepsdf", "compact"])

force_option = option("-f", "--force", is_flag=True, help="Overwrite existing files.")
json_option = option("--json", "as_json", is_flag=True, help="Print a JSON object a line, one an input, on stdout.")
allow_truncated_option = option(
    "--allow-truncated",
    is_flag=True,
    group="Input and output",
    help="Accept files that were cut short: what is there of them, coarser.",
)
pack_option = option(
    "--pack",
    metavar="FILE",
    group="Input and output",
    help="Model pack (.sdfm) to look into before $SDFZ_PACKS, ~/.cache/sdfz/packs and the bundled ones.",
)
resolution_option = option(
    "--resolution",
    type=click.IntRange(16, 1024),
    default=256,
    show_default=True,
    metavar="16..1024",
    group="Shape",
    help="How fine the triangles are. Of a scaffold, 256 gives those that were measured, and each doubling puts them "
    "four times nearer to its surface; of a grid it is the voxels along the shape's longest side.",
)
uniform_option = option(
    "--uniform",
    is_flag=True,
    group="Shape",
    help="Split all triangles of a scaffold alike. By default there are fewer where the surface is flat.",
)
lod_option = option(
    "--lod",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    group="Shape",
    help="Leave out the N finest levels: of a scaffold's subdivision, or of a grid's detail; one always stays.",
)
device_option = option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    group="Running",
    help="Where networks run. auto: the GPU if there is one.",
)
backend_option = option(
    "--backend",
    type=click.Choice(["auto", "torch", "tcnn"]),
    default="auto",
    show_default=True,
    group="Running",
    help="What runs them. auto: tiny-cuda-nn (tcnn) if it is there, else torch.",
)
threads_option = option(
    "-j",
    "--threads",
    type=click.IntRange(min=1),
    metavar="N",
    group="Running",
    help="CPU threads to run on. [default: all cores]",
)
