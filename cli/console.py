"""What the commands say: notes, warnings, results and progress on stderr, JSON on stdout."""

from __future__ import annotations

import json
import logging
import math
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click

ProgressCallback = Callable[[str, int, int], None]

# What is reported everywhere, in this order; names of attributes of formats' MeasuredErrors and codec's Distortion.
METRICS = ("cd", "rms", "hd")

_META_KEY = "sdfz.console"
# The part of the library whose log tells people at a terminal why they wait.
_WAITS = "codec.compiled"


@dataclass(frozen=True)
class Console:
    """Where a command speaks. Errors are always said; the rest is silent when `quiet`.

    Attributes
    ----------
    quiet : bool
        Only errors and missed targets.
    verbose : bool
        Details, the library's log and tracebacks too.
    """

    quiet: bool = False
    verbose: bool = False

    @classmethod
    def of(cls, ctx: click.Context) -> Console:
        """The console that the running command set up, or a plain one where none has been yet."""
        console = ctx.meta.get(_META_KEY)
        return console if isinstance(console, Console) else cls()

    def install(self, ctx: click.Context) -> None:
        """Make this the context's console, and say what the library logs through it until the command ends."""
        ctx.meta[_META_KEY] = self
        handler = _LogHandler(self)
        logger = logging.getLogger(__name__.split(".", maxsplit=1)[0])
        level = logger.level
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG if self.verbose else logging.WARNING)
        waits = logging.getLogger(f"{logger.name}.{_WAITS}")
        if sys.stderr.isatty():
            waits.setLevel(logging.INFO)

        def restore() -> None:
            logger.removeHandler(handler)
            logger.setLevel(level)
            waits.setLevel(logging.NOTSET)

        ctx.call_on_close(restore)

    def error(self, text: str) -> None:
        """One line `sdfz: error: ...`."""
        _say(f"sdfz: error: {text}")

    def failure(self, text: str, error: BaseException) -> None:
        """One line `sdfz: error: ...`; when verbose, under the traceback of `error`, unless it is about a file."""
        if self.verbose and not isinstance(error, OSError):
            _say("".join(traceback.format_exception(error)).rstrip())
        self.error(text)

    def missed(self, text: str) -> None:
        """One line `sdfz: target not met: ...`; said even when quiet, since it goes with an exit code."""
        _say(f"sdfz: target not met: {text}")

    def warning(self, text: str) -> None:
        """One line `sdfz: warning: ...`."""
        if not self.quiet:
            _say(f"sdfz: warning: {text}")

    def note(self, text: str) -> None:
        """One line `sdfz: ...`."""
        if not self.quiet:
            _say(f"sdfz: {text}")

    def detail(self, text: str) -> None:
        """One line `sdfz: ...`, when verbose only."""
        if self.verbose:
            _say(f"sdfz: {text}")

    @contextmanager
    def progress(self) -> Iterator[ProgressCallback | None]:
        """A callback `(stage, done, total)` that draws a bar a stage on stderr; None when nobody would see it."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        bars = _Bars()
        try:
            yield bars.update
        finally:
            bars.close()


def _say(text: str) -> None:
    """A line on stderr; a bar that is being drawn there makes room for it."""
    if "tqdm" not in sys.modules:
        click.echo(text, err=True)
        return
    from tqdm import tqdm

    with tqdm.external_write_mode(file=sys.stderr):
        click.echo(text, err=True)


class _LogHandler(logging.Handler):
    """The library's log on a console: warnings as warnings, what explains a wait as a note, the rest as details."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Say one record."""
        say = self._console.detail
        if record.levelno >= logging.WARNING:
            say = self._console.warning
        elif record.name.endswith(_WAITS) and sys.stderr.isatty():
            say = self._console.note
        say(" ".join(record.getMessage().split()))


class _Bars:
    """One tqdm bar at a time, wiped when its stage is over."""

    def __init__(self) -> None:
        self._stage: str | None = None
        self._bar: Any = None

    def update(self, stage: str, done: int, total: int) -> None:
        """Show that `done` of `total` steps of `stage` are behind us; total 0 where it is not known."""
        from tqdm import tqdm

        if stage != self._stage or done < self._bar.n:
            self.close()
            # Not tqdm's own idea of the size: it draws nothing on a terminal that reports 0 rows and columns.
            size = shutil.get_terminal_size()
            self._bar = tqdm(
                desc=stage, total=total or None, leave=False, file=sys.stderr, ncols=size.columns, nrows=size.lines
            )
            self._stage = stage
        self._bar.total = total or None
        # tqdm's own throttle lives in update(), which counts steps rather than where we are.
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        """Wipe the bar, if there is one."""
        if self._bar is not None:
            self._bar.close()
        self._bar = self._stage = None


def print_json(value: dict[str, Any]) -> None:
    """`value` as one line of JSON on stdout; numbers that are not finite, which JSON lacks, become null."""
    click.echo(json.dumps(_finite(value), allow_nan=False, ensure_ascii=False))


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def percent(fraction: float) -> str:
    """A fraction of the diagonal as it is printed: three significant digits and a percent sign."""
    return f"{100 * fraction:.3g}%"


def length(value: float, units: str | None) -> str:
    """A length as it is printed: three significant digits and the unit, if known."""
    return f"{value:.3g} {units}" if units else f"{value:.3g}"


def count(n: int, noun: str) -> str:
    """`n` with thousands separated and the noun in the right number: 1 byte, 4,812 bytes."""
    return f"{n:,} {noun}" + ("" if n == 1 else "s")
