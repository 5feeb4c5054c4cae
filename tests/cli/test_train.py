"""`sdfz train`: from a folder of meshes to a pack that encodes and decodes, on next to nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapes
from click.testing import Result
from sdfz.codec.grid.train import GridTrainee
from sdfz.codec.training import loop
from sdfz.codec.training.checkpoint import Progress
from sdfz.codec.training.loop import TrainSettings
from sdfz.formats import read_model
from sdfz.formats.mesh_io import write_mesh

Run = Callable[..., Result]

TINY = GridTrainee(width=16, n_hidden=1, n_cells=(450.0, 600.0), n_samples=4000, batch_size=512, n_validated=1,
                   validation_steps=5)  # fmt: skip
OPTIONS = ("--corpus", "meshes", "--cache", "cache", "--steps", 8, "--hold-out", 3, "-j", 1)


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Five shapes, one of them not of a permissive licence, and a trainee that is quick."""
    monkeypatch.setattr("sdfz.codec.training.methods.trainee_of", lambda _: TINY)
    monkeypatch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 10_000)
    folder = tmp_path / "meshes"
    folder.mkdir()
    for i in range(5):
        write_mesh(*shapes.torus(0.6, 0.2 + 0.05 * i, 24, 12), folder / f"ring{i}.ply")
    rows = [
        "file,licence,licence_class",
        *(f"ring{i}.ply,MIT,permissive" for i in range(4)),
        "ring4.ply,secret,unknown",
    ]
    (folder / "catalog.csv").write_text("\n".join(rows))
    return folder


def test_from_shapes_to_a_pack(run: Run, corpus: Path, tmp_path: Path, quick: None) -> None:
    result = run("train", "grid", *OPTIONS, "--out", "rings.sdfm", "--json")
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    pack = read_model(tmp_path / "rings.sdfm")
    assert report["hash"] == pack.short.hex()
    assert report["notes"] == dict(pack.notes)
    assert pack.notes["command"] == (
        "sdfz train grid --corpus meshes --out rings.sdfm --steps 8 --licence permissive --hold-out 3 --seed 0 "
        "--device auto"
    )
    names = [line.split()[0] for line in pack.notes["corpus"].splitlines()]
    assert 0 < len(names) < 4
    assert set(names) < {f"ring{i}" for i in range(4)}
    assert pack.notes["licences"] == "MIT"
    assert pack.notes["log"].startswith("8 steps, ")
    assert f"step 8: loss {report['history'][-1]['loss']:.4g}, rate " in pack.notes["log"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "meshes", "rings.sdfm"]

    options = ("--method", "grid", "-q", 10, "-e", 1, "--pack", "rings.sdfm")
    assert run("encode", "meshes/ring0.ply", "-o", "ring.sdfz", *options).exit_code == 0
    assert run("decode", "ring.sdfz", "-o", "out.ply").exit_code == 1
    assert run("decode", "ring.sdfz", "-o", "out.ply", "--pack", "rings.sdfm").exit_code == 0


def test_stopped_it_goes_on(run: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command comes to the same pack; until then a checkpoint is there and the pack is not."""
    monkeypatch.setattr("sdfz.codec.training.loop.TrainSettings", partial(TrainSettings, checkpoint_every=3))
    command = ("train", "grid", *OPTIONS, "--out", "a.sdfm")
    assert run(*command).exit_code == 0
    whole, set_rates, steps = read_model(tmp_path / "a.sdfm"), loop._set_rates, list[int]()

    def interrupted(optimizers: Any, rates: Any, progress: Progress) -> None:
        steps.append(progress.step)
        if steps == [0, 1, 2, 3, 4]:
            raise KeyboardInterrupt
        set_rates(optimizers, rates, progress)

    monkeypatch.setattr("sdfz.codec.training.loop._set_rates", interrupted)
    (tmp_path / "a.sdfm").unlink()
    result = run(*command)
    assert (result.exit_code, result.stderr.splitlines()[-1]) == (130, "sdfz: error: interrupted")
    assert (tmp_path / "a.sdfm.checkpoint").exists()
    assert not (tmp_path / "a.sdfm").exists()
    assert run(*command).exit_code == 0
    assert steps[5:] == [3, 4, 5, 6, 7]  # it did go on
    assert read_model(tmp_path / "a.sdfm").digest == whole.digest
    assert not (tmp_path / "a.sdfm.checkpoint").exists()


def test_licences(run: Run, corpus: Path) -> None:
    result = run("train", "grid", *OPTIONS, "--out", "a.sdfm", "--licence", "public-domain")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: meshes: no shape of licence public-domain\n")
    (corpus / "catalog.csv").unlink()
    result = run("train", "grid", *OPTIONS, "--out", "a.sdfm", "--shapes", 2)
    assert result.stderr.startswith("sdfz: meshes: no catalog.csv: the licences of its shapes are not known\n")


@pytest.mark.parametrize(
    ("options", "exit_code", "line"),
    [
        (["--minutes", 1], 2, "--steps and --minutes are mutually exclusive"),
        (["--hold-out", 1], 2, "Invalid value for '--hold-out'"),
        (["--out", "there.sdfm"], 1, "there.sdfm exists; -f overwrites it"),
        (["--out", "no/where.sdfm"], 1, "output directory does not exist: no"),
    ],
)
def test_refused(options: list[Any], exit_code: int, line: str, run: Run, corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "there.sdfm").touch()
    result = run("train", "grid", *OPTIONS, "--out", "a.sdfm", *options)
    assert result.exit_code == exit_code
    assert line in result.stderr
    assert not (tmp_path / "cache").exists()


def test_an_empty_corpus(run: Run, tmp_path: Path) -> None:
    (tmp_path / "meshes").mkdir()
    result = run("train", "grid", *OPTIONS, "--out", "a.sdfm")
    assert (result.exit_code, result.stderr) == (1, "sdfz: error: meshes: no mesh file in it\n")


def test_shapes_are_chosen_by_the_seed(run: Run, corpus: Path, tmp_path: Path) -> None:
    chosen = []
    for seed in (0, 0, 1):
        run("train", "grid", *OPTIONS, "--out", "a.sdfm", "-f", "--licence", "any", "--shapes", 4, "--seed", seed)
        chosen.append(read_model(tmp_path / "a.sdfm").notes["corpus"])
    assert chosen[0] == chosen[1] != chosen[2]
    assert np.all([line.startswith("ring") for line in chosen[2].splitlines()])
