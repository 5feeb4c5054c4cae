"""The field of local codes: regions, local coordinates, blending, what the graph network sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapes
import torch
from sdfz.codec.lgcl.field import LocalField, key_points_of
from sdfz.codec.lgcl.graph import Graph
from sdfz.codec.lgcl.model import REACH, KeyPoints, LocalNetwork, LocalSizes, Regions, local_distances
from sdfz.codec.lgcl.networks import Mlp
from sdfz.codec.lgcl.shared import network_of_pack, pack_of_network
from sdfz.codec.lgcl.surface import LocalSurface
from sdfz.codec.lgcl.symbols import LocalSymbols
from sdfz.codec.occupancy import sorted_cells
from sdfz.formats import CorruptPackError, FormatError, ModelPack, PackMethodError

TINY = LocalSizes(channels=(2, 3, 4), order=2, decoder=Mlp(4, 16, 3, beta=10), geometry=True, blend=2)
CPU = torch.device("cpu")


def tiny_network(sizes: LocalSizes = TINY) -> LocalNetwork:
    network = LocalNetwork(sizes)
    network.reset(torch.Generator().manual_seed(0))
    return network


def tiny_symbols() -> LocalSymbols:
    cells = np.array([[1, 1, 1], [1, 1, 5], [4, 2, 3], [6, 6, 2], [7, 0, 7]], np.int32)
    return LocalSymbols(3, cells, 2, 128, np.arange(10, dtype=np.int32).reshape(5, 2) - 5)


def two_planes() -> tuple[KeyPoints, torch.Tensor]:
    """Two key points a unit apart along x, whose codes are the heights of planes; see `plane`."""
    edges = np.array([[0, 1], [1, 0]])
    return KeyPoints.of(np.array([[0.0, 0, 0], [1, 0, 0]]), Graph(2, edges)), torch.tensor([[0.0], [0.5]])


def plane(points: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    return points[:, 2] - codes[:, 0]


def test_a_point_asks_its_nearest_key_point() -> None:
    key_points, codes = two_planes()
    points = torch.tensor([[0.4, 0.0, 1.0], [0.6, 0.0, 1.0], [1.5, 0.0, 0.0]])
    nearest = torch.from_numpy(Regions(key_points.positions.numpy(), 1).nearest(points.numpy()))
    assert nearest.tolist() == [[0], [1], [1]]
    assert local_distances(points, nearest, key_points, codes, plane).tolist() == [1.0, 0.5, -0.5]


def test_distances_scale_with_the_spacing() -> None:
    """The same decoder answers for a shape of any size."""
    key_points, codes = two_planes()
    larger = KeyPoints.of(3 * key_points.positions.numpy(), key_points.graph)
    points, nearest = torch.tensor([[0.2, 0.3, 0.7]]), torch.tensor([[0]])
    found = [local_distances(f * points, nearest, k, codes, plane) for f, k in ((1, key_points), (3, larger))]
    torch.testing.assert_close(found[1], 3 * found[0])


def test_far_away_the_field_is_a_cone() -> None:
    """What lies beyond the reach is never asked: the answer there grows in proportion."""
    key_points, codes = two_planes()
    asked: list[float] = []

    def watched(points: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        asked.append(float(points.norm(dim=1).max()))
        return plane(points, codes + 0.25)

    edge, far = (
        local_distances(torch.tensor([[0.0, 0.0, r]]), torch.tensor([[0]]), key_points, codes, watched)
        for r in (REACH, 5 * REACH)
    )
    torch.testing.assert_close(far, 5 * edge)
    assert max(asked) <= REACH + 1e-4


def test_blended_regions_have_no_steps() -> None:
    """Along a line through all regions, values change no faster than they do within them."""
    rng = np.random.default_rng(0)
    positions, codes = rng.random((20, 3)), torch.from_numpy(rng.random((20, 1)).astype(np.float32))
    alone = Graph(20, np.zeros((0, 2), np.int64))
    key_points = KeyPoints.of(positions, alone)
    assert torch.equal(key_points.spacing, torch.ones(20, 1))
    line = torch.linspace(0, 1, 2001)[:, None] * torch.tensor([[1.0, 0.9, 0.8]])
    steps = []
    for blend in (1, 3):
        nearest = torch.from_numpy(Regions(positions, blend).nearest(line.numpy()))
        assert nearest.shape == (2001, 1 if blend == 1 else 4)
        steps.append(local_distances(line, nearest, key_points, codes, plane).diff().abs().max().item())
    assert steps[0] > 0.05
    assert steps[1] < 0.02


def test_fewer_key_points_than_blend() -> None:
    assert Regions(np.eye(3), 3).nearest(np.zeros((4, 3))).shape == (4, 1)


def test_geometry_tells_the_tangent_plane() -> None:
    """On a plane, no offset and no moment along the normal."""
    grid = np.argwhere(np.ones((5, 5, 1))).astype(np.int32)
    found = key_points_of(LocalSymbols(3, grid, 8, 128, np.zeros((25, 1), np.int32)), CPU).geometry()
    assert found[:, [2, 5, 7, 8]].abs().max() == 0  # z, xz, yz, zz
    assert found[:, [3, 6]].min() > 0.05  # xx, yy


def test_the_field_is_differentiable_and_the_same_on_each_call() -> None:
    field = LocalField(tiny_symbols(), tiny_network())
    points = np.random.default_rng(0).uniform(-1, 1, (50, 3)).astype(np.float32)
    values, gradient = field.distance_and_gradient(points)
    assert np.array_equal(values, field.distance(points))
    step = 1e-3
    for axis in range(3):
        moved = points + np.eye(3, dtype=np.float32)[axis] * step
        slope = (field.distance(moved) - values) / step
        assert np.median(np.abs(slope - gradient[:, axis])) < 0.02


class _Shells(LocalField):
    """A sphere of radius 0.8, and one of 0.3 around a void in it."""

    def evaluate(self, points: torch.Tensor) -> torch.Tensor:
        return (points.norm(dim=1) - 0.55).abs() - 0.25


def test_pieces_far_from_all_key_points_are_dropped() -> None:
    directions = shapes.sphere(0.8, 2)[0]
    cells = sorted_cells(np.floor((directions + 1) * 16).astype(np.int64), 5)
    symbols = LocalSymbols(5, cells, 6, 128, np.zeros((len(cells), 2), np.int32))
    vertices, _ = LocalSurface(_Shells(symbols, tiny_network())).mesh(48)
    assert np.abs(np.linalg.norm(vertices, axis=1) - 0.8).max() < 0.02
    everywhere = LocalSymbols(2, np.argwhere(np.ones((4, 4, 4))).astype(np.int32), 6, 128, np.zeros((64, 2), np.int32))
    both, _ = LocalSurface(_Shells(everywhere, tiny_network())).mesh(48)
    assert len(both) > len(vertices)


# -- packs ------------------------------------------------------------------------------------------------------------

PACK = pack_of_network(tiny_network(), {"log": "first weights"})


@pytest.mark.parametrize("sizes", [TINY, replace(TINY, decoder=Mlp(4, 16, 5, skip=2, beta=0), geometry=False)])
def test_a_pack_holds_the_network(sizes: LocalSizes) -> None:
    network = tiny_network(sizes)
    found = network_of_pack(pack_of_network(network, {}), 2)
    assert found.sizes == sizes
    for a, b in zip(found.parameters(), network.parameters(), strict=True):
        assert torch.equal(a, b)
        assert not a.requires_grad


def test_another_layout() -> None:
    with pytest.raises(PackMethodError, match="layout 2 is unknown here"):
        network_of_pack(replace(PACK, layout=2))


def test_another_number_of_channels() -> None:
    with pytest.raises(FormatError, match="3 channels, but its model pack is for 2"):
        network_of_pack(PACK, 3)


def with_array(name: str, array: np.ndarray | None) -> ModelPack:
    arrays = dict(PACK.arrays)
    arrays.pop(name, None)
    return replace(PACK, arrays=arrays if array is None else {**arrays, name: array})


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("settings", None),
        ("settings", np.array([2, 2, 0, 10], np.int32)),
        ("settings", np.array([1, 9, 0, 10], np.int32)),
        ("settings", np.array([1, 2, 3, 10], np.int32)),
        ("settings", np.array([1, 2, 0, -1], np.int32)),
        ("settings", np.array([1, 2, 0, 10], np.int16)),
        ("conv0.weight", np.zeros((2, 9, 3), np.float32)),
        ("conv0.weight", np.zeros((2, 11), np.float32)),
        ("conv1.weight", None),
        ("conv1.weight", np.zeros((2, 3, 5), np.float32)),
        ("conv1.bias", np.zeros(4, np.float32)),
        ("conv0.bias", None),
        ("sdf0.weight", np.zeros((16, 3), np.float32)),
        ("sdf1.weight", np.zeros((16, 17), np.float32)),
        ("sdf2.bias", np.zeros(2, np.float32)),
        ("sdf2.weight", np.zeros((1, 16), np.float16)),
        ("more", np.zeros(1, np.float32)),
    ],
)
def test_what_is_no_network(name: str, array: np.ndarray | None) -> None:
    with pytest.raises(CorruptPackError, match="its arrays are not"):
        network_of_pack(with_array(name, array))
