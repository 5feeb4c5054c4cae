"""The installed command as a process: imports, terminals, pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from quick_codec import container_bytes

SDFZ = [sys.executable, "-m", "sdfz"]
HEAVY = ("torch", "igl", "skimage", "trimesh", "numba", "scipy", "constriction")


def imported(arguments: list[str], folder: Path) -> set[str]:
    """The modules of `HEAVY` that a command has imported when it is done."""
    code = (
        "import sys; from sdfz.cli.main import cli; cli(sys.argv[1:], standalone_mode=False); "
        f"print('imported', *(m for m in {HEAVY} if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize("command", [["--help"], ["encode", "--help"], ["info", "shape.sdfz"], ["verify", "--help"]])
def test_what_is_not_imported(sdfz_file: Path, command: list[str]) -> None:
    assert imported(command, sdfz_file.parent) == set()


def test_usage(tmp_path: Path) -> None:
    done = subprocess.run([*SDFZ, "encode"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0] == "Usage: sdfz encode [OPTIONS] INPUT..."
    assert subprocess.run(SDFZ, cwd=tmp_path, capture_output=True).returncode == 2


def test_version(tmp_path: Path) -> None:
    import sdfz

    done = subprocess.run([*SDFZ, "--version"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"sdfz {sdfz.__version__}\n")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "shape.sdfz").write_bytes(container_bytes())
    many = ["shape.sdfz"] * 2000  # more output than a pipe holds
    process = subprocess.Popen([*SDFZ, "info", *many], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait() == 141


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_nothing_binary_on_a_terminal(mesh_file: Path) -> None:
    master, slave = os.openpty()
    try:
        for arguments in (["encode", "shape.obj", "-o", "-"], ["decode", "shape.obj", "-o", "-"]):
            done = subprocess.run(
                [*SDFZ, *arguments], cwd=mesh_file.parent, stdout=slave, stderr=subprocess.PIPE, text=True
            )
            assert done.returncode == 2
            assert "refusing to write binary data to a terminal" in done.stderr
    finally:
        os.close(slave)
        os.close(master)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_progress_on_a_real_terminal() -> None:
    code = "from sdfz.cli.console import Console\nwith Console().progress() as progress: progress('fit', 1, 4)"
    master, slave = os.openpty()
    done = subprocess.run([sys.executable, "-c", code], stderr=slave, capture_output=False)
    os.close(slave)
    drawn = os.read(master, 1 << 16)
    os.close(master)
    assert done.returncode == 0
    assert b"fit:   0%|" in drawn
