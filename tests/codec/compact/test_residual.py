"""A code and a residual: the code's field in integers, files, and the choice between a code alone and both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapes
import torch
from sdfz.codec.blend import blend
from sdfz.codec.compact import integers
from sdfz.codec.compact.integers import ZOOM_ONE, IntegerField
from sdfz.codec.compact.networks import CompactSizes, fine_distance, first_grid, first_layers
from sdfz.codec.compact.shared import Branches, branches_of_pack, numbers_of_pack, pack_of_branches
from sdfz.codec.compact.trials import compact_trials
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import Encoded, EncodeSettings, ErrorBound, encode_mesh
from sdfz.codec.gains import FIXED_ONE
from sdfz.codec.job import Job
from sdfz.codec.latent_code import LatentCode
from sdfz.codec.packs.lookup import PackSearch
from sdfz.codec.search import Trial
from sdfz.codec.target import Target
from sdfz.formats import FormatError, ModelPack, write_model

SIZES = CompactSizes(n_code=4, n_octaves=0, resolution=9, n_features=3, width=16, n_hidden=2)
CODE = LatentCode(176, np.array([3, -9, 0, 5], np.int32))


def some_pack(scale: float = 1.0) -> ModelPack:
    generator = torch.Generator().manual_seed(0)
    coarse, fine = (first_layers(found, generator) for found in (SIZES.coarse_shapes, SIZES.fine_shapes))
    branches = Branches(SIZES, first_grid(SIZES, generator), coarse, [scale * layer for layer in fine])
    return pack_of_branches(branches, [2.0**-5.5, *[2.0**-7.25] * (len(coarse) + len(fine))], {})


def ball_pack() -> ModelPack:
    """Branches that say 0.8 of |x| + |y| + |z| - 0.95, whatever the code: an octahedron, for a ball of radius 0.9."""
    coarse = [torch.zeros(shape) for shape in SIZES.coarse_shapes]
    fine = [torch.zeros(shape) for shape in SIZES.fine_shapes]
    for layers, first in ((coarse, 0), (fine, SIZES.n_features)):
        for axis in range(3):
            layers[0][2 * axis, first + axis], layers[0][2 * axis + 1, first + axis] = 1, -1
        layers[1][:6, :6] = torch.eye(6)
        layers[2][0, :6], layers[2][0, -1] = 0.8, -0.76
    branches = Branches(SIZES, torch.zeros(SIZES.grid_shape), coarse, fine)
    return pack_of_branches(branches, [2.0**-7] * (1 + len(coarse) + len(fine)), {})


# -- the code's field in integers --------------------------------------------------------------------------------------


@pytest.mark.parametrize("zoom", [40, 128, 201])
def test_integers_say_what_the_fine_branch_says(zoom: int) -> None:
    pack, rng = some_pack(), np.random.default_rng(1)
    nodes = rng.integers(0, 33, (2000, 3)).astype(np.int32)
    found = IntegerField(numbers_of_pack(pack), CODE, zoom)(nodes, 5) / FIXED_ONE
    branches, points = branches_of_pack(pack), torch.from_numpy((nodes / 16 - 1).astype(np.float32)) * zoom / ZOOM_ONE
    expected = fine_distance(branches.grid, branches.fine, points, torch.from_numpy(CODE.values)) * ZOOM_ONE / zoom
    assert np.abs(expected.numpy()).mean() > 0.02
    assert found == pytest.approx(expected.numpy(), abs=1e-3)


def test_integers_are_the_same_in_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    nodes = np.random.default_rng(1).integers(0, 17, (500, 3)).astype(np.int32)
    field = IntegerField(numbers_of_pack(some_pack()), CODE, 150)
    fast = field(nodes, 4)
    monkeypatch.setattr(integers, "_EXACT", 0.0)
    assert np.array_equal(field(nodes, 4), fast)
    monkeypatch.setattr(integers, "_AT_ONCE", 7)
    assert np.array_equal(field(nodes, 4), fast)


def test_numbers_of_any_size_stay_in_range() -> None:
    """Layers whose sums would overflow: clipped, the same by Python's integers."""
    numbers = numbers_of_pack(some_pack())
    large = replace(numbers, arrays=[array * 10_000_000 for array in numbers.arrays], steps=[255] * len(numbers.steps))
    field = IntegerField(large, LatentCode(255, np.full(4, (1 << 24) - 1, np.int32)), 1)
    found = field(np.array([[0, 0, 0], [3, 8, 16]], np.int32), 4)
    assert np.abs(found).max() <= (1 << 22) * 2048


# -- files -------------------------------------------------------------------------------------------------------------


def encoded(**settings: object) -> Encoded:
    chosen = {"effort": 1, "device": "cpu", "pack": ball_pack(), **settings}
    return encode_mesh(*MESH, EncodeSettings("compact", **chosen))  # type: ignore[arg-type]


MESH = shapes.sphere(2.0, 3, (5.0, 0.0, 0.0))
pytestmark = pytest.mark.usefixtures("quick")


@pytest.fixture(autouse=True)
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdfz.codec.latent_trials._ITERATIONS", (10,) * 9)
    monkeypatch.setattr("sdfz.codec.latent_fit.CodeFit.n_samples", 4000)


def test_a_file_with_a_residual(tmp_path: Path) -> None:
    """It decodes, with the pack that it names, to the error that it says: less than that of the code alone."""
    found, alone = encoded(quality=60), encoded(quality=50)
    write_model(tmp_path / "ball.sdfm", ball_pack())
    packs = PackSearch((tmp_path / "ball.sdfm",))
    shape = decode_bytes(found.data, packs=packs)
    measured = Reference(*MESH, 20_000).measure(*shape.triangles(96))
    assert measured.cd == pytest.approx(found.header.errors.cd, rel=0.1)
    assert found.distortion.cd < 0.5 * alone.distortion.cd
    assert len(alone.data) < 60 < len(found.data)
    counts = check_bytes(found.data, packs=packs)
    assert counts["n_numbers"] == 4 and counts["n_cells"] == found.detail["cells"]
    assert check_bytes(alone.data) == {"method": "compact", "n_numbers": 4}
    with pytest.raises(FormatError, match="a file with a residual"):
        blend(alone.data, found.data, 0.5)


@pytest.mark.parametrize(
    ("goal", "excess", "has_residual"),
    [
        ({"quality": 50}, None, False),
        ({"quality": 51}, None, True),
        ({}, None, True),
        ({"max_error": ErrorBound(0.01)}, 0.9, False),
        ({"max_error": ErrorBound(0.01)}, 1.1, True),
        ({"target_size": 60}, 0.95, False),
        ({"target_size": 60}, 1.2, False),
        ({"target_size": 400}, 0.15, True),
    ],
)  # fmt: skip
def test_a_residual_where_a_code_will_not_do(
    goal: dict[str, object], excess: float | None, has_residual: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A bound that the code misses, a size that it leaves unused, a quality above its own."""

    def trials(kind: str) -> Callable[..., list[Trial[Encoded]]]:
        return lambda *_: [Trial(0, 0, kind)]  # type: ignore[arg-type]

    monkeypatch.setattr("sdfz.codec.compact.trials.sized_trials", trials("residual"))
    monkeypatch.setattr("sdfz.codec.compact.trials.code_trials", trials("code"))
    monkeypatch.setattr("sdfz.codec.compact.trials.code_trial", lambda *_: Trial(0, excess, "alone"))
    target = Target(*MESH)
    settings = EncodeSettings("compact", pack=ball_pack(), **goal)  # type: ignore[arg-type]
    made = compact_trials(Job(target, target.reference(1000), settings))
    kinds = ["residual" if has_residual else "code"]
    assert [trial.result for trial in made] == ([] if excess is None else ["alone"]) + kinds
