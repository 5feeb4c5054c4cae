"""The training loop: the cache, exact resumption after a kill, and the network of `grid` in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapes
import torch
from numpy.typing import NDArray
from sdfz.codec.gains import FIXED_ONE, gain_of_code
from sdfz.codec.grid.model import GridField
from sdfz.codec.grid.symbols import SHARED_NETWORK, GridSymbols
from sdfz.codec.grid.train import AutoDecoder, GridTrainee
from sdfz.codec.training.cache import CachedShape, held_out, prepared_shapes
from sdfz.codec.training.checkpoint import CheckpointError
from sdfz.codec.training.loop import Trained, TrainSettings, train
from sdfz.codec.training.methods import TRAINABLE, trainee_of
from sdfz.formats import MeshError, ModelPack
from sdfz.formats.mesh_io import Mesh, write_mesh

SETTINGS = TrainSettings(n_steps=24, shapes_a_step=2, validate_every=10, checkpoint_every=5, device="cpu")


class Killed(BaseException):
    """Stands for a signal that ends the process."""


@dataclass(frozen=True)
class Line:
    """The smallest trainee: the slope of y over x, with noise, on one number of its own for each shape."""

    method: str = "grid"
    cache_key: str = "line"
    settings_key: str = "line"

    def prepare(self, mesh: Mesh, rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        if len(mesh.faces) < 10:
            raise MeshError("too small")
        x = rng.random(50).astype(np.float32)
        return {"x": x, "y": 3 * x}

    def module(self, shapes: Sequence[CachedShape], generator: torch.Generator) -> torch.nn.Module:
        module = torch.nn.ParameterList([torch.rand((), generator=generator), torch.zeros(len(shapes))])
        return module

    def optimizers(self, module: Any) -> list[torch.optim.Optimizer]:
        return [torch.optim.Adam([module[0]], lr=0.1), torch.optim.Adam([module[1]], lr=0.01)]

    def batch(self, arrays: Mapping[str, NDArray[Any]], rng: np.random.Generator) -> dict[str, NDArray[Any]]:
        rows = rng.integers(50, size=8)
        return {name: array[rows] for name, array in arrays.items()}

    def loss(self, module: Any, shape: int, batch: Mapping[str, torch.Tensor], generator: torch.Generator) -> Any:
        noise = torch.rand((), generator=generator, device=generator.device)
        return ((module[0] * batch["x"] + module[1][shape] + 0.01 * noise - batch["y"]) ** 2).mean()

    def validate(self, module: Any, shapes: Sequence[CachedShape]) -> dict[str, float]:
        return {"distortion": abs(module[0].item() - 3)}

    def to_pack(self, module: Any, notes: dict[str, str]) -> ModelPack:
        return ModelPack("grid", 1, {"slope": module[0].detach().numpy().reshape(1)}, notes)


@pytest.fixture
def meshes(tmp_path: Path) -> list[tuple[str, Path]]:
    """Names and files of six shapes."""
    found = []
    for i in range(6):
        path = tmp_path / f"shape{i}.ply"
        write_mesh(*shapes.torus(0.6, 0.2 + 0.05 * i, 12, 8), path)
        found.append((path.stem, path))
    return found


@pytest.fixture
def prepared(meshes: list[tuple[str, Path]], tmp_path: Path) -> list[CachedShape]:
    return prepared_shapes(tmp_path / "cache", "line", meshes, Line().prepare)


# -- the cache --------------------------------------------------------------------------------------------------------


def test_shapes_are_prepared_once(meshes: list[tuple[str, Path]], prepared: list[CachedShape], tmp_path: Path) -> None:
    def fail(*_: object) -> dict[str, Any]:
        raise AssertionError("prepared again")

    calls: list[tuple[str, int, int]] = []
    copy = tmp_path / "copy.ply"
    copy.write_bytes(meshes[0][1].read_bytes())
    again = prepared_shapes(tmp_path / "cache", "line", [*meshes, ("copy", copy)], fail, lambda *c: calls.append(c))
    assert again == prepared  # the copy has the content of another one
    assert calls[-1] == ("prepare", 7, 7)
    arrays = again[0].open()
    assert isinstance(arrays["x"], np.memmap)
    assert not arrays["x"].flags.writeable
    assert np.array_equal(arrays["y"], 3 * arrays["x"])


def test_other_settings_or_content_are_prepared_anew(
    meshes: list[tuple[str, Path]], prepared: list[CachedShape], tmp_path: Path
) -> None:
    others = prepared_shapes(tmp_path / "cache", "other", meshes, Line().prepare)
    assert {shape.folder for shape in others}.isdisjoint(shape.folder for shape in prepared)
    write_mesh(*shapes.torus(), meshes[0][1])
    changed = prepared_shapes(tmp_path / "cache", "line", meshes, Line().prepare)
    assert [a == b for a, b in zip(changed, prepared, strict=True)] == [False] + [True] * 5


def test_what_depends_on_chance_depends_on_the_content_alone(
    meshes: list[tuple[str, Path]], prepared: list[CachedShape], tmp_path: Path
) -> None:
    again = prepared_shapes(tmp_path / "new", "line", meshes[::-1], Line().prepare)
    assert all(np.array_equal(a.open()["x"], b.open()["x"]) for a, b in zip(again[::-1], prepared, strict=True))


def test_a_shape_that_is_no_good_is_left_out_for_good(meshes: list[tuple[str, Path]], tmp_path: Path) -> None:
    write_mesh(*shapes.sphere(subdivisions=0), tmp_path / "ball.ply")
    (tmp_path / "bad.ply").write_bytes(b"ply\n")
    entries = [("bad", tmp_path / "bad.ply"), meshes[0]]
    for _ in range(2):
        assert [s.name for s in prepared_shapes(tmp_path / "c", "line", entries, Line().prepare)] == ["shape0"]


def test_an_interrupted_preparation_leaves_nothing(meshes: list[tuple[str, Path]], tmp_path: Path) -> None:
    def killed(*_: object) -> dict[str, Any]:
        raise Killed

    with pytest.raises(Killed):
        prepared_shapes(tmp_path / "c", "line", meshes, killed)
    assert [path for path in (tmp_path / "c").rglob("*") if path.is_file()] == []
    assert len(prepared_shapes(tmp_path / "c", "line", meshes, Line().prepare)) == 6


def test_shapes_are_held_out_by_content(prepared: list[CachedShape]) -> None:
    kept, apart = held_out(prepared, 2)
    assert sorted([*kept, *apart], key=lambda s: s.name) == prepared
    fewer = prepared[:3]
    assert held_out(fewer, 2) == ([s for s in fewer if s in kept], [s for s in fewer if s in apart])


# -- the loop ---------------------------------------------------------------------------------------------------------


def trained(
    prepared: Sequence[CachedShape], checkpoint: Path, trainee: Any = None, *, kill_at: int = 0, **changes: Any
) -> Trained:
    """A training; `kill_at` ends it after a step, before anything more is written."""

    def report(step: int, *_: object) -> None:
        if step == kill_at:
            raise Killed

    settings = replace(SETTINGS, **changes)
    return train(trainee or Line(), prepared, prepared[:1], settings, checkpoint=checkpoint, report=report)


def state(found: Trained) -> list[bytes]:
    return [value.numpy().tobytes() for value in found.module.state_dict().values()]


def test_it_learns(prepared: list[CachedShape], tmp_path: Path) -> None:
    found = trained(prepared, tmp_path / "c", n_steps=120)
    assert found.progress.history[-1]["distortion"] < 0.2
    assert [entry["step"] for entry in found.progress.history] == list(range(10, 121, 10))


@pytest.mark.parametrize("kill_at", [3, 5, 13, 23])
def test_killed_and_resumed_it_is_as_if_never_stopped(
    kill_at: int, prepared: list[CachedShape], tmp_path: Path
) -> None:
    """Bit for bit, validations included; before the first checkpoint, at one, between two, and just before the end."""
    whole = trained(prepared, tmp_path / "whole")
    with pytest.raises(Killed):
        trained(prepared, tmp_path / "killed", kill_at=kill_at)
    assert (tmp_path / "killed").exists() == (kill_at >= 5)
    resumed = trained(prepared, tmp_path / "killed")
    assert state(resumed) == state(whole)
    assert resumed.progress.history == whole.progress.history


def test_a_seed_decides(prepared: list[CachedShape], tmp_path: Path) -> None:
    a, b, c = (trained(prepared, tmp_path / name, seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    assert state(a) == state(b) != state(c)


def test_all_shapes_take_their_turns(prepared: list[CachedShape], tmp_path: Path) -> None:
    seen: list[int] = []

    class Watched(Line):
        def loss(self, module: Any, shape: int, *rest: Any) -> Any:
            seen.append(shape)
            return super().loss(module, shape, *rest)

    trained(prepared, tmp_path / "c", Watched(), n_steps=6)
    rounds = [seen[:6], seen[6:]]
    assert [sorted(order) for order in rounds] == [list(range(6))] * 2
    assert rounds[0] != rounds[1]


@pytest.mark.parametrize("change", [{"seed": 5}, {"n_steps": 25}, {"trainee": Line(settings_key="other")}])
def test_a_checkpoint_of_another_training(change: dict[str, Any], prepared: list[CachedShape], tmp_path: Path) -> None:
    with pytest.raises(Killed):
        trained(prepared, tmp_path / "c", kill_at=7)
    with pytest.raises(CheckpointError, match="another training"):
        trained(prepared, tmp_path / "c", **change)


@pytest.mark.parametrize("data", [b"", b"nonsense"])
def test_a_damaged_checkpoint(data: bytes, prepared: list[CachedShape], tmp_path: Path) -> None:
    (tmp_path / "c").write_bytes(data)
    with pytest.raises(CheckpointError, match="not a checkpoint"):
        trained(prepared, tmp_path / "c")


def test_minutes_end_it(prepared: list[CachedShape], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three quarters of the time at full rates, then a third as many steps in which they fall."""
    ticks: Iterator[int] = iter(range(10**6))
    monkeypatch.setattr("sdfz.codec.training.loop.perf_counter", lambda: float(next(ticks)))
    found = trained(prepared, tmp_path / "c", n_steps=None, minutes=1.0)
    assert (found.progress.step, found.progress.n_steps) == (60, 60)


@pytest.mark.parametrize(
    "change", [{"n_steps": None}, {"minutes": 1.0}, {"n_steps": 0}, {"shapes_a_step": 0}, {"validate_every": -1}]
)
def test_settings_out_of_range(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="n_steps|shapes_a_step|validate_every"):
        replace(SETTINGS, **change)


def test_no_shapes(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no shapes"):
        train(Line(), [], [], SETTINGS, checkpoint=tmp_path / "c")


def test_trainees_by_name() -> None:
    assert [trainee_of(method).method for method in TRAINABLE] == list(TRAINABLE)
    with pytest.raises(ValueError, match="method 'overfit'"):
        trainee_of("overfit")


# -- the network of `grid` --------------------------------------------------------------------------------------------

TINY = GridTrainee(width=16, n_hidden=1, n_cells=(450.0, 600.0), n_samples=4000, batch_size=512, n_validated=1,
                   validation_steps=10)  # fmt: skip


@pytest.fixture
def balls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[CachedShape]:
    """Three shapes, prepared for `TINY`."""
    monkeypatch.setattr("sdfz.codec.target._SAMPLES_AT_ONCE", 10_000)
    entries = []
    for name, mesh in {"ball": shapes.sphere(), "box": shapes.box((0.7, 0.6, 0.5), 2), "ring": shapes.torus()}.items():
        write_mesh(*mesh, tmp_path / f"{name}.ply")
        entries.append((name, tmp_path / f"{name}.ply"))
    return prepared_shapes(tmp_path / "grid", TINY.cache_key, entries, TINY.prepare)


def test_the_module_is_the_field_that_a_decoder_evaluates(balls: list[CachedShape]) -> None:
    """Of each shape, network included, from rounded latents and a step that a file can say."""
    module = TINY.module(balls, torch.Generator().manual_seed(0))
    assert isinstance(module, AutoDecoder)
    torch.nn.init.normal_(module.linear()[-1].weight, generator=torch.Generator().manual_seed(1))
    pack, gain = TINY.to_pack(module, {}), 40
    for number, shape in enumerate(balls):
        arrays = shape.open()
        depth, points, sizes = int(arrays["depth"][0]), np.array(arrays["points"]), np.array(arrays["sizes"])
        cell = 2.0 / (1 << depth)
        torch.nn.init.constant_(module.log_gains.weight, np.log(gain_of_code(gain) / FIXED_ONE / cell))
        latents = torch.round(module.symbols(number).detach())
        around = torch.from_numpy(arrays["corners"][arrays["places"]])
        with torch.no_grad():
            found = module(number, latents, torch.from_numpy(points), around, torch.from_numpy(sizes), cell)
        levels = tuple(np.split(latents.numpy().astype(np.int32), np.cumsum(sizes)[:-1]))
        symbols = GridSymbols(depth, np.array(arrays["cells"]), (gain,) * 4, SHARED_NETWORK, (), levels)
        expected = GridField(symbols, pack=pack).distance(points) / cell
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-4 * np.abs(expected).max())


def test_a_tiny_training_of_the_grid(balls: list[CachedShape], tmp_path: Path) -> None:
    """The loss falls, a kill changes nothing, and a pack comes out whose network is the module's."""
    settings = replace(SETTINGS, n_steps=40, validate_every=20)
    losses: dict[int, float] = {}

    def report(step: int, _: object, metrics: dict[str, float], *, kill_at: int = 0) -> None:
        losses[step] = metrics["loss"]
        if step == kill_at:
            raise Killed

    def run(name: str, kill_at: int = 0) -> Trained:
        return train(TINY, balls[:2], balls[2:], settings, checkpoint=tmp_path / name,
                     report=lambda *a: report(*a, kill_at=kill_at))  # fmt: skip

    whole = run("whole")
    assert losses[40] < losses[1] - 0.05  # of running means
    with pytest.raises(Killed):
        run("killed", kill_at=33)
    resumed = run("killed")
    assert state(resumed) == state(whole)
    last = resumed.progress.history[-1]
    assert last == whole.progress.history[-1]
    assert last["cost"] == pytest.approx(100 * (np.log(last["distortion"]) + 1.1 * np.log(last["rate"])))
    pack = TINY.to_pack(whole.module, {"log": "tiny"})
    assert {name: array.shape for name, array in pack.arrays.items()} == {"layer0": (16, 8), "layer1": (1, 16)}
    assert pack.digest == TINY.to_pack(resumed.module, {}).digest


def test_shapes_with_too_coarse_grids_are_left_out(tmp_path: Path) -> None:
    vertices, faces = shapes.box()
    with pytest.raises(MeshError, match="fewer than 4 levels"):
        replace(TINY, n_cells=(8.0, 10.0)).prepare(Mesh(vertices, faces), np.random.default_rng(0))
