"""The benchmark's table: rows for what works and what does not, and nothing measured twice."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest
import shapes
from click.testing import CliRunner, Result
from sdfz.bench import measure
from sdfz.formats.mesh_io import mesh_bytes


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """A ball in `dev`, a broken file in `scenes`, and a folder that is not measured."""
    folder = tmp_path / "corpus"
    for name in ("dev", "scenes", "train"):
        (folder / name).mkdir(parents=True)
    (folder / "dev" / "ball.ply").write_bytes(mesh_bytes(*shapes.sphere(5.0, 2), "ply"))
    (folder / "scenes" / "broken.obj").write_text("no mesh")
    (folder / "train" / "ball.ply").write_text("not looked at")
    return folder


def run(corpus: Path, table: Path, *arguments: str) -> Result:
    result = CliRunner().invoke(measure.main, ["--corpus", str(corpus), "--out", str(table), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def rows_of(table: Path) -> list[dict[str, str]]:
    with open(table, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.mark.slow
def test_a_row_for_each_shape(corpus: Path, tmp_path: Path) -> None:
    table = tmp_path / "results" / "table.tsv"
    first = run(corpus, table, "--effort", "1", "--quality", "0")
    ball, broken = rows_of(table)
    assert list(ball) == list(measure.COLUMNS)
    assert [ball[name] for name in ("shape", "faces", "goal", "effort")] == ["dev/ball", "320", "quality 0", "1"]
    assert 0 < float(ball["cd_e4"]) <= float(ball["rms_e4"]) <= float(ball["hd_e4"]) < 1000
    assert 0 < float(ball["decode_after_import_s"]) < float(ball["decode_s"])
    assert 50 < float(ball["decode_mb"]) <= float(ball["encode_mb"])
    assert ball["error"] == ""
    assert broken["shape"] == "scenes/broken"
    assert broken["error"].endswith("sdfz: error: broken.obj: cannot be read as OBJ: it has no faces")
    assert broken["bytes"] == ""
    assert [line.split(":")[0] for line in first.output.splitlines()] == ["dev/ball", "scenes/broken"]
    again = run(corpus, table, "--effort", "1", "--quality", "0")
    assert [line.split(":")[0] for line in again.output.splitlines()] == ["scenes/broken"]
    assert rows_of(table)[0] == ball


def test_rows_are_measured_again_for_another_commit(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[str]] = []

    def measured(path: Path, arguments: list[str], timeout: float) -> dict[str, str]:
        calls.append([path.stem, *arguments])
        return dict.fromkeys(("bytes", "cd_e4", "hd_e4", "encode_s", "encode_mb", "decode_s"), "1")

    monkeypatch.setattr(measure, "_measured", measured)
    monkeypatch.setattr(measure, "_commit", lambda: "aaaaaaa")
    table = tmp_path / "table.tsv"
    for _ in range(2):
        run(corpus, table, "--shapes", "ball", "--max-cd", "5e-4")
    assert calls == [["ball", "--max-error", "0.05%", "--metric", "cd", "--effort", "5"]]
    monkeypatch.setattr(measure, "_commit", lambda: "bbbbbbb")
    run(corpus, table, "--shapes", "ball", "--max-cd", "5e-4")
    run(corpus, table, "--shapes", "dev/ball")
    assert [(row["goal"], row["commit"]) for row in rows_of(table)] == [
        ("cd 0.0005", "bbbbbbb"),
        ("default", "bbbbbbb"),
    ]


def test_usage(corpus: Path, tmp_path: Path) -> None:
    for wrong in (["--shapes", "cube"], ["--max-cd", "1e-3", "--quality", "9"]):
        assert run(corpus, tmp_path / "table.tsv", *wrong).exit_code == 2
    assert not (tmp_path / "table.tsv").exists()


def test_a_process_that_takes_too_long_is_ended() -> None:
    done = measure._run([sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"], 1.0)
    assert done.code == -9
    assert done.seconds < 30
