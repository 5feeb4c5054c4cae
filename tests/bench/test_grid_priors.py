"""The script that trains the coder of the grid's symbols, on next to nothing."""

from pathlib import Path

import golden_files
import shapes
from click.testing import CliRunner
from sdfz.bench import grid_priors
from sdfz.codec.grid.decisions import blank
from sdfz.codec.stored_priors import pack_priors, read_priors
from sdfz.formats.mesh_io import write_mesh


def run(*arguments: object) -> str:
    words = [str(argument) for argument in arguments]
    result = CliRunner().invoke(grid_priors.main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_from_shapes_to_a_model(tmp_path: Path) -> None:
    """It knows the shape that it has seen better than an untrained one."""
    write_mesh(*shapes.torus(0.6, 0.25, 40, 20), tmp_path / "ring.ply")
    catalog = "file,role,licence_class,faces\nring.ply,train,permissive,1600\nring.ply,train,other,1600\n"
    (tmp_path / "catalog.csv").write_text(catalog)
    run("collect", "--corpus", tmp_path, "--out", tmp_path / "symbols", "--steps", 20)
    assert [path.name for path in (tmp_path / "symbols").iterdir()] == ["ring.npz"]
    run("train", tmp_path / "symbols", "-o", tmp_path / "priors.npz")
    (tmp_path / "blank.npz").write_bytes(pack_priors(blank()))
    known, unknown = (
        float(run("measure", tmp_path / "symbols", "--priors", tmp_path / name).rsplit("\t", 1)[1])
        for name in ("priors.npz", "blank.npz")
    )
    assert known < 0.9 * unknown
    stored = read_priors((tmp_path / "priors.npz").read_bytes(), blank())
    assert (stored.slots != blank().slots).sum() > 100
    assert (blank().slots == blank().slots[0]).all()


def test_symbols_are_kept_as_they_are(tmp_path: Path) -> None:
    for name in golden_files.names():
        grid_priors.write_symbols(tmp_path / f"{name}.npz", golden_files.load(name).symbols)
    found = grid_priors.read_symbols(tmp_path)
    assert sorted(found) == golden_files.names()
    for name, symbols in found.items():
        golden_files.assert_same(symbols, golden_files.load(name).symbols)
    parts = [set(grid_priors.read_symbols(tmp_path, 2, held_out=held_out)) for held_out in (False, True)]
    assert parts[0] | parts[1] == set(found)
    assert not parts[0] & parts[1]
