"""What the tests of the command line share: a runner, a mesh file, an .sdfz file, a quick codec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from quick_codec import FACES, VERTICES, QuickCodec, container_bytes
from sdfz.cli.main import cli
from sdfz.formats.mesh_io import mesh_bytes
from sdfz.formats.metadata import Metadata


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Run `sdfz ARGUMENTS` in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments: object, stdin: bytes | None = None) -> Result:
        return CliRunner().invoke(cli, [str(argument) for argument in arguments], input=stdin, prog_name="sdfz")

    return invoke


@pytest.fixture
def mesh_file(tmp_path: Path) -> Path:
    """A tetrahedron, `shape.obj` in the working folder."""
    path = tmp_path / "shape.obj"
    path.write_bytes(mesh_bytes(VERTICES, FACES, "obj"))
    return path


@pytest.fixture
def codec(monkeypatch: pytest.MonkeyPatch) -> QuickCodec:
    """The commands use a `QuickCodec`."""
    quick = QuickCodec()
    monkeypatch.setattr("sdfz.codec.encode.encode_mesh", quick.encode_mesh)
    monkeypatch.setattr("sdfz.codec.decode.decode_bytes", quick.decode_bytes)
    monkeypatch.setattr("sdfz.codec.decode.check_bytes", quick.check_bytes)
    return quick


@pytest.fixture
def sdfz_file(tmp_path: Path) -> Path:
    """`shape.sdfz` in the working folder; decodable by a `QuickCodec` only."""
    path = tmp_path / "shape.sdfz"
    path.write_bytes(container_bytes(Metadata("shape.obj", "mm", 4, 4)))
    return path
