"""The commands with the real codec: one small ball, encoded once, and what the other commands make of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trimesh
from click.testing import CliRunner, Result
from sdfz.cli.main import cli
from sdfz.codec.grid.stream import pack_symbols, unpack_symbols
from sdfz.formats.container import pack, unpack
from sdfz.formats.mesh_io import mesh_bytes

RADIUS = 25.0


@dataclass(frozen=True)
class Ball:
    """An encoded ball.

    Attributes
    ----------
    folder : Path
        Holds `ball.ply` and `ball.sdfz`.
    report : dict
        What `sdfz encode --json` printed.
    stderr : str
        What it said.
    """

    folder: Path
    report: dict[str, Any]
    stderr: str


def sdfz(command: str, *arguments: object, folder: Path, stdin: bytes | None = None) -> Result:
    """Run a command in a folder, on one thread: for shapes so small more only wait for each other."""
    threads = ["-j", "1"] if command in ("encode", "decode", "compare") else []
    before = Path.cwd()
    os.chdir(folder)
    try:
        return CliRunner().invoke(cli, [command, *threads, *map(str, arguments)], input=stdin, prog_name="sdfz")
    finally:
        os.chdir(before)


@pytest.fixture(scope="session")
def ball(tmp_path_factory: pytest.TempPathFactory) -> Ball:
    """A ball of 25 mm, 100 mm from the origin, in 320 triangles."""
    folder = tmp_path_factory.mktemp("ball")
    mesh = trimesh.creation.icosphere(subdivisions=2, radius=RADIUS)
    (folder / "ball.ply").write_bytes(mesh_bytes(mesh.vertices + [100, 0, 0], mesh.faces, "ply"))
    done = sdfz(
        *(
            "encode",
            "ball.ply",
            "--method",
            "grid",
            "-e",
            1,
            "-q",
            10,
            "--device",
            "cpu",
            "--metadata",
            "--units",
            "mm",
            "--json",
        ),
        folder=folder,
    )
    assert done.exit_code == 0, done.stderr
    return Ball(folder, json.loads(done.stdout), done.stderr)


def test_encode_says_what_it_did(ball: Ball) -> None:
    data = (ball.folder / "ball.sdfz").read_bytes()
    warning, line = ball.stderr.splitlines()
    assert warning == "sdfz: warning: ball.ply: not kept: the original triangles"
    assert line.startswith(f"sdfz: ball.ply -> ball.sdfz: {len(data):,} bytes; cd ")
    assert ball.report["bytes"] == len(data)
    assert ball.report["diagonal"] == pytest.approx(RADIUS * 12**0.5, rel=0.01)
    assert ball.report["target_met"] is True
    assert 0 < ball.report["errors"]["cd"] <= ball.report["errors"]["rms"] <= ball.report["errors"]["hd"] < 0.05


def test_info_agrees(ball: Ball) -> None:
    report = json.loads(sdfz("info", "ball.sdfz", "--json", folder=ball.folder).stdout)
    assert report["errors"] == pytest.approx(ball.report["errors"], rel=2e-3)
    assert (report["method"], report["units"], report["name"]) == ("grid", "mm", "ball.ply")
    assert (report["n_vertices"], report["n_faces"]) == (162, 320)
    assert report["bits_per_vertex"] == pytest.approx(ball.report["bits_per_vertex"])
    metadata = report["sections"][-1]
    assert metadata["name"] == "metadata"
    # DESIGN.md, section 7: fixed overhead without metadata (its section costs its bytes, an id, a length and a CRC)
    assert report["overhead"] - 6 <= 40


def test_decode_lands_on_the_input(ball: Ball, tmp_path: Path) -> None:
    done = sdfz("decode", ball.folder / "ball.sdfz", "-o", "out.obj", "--resolution", 64, folder=tmp_path)
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr.count("\n") == 1
    mesh = trimesh.load(tmp_path / "out.obj")
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * 3.14159 * RADIUS**3, rel=0.05)
    assert mesh.bounds.mean(axis=0) == pytest.approx([100, 0, 0], abs=0.1 * RADIUS)


def test_compare_confirms_the_error(ball: Ball) -> None:
    done = sdfz("compare", "ball.ply", "ball.sdfz", "--json", folder=ball.folder)
    report = json.loads(done.stdout)
    assert report["other"]["n_faces"] > 320
    assert report["units"] is None  # the unit of the reference, which a PLY file does not have
    for metric, tolerance in {"cd": 0.03, "rms": 0.03, "hd": 0.3}.items():
        assert report[metric] == pytest.approx(ball.report["errors"][metric], rel=tolerance)


def test_verify(ball: Ball, tmp_path: Path) -> None:
    data = bytearray((ball.folder / "ball.sdfz").read_bytes())
    done = sdfz("verify", ball.folder / "ball.sdfz", folder=tmp_path)
    assert (done.exit_code, done.stderr) == (0, "")
    data[len(data) // 2] ^= 1
    (tmp_path / "bad.sdfz").write_bytes(data)
    for command in (["verify", "bad.sdfz"], ["decode", "bad.sdfz"], ["info", "bad.sdfz"]):
        done = sdfz(*command, folder=tmp_path)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith("sdfz: error: bad.sdfz: ")
        assert done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.sdfz"]


@pytest.mark.parametrize("command", [["info", "-v"], ["verify"]])
def test_looking_at_a_file_starts_fast(ball: Ball, command: list[str]) -> None:
    code = (
        "import sys; from sdfz.cli.main import cli; cli(sys.argv[1:], standalone_mode=False); "
        "print('imported', *(m for m in ('torch', 'igl', 'trimesh', 'skimage') if m in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, *command, ball.folder / "ball.sdfz"], capture_output=True)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, b"imported")


def test_pipes(ball: Ball, tmp_path: Path) -> None:
    with open(ball.folder / "ball.sdfz", "rb") as file:
        piped = subprocess.run(
            [sys.executable, "-m", "sdfz", "decode", "-", "--output-format", "stl", "--resolution", "32", "-j", "1"],
            stdin=file,
            capture_output=True,
        )
    assert (piped.returncode, piped.stderr.count(b"\n")) == (0, 1)
    assert sdfz("decode", ball.folder / "ball.sdfz", "-o", "x.stl", "--resolution", 32, folder=tmp_path).exit_code == 0
    assert piped.stdout == (tmp_path / "x.stl").read_bytes()


@pytest.mark.slow
def test_a_target_out_of_reach(ball: Ball, tmp_path: Path) -> None:
    mesh = (ball.folder / "ball.ply").read_bytes()
    done = sdfz("encode", "-", "-o", "x.sdfz", "-e", 1, "--target-size", 20, "--quiet", folder=tmp_path, stdin=mesh)
    assert done.exit_code == 3
    n_bytes = len((tmp_path / "x.sdfz").read_bytes())
    assert done.stderr == (f"sdfz: target not met: stdin: {n_bytes:,} bytes, 20 asked; the best file is in x.sdfz\n")
    assert sdfz("verify", "x.sdfz", folder=tmp_path).exit_code == 0


def test_a_file_that_was_cut(ball: Ball, tmp_path: Path) -> None:
    whole = unpack((ball.folder / "ball.sdfz").read_bytes())
    # So small a shape gets one section; the same symbols in as many as there can be.
    sections = pack_symbols(unpack_symbols(whole.sections), n_base_levels=1)
    data = pack(whole.header, sections)
    assert len(sections) > 1
    (tmp_path / "whole.sdfz").write_bytes(data)
    (tmp_path / "cut.sdfz").write_bytes(data[:-1])
    refused = sdfz("decode", "cut.sdfz", folder=tmp_path)
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    cut = sdfz("decode", "cut.sdfz", "--allow-truncated", "--resolution", 32, "--json", folder=tmp_path)
    assert cut.exit_code == 0
    assert json.loads(cut.stdout)["truncated"] is True
    coarse = sdfz("decode", "whole.sdfz", "-o", "lod.ply", "--lod", 1, "--resolution", 32, folder=tmp_path)
    assert coarse.exit_code == 0
    assert (tmp_path / "cut.ply").read_bytes() == (tmp_path / "lod.ply").read_bytes()
