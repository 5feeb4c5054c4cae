"""`sdfz.encode`, `sdfz.decode` and `sdfz.open` as a program uses them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sdfz
import trimesh
from encoded import EXAMPLES, ExampleFiles
from quick_codec import FACES, VERTICES, QuickCodec
from sdfz.codec.encode import ErrorBound
from sdfz.formats.mesh_io import mesh_bytes
from sdfz.formats.metadata import Metadata

TETRAHEDRON = SimpleNamespace(vertices=VERTICES.tolist(), faces=FACES.tolist())  # all that is asked of a mesh


@pytest.fixture
def codec(monkeypatch: pytest.MonkeyPatch) -> QuickCodec:
    """The functions use a `QuickCodec`."""
    quick = QuickCodec()
    monkeypatch.setattr("sdfz.codec.encode.encode_mesh", quick.encode_mesh)
    return quick


@pytest.mark.usefixtures("quick")
def test_there_and_back(tmp_path: Path) -> None:
    ball = trimesh.creation.icosphere(subdivisions=3, radius=5)
    ball.apply_translation([20, 0, 0])
    data = sdfz.encode(ball, quality=20, effort=1)
    assert isinstance(data, bytes)
    assert len(data) < 600
    mesh = sdfz.decode(data, resolution=48)
    assert isinstance(mesh, trimesh.Trimesh)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(ball.volume, rel=0.05)
    assert mesh.bounds == pytest.approx(ball.bounds, abs=0.3)
    uniform = sdfz.decode(data, uniform=True)
    assert len(sdfz.decode(data).faces) < len(uniform.faces)
    assert np.array_equal(sdfz.open(data).mesh(uniform=True).faces, uniform.faces)
    path = tmp_path / "ball.sdfz"
    path.write_bytes(data)
    assert sdfz.open(path).distance([[20, 0, 0], [30, 0, 0]]) == pytest.approx([-5, 5], abs=0.3)


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview, str, Path])
def test_sources(kind: Any, files: ExampleFiles, tmp_path: Path) -> None:
    path = tmp_path / "torus.sdfz"
    path.write_bytes(files.encoded("torus").data)
    source = kind(path) if kind in (str, Path) else kind(path.read_bytes())
    shape = sdfz.open(source, device="cpu")
    assert isinstance(shape, sdfz.Shape)
    assert shape.header.errors == files.encoded("torus").header.errors
    assert shape.header.diagonal_units == pytest.approx(EXAMPLES["torus"].diagonal, rel=1e-3)


def test_options_reach_the_decoder(files: ExampleFiles) -> None:
    data = files.encoded("box").data
    coarse, fine = (sdfz.decode(data, resolution=24, lod=lod) for lod in (2, 0))
    assert not np.array_equal(coarse.vertices, fine.vertices)
    assert sdfz.open(data[:-1] + data[-1:], allow_truncated=True).truncated is False
    with pytest.raises(TypeError, match="colour"):
        sdfz.open(data, colour="red")


def test_what_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(sdfz.NotSdfzError):
        sdfz.open(b"solid ball")
    with pytest.raises(FileNotFoundError):
        sdfz.open(tmp_path / "nothing.sdfz")
    with pytest.raises(FileNotFoundError):
        sdfz.encode(tmp_path / "nothing.ply")
    with pytest.raises(sdfz.MeshError):
        sdfz.encode(SimpleNamespace(vertices=[[0, 0, 0]], faces=np.zeros((0, 3), int)))


def test_settings_reach_the_encoder(codec: QuickCodec) -> None:
    sdfz.encode(
        TETRAHEDRON, max_error=0.25, metric="cd", effort=3, seed=7, device="cpu", backend="torch", threads=2,
        method="grid",
    )  # fmt: skip
    settings = codec.encodings[0].settings
    assert settings.max_error == ErrorBound(0.25, relative=False)
    assert (settings.metric, settings.effort, settings.seed, settings.threads) == ("cd", 3, 7, 2)
    assert (settings.method, settings.device, settings.backend) == ("grid", "cpu", "torch")
    assert codec.encodings[0].metadata is None


@pytest.mark.parametrize(
    ("text", "bound"),
    [("0.1%", ErrorBound(0.001)), (" 2 % ", ErrorBound(0.02)), ("0.5", ErrorBound(0.5, relative=False))],
)
def test_bounds(text: str, bound: ErrorBound, codec: QuickCodec) -> None:
    sdfz.encode(TETRAHEDRON, max_error=text)
    found = codec.encodings[0].settings.max_error
    assert (found.value, found.relative) == (pytest.approx(bound.value), bound.relative)


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_error": "much"},
        {"max_error": "0.2mm"},
        {"max_error": "-1%"},
        {"max_error": "%"},
        {"max_error": 0.0},
        {"quality": 50, "target_size": 1000},
        {"effort": 0},
    ],
)
def test_wrong_arguments(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        sdfz.encode(TETRAHEDRON, **arguments)


def test_metadata_of_a_file(codec: QuickCodec, tmp_path: Path) -> None:
    path = tmp_path / "pyramid.obj"
    path.write_bytes(mesh_bytes(VERTICES, FACES, "obj"))
    sdfz.encode(path, metadata=True, units="mm")
    sdfz.encode(str(path))
    assert [encoding.metadata for encoding in codec.encodings] == [Metadata("pyramid.obj", "mm", 4, 4), None]


def test_metadata_of_a_mesh(codec: QuickCodec) -> None:
    sdfz.encode(TETRAHEDRON, metadata=True)
    assert codec.encodings[0].metadata == Metadata(None, None, 4, 4)


def test_progress_reaches_the_caller(codec: QuickCodec) -> None:
    calls: list[tuple[str, int, int]] = []
    sdfz.encode(TETRAHEDRON, progress=lambda *call: calls.append(call))
    assert calls == [("fit", 1, 2), ("fit", 2, 2)]
