"""Where decoding runs: a table that tells what was measured, and what could not be."""

import csv
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from sdfz.bench import device

GOLDEN = Path(__file__).parents[1] / "golden" / "v1"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "RESOLUTIONS", (32, 64))
    monkeypatch.setattr(device, "N_POINTS", 2000)
    monkeypatch.setattr(device, "FIT_EFFORT", 1)
    monkeypatch.setattr(device, "_COPY_BYTES_CPU", 1 << 16)
    monkeypatch.setattr(device, "_PRODUCT_CPU", 64)


@pytest.mark.usefixtures("small", "quick")
def test_each_place_has_its_rows_or_a_reason(tmp_path: Path) -> None:
    files = [GOLDEN / "sphere.sdfz", next((GOLDEN / "scaffold").glob("[!s]*.sdfz"))]
    table = tmp_path / "device.tsv"
    found = CliRunner().invoke(device.main, [*map(str, files), "-o", str(table), "--repeats", "1"])
    assert found.exit_code == 0, found.output
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    on_cpu = [row for row in rows if row["device"] == "cpu"]
    assert [(row["method"], row["what"]) for row in on_cpu] == [
        ("grid", "field"), ("grid", "mesh 32"), ("grid", "mesh 64"), ("grid", "fit"),
        ("scaffold", "mesh 32"), ("scaffold", "mesh 64"),
    ]  # fmt: skip
    assert all(float(row["seconds"]) > 0 for row in on_cpu)
    assert 0 < float(on_cpu[0]["floor_seconds"]) < float(on_cpu[0]["seconds"])
    if not torch.cuda.is_available():
        others = [row for row in rows if row["device"] == "cuda"]
        assert len(others) == 4
        assert all(row["what"] == "all" and row["seconds"].startswith("not measured: ") for row in others)


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.sdfz").write_bytes(b"no")
    found = CliRunner().invoke(device.main, [str(tmp_path / "a.sdfz"), "-o", str(tmp_path / "t.tsv")])
    assert found.exit_code == 1 and "a.sdfz: " in found.output
    assert not (tmp_path / "t.tsv").exists()
