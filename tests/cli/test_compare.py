"""`sdfz compare`: the distances are those of codec.distortion, and they are printed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from quick_codec import FACES, VERTICES, QuickCodec
from sdfz.formats.mesh_io import mesh_bytes

Run = Callable[..., Result]


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """The tetrahedron, a tenth further along x."""
    path = tmp_path / "moved.ply"
    path.write_bytes(mesh_bytes(VERTICES + [0.1, 0, 0], FACES, "ply"))
    return path


def test_json(run: Run, mesh_file: Path, moved: Path) -> None:
    result = run("compare", "shape.obj", "moved.ply", "--json", "-n", 2000)
    assert (result.exit_code, result.stderr) == (0, "")
    report = json.loads(result.stdout)
    assert report["diagonal"] == pytest.approx(6**0.5)
    assert report["hd"] * 6**0.5 == pytest.approx(0.1, rel=1e-3)
    assert report["reference"] == {"input": "shape.obj", "n_vertices": 4, "n_faces": 4}
    assert (report["n_samples"], report["seed"]) == (2000, 0)
    assert 0 < report["cd"] < report["rms"] < report["p99"] <= report["hd"]


def test_table(run: Run, mesh_file: Path, moved: Path) -> None:
    result = run("compare", "shape.obj", "moved.ply", "-n", 2000)
    lines = result.stdout.splitlines()
    assert lines[0] == "reference  shape.obj: 4 vertices, 4 triangles, diagonal 2.45"
    assert lines[1] == "other      moved.ply: 4 vertices, 4 triangles"
    (largest,) = (line for line in lines if line.startswith("hd"))
    assert largest.split() == ["hd", "largest", "4.08%", "0.1", "4.08%", "4.08%"]
    assert len([line for line in lines if line.startswith("F-score")]) == 4


def test_the_same_seed_gives_the_same_figures(run: Run, mesh_file: Path, moved: Path) -> None:
    same = [run("compare", "shape.obj", "moved.ply", "--json", "-n", 500, "--seed", 3).stdout for _ in range(2)]
    assert same[0] == same[1]
    assert run("compare", "shape.obj", "moved.ply", "--json", "-n", 500, "--seed", 4).stdout != same[0]


def test_sdfz_files_are_decoded(run: Run, codec: QuickCodec, mesh_file: Path, sdfz_file: Path) -> None:
    result = run("compare", "shape.sdfz", "shape.obj", "--json", "-n", 500, "--resolution", 32)
    report = json.loads(result.stdout)
    assert report["hd"] == pytest.approx(0, abs=1e-7)
    assert report["units"] == "mm"
    assert codec.decodings[0].resolution == 32


def test_failures(run: Run, mesh_file: Path, sdfz_file: Path) -> None:
    result = run("compare", "shape.obj", "missing.obj")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: missing.obj: No such file or directory\n")
    sdfz_file.write_bytes(sdfz_file.read_bytes()[:20])
    result = run("compare", "shape.obj", "shape.sdfz")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("sdfz: error: shape.sdfz: ")
    assert run("compare", "shape.obj").exit_code == 2
    assert run("compare", "shape.obj", "-").exit_code == 2
