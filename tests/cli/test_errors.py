"""Exceptions become one line and an exit code, in one place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from quick_codec import QuickCodec
from sdfz.cli.errors import CliError, explain
from sdfz.formats.errors import LimitError, MeshError

Run = Callable[..., Result]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CliError("no"), "a/x.obj: no"),
        (MeshError("two\nlines"), "a/x.obj: two lines"),
        (MeshError("x.obj: bad"), "a/x.obj: bad"),
        (MeshError("a/x.obj: bad"), "a/x.obj: bad"),
        (MeshError("the mesh: bad"), "a/x.obj: bad"),
        (LimitError(), "a/x.obj: LimitError"),
        (FileNotFoundError(2, "No such file or directory", "a/x.obj"), "a/x.obj: No such file or directory"),
        (PermissionError(13, "Permission denied", "out"), "a/x.obj: out: Permission denied"),
        (MemoryError(), "a/x.obj: out of memory"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory"), "a/x.obj: out of memory"),
        (
            ZeroDivisionError("division by zero"),
            "a/x.obj: internal error, please report it (-v shows where): ZeroDivisionError: division by zero",
        ),
    ],
)
def test_lines(error: Exception, line: str) -> None:
    assert explain(error, "a/x.obj") == line
    assert explain(CliError("no")) == "no"


def test_internal_errors_have_no_traceback_unless_verbose(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    codec.error = ZeroDivisionError("division by zero")
    result = run("encode", "shape.obj", "--quiet")
    assert result.exit_code == 1
    assert result.stderr == (
        "sdfz: error: shape.obj: internal error, please report it (-v shows where): "
        "ZeroDivisionError: division by zero\n"
    )
    result = run("encode", "shape.obj", "-v")
    assert result.exit_code == 1
    assert "Traceback (most recent call last)" in result.stderr
    assert "in encode_mesh" in result.stderr
    assert "Traceback" not in run("encode", "missing.obj", "-v").stderr


def test_interrupt_ends_it_all(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    codec.error = KeyboardInterrupt()
    mesh_file.with_name("other.obj").write_bytes(mesh_file.read_bytes())
    result = run("encode", "shape.obj", "other.obj", "--quiet")
    assert (result.exit_code, result.stdout, result.stderr) == (130, "", "sdfz: error: interrupted\n")
    assert len(codec.encodings) == 1
    assert sorted(path.name for path in mesh_file.parent.iterdir()) == ["other.obj", "shape.obj"]


def test_broken_pipe_is_silent(run: Run, codec: QuickCodec, mesh_file: Path) -> None:
    codec.error = BrokenPipeError(32, "Broken pipe")
    result = run("encode", "shape.obj", "--quiet")
    assert (result.exit_code, result.output) == (141, "")
