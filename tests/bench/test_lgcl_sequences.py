"""The experiment of LGCL's tables, on a sequence of a few frames and networks of a few steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapes
from click.testing import CliRunner
from sdfz.bench import lgcl_sequences
from sdfz.bench.lgcl_sequences import HEIGHT, Result, main, measured, meshed, split, trainees
from sdfz.bench.records import read_records
from sdfz.codec.lgcl.model import LocalSizes
from sdfz.codec.lgcl.networks import Mlp
from sdfz.codec.tensor_field import TensorField
from sdfz.codec.whole import WHOLE


def test_split() -> None:
    train, test = split(100)
    assert (train, test) == ([0, 10, 20, 30, 50, 60, 70, 80, 90], [40])
    assert split(48)[1] == [40]


def test_methods_differ_as_the_tables_say() -> None:
    found = trainees(np.zeros((1, 3), np.int64), 10, 10)
    assert list(found)[:5] == ["SDF-4", "SDF-8", "DeepSDF", "LGCL-Cheb", "LGCL-VC"]
    assert [found[f"LGCL-VC{suffix}"].weights.similarity for suffix in ("", " sim 0.1", " sim 10", " sim 0")] == [
        1.0, 0.1, 10.0, 0.0,
    ]  # fmt: skip


class _Ball(TensorField):
    """Of a sphere a hundredth smaller than the one that fills a frame."""

    def __init__(self) -> None:
        super().__init__(WHOLE)

    def evaluate(self, points):  # type: ignore[no-untyped-def]
        return points.norm(dim=1) - 0.99 * self.radius


def test_measuring_a_known_surface() -> None:
    """In the unit of the tables: the sphere is 1,700 high, so that a hundredth of its radius is 8.5."""
    from sdfz.codec.target import Target

    vertices, faces = shapes.sphere(3.0, 4)
    ball = _Ball()
    ball.radius = 3.0 / Target(vertices, faces).frame(0.9).scale
    figures = measured(meshed(ball, vertices, faces, 64), vertices, faces, 6.0 / HEIGHT)
    assert figures["ed"].mean() == pytest.approx(8.5, rel=0.15)


def test_the_table_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both kinds of trainee; a second run adds only what is new."""
    vertices, faces = shapes.sphere(1.0, 2)
    frames = np.stack([vertices * [1.0, 1.0, 1.0 + 0.02 * t] for t in range(4)]).astype(np.float32)
    np.savez(tmp_path / "ball.npz", vertices=frames, faces=faces.astype(np.int32))
    whole = trainees

    def tiny(*arguments):  # type: ignore[no-untyped-def]
        found = whole(*arguments)
        local = LocalSizes((2, 4), 2, Mlp(4, 16, 3))
        return {
            "SDF-4": replace(found["SDF-4"], sizes=Mlp(4, 16, 3)),
            "LGCL-Cheb": replace(found["LGCL-Cheb"], sizes=local),
            "LGCL-VC": replace(found["LGCL-VC"], sizes=local),
        }

    monkeypatch.setattr(lgcl_sequences, "trainees", tiny)
    table = tmp_path / "table.tsv"
    options = [str(tmp_path / "ball.npz"), "-o", str(table), "--seconds", "0.3", "--samples", "500", "--batch", "100",
               "--resolution", "16", "--every", "1"]  # fmt: skip
    first = CliRunner().invoke(main, [*options, "--method", "SDF-4"], catch_exceptions=False)
    second = CliRunner().invoke(main, [*options, "--meshes", str(tmp_path)], catch_exceptions=False)
    assert (first.output.count("\n"), second.output.count("\n")) == (1, 2)
    rows = read_records(table, Result)
    assert sorted(path.name for path in tmp_path.glob("*.ply")) == ["ball LGCL-Cheb.ply", "ball LGCL-VC.ply"]
    assert [row.method for row in rows] == ["SDF-4", "LGCL-Cheb", "LGCL-VC"]
    assert [row.n_code for row in rows] == [4, 2 * len(vertices), 2 * len(vertices)]
    assert rows[2].n_varying > rows[2].n_network
    assert all(row.ed > 0 for row in rows)
