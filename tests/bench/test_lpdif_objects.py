"""Table 1 of LP-DIF: packs of seen and unseen categories, and what the rows say."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
import shapes
from click.testing import CliRunner
from sdfz.bench import lpdif_objects
from sdfz.bench.lpdif_objects import ALL, BUNDLED, MADE
from sdfz.codec.lpdif.network import NetworkShape
from sdfz.codec.lpdif.train import LpdifTrainee
from sdfz.formats import read_model
from sdfz.formats.mesh_io import mesh_bytes

KINDS = {"train/ball": "organic", "train/torus": "cad", "train/box": "cad", "dev/ring": "cad", "dev/egg": "organic"}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two categories, one of them unseen by one of the packs."""
    meshes = {"ball": shapes.sphere(1.0, 3), "torus": shapes.torus(), "box": shapes.box((1, 1, 1), 8),
              "ring": shapes.torus(n_major=32, n_minor=16), "egg": shapes.sphere(2.0, 3)}  # fmt: skip
    lines = ["file,category,repo,path,licence,licence_class"]
    for name, kind in KINDS.items():
        path = tmp_path / "corpus" / f"{name}.ply"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(mesh_bytes(*meshes[path.stem], "ply"))
        lines.append(f"{name}.ply,{kind},someone/shapes,{path.name},CC0,permissive")
    (tmp_path / "corpus" / "catalog.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "corpus"


@pytest.mark.usefixtures("quick")
def test_rows_and_packs(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = NetworkShape(4, 8, 3)
    tiny = LpdifTrainee(coarse=small, pattern=small, n_clusters=2, n_regions=(60.0, 90.0), most_regions=24,
                        samples_a_region=32, regions_a_step=16)  # fmt: skip
    monkeypatch.setattr(lpdif_objects, "LpdifTrainee", lambda coarse_steps: replace(tiny, coarse_steps=coarse_steps))
    monkeypatch.setattr(lpdif_objects, "_PROTOCOL", replace(lpdif_objects._PROTOCOL, n_points=3000))
    monkeypatch.setattr(lpdif_objects, "DEFAULT_RESOLUTION", 32)
    monkeypatch.setattr("sdfz.codec.lpdif.encode._MIN_SAMPLES", 1 << 12)
    table = tmp_path / "out" / "objects.tsv"
    table.parent.mkdir()
    words = [str(corpus), "-o", str(table), "--steps", "30", "--quality", "5", "--effort", "1"]
    found = CliRunner().invoke(lpdif_objects.main, words)
    assert found.exit_code == 0, found.output
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert {(row["pack"], row["shape"]): row["seen"] for row in rows} == {
        (BUNDLED, "egg"): "True", (ALL, "egg"): "True", (MADE, "egg"): "False",
        (BUNDLED, "ring"): "True", (ALL, "ring"): "True", (MADE, "ring"): "True",
    }  # fmt: skip
    assert all(int(row["bytes"]) > 0 and float(row["cd"]) > 0 and 0 <= float(row["f_score"]) <= 1 for row in rows)
    corpora = [read_model(table.with_name(name)).notes["corpus"].split("\n") for name in ("all.sdfm", "made.sdfm")]
    assert corpora == [["ball", "box", "torus"], ["box", "torus"]]
    before = table.read_bytes()
    assert CliRunner().invoke(lpdif_objects.main, words).exit_code == 0
    assert table.read_bytes() == before  # nothing is made anew
