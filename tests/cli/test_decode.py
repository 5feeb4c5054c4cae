"""`sdfz decode`: formats, files, streams and exit codes. The decoder itself is a stand-in here."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result
from quick_codec import FACES, VERTICES, QuickCodec, container_bytes
from sdfz.formats.errors import BackendError
from sdfz.formats.mesh_io import read_mesh

Run = Callable[..., Result]


@pytest.mark.parametrize("suffix", ["ply", "obj", "stl", "off", "glb"])
def test_formats(run: Run, codec: QuickCodec, sdfz_file: Path, suffix: str) -> None:
    result = run("decode", "shape.sdfz", "-o", f"out.{suffix}")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"sdfz: shape.sdfz -> out.{suffix}: 4 vertices, 4 triangles; ")
    mesh = read_mesh(sdfz_file.with_name(f"out.{suffix}"))
    assert len(mesh.faces) == len(FACES)
    np.testing.assert_array_equal(np.unique(mesh.vertices, axis=0), np.unique(VERTICES, axis=0))


def test_options_reach_the_decoder(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    options = "--resolution 64 --uniform --lod 1 --allow-truncated --device cpu --backend torch"
    assert run("decode", "shape.sdfz", *options.split()).exit_code == 0
    call = codec.decodings[0]
    assert (call.resolution, call.uniform, call.lod, call.allow_truncated) == (64, True, 1, True)
    assert (call.device, call.backend) == ("cpu", "torch")


def test_default_name_is_said(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    result = run("decode", "shape.sdfz", "--output-format", "stl")
    assert "sdfz: shape.sdfz -> shape.stl: " in result.stderr
    assert sdfz_file.with_suffix(".stl").exists()


def test_streams(run: Run, codec: QuickCodec) -> None:
    result = run("decode", "-", "--output-format", "off", stdin=container_bytes())
    assert result.exit_code == 0
    assert result.stdout_bytes.startswith(b"OFF")
    assert run("decode", "-", stdin=container_bytes()).stdout_bytes.startswith(b"ply")
    result = run("decode", "-", "--json", stdin=container_bytes())
    assert (result.exit_code, result.stdout) == (2, "")


@pytest.mark.parametrize(
    "options",
    [
        ["-o", "out.step"],
        ["-o", "out.ply", "--output-format", "stl"],
        ["--resolution", "15"],
        ["--resolution", "1025"],
        ["--lod", "-1"],
        ["--output-format", "gltf"],
    ],
    ids=" ".join,
)
def test_usage_errors(run: Run, codec: QuickCodec, sdfz_file: Path, options: list[str]) -> None:
    result = run("decode", "shape.sdfz", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert [path.name for path in sdfz_file.parent.iterdir()] == ["shape.sdfz"]


def test_truncated(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    sdfz_file.write_bytes(sdfz_file.read_bytes()[:-3])
    result = run("decode", "shape.sdfz")
    assert result.exit_code == 1
    assert result.stderr.startswith("sdfz: error: shape.sdfz: ")
    assert result.stderr.count("\n") == 1
    assert not sdfz_file.with_suffix(".ply").exists()
    result = run("decode", "shape.sdfz", "--allow-truncated", "--json")
    assert result.exit_code == 0
    assert "sdfz: warning: shape.sdfz: cut short; decoded from what was there\n" in result.stderr
    assert json.loads(result.stdout)["truncated"] is True


@pytest.mark.parametrize("data", [b"", b"solid ascii", container_bytes() + b"\0", container_bytes()[:9]])
def test_bad_files_are_one_line(run: Run, codec: QuickCodec, sdfz_file: Path, data: bytes) -> None:
    sdfz_file.write_bytes(data)
    result = run("decode", "shape.sdfz")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("sdfz: error: shape.sdfz: ")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in sdfz_file.parent.iterdir()] == ["shape.sdfz"]


def test_a_device_that_is_not_there(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    codec.error = BackendError("no CUDA device")
    result = run("decode", "shape.sdfz", "--device", "cuda")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: shape.sdfz: no CUDA device\n")


def test_several_into_a_directory(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    folder = sdfz_file.parent
    (folder / "bad.sdfz").write_bytes(b"bad")
    (folder / "out").mkdir()
    result = run("decode", "bad.sdfz", "shape.sdfz", "-o", "out/", "--output-format", "obj", "--json")
    assert result.exit_code == 1
    assert [path.name for path in (folder / "out").iterdir()] == ["shape.obj"]
    first, second = map(json.loads, result.stdout.splitlines())
    assert first["error"]["type"] == "NotSdfzError"
    assert (second["output"], second["n_vertices"], second["n_faces"]) == ("out/shape.obj", 4, 4)
    assert result.stderr.splitlines()[-1] == "sdfz: error: 1 of 2 inputs failed: bad.sdfz"


def test_existing_output_is_kept_without_force(run: Run, codec: QuickCodec, sdfz_file: Path) -> None:
    old = sdfz_file.with_suffix(".ply")
    old.write_bytes(b"old")
    result = run("decode", "shape.sdfz")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: shape.sdfz: shape.ply exists; -f overwrites it\n")
    assert codec.decodings == []
    assert old.read_bytes() == b"old"
    assert run("decode", "shape.sdfz", "-f").exit_code == 0
