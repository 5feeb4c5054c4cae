"""What the commands of `sdfz bench` share: options, shapes, errors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import CliError
from ..helptext import option

if TYPE_CHECKING:
    from ...bench.corpus import CorpusShape


class NamesType(click.ParamType):
    """Names separated by commas.

    Parameters
    ----------
    known : tuple of str
        The names there are; any if empty.
    """

    name = "names"

    def __init__(self, known: tuple[str, ...] = ()) -> None:
        self._known = known

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names, each once; a usage error if there is none, or one that is not known."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in value.split(",") if name.strip()))
        if not names:
            self.fail("there is no name in it.", param, ctx)
        if self._known and (wrong := [name for name in names if name not in self._known]):
            self.fail(f"{wrong[0]!r} is not one of {', '.join(self._known)}.", param, ctx)
        return names


corpus_option = option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="DIR",
    group="Shapes",
    help="Folder of mesh files, or of folders of them. [default: the examples of the repository]",
)
folder_option = option(
    "--folder",
    "folders",
    multiple=True,
    metavar="NAME",
    group="Shapes",
    help="Folder of the corpus; can be given several times. [default: dev if there is one, else all]",
)
shapes_option = option(
    "--shapes", type=NamesType(), default=(), metavar="A,B", group="Shapes", help="Only these. [default: all]"
)
table_argument = click.argument("table", metavar="RESULTS", type=click.Path(path_type=Path, dir_okay=False))


def find_shapes(
    corpus: Path | None, folders: Sequence[str], names: Sequence[str], *, quick: bool = False
) -> list[CorpusShape]:  # fmt: skip
    from ...bench.corpus import CorpusError, chosen_shapes, corpus_shapes, quick_shapes

    try:
        found = corpus_shapes(corpus, folders)
        return quick_shapes(found) if quick and not names else chosen_shapes(found, names)
    except CorpusError as error:
        raise click.UsageError(f"{error}.") from error


@contextmanager
def bench_errors() -> Iterator[None]:
    """The bench's own errors, whose texts say it all, as those of the command line."""
    from ...bench.corpus import CorpusError
    from ...bench.rows import RowsError
    from ...bench.speed import TimingsError

    try:
        yield
    except (CorpusError, RowsError, TimingsError) as error:
        raise CliError(str(error)) from error


def check_folder(path: Path) -> None:
    """Before hours of work: the folder of what is to be written is there."""
    if not path.absolute().parent.is_dir():
        raise CliError(f"{path}: its folder does not exist")


def print_table(lines: Sequence[Sequence[str]], n_names: int = 1) -> None:
    """Columns as wide as they need to be, `n_names` of them on the left and the others on the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = (
            text.ljust(width) if index < n_names else text.rjust(width)
            for index, (text, width) in enumerate(zip(line, widths, strict=True))
        )
        click.echo("  ".join(cells).rstrip())
