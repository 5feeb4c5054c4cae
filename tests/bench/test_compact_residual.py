"""Code and residual against the grid: rows are measured once, and the summary says what they hold."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest
import shapes
import torch
from click.testing import CliRunner
from sdfz.bench import compact_residual
from sdfz.bench.compact_residual import Row, main, summary
from sdfz.codec.compact.networks import CompactSizes, first_grid, first_layers
from sdfz.codec.compact.shared import Branches, pack_of_branches
from sdfz.formats import write_model
from sdfz.formats.mesh_io import write_mesh


def some_pack(path: Path) -> None:
    sizes, generator = CompactSizes(3, 1, 5, 2, 8, 1), torch.Generator().manual_seed(0)
    layers = [first_layers(found, generator) for found in (sizes.coarse_shapes, sizes.fine_shapes)]
    branches = Branches(sizes, first_grid(sizes, generator), *layers)
    write_model(path, pack_of_branches(branches, [2.0**-6] * 5, {}))


@pytest.mark.usefixtures("quick")
def test_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compact_residual, "SAMPLES", 2000)
    monkeypatch.setattr(compact_residual, "CODE_STEPS", 5)
    monkeypatch.setattr("sdfz.codec.latent_trials._ITERATIONS", (5,) * 9)
    write_mesh(*shapes.sphere(subdivisions=3), tmp_path / "ball.ply")
    some_pack(tmp_path / "some.sdfm")
    table = tmp_path / "table.tsv"
    options = [str(tmp_path / "ball.ply"), "--pack", str(tmp_path / "some.sdfm"), "-o", str(table), "--cells", "40"]
    options += ["--control", "--effort", "1"]
    assert CliRunner().invoke(main, options, catch_exceptions=False).exit_code == 0
    names, *rows = (line.split("\t") for line in table.read_text().splitlines())
    assert names == [field.name for field in fields(Row)]
    found = {row[1]: dict(zip(names, row, strict=True)) for row in rows}
    assert list(found) == ["code", "grid", "residual", "grid, as coarse"]
    depth = int(found["grid"]["depth"])
    assert [int(found[codec]["levels"]) for codec in found] == [0, depth, 2, 2]
    assert len({found[codec]["cells"] for codec in list(found)[1:]}) == 1
    assert int(found["residual"]["code_bytes"]) > 0
    assert 0 < float(found["grid"]["cd"]) < 0.1
    written = table.read_bytes()
    assert CliRunner().invoke(main, options, catch_exceptions=False).exit_code == 0
    assert table.read_bytes() == written


def test_a_summary() -> None:
    """A codec with three quarters of the bytes at any error."""
    rows = [
        Row(shape, codec, 0, 0, 0, 0, int(share * n), 0, 1 / n, 0.0, 0.0, 0.0)
        for shape in ("ball", "ring")
        for codec, share in (("grid", 1), ("residual", 0.75))
        for n in (100, 400, 1600)
    ]
    assert summary(rows) == [
        "residual: -25.0 % bytes at equal cd (ball -25.0, ring -25.0)",
    ]
