"""`sdfz pack build` and `sdfz blend`: a collection to a pack and files, and a shape between two of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import shapes
from click.testing import Result
from sdfz.codec.compact.networks import CompactSizes
from sdfz.codec.compact.train import CompactTrainee
from sdfz.formats import read_model
from sdfz.formats.mesh_io import read_mesh, write_mesh

Run = Callable[..., Result]

TINY = CompactTrainee(
    CompactSizes(n_code=4, n_octaves=2, resolution=9, n_features=3, width=16, n_hidden=2),
    n_near=3000, n_far=1000, batch_size=512, grid_rate=2e-2, code_rate=2e-2, network_rate=5e-3,
)  # fmt: skip
BUILD = ("pack", "build", "ball.ply", "ring.ply", "-o", "set.sdfm", "--steps", 200, "-e", 1, "-q", 10, "-j", 1)


@pytest.fixture
def collection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None) -> Path:
    """Two shapes, and a trainee that is quick."""
    monkeypatch.setattr("sdfz.codec.training.methods.trainee_of", lambda _: TINY)
    monkeypatch.setattr("sdfz.codec.compact.collection._MEASURE_SAMPLES", 4000)
    write_mesh(*shapes.sphere(0.8, 3), tmp_path / "ball.ply")
    write_mesh(*shapes.torus(n_major=24, n_minor=12), tmp_path / "ring.ply")
    return tmp_path


def test_a_collection_there_and_back(run: Run, collection: Path) -> None:
    result = run(*BUILD, "--json")
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    pack = read_model(collection / "set.sdfm")
    assert (pack.method, report["hash"]) == ("compact", pack.short.hex())
    assert report["pack_bytes"] == (collection / "set.sdfm").stat().st_size
    assert [file["bytes"] for file in report["files"]] == [
        (collection / f"{name}.sdfz").stat().st_size for name in ("ball", "ring")
    ]
    assert max(file["bytes"] for file in report["files"]) < 100
    assert max(file["cd"] for file in report["files"]) < 0.05  # codes go to the shapes that they were learned of
    assert pack.notes["corpus"].startswith("2 shapes ") and "\n" not in pack.notes["corpus"]
    assert pack.notes["command"].startswith("sdfz pack build SHAPE... --method compact -o set.sdfm --steps 200")
    assert sorted(path.name for path in collection.iterdir()) == [
        "ball.ply", "ball.sdfz", "ring.ply", "ring.sdfz", "set.sdfm"
    ]  # fmt: skip

    result = run("blend", "ball.sdfz", "ring.sdfz", "-t", 0.3, "-o", "mid.sdfz", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["bytes"] == (collection / "mid.sdfz").stat().st_size
    result = run("decode", "mid.sdfz", "-o", "mid.ply", "--pack", "set.sdfm", "--resolution", 32)
    assert result.exit_code == 0, result.output
    assert len(read_mesh(collection / "mid.ply").faces)


def test_nothing_is_overwritten_unasked(run: Run, collection: Path) -> None:
    (collection / "ring.sdfz").write_bytes(b"mine")
    result = run(*BUILD)
    assert result.exit_code == 1 and "ring.sdfz" in result.stderr and "exists" in result.stderr
    assert (collection / "ring.sdfz").read_bytes() == b"mine" and not (collection / "set.sdfm").exists()


def test_wrong_usage(run: Run, collection: Path) -> None:
    (collection / "other").mkdir()
    write_mesh(*shapes.sphere(0.8, 2), collection / "other" / "ball.ply")
    result = run("pack", "build", "ball.ply", "other/ball.ply", "-o", "set.sdfm")
    assert result.exit_code == 2 and "would both be ball.sdfz" in result.stderr
    assert run(*BUILD, "--minutes", 1).exit_code == 2
    assert run("pack", "build", "ball.ply", "-o", "no/set.sdfm").exit_code == 1
    result = run("blend", "ball.ply", "ring.ply", "-o", "mid.sdfz")
    assert result.exit_code == 1 and not (collection / "mid.sdfz").exists()
    assert run("blend", "a", "b", "-t", 2, "-o", "mid.sdfz").exit_code == 2
