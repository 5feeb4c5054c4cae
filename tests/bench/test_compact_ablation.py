"""The ablation of the compact latent space: rows are measured, and a table goes on where it was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapes
import torch
from click.testing import CliRunner
from sdfz.bench import compact_ablation
from sdfz.bench.compact_ablation import BranchField, Judge, Row, StudyTrainee, Variant, evaluator_of, main, variants
from sdfz.bench.records import read_records
from sdfz.codec.compact.field import CompactField
from sdfz.codec.compact.networks import CompactSizes, first_grid, first_layers
from sdfz.codec.compact.shared import Branches
from sdfz.codec.latent_code import LatentCode
from sdfz.formats.mesh_io import Mesh, write_mesh

SIZES = CompactSizes(n_code=4, n_octaves=2, resolution=9, n_features=3, width=16, n_hidden=2)
TINY = StudyTrainee(SIZES, n_near=1500, n_far=500, batch_size=256, bit_price=0.0)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Two shapes to train on and one to hold out."""
    rows = ["file,licence_class,category,watertight"]
    (tmp_path / "train").mkdir()
    for number, mesh in enumerate([shapes.sphere(1.0, 3), shapes.torus(n_major=24, n_minor=12), shapes.box()]):
        write_mesh(*mesh, tmp_path / "train" / f"{number}.ply")
        rows.append(f"train/{number}.ply,permissive,cad,1")
    (tmp_path / "catalog.csv").write_text("\n".join(rows) + "\n")
    return tmp_path


def few() -> Iterator[Variant]:
    yield Variant("branches", "dual", TINY, ("both", "coarse"))
    yield Variant("samples", "uniform", replace(TINY, lattice=8, branches=("fine",)), ("fine",))


def test_the_table_goes_on_where_it_was(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("N_SHAPES", 2), ("N_HELD_OUT", 1), ("_FIT_STEPS", 20), ("_VOXELS", 64), ("_MEASURED", 2000)):
        monkeypatch.setattr(compact_ablation, name, value)
    monkeypatch.setattr(compact_ablation, "_TESTED", 500)
    monkeypatch.setattr(compact_ablation, "variants", few)
    monkeypatch.setattr("sdfz.codec.latent_fit.CodeFit.n_samples", 4000)
    table = corpus / "table.tsv"
    options = [str(corpus), "-o", str(table), "--cache", str(corpus / "cache"), "--seconds", "0.3"]
    CliRunner().invoke(main, [*options, "--at-most", "1"], catch_exceptions=False)
    first = read_records(table, Row)
    assert [(row.variant, row.field, row.samples) for row in first] == [
        ("dual", "both", 2000),
        ("dual", "coarse", 2000),
    ]
    CliRunner().invoke(main, options, catch_exceptions=False)
    rows = read_records(table, Row)
    assert rows[:2] == first and [(row.variant, row.samples) for row in rows[2:]] == [("uniform", 729)]
    assert all(row.steps > 0 and row.seconds > 0 and row.cd_e4 > 0 for row in rows)


def test_figures_of_a_known_field() -> None:
    """An octahedron, and a branch that says |x| + |y| + |z| - 0.9: a right surface, too large distances."""
    corners = np.concatenate([np.eye(3), -np.eye(3)]) * 5.0
    faces = np.array([[x, y, z] for x in (0, 3) for y in (1, 4) for z in (2, 5)])
    inside_out = np.prod(np.where(faces < 3, 1, -1), axis=1) < 0
    faces[inside_out] = faces[inside_out, ::-1]
    sizes = CompactSizes(n_code=1, n_octaves=0, resolution=2, n_features=1, width=8, n_hidden=1)
    first, last = torch.zeros(8, 5), torch.zeros(1, 9)
    for axis in range(3):
        first[2 * axis, axis], first[2 * axis + 1, axis] = 1, -1
    last[0, :6], last[0, -1] = 1, -0.9
    fine = torch.cat([torch.zeros(8, 1), first], 1)  # the feature comes first
    branches = Branches(sizes, torch.zeros(sizes.grid_shape), [first, last], [fine, last])
    judge = Judge(Mesh(corners, faces))
    for field in ("both", "coarse", "fine"):
        figures = judge.figures(branches, LatentCode(192, np.zeros(1, np.int32)), field, 3)
        assert figures["cd_e4"] < 4 and figures["cd2_e4"] < 0.02 and figures["f_001"] > 0.999
        assert 30 < figures["near_e4"] < figures["far_e4"] < 2000


def test_a_field_of_one_branch() -> None:
    generator = torch.Generator().manual_seed(0)
    layers = [first_layers(shapes_, generator) for shapes_ in (SIZES.coarse_shapes, SIZES.fine_shapes)]
    branches, code = Branches(SIZES, first_grid(SIZES, generator), *layers), LatentCode(192, np.ones(4, np.int32))
    both, points = CompactField(code, branches), torch.rand(50, 3, generator=generator) * 2 - 1
    for name in ("coarse", "fine"):
        field = BranchField(branches, code, name)
        assert torch.equal(field.evaluate(points), getattr(both, name)(points))
        assert len(field.region.coords) == 64**3
        assert evaluator_of(branches, name)(points, torch.ones(4)).shape == (50, 1)
    assert evaluator_of(branches, "both")(points, torch.ones(4)).shape == (50, 2)


def test_variants_have_names_of_their_own() -> None:
    names = [variant.name for variant in variants()]
    assert len(set(names)) == len(names)
