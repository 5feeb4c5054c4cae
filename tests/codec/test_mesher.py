from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import shapes
import trimesh
from numpy.typing import NDArray
from sdfz.codec.mesher import Region, extract

Distance = Callable[[NDArray[np.float64]], NDArray[np.float64]]
Meshed = tuple[NDArray[np.float64], NDArray[np.int64]]


def cell_middles(depth: int) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Coordinates and middles of all cells of a grid."""
    coords = np.array(list(itertools.product(range(1 << depth), repeat=3)), np.int32)
    return coords, (coords + 0.5) * (2 / (1 << depth)) - 1


def cells_at_surface(distance: Distance, depth: int) -> Region:
    """The cells that a true distance field's zero set may meet."""
    coords, middles = cell_middles(depth)
    return Region(depth, coords[np.abs(distance(middles)) <= np.sqrt(3) / (1 << depth)])


class AnalyticField:
    """A field from a formula; counts what it is asked."""

    def __init__(self, distance: Distance, region: Region) -> None:
        self.region = region
        self._distance = distance
        self.n_distances = 0
        self.farthest = 0.0

    def distance(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        assert points.dtype == np.float32
        values = self._distance(points.astype(np.float64))
        self.n_distances += len(points)
        self.farthest = max(self.farthest, float(np.abs(values).max(initial=0)))
        return values.astype(np.float32)

    def distance_and_gradient(self, points: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        points = points.astype(np.float64)
        step = 1e-5
        slopes = [self._distance(points + step * axis) - self._distance(points - step * axis) for axis in np.eye(3)]
        gradient = np.stack(slopes, axis=1) / (2 * step)
        return self._distance(points).astype(np.float32), gradient.astype(np.float32)


def field(distance: Distance, depth: int = 4) -> AnalyticField:
    return AnalyticField(distance, cells_at_surface(distance, depth))


def as_trimesh(meshed: Meshed) -> trimesh.Trimesh:
    return trimesh.Trimesh(*meshed, process=False)


def two_spheres(points: NDArray[np.float64]) -> NDArray[np.float64]:
    left = shapes.sphere_distance(points, 0.35, (-0.5, 0.1, 0))
    return np.minimum(left, shapes.sphere_distance(points, 0.3, (0.5, 0, 0.2)))


SPHERE = 4 / 3 * np.pi * 0.8**3
TORUS = 2 * np.pi**2 * 0.6 * 0.25**2
TWO = 4 / 3 * np.pi * (0.35**3 + 0.3**3)


# The last column is for several batches of tiles, more than one cell to a tile, and cells of an odd number of voxels.
@pytest.mark.parametrize(("depth", "resolution"), [(4, 64), (5, 200), (5, 96), (4, 16), (5, 32), (3, 64), (4, 80)])
@pytest.mark.parametrize(
    ("distance", "volume", "euler"),
    [(shapes.sphere_distance, SPHERE, 2), (shapes.torus_distance, TORUS, 0), (two_spheres, TWO, 4)],
)
def test_closed_surfaces(distance: Distance, volume: float, euler: int, depth: int, resolution: int) -> None:
    vertices, faces = extract(field(distance, depth), resolution)
    mesh = as_trimesh((vertices, faces))
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.euler_number == euler
    # Positive: outward. The facets of radius R and edge h lose about (h / R)^2.
    assert mesh.volume == pytest.approx(volume, rel=0.5 * (2 / resolution / 0.25) ** 2)
    assert mesh.area_faces.min() > 0
    # The projection puts the vertices on the surface; only where a triangle would turn over they stay behind.
    off = np.abs(distance(vertices)) * resolution / 2
    assert np.mean(off < 1e-3) > 0.99
    assert off.max() < 0.3


def test_projection_is_worth_its_name() -> None:
    for project, most in ((False, 2e-2), (True, 1e-6)):
        vertices, _ = extract(field(shapes.sphere_distance), 64, project=project)
        off = np.abs(shapes.sphere_distance(vertices)) * 32
        assert off.max() < most
    assert off.max() > 0


def test_asks_only_near_the_surface() -> None:
    sphere = field(shapes.sphere_distance, 5)
    vertices, faces = extract(sphere, 256)
    # The surface has 132,000 square voxels. All nodes of the occupied cells would be 1.8 million.
    assert sphere.n_distances < 700_000
    assert sphere.farthest < 1.25 * np.sqrt(3) * 2 / 32
    # 24,000 tiles in six batches: still one surface.
    assert as_trimesh((vertices, faces)).is_watertight


def test_consecutive_points_are_neighbours() -> None:
    asked: list[NDArray[np.float32]] = []

    class Recorder(AnalyticField):
        def distance(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
            asked.append(points)
            return super().distance(points)

    extract(Recorder(shapes.sphere_distance, cells_at_surface(shapes.sphere_distance, 4)), 128)
    points = max(asked, key=len)
    cells = np.floor((points + 1) * 8).astype(int)
    changes = (cells[1:] != cells[:-1]).any(axis=1).sum()
    assert changes < 2 * len(np.unique(cells, axis=0))


def test_rough_field_without_cracks() -> None:
    # Waves of a few voxels' length: every ambiguous case of marching cubes, and a guess of values that is no good.
    rng = np.random.default_rng(0)
    waves, phases = rng.normal(size=(3, 12)) * 60, rng.random(12) * 6

    def rough(points: NDArray[np.float64]) -> NDArray[np.float64]:
        noise = np.sin(points @ waves + phases).sum(axis=1) * 0.02
        return np.maximum(noise, shapes.sphere_distance(points, 0.7))

    coords, middles = cell_middles(4)
    region = Region(4, coords[np.linalg.norm(middles, axis=1) < 0.7 + 0.125])
    for resolution in (64, 80):
        for project in (False, True):
            mesh = as_trimesh(extract(AnalyticField(rough, region), resolution, project=project))
            assert mesh.is_watertight and mesh.is_winding_consistent
            assert mesh.area_faces.min() > 0


def test_follows_a_surface_that_the_values_do_not_announce() -> None:
    # Twenty times too steep: nearly all tiles look out of reach.
    def steep(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return 20 * shapes.sphere_distance(points)

    mesh = as_trimesh(extract(AnalyticField(steep, cells_at_surface(shapes.sphere_distance, 4)), 128))
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(SPHERE, rel=1e-3)


def test_open_surface_stays_open() -> None:
    # The upper half of a sphere is occupied; the field goes on below.
    whole = cells_at_surface(shapes.sphere_distance, 5)
    region = Region(5, whole.coords[whole.coords[:, 2] >= 16])
    for margin in (0.0, 0.25, 1.0):
        vertices, faces = extract(AnalyticField(shapes.sphere_distance, region), 128, margin=margin)
        lowest = -margin * region.cell_size
        assert vertices[:, 2].min() == pytest.approx(lowest, abs=2e-3)
        edges, count = np.unique(np.sort(as_trimesh((vertices, faces)).edges, axis=1), axis=0, return_counts=True)
        assert count.max() == 2
        assert np.all(vertices[edges[count == 1]][..., 2] < lowest + 2e-3)  # one rim, no pinholes


def test_surface_just_outside_its_cells_is_not_lost() -> None:
    # The original lay under the cells' upper faces at z = 0; as decoded it waves up to a tenth of a cell above them.
    depth = 4
    cell = 2 / (1 << depth)

    def wavy(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return points[:, 2] - 0.1 * cell * np.sin(9 * points[:, 0]) * np.sin(7 * points[:, 1])

    coords, _ = cell_middles(depth)
    sheet = (coords[:, 2] == 7) & (coords[:, :2] >= 2).all(axis=1) & (coords[:, :2] < 14).all(axis=1)
    region = Region(depth, coords[sheet])
    for resolution in (128, 112, 16):
        vertices, faces = extract(AnalyticField(wavy, region), resolution)
        mesh = as_trimesh((vertices, faces))
        assert mesh.euler_number == 1  # a disc: no hole in it
        assert np.abs(vertices[:, :2]).max() >= 0.75


def test_field_without_an_answer_ends_the_mesh() -> None:
    def half(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(points[:, 0] > 0.1, np.nan, shapes.sphere_distance(points))

    vertices, faces = extract(AnalyticField(half, cells_at_surface(shapes.sphere_distance, 4)), 64)
    assert len(faces) > 1000
    assert np.isfinite(vertices).all()
    assert vertices[:, 0].max() < 0.1 + 1 / 64


def test_region_at_the_border_of_the_domain() -> None:
    def corner(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return shapes.sphere_distance(points, 0.5, (1, 1, 1))

    vertices, _ = extract(field(corner), 64)
    assert vertices.max() == pytest.approx(1 + 0.25 / 8, abs=1e-3)


def test_no_surface_no_mesh() -> None:
    for region in (Region(4, np.empty((0, 3), np.int32)), Region(4, np.array([[0, 4, 5]], np.int32))):
        vertices, faces = extract(AnalyticField(shapes.sphere_distance, region), 64)
        assert vertices.shape == faces.shape == (0, 3)
        assert vertices.dtype == np.float64 and faces.dtype == np.int64


def test_cells_finer_than_voxels() -> None:
    # One voxel to a cell is the least.
    vertices, _ = extract(field(shapes.sphere_distance, 6), 16)
    assert len(vertices) == len(extract(field(shapes.sphere_distance, 6), 64)[0])


def test_deep_grids_look_cells_up_in_a_list() -> None:
    # A small sphere, 10 levels deep: the grid has a thousand million cells.
    depth, radius = 10, 12 / 512
    coords = np.array(list(itertools.product(range(496, 528), repeat=3)), np.int32)
    middles = (coords + 0.5) / 512 - 1
    near = np.abs(shapes.sphere_distance(middles, radius)) < np.sqrt(3) / 1024
    small = AnalyticField(lambda points: shapes.sphere_distance(points, radius), Region(depth, coords[near]))
    mesh = as_trimesh(extract(small, 1024))
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * radius**3, rel=0.02)


def test_progress_and_arguments() -> None:
    steps: list[tuple[str, int, int]] = []
    extract(field(shapes.sphere_distance), 32, progress=lambda *step: steps.append(step))
    assert steps == [("mesh", done, 4) for done in range(5)]
    with pytest.raises(ValueError, match="resolution is 0"):
        extract(field(shapes.sphere_distance), 0)
    with pytest.raises(ValueError, match="margin is 1.5 cells"):
        extract(field(shapes.sphere_distance), 64, margin=1.5)
    with pytest.raises(ValueError, match="in a grid of 16"):
        Region(4, np.array([[0, 0, 16]], np.int32))
    with pytest.raises(ValueError, match="not \\(M, 3\\)"):
        Region(4, np.zeros((3, 2), np.int32))
