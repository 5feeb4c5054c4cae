"""Sequences on the command line: many meshes into one file, and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import golden_files
import numpy as np
import pytest
import sdfz
import shapes
from click.testing import Result
from sdfz.formats.mesh_io import read_mesh, write_mesh

Run = Callable[..., Result]


@pytest.fixture
def frames(tmp_path: Path) -> list[str]:
    """A ball that rolls and grows a nose, in three files of the working folder."""
    vertices, faces = shapes.sphere(1.0, 2)
    names = []
    for t in range(3):
        nose = 1 + 0.3 * t * np.exp(-2 * (1 - vertices[:, :1]))
        write_mesh(vertices * nose + [0.5 * t, 0, 0], faces, tmp_path / f"ball{t}.ply")
        names.append(f"ball{t}.ply")
    return names


@pytest.fixture
def moving(tmp_path: Path) -> Path:
    """A file of five frames in the working folder."""
    path = tmp_path / "moving.sdfz"
    path.write_bytes((golden_files.FOLDER / "sequence" / "moving.sdfz").read_bytes())
    return path


def test_there_and_back(run: Run, frames: list[str], tmp_path: Path) -> None:
    options = [
        "--sequence",
        "-o",
        "ball.sdfz",
        "--method",
        "scaffold",
        "--max-error",
        "0.5%",
        "--metric",
        "cd",
        "-e",
        "1",
        "--json",
    ]
    result = run("encode", *frames, *options)
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert (report["frames"], report["n_vertices"]) == (3, len(read_mesh(tmp_path / frames[0]).vertices))
    assert report["errors"]["cd"] <= 0.005
    (tmp_path / "out").mkdir()
    assert run("decode", "ball.sdfz", "-o", "out/", "--resolution", "64").exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"ball_00{t}.ply" for t in range(3)]
    for t, name in enumerate(frames):
        there, back = read_mesh(tmp_path / name).vertices, read_mesh(tmp_path / "out" / f"ball_00{t}.ply").vertices
        np.testing.assert_allclose(back.max(0), there.max(0), atol=0.2)


def test_python_does_the_same(frames: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meshes and paths; the encoder itself is left out."""
    asked = []

    def encode(vertices: np.ndarray, faces: np.ndarray, settings: Any, metadata: Any, progress: Any) -> Any:
        asked.append((vertices.shape, faces.shape, settings))
        return SimpleNamespace(data=b"file")

    monkeypatch.setattr("sdfz.codec.sequence.encode.encode_sequence", encode)
    paths = [tmp_path / name for name in frames]
    mesh = read_mesh(paths[0])
    given = [SimpleNamespace(vertices=mesh.vertices, faces=mesh.faces), *paths[1:]]
    assert sdfz.encode_sequence(given, method="grid", max_error="0.5%", metric="rms", effort=2) == b"file"
    ((vertices, faces, settings),) = asked
    assert (vertices, faces) == ((3, *mesh.vertices.shape), mesh.faces.shape)
    assert (settings.method, settings.max_error.value, settings.metric, settings.effort) == ("grid", 0.005, "rms", 2)


def test_one_frame(run: Run, moving: Path) -> None:
    result = run("decode", "moving.sdfz", "--frame", "2", "-o", "two.ply", "--resolution", "32")
    assert result.exit_code == 0
    found = read_mesh(moving.with_name("two.ply")).vertices
    np.testing.assert_allclose(found, sdfz.open(moving).frame(2).triangles(32)[0], rtol=1e-5, atol=1e-5)
    result = run("decode", "moving.sdfz", "--frame", "5")
    assert (result.exit_code, "there is no frame 5: there are 5" in result.stderr) == (1, True)
    result = run("decode", "moving.sdfz", "-o", "-")
    assert (result.exit_code, "5 frames do not go to stdout" in result.stderr) == (1, True)


def test_what_there_is(run: Run, moving: Path) -> None:
    page = run("info", "moving.sdfz").stdout
    assert "frames          5, " in page
    assert ", motion" in page
    report = json.loads(run("info", "moving.sdfz", "--json").stdout)
    assert (report["frames"], report["sections"][-1]["id"] in (0, 127)) == (5, True)
    assert run("verify", "moving.sdfz").exit_code == 0


@pytest.mark.parametrize("options", [[], ["-o", "out/"], ["-o", "a.sdfz", "--preserve-mesh"]])
def test_usage(run: Run, frames: list[str], options: list[str]) -> None:
    assert run("encode", *frames, "--sequence", *options).exit_code == 2


def test_frames_of_other_triangles(run: Run, frames: list[str], tmp_path: Path) -> None:
    vertices, faces = shapes.sphere(1.0, 1)
    write_mesh(vertices, faces, tmp_path / "other.ply")
    result = run("encode", frames[0], "other.ply", "--sequence", "-o", "a.sdfz")
    assert (result.exit_code, "frame 1: its triangles are not those of frame 0" in result.stderr) == (1, True)
