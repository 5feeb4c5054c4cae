"""The one place where exceptions become a line on stderr and an exit code.

0    ok
1    failure: one line `sdfz: error: ...` (with -v the traceback as well)
2    usage, click's own
3    target not met: the best file was still written
130  interrupted (128 + SIGINT), 141 the reader of stdout went away (128 + SIGPIPE), as shells count
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, TypeVar

import click

from .console import Console, print_json

EXIT_FAILURE = 1
EXIT_TARGET_MISSED = 3
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141

T = TypeVar("T")


class CliError(Exception):
    """A failure that the command line itself found; the message is the whole story."""


class Outcome(Enum):
    """How the work on one input ended, when it ended without an exception."""

    DONE = "done"
    TARGET_MISSED = "target missed"


class SdfzGroup(click.Group):
    """A click group that ends in the exit codes above, whatever its commands raise."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order they were added in, not of the alphabet."""
        return list(self.commands)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; exceptions that are not click's own become a line and an exit code."""
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            Console.of(ctx).error("interrupted")
            ctx.exit(EXIT_INTERRUPTED)
        except BrokenPipeError:
            _forget_stdout()
            ctx.exit(EXIT_BROKEN_PIPE)
        except Exception as error:
            Console.of(ctx).failure(explain(error), error)
            ctx.exit(EXIT_FAILURE)


def explain(error: Exception, subject: str | None = None) -> str:
    """One line that says what went wrong, with `subject` (an input's name) in front.

    Parameters
    ----------
    error : Exception
        Anything but a BrokenPipeError.
    subject : str, optional
        What was being worked on; left out where the message names it already.
    """
    from ..formats.errors import SdfzError

    if isinstance(error, (CliError, SdfzError)):
        text = str(error) or type(error).__name__
    elif isinstance(error, OSError) and error.strerror:
        text = error.strerror if error.filename in (None, subject) else f"{error.filename}: {error.strerror}"
    elif isinstance(error, MemoryError) or _is_torch_out_of_memory(error):
        text = "out of memory"
    else:
        text = f"internal error, please report it (-v shows where): {type(error).__name__}: {error}"
    text = " ".join(text.split())
    if subject is None:
        return text
    # Readers of mesh files name the file without its folder, and stdin `the mesh`.
    for name in (subject, os.path.basename(subject), "the mesh"):
        text = text.removeprefix(f"{name}: ")
    return f"{subject}: {text}"


def run_each(
    ctx: click.Context,
    items: Sequence[T],
    name: Callable[[T], str],
    work: Callable[[T], Outcome],
    *,
    as_json: bool = False,
) -> None:
    """Do `work` on every item, the rest after a failed one too, and leave with the worst exit code.

    Parameters
    ----------
    ctx : click.Context
        Of the running command; left through `ctx.exit` unless all is well.
    items : sequence
        What to work on, in order.
    name : callable
        An item's name in error messages.
    work : callable
        Called once an item. An exception is one line on stderr and the next item's turn; an interrupt or a broken
        pipe ends it all.
    as_json : bool
        Print a JSON object for every failed item too, so that each has one.
    """
    console = Console.of(ctx)
    failed, missed = [], 0
    for item in items:
        try:
            missed += work(item) is Outcome.TARGET_MISSED
        except (BrokenPipeError, click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            text = explain(error, name(item))
            console.failure(text, error)
            if as_json:
                print_json({"input": name(item), "error": {"type": type(error).__name__, "message": text}})
            failed.append(name(item))
    if failed and len(items) > 1:
        console.error(f"{len(failed)} of {len(items)} inputs failed: {', '.join(failed)}")
    if failed or missed:
        ctx.exit(EXIT_FAILURE if failed else EXIT_TARGET_MISSED)


def _is_torch_out_of_memory(error: Exception) -> bool:
    # Told by name and text: torch is not imported to ask, and on the CPU it raises a plain RuntimeError.
    return type(error).__name__ == "OutOfMemoryError" or "DefaultCPUAllocator" in str(error)


def _forget_stdout() -> None:
    # What is still buffered would raise once more when the interpreter flushes stdout on its way out.
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError, AttributeError):
        return
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, descriptor)
    os.close(null)
