"""The control mesh coder beside Draco."""

import csv
from pathlib import Path

import pytest
import shapes
from click.testing import CliRunner
from sdfz.bench import scaffold_plain
from sdfz.bench.peers.contract import Mesh
from sdfz.bench.peers.draco import decode_draco, encode_draco
from sdfz.formats.mesh_io import write_mesh


def test_the_table_says_what_both_coders_need(tmp_path: Path) -> None:
    pytest.importorskip("DracoPy")
    write_mesh(*shapes.torus(0.6, 0.25, 24, 12), tmp_path / "ring.ply")
    table = tmp_path / "plain.tsv"
    arguments = [str(tmp_path), "-o", str(table), "--shapes", "ring", "--faces", "250,400,600", "--bits", "9"]
    found = CliRunner().invoke(scaffold_plain.main, arguments, catch_exceptions=False)
    assert found.exit_code == 0, found.output
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    assert [(row["shape"], row["faces"], row["vertices"]) for row in rows] == [
        ("ring", "250", "125"),
        ("ring", "400", "200"),
    ]
    for row in rows:
        parts = sum(float(row[name]) for name in ("connectivity", "normal", "tangential", "seeds"))
        assert parts * int(row["vertices"]) / 8 == pytest.approx(int(row["bytes"]), abs=2)
        assert float(row["ratio"]) == pytest.approx(int(row["bytes"]) / int(row["draco_bytes"]), abs=1e-3)


def test_draco_is_given_the_same_fineness(tmp_path: Path) -> None:
    pytest.importorskip("DracoPy")
    vertices, faces = shapes.torus(0.6, 0.25, 24, 12)
    row = scaffold_plain.compared("ring", vertices, faces, 8)
    data = encode_draco(Mesh(vertices, faces), 8)
    assert row.draco_bytes == len(data)
    assert len(decode_draco(data).faces) == row.faces == len(faces)
