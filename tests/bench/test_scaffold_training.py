"""The scripts that train the control mesh coder, on next to nothing."""

from pathlib import Path

import numpy as np
import shapes
from click.testing import CliRunner
from sdfz.bench import scaffold_meshes, scaffold_network, scaffold_priors
from sdfz.codec.scaffold.priors import read_network
from sdfz.codec.scaffold.symbols import blank
from sdfz.codec.stored_priors import pack_priors, read_priors
from sdfz.formats.mesh_io import write_mesh


def run(command, *arguments: object) -> str:
    result = CliRunner().invoke(command, [str(argument) for argument in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_from_shapes_to_a_model(tmp_path: Path) -> None:
    write_mesh(*shapes.torus(0.6, 0.25, 24, 12), tmp_path / "ring.ply")
    meshes = tmp_path / "meshes"
    run(scaffold_meshes.main, tmp_path / "ring.ply", "-o", meshes)
    files = {path.name: path.stat().st_mtime_ns for path in meshes.iterdir()}
    assert sorted(name.rsplit(".", 2)[0] for name in files) == ["ring"] * 4  # two sizes fitted, one decimated twice
    run(scaffold_meshes.main, tmp_path / "ring.ply", "-o", meshes)
    assert {path.name: path.stat().st_mtime_ns for path in meshes.iterdir()} == files

    run(scaffold_network.main, meshes, "-o", tmp_path / "network.npz", "--epochs", 1)
    assert np.abs(read_network((tmp_path / "network.npz").read_bytes()).gate_last).max() > 0
    run(scaffold_priors.main, "train", meshes, "-o", tmp_path / "priors.npz")
    (tmp_path / "blank.npz").write_bytes(pack_priors(blank()))
    known, unknown = (
        float(run(scaffold_priors.main, "measure", meshes, "--priors", tmp_path / name).rsplit("sum ", 1)[1])
        for name in ("priors.npz", "blank.npz")
    )
    assert len(read_priors((tmp_path / "priors.npz").read_bytes(), blank()).slots) > 0
    assert known < unknown
