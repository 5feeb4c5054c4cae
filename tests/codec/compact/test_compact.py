"""The compact latent space: branches, band, packs, training, and files through what comes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapes
import torch
from numpy.typing import NDArray
from sdfz.codec.compact.band import DEPTH, band_of
from sdfz.codec.compact.decode import CompactSurface
from sdfz.codec.compact.field import CompactField
from sdfz.codec.compact.networks import (
    PAPER,
    CompactSizes,
    coarse_distance,
    fine_distance,
    first_grid,
    first_layers,
    interpolated,
)
from sdfz.codec.compact.samples import FINE, lattice_samples, uniform_samples
from sdfz.codec.compact.shared import Branches, branches_of_pack, pack_of_branches
from sdfz.codec.compact.stream import METHOD_ID
from sdfz.codec.compact.train import CompactModule, CompactTrainee
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import Reference
from sdfz.codec.encode import EncodeSettings, encode_mesh
from sdfz.codec.latent_code import LatentCode
from sdfz.codec.methods import METHOD_IDS
from sdfz.codec.packs.lookup import PackSearch
from sdfz.codec.target import Target
from sdfz.codec.training.cache import CachedShape, prepared_shapes
from sdfz.codec.training.loop import TrainSettings, train
from sdfz.codec.whole import FILL
from sdfz.formats import (
    CorruptPackError,
    FormatError,
    LimitError,
    ModelPack,
    PackMethodError,
    write_model,
)
from sdfz.formats.limits import DEFAULT
from sdfz.formats.mesh_io import write_mesh

SIZES = CompactSizes(n_code=4, n_octaves=2, resolution=9, n_features=3, width=16, n_hidden=2)
TINY = CompactTrainee(
    SIZES, n_near=3000, n_far=1000, batch_size=512, grid_rate=2e-2, code_rate=2e-2, network_rate=5e-3,
    n_validated=1, validation_steps=20,
)  # fmt: skip
SETTINGS = TrainSettings(n_steps=300, shapes_a_step=2, validate_every=300, device="cpu")
N_NODES = (1 << DEPTH) + 1


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def some_branches(sizes: CompactSizes = SIZES, seed: int = 0) -> Branches:
    layers = (first_layers(shapes_, generator(seed)) for shapes_ in (sizes.coarse_shapes, sizes.fine_shapes))
    return Branches(sizes, first_grid(sizes, generator(seed)), *layers)


def n_steps(sizes: CompactSizes) -> int:
    return 1 + len(sizes.coarse_shapes) + len(sizes.fine_shapes)


def ball(radius: float) -> NDArray[np.float32]:
    """Distances of a ball at the nodes."""
    axis = np.linspace(-1, 1, N_NODES)
    distances: NDArray[np.float32] = np.linalg.norm(np.stack(np.meshgrid(axis, axis, axis), -1), axis=-1) - radius
    return distances.astype(np.float32)


# -- branches ----------------------------------------------------------------------------------------------------------


def test_the_papers_sizes() -> None:
    assert PAPER.grid_shape == (128, 128, 128, 128)
    assert len(PAPER.coarse_shapes) == len(PAPER.fine_shapes) == 8
    assert PAPER.coarse_shapes[1] == (512, 513)
    assert PAPER.fine_shapes[0] == (512, 3 + 128 + 256 + 1)


def test_branches_by_hand() -> None:
    sizes, rng = replace(SIZES, n_octaves=1, n_hidden=1), np.random.default_rng(0)
    branches = some_branches(sizes)
    x, z = rng.uniform(-1, 1, 3).astype(np.float32), rng.standard_normal(4).astype(np.float32)
    (first, last), points, code = branches.coarse, torch.from_numpy(x[None]), torch.from_numpy(z)
    inputs = np.concatenate([x, np.sin(np.pi * x), np.cos(np.pi * x), z, [1]])
    hidden = np.append(np.maximum(first.numpy() @ inputs, 0), 1)
    found = coarse_distance(sizes, branches.coarse, points, code)
    assert found.numpy() == pytest.approx(last.numpy() @ hidden, abs=1e-5)
    first, last = branches.fine
    inputs = np.concatenate([interpolated(branches.grid, points)[0].numpy(), x, z, [1]])
    hidden = np.append(np.maximum(first.numpy() @ inputs, 0), 1)
    assert fine_distance(branches.grid, branches.fine, points, code).numpy() == pytest.approx(
        last.numpy() @ hidden, abs=1e-5
    )


def test_interpolation() -> None:
    """Nodes have their values, x is the first axis, and in between it is linear along each."""
    volume = torch.arange(2 * 27, dtype=torch.float32).view(2, 3, 3, 3)
    points = torch.tensor([[-1.0, -1, -1], [1, -1, -1], [-1, 0, 1], [-0.5, -1, 0.5], [9, 9, 9]])
    found = interpolated(volume, points)
    expected = [volume[:, 0, 0, 0], volume[:, 2, 0, 0], volume[:, 0, 1, 2]]
    expected += [volume[:, :2, 0, 1:].mean((1, 2)), volume[:, 2, 2, 2]]
    assert torch.allclose(found, torch.stack(expected))


# -- the band ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_layers", [1, 3, 6])
def test_the_band_of_a_ball(n_layers: int) -> None:
    cells, weights = band_of(ball(0.5), n_layers)
    edge = 2 / (1 << DEPTH)
    off = np.abs(np.linalg.norm((cells + 0.5) * edge - 1, axis=1) - 0.5) / edge
    assert off.max() < (n_layers + 1) * 3**0.5
    assert 1 < len(cells) / (4 * np.pi * 0.25 / edge**2 * (2 * n_layers + 1)) < 1.9
    inside = np.zeros((1 << DEPTH,) * 3, bool)
    inside[tuple(cells.T)] = True
    # Nodes of cells outside the band weigh nothing, those of cells that the surface crosses all.
    for corner in np.ndindex(2, 2, 2):
        seen = weights[tuple(slice(c, c + (1 << DEPTH)) for c in corner)]
        assert (seen[~inside] == 0).all()
    assert (weights[np.abs(ball(0.5)) < 1e-2] == 1).all()
    assert set(np.unique(weights)) == {0.0, 1.0}


def test_no_surface_no_band() -> None:
    cells, weights = band_of(np.ones((N_NODES,) * 3, np.float32))
    assert len(cells) == 0 and not weights.any()


def test_the_field_does_not_jump_at_the_border_of_the_band() -> None:
    """Where the paper's switch between the branches does."""
    field = CompactField(LatentCode(192, np.array([1, -2, 0, 1], np.int32)), ball_branches())
    cells = field.region.coords
    names = {tuple(cell) for cell in cells.tolist()}
    edge, rng = 2 / (1 << DEPTH), np.random.default_rng(0)
    rim = [cell for cell in cells.tolist() if (cell[0] + 1, *cell[1:]) not in names and cell[0] + 1 < 1 << DEPTH]
    places = (np.array(rim) + np.column_stack([np.ones(len(rim)), rng.random((len(rim), 2))])) * edge - 1
    points = torch.from_numpy(places.astype(np.float32))
    outside = field.coarse(points + torch.tensor([1e-5, 0, 0]))
    inside = field.evaluate(points - torch.tensor([1e-5, 0, 0]))
    switched = field.fine(points - torch.tensor([1e-5, 0, 0]))
    assert float((inside - outside).abs().max()) < 2e-3
    assert float((switched - outside).abs().max()) > 0.05


def ball_branches() -> Branches:
    """A coarse branch that says |x| + |y| + |z| - 0.8, and a fine one that says something else."""
    sizes = CompactSizes(n_code=4, n_octaves=0, resolution=9, n_features=3, width=16, n_hidden=1)
    branches = some_branches(sizes)
    first, last = torch.zeros(16, 8), torch.zeros(1, 17)
    for axis in range(3):
        first[2 * axis, axis], first[2 * axis + 1, axis] = 1, -1
    last[0, :6], last[0, -1] = 1, -0.8
    return replace(branches, coarse=[first, last])


# -- packs -------------------------------------------------------------------------------------------------------------


def test_packs_come_back() -> None:
    branches = some_branches()
    steps = [2.0**-6] * n_steps(SIZES)
    found = branches_of_pack(pack_of_branches(branches, steps, {"log": "by hand"}))
    assert found.sizes == SIZES
    pairs = zip(
        [found.grid, *found.coarse, *found.fine], [branches.grid, *branches.coarse, *branches.fine], strict=True
    )
    for a, b in pairs:
        assert torch.equal(a, torch.round(b * 64) / 64)


def test_grids_that_are_mostly_zero_are_small() -> None:
    branches = some_branches()
    fine, coarse = ([2.0**-6, *[0.25] * (n_steps(SIZES) - 1)], [2.0, *[0.25] * (n_steps(SIZES) - 1)])
    sizes = [len(pack_of_branches(branches, steps, {}).arrays["coded"]) for steps in (fine, coarse)]
    assert sizes[1] < sizes[0] - 0.4 * branches.grid.numel()


def damaged(**changes: NDArray[np.generic] | None) -> ModelPack:
    pack = pack_of_branches(some_branches(), [0.25] * n_steps(SIZES), {})
    arrays = {name: array for name, array in {**pack.arrays, **changes}.items() if array is not None}
    return replace(pack, arrays=arrays)


def test_damaged_packs() -> None:
    coded = np.array(damaged().arrays["coded"])
    sizes = np.array(damaged().arrays["sizes"])
    for bad in (
        damaged(steps=None),
        damaged(more=np.zeros(1, np.int32)),
        damaged(steps=np.zeros(3, np.uint8)),
        damaged(sizes=sizes[:-1]),
        damaged(sizes=sizes.astype(np.float32)),
    ):
        with pytest.raises(CorruptPackError, match="its arrays are not"):
            branches_of_pack(bad)
    for place, value in ((0, 0), (2, 1), (4, 5000), (5, -1)):
        changed = sizes.copy()
        changed[place] = value
        with pytest.raises(CorruptPackError, match="are not allowed"):
            branches_of_pack(damaged(sizes=changed))
    for data in (np.append(coded, np.arange(1, 9, dtype=np.uint8)), np.append(coded, np.uint8(0))):
        with pytest.raises(CorruptPackError):
            branches_of_pack(damaged(coded=data))
    with pytest.raises(PackMethodError, match="layout 2"):
        branches_of_pack(replace(damaged(), layout=2))
    with pytest.raises(FormatError, match="a code of 5 numbers"):
        branches_of_pack(damaged(), 5)
    with pytest.raises(LimitError, match="numbers of a model pack"):
        branches_of_pack(damaged(), limits=replace(DEFAULT, max_symbols=1000))


# -- training and files ------------------------------------------------------------------------------------------------


def test_samples_lie_on_their_lattices_without_repeats() -> None:
    target = Target(*shapes.sphere(0.8, 3))
    frame = target.frame(FILL)
    samples = lattice_samples(target, frame, 4000, 1000, 0.1, np.random.default_rng(0))
    nodes = (samples.points + 1) * (FINE / 2)
    assert np.array_equal(nodes, np.rint(nodes))
    assert len(np.unique(nodes, axis=0)) == len(nodes) > 4900
    assert (np.abs(samples.distances) < 0.1 * 3**0.5).sum() >= 4000
    radius = 0.8 * FILL / 0.8
    expected = np.linalg.norm(samples.points, axis=1) - radius
    assert samples.distances == pytest.approx(expected, abs=0.02)
    for n_wanted, n_found in ((500, 500), (1000, 9**3)):
        points = uniform_samples(target, frame, 8, n_wanted, np.random.default_rng(0)).points
        assert len(np.unique(points, axis=0)) == n_found and np.array_equal(points * 4, np.rint(points * 4))


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> list[CachedShape]:
    folder, entries = tmp_path_factory.mktemp("shapes"), []
    for name, mesh in {"ball": shapes.sphere(subdivisions=3), "ring": shapes.torus(n_major=24, n_minor=12)}.items():
        write_mesh(*mesh, folder / f"{name}.ply")
        entries.append((name, folder / f"{name}.ply"))
    return prepared_shapes(folder / "cache", TINY.cache_key, entries, TINY.prepare)


@pytest.fixture(scope="module")
def trained(prepared: list[CachedShape], tmp_path_factory: pytest.TempPathFactory) -> CompactModule:
    checkpoint = tmp_path_factory.mktemp("training") / "checkpoint"
    found = train(TINY, prepared, prepared[:1], SETTINGS, checkpoint=checkpoint)
    assert found.progress.history[-1].keys() >= {"pack", "bytes", "error"}
    assert isinstance(found.module, CompactModule)
    return found.module


def errors_of(module: CompactModule, prepared: list[CachedShape]) -> list[float]:
    found = []
    for number, shape in enumerate(prepared):
        points, distances = (torch.from_numpy(np.array(shape.open()[name])) for name in ("points", "distances"))
        with torch.no_grad():
            branches = module.branches()
            values = fine_distance(branches.grid, branches.fine, points, module.codes.of(number))
        found.append(float((values - distances).abs().mean()))
    return found


def test_both_losses_learn_two_shapes_in_one_grid(
    trained: CompactModule, prepared: list[CachedShape], tmp_path: Path
) -> None:
    assert max(errors_of(trained, prepared)) < 0.03
    plain = train(replace(TINY, bit_price=0.0), prepared, [], SETTINGS, checkpoint=tmp_path / "checkpoint").module
    assert isinstance(plain, CompactModule)
    assert max(errors_of(plain, prepared)) < 0.03


@pytest.mark.parametrize("branch", ["coarse", "fine"])
def test_one_branch_alone(branch: str, prepared: list[CachedShape]) -> None:
    """The other one, and the grid with the coarse one, are not learned."""
    trainee = replace(TINY, branches=(branch,), bit_price=0.0, feature_price=0.0)
    module = trainee.module(prepared, generator())
    batch = {
        name: torch.from_numpy(a) for name, a in trainee.batch(prepared[0].open(), np.random.default_rng(0)).items()
    }
    trainee.loss(module, 0, batch, generator()).backward()
    assert isinstance(module, CompactModule)
    n_coarse = len(SIZES.coarse_shapes)
    learned = [layer.grad is not None and bool(layer.grad.any()) for layer in module.layers]
    assert learned == [(number < n_coarse) == (branch == "coarse") for number in range(len(learned))]
    assert (module.grid.grad is not None and bool(module.grid.grad.any())) == (branch == "fine")


def test_a_price_of_bits_makes_packs_smaller(
    trained: CompactModule, prepared: list[CachedShape], tmp_path: Path
) -> None:
    dear = replace(TINY, bit_price=2.0)
    module = train(dear, prepared, [], SETTINGS, checkpoint=tmp_path / "checkpoint").module
    sizes = [len(TINY.to_pack(found, {}).arrays["coded"]) for found in (module, trained)]
    assert sizes[0] < 0.8 * sizes[1]


def test_files(trained: CompactModule, quick: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file decodes, with the pack that it names, to the error that it says."""
    monkeypatch.setattr("sdfz.codec.latent_trials._ITERATIONS", (200,) * 9)
    monkeypatch.setattr("sdfz.codec.latent_fit.CodeFit.n_samples", 4000)
    pack, mesh = TINY.to_pack(trained, {}), shapes.sphere(2.0, 3, (5.0, 0.0, 0.0))
    encoded = encode_mesh(*mesh, EncodeSettings("compact", quality=20, effort=1, device="cpu", pack=pack))
    assert METHOD_IDS["compact"] == METHOD_ID
    assert check_bytes(encoded.data) == {"method": "compact", "n_numbers": 4}
    write_model(tmp_path / "tiny.sdfm", pack)
    decoded = decode_bytes(encoded.data, packs=PackSearch((tmp_path / "tiny.sdfm",))).triangles(96)
    found = Reference(*mesh, 20_000).measure(*decoded)
    assert found.cd == pytest.approx(encoded.header.errors.cd, rel=0.1)
    assert found.cd < 0.03
    assert len(encoded.data) < 60


def test_a_code_without_a_surface_is_an_empty_mesh() -> None:
    branches = ball_branches()
    branches.coarse[1][0, -1] = 5.0
    vertices, faces = CompactSurface(CompactField(LatentCode(192, np.zeros(4, np.int32)), branches)).mesh(32)
    assert vertices.shape == (0, 3) and faces.shape == (0, 3)
