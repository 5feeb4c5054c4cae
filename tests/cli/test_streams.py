"""Which input goes to which output, and what is refused before any work."""

from __future__ import annotations

import os
from pathlib import Path

import click
import pytest
from sdfz.cli.errors import CliError
from sdfz.cli.streams import Job, check_target, plan, write_target


def targets(jobs: list[Job]) -> list[str]:
    return [job.target for job in jobs]


def test_beside_the_inputs_when_nothing_is_named() -> None:
    assert targets(plan(["a/x.v2.obj", "y.ply"], None, ".sdfz")) == ["a/x.v2.sdfz", "y.sdfz"]
    assert targets(plan(["-"], None, ".sdfz")) == ["-"]


def test_file_or_directory(tmp_path: Path) -> None:
    assert plan(["x.obj"], f"{tmp_path}/out", ".sdfz") == [Job("x.obj", f"{tmp_path}/out")]
    assert plan(["x.obj"], f"{tmp_path}", ".sdfz") == [Job("x.obj", f"{tmp_path}/x.sdfz")]
    assert targets(plan(["a/x.obj", "b/y.obj"], f"{tmp_path}/", ".ply")) == [f"{tmp_path}/x.ply", f"{tmp_path}/y.ply"]


@pytest.mark.parametrize(
    ("inputs", "output", "message"),
    [
        (["a.obj", "-"], "out/", "cannot be combined"),
        (["a.obj", "b.obj"], "one.sdfz", "several inputs need a directory"),
        (["a.obj", "b.obj"], "-", "several inputs need a directory"),
        (["-"], "./", "stdin has no name"),
        (["a/x.obj", "b/x.ply"], "./", r"'a/x.obj' and 'b/x.ply' would both become './x.sdfz'"),
        (["x.obj", "x.ply"], None, "would both become 'x.sdfz'"),
        (["x.obj", "./x.obj"], None, "would both become"),
    ],
)
def test_usage_errors(inputs: list[str], output: str | None, message: str) -> None:
    with pytest.raises(click.UsageError, match=message):
        plan(inputs, output, ".sdfz")


@pytest.mark.parametrize("output", ["missing/x.sdfz", "missing/"])
def test_directories_are_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CliError, match="output directory does not exist: missing"):
        plan(["x.obj"], output, ".sdfz")


def test_existing_files_need_force(tmp_path: Path) -> None:
    target = tmp_path / "x.sdfz"
    job = Job("x.obj", str(target))
    check_target(job, force=False)
    target.touch()
    with pytest.raises(CliError, match=r"exists; -f overwrites it"):
        check_target(job, force=False)
    check_target(job, force=True)


def test_a_dangling_link_is_something_that_exists(tmp_path: Path) -> None:
    (tmp_path / "x.sdfz").symlink_to(tmp_path / "nowhere")
    with pytest.raises(CliError, match="exists"):
        check_target(Job("x.obj", str(tmp_path / "x.sdfz")), force=False)


def test_the_input_is_never_the_target(tmp_path: Path) -> None:
    source = tmp_path / "x.obj"
    source.touch()
    (tmp_path / "link").symlink_to(source)
    for target in (source, tmp_path / "link"):
        with pytest.raises(CliError, match="is the input itself"):
            check_target(Job(str(source), str(target)), force=True)


def test_a_directory_is_not_a_target(tmp_path: Path) -> None:
    with pytest.raises(CliError, match="is a directory"):
        check_target(Job("x.obj", str(tmp_path)), force=True)


def test_devices_are_written_in_place() -> None:
    job = Job("x.obj", os.devnull)
    check_target(job, force=False)
    write_target(job, b"bytes")
    assert not Path(os.devnull).is_file()
