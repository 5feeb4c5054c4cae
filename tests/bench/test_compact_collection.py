"""Collections by `compact`: what is counted, equal errors, and that tables go on where they were."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import shapes
from click.testing import CliRunner
from sdfz.bench import compact_collection, compact_single
from sdfz.bench.compact_collection import Collection, Equal, Judge, Judged, Plan, Row, equals, frames_of
from sdfz.bench.records import read_records
from sdfz.codec.compact.networks import CompactSizes
from sdfz.codec.compact.train import CompactTrainee
from sdfz.formats.mesh_io import read_mesh, write_mesh
from sdfz.formats.model_pack import read_model

SIZES = CompactSizes(n_code=4, n_octaves=2, resolution=9, n_features=3, width=16, n_hidden=2)
TINY = CompactTrainee(SIZES, n_near=3000, n_far=1000, batch_size=512, code_rate=2e-2, network_rate=5e-3)


def few(*_: object) -> Iterator[Plan]:
    yield Plan("tiny", TINY, 150, 21.0)


def by_others(judge: Judge) -> Iterator[Judged]:
    extent = float(np.ptp(judge.mesh.vertices))
    for codec, setting, n_bytes, cd in (("scaffold", "q0", 100, 1e-2), ("scaffold", "q50", 400, 1e-4)):
        yield Judged(codec, setting, n_bytes, cd * extent / extent, 0.5, 1.0)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: None) -> Path:
    """Two free shapes to train on, and one of `dev`."""
    rows = ["file,licence_class,category,watertight"]
    for name, mesh in {"train/ball": shapes.sphere(1.0, 3), "train/ring": shapes.torus(n_major=24, n_minor=12)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_mesh(*mesh, tmp_path / f"{name}.ply")
        rows.append(f"{name}.ply,permissive,cad,1")
    (tmp_path / "dev").mkdir()
    write_mesh(*shapes.sphere(2.0, 3), tmp_path / "dev" / "dragon.ply")
    (tmp_path / "catalog.csv").write_text("\n".join(rows) + "\n")
    monkeypatch.setattr(compact_collection, "_SAMPLES", 4000)
    return tmp_path


def test_a_collection(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact_collection, "SIZES", (2,))
    monkeypatch.setattr(compact_collection, "plans", few)
    monkeypatch.setattr(compact_collection, "by_others", by_others)
    table, work = corpus / "table.tsv", corpus / "work"
    options = [str(corpus), "-o", str(table), "--work", str(work)]
    CliRunner().invoke(compact_collection.main, options, catch_exceptions=False)
    rows = read_records(table, Row)
    assert [(row.codec, row.setting, row.n_shapes, row.n_measured) for row in rows] == [
        ("compact", "tiny", 2, 2), ("scaffold", "q0", 2, 2), ("scaffold", "q50", 2, 2)
    ]  # fmt: skip
    pack = rows[0]
    folder = work / "mixed-2 tiny"
    sizes = [path.stat().st_size for path in folder.glob("*.sdfz")]
    assert len(sizes) == 2 and pack.file_bytes == np.mean(sizes)
    assert pack.pack_bytes == (folder / "pack.sdfm").stat().st_size
    assert pack.total_bytes == pytest.approx(pack.pack_bytes + sum(sizes))
    assert rows[1].total_bytes == 200 and rows[1].cd_e4 == 100
    assert 10 < pack.cd_e4 <= pack.worst_cd_e4 < 500
    (equal,) = read_records(table.with_suffix(".equal.tsv"), Equal)
    assert equal.ratio == pytest.approx(pack.total_bytes / (2 * equal.theirs), rel=1e-3)
    written = table.read_bytes()
    result = CliRunner().invoke(
        compact_collection.main, [*options, "--plot", str(corpus / "curves.png")], catch_exceptions=False
    )
    assert result.exit_code == 0 and table.read_bytes() == written
    assert (corpus / "curves.png").read_bytes().startswith(b"\x89PNG")


def row(codec: str, pack_bytes: int, file_bytes: float, cd_e4: float) -> Row:
    return Row("set", 50, codec, "", 10, pack_bytes, file_bytes, pack_bytes + 50 * file_bytes, cd_e4, 9.0, 1.0, 1.0)


def test_equal_errors() -> None:
    """Half way, in logarithms, between 100 bytes at 90 and 400 at 10."""
    others = [row("grid", 0, 100, 90), row("grid", 0, 400, 10), row("scaffold", 0, 40, 40), row("scaffold", 0, 50, 20)]
    found = list(equals([row("compact", 6000, 80, 30), *others]))
    assert [equal.codec for equal in found] == ["grid", "scaffold"]
    between = 40 * (50 / 40) ** (math.log(40 / 30) / math.log(2))
    assert [equal.theirs for equal in found] == pytest.approx([200, between])
    assert found[0].break_even == pytest.approx(6000 / 120) and found[0].ratio == pytest.approx(1.0)
    assert found[1].break_even == math.inf
    assert not list(equals([row("compact", 6000, 80, 200), *others]))


def test_draco_decimates_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("DracoPy")
    write_mesh(*shapes.sphere(1.0, 3), tmp_path / "ball.ply")
    judge = Judge(tmp_path / "ball.ply")
    found = list(compact_collection.by_draco(judge, 100))
    assert [judged.setting for judged in found] == ["f100-qp6", "f100-qp7", "f100-qp8"]
    assert found[0].n_bytes < found[2].n_bytes and all(0 < judged.cd < 0.05 for judged in found)


def test_frames_and_which_are_measured(tmp_path: Path) -> None:
    vertices, faces = shapes.sphere(1.0, 1)
    np.savez(tmp_path / "ball.npz", vertices=np.stack([vertices, 2 * vertices]).astype(np.float32), faces=faces)
    found = frames_of(tmp_path / "ball.npz", tmp_path / "frames")
    assert (found.key, [name for name, _ in found.shapes]) == ("ball-2", ["ball_000", "ball_001"])
    assert np.allclose(read_mesh(found.shapes[1][1]).vertices, 2 * vertices, atol=1e-5)
    for n_shapes, measured in ((10, list(range(10))), (50, list(range(0, 50, 5))), (7, list(range(7)))):
        collection = Collection("c", tuple((str(number), Path()) for number in range(n_shapes)))
        assert collection.measured() == measured


def test_a_single_shape(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact_single, "plans", few)
    monkeypatch.setattr(compact_single, "_OTHERS", (("scaffold", 30),))
    monkeypatch.setattr(compact_single, "_SAMPLES", 4000)
    table, work = corpus / "table.tsv", corpus / "work"
    options = [str(corpus), "-o", str(table), "--work", str(work), "--shapes", "dragon"]
    CliRunner().invoke(compact_single.main, options, catch_exceptions=False)
    pack, scaffold = read_records(table, compact_single.Row)
    assert (pack.codec, scaffold.codec, scaffold.pack_bytes) == ("compact", "scaffold", 0)
    assert pack.pack_bytes == (work / "dragon tiny" / "pack.sdfm").stat().st_size
    assert read_model(work / "dragon tiny" / "pack.sdfm").method == "compact"
    for found in (pack, scaffold):
        expected = 2 * found.precision * found.recall / (found.precision + found.recall)
        assert found.f_0002 == pytest.approx(expected, abs=1e-3)
        assert 0 < found.cd_e4 < found.hd_e4 < 1000
    written = table.read_bytes()
    CliRunner().invoke(compact_single.main, options, catch_exceptions=False)
    assert table.read_bytes() == written
