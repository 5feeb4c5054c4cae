"""Progress is drawn on terminals only; numbers are printed short."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result
from quick_codec import QuickCodec
from sdfz.cli.console import Console, count, length, percent, print_json

Run = Callable[..., Result]


class Terminal(io.StringIO):
    """What stderr is when somebody looks."""

    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    with Console().progress() as progress:
        assert progress is not None
        for done in range(1, 11):
            progress("sample", done, 10)
        progress("fit", 3, 100)
        progress("search", 1, 0)
    drawn = terminal.getvalue()
    assert "sample: 100%" in drawn or "sample:   0%" in drawn
    assert "fit: " in drawn
    assert drawn.endswith("\r")  # wiped


def test_lines_and_bars_do_not_mix(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    console = Console()
    with console.progress() as progress:
        assert progress is not None
        progress("fit", 1, 4)
        console.warning("odd shape")
        progress("fit", 2, 4)
        progress("fit", 1, 4)  # the next trial of a search
    wiped, _, rest = terminal.getvalue().partition("sdfz: warning: odd shape\n")
    assert wiped.endswith("\r")
    assert "1/4" in rest and "0/4" in rest  # drawn again, then a new bar


def test_no_progress_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    with Console().progress() as progress:
        assert progress is None  # pytest's stderr is no terminal
    monkeypatch.setattr("sys.stderr", Terminal())
    with Console(quiet=True).progress() as progress:
        assert progress is None


def test_commands_are_silent_without_a_terminal(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    result = run("encode", "shape.obj")
    assert codec.encodings[0].progress is None
    assert "\r" not in result.stderr


def test_the_log_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("sdfz.codec.test")
    for console, expected in (
        (Console(), "sdfz: warning: odd shape\n"),
        (Console(quiet=True), ""),
        (Console(verbose=True), "sdfz: step 1\nsdfz: warning: odd shape\n"),
    ):
        with click.Context(click.Command("test")) as ctx:
            console.install(ctx)
            logger.info("step %d", 1)
            logger.warning("odd\nshape")
        assert capsys.readouterr().err == expected
    assert logging.getLogger("sdfz").handlers == []


def test_json_has_no_numbers_that_json_lacks(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": float("inf"), "b": [1.5, float("nan")], "c": {"d": (1, "x")}})
    assert capsys.readouterr().out == '{"a": null, "b": [1.5, null], "c": {"d": [1, "x"]}}\n'


def test_numbers() -> None:
    assert (percent(0.00048321), percent(0)) == ("0.0483%", "0%")
    assert (length(0.00012345, None), length(12.3456, "mm")) == ("0.000123", "12.3 mm")
    assert (count(1, "byte"), count(4812, "byte")) == ("1 byte", "4,812 bytes")


@pytest.mark.parametrize("is_terminal", [True, False])
def test_who_waits_at_a_terminal_is_told_why(is_terminal: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    stderr = Terminal() if is_terminal else io.StringIO()
    monkeypatch.setattr("sys.stderr", stderr)
    with click.Context(click.Command("any")) as ctx:
        Console().install(ctx)
        logging.getLogger("sdfz.codec.compiled").info("compiling")
        logging.getLogger("sdfz.codec.job").info("a trial")
    assert stderr.getvalue() == ("sdfz: compiling\n" if is_terminal else "")
