"""Meshing in torch, here on the CPU: the surface that the other mesher finds, closed, and cut off at the same place."""

import numpy as np
import pytest
import torch
import trimesh
from sdfz.codec.cases import EDGES, triangle_table
from sdfz.codec.device_mesher import extract_on_device, surface_of
from sdfz.codec.mesher import extract
from sdfz.codec.occupancy import OCTANTS
from sdfz.codec.region import Region
from sdfz.codec.tensor_field import TensorField
from sdfz.codec.whole import WHOLE


class _Pitted(TensorField):
    """A ball with a bite out of it."""

    def evaluate(self, points):
        bite = 0.3 - (points - points.new_tensor([0.5, 0.1, 0.2])).norm(dim=1)
        return torch.maximum(points.norm(dim=1) - 0.7, bite)


class _Rough(TensorField):
    """A ball with so rough a skin that voxels of all signs occur."""

    def evaluate(self, points):
        waves = torch.sin(points @ torch.tensor([[31.0, -7.0, 5.0], [4.0, 29.0, -9.0], [-6.0, 8.0, 33.0]])).sum(1)
        return points.norm(dim=1) - 0.6 + 0.02 * waves  # up to three times as steep as a distance


class _Plane(TensorField):
    def evaluate(self, points):
        return points[:, 2] - 0.01


@pytest.mark.parametrize("kind", [_Pitted, _Rough])
def test_a_closed_surface_comes_out_closed_and_the_same(kind):
    field = kind(WHOLE)
    vertices, faces = extract_on_device(field, 48, margin=0)
    mesh, other = (trimesh.Trimesh(*m, process=False) for m in ((vertices, faces), extract(field, 48, margin=0)))
    assert mesh.is_watertight and mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(other.volume, rel=0.01)
    assert len(faces) == pytest.approx(len(other.faces), rel=0.02)
    # Most vertices are projected onto the zero set; where that would turn a triangle they stay on their edges.
    assert np.percentile(np.abs(field.distance(vertices.astype(np.float32))), 90) < 2e-4


def test_the_mesh_ends_where_the_region_and_its_margin_end():
    cells = np.array([(2, 2, 4), (3, 2, 4), (3, 3, 4)], np.int32)
    field = _Plane(Region(3, cells))
    (vertices, faces), (other, other_faces) = extract_on_device(field, 64), extract(field, 64)
    assert len(faces) == len(other_faces)
    order, other_order = (np.lexsort(np.round(v, 6).T) for v in (vertices, other))
    assert np.allclose(vertices[order], other[other_order], atol=1e-6)


def test_nothing_comes_of_nothing():
    assert [len(part) for part in extract_on_device(_Plane(Region(3, np.zeros((1, 3), np.int32))), 32)] == [0, 0]
    assert [len(part) for part in extract_on_device(_Plane(Region(3, np.zeros((0, 3), np.int32))), 32)] == [0, 0]


def test_fields_on_the_cpu_go_to_the_mesher_that_asks_less():
    field = _Pitted(WHOLE)
    assert all(map(np.array_equal, surface_of(field, 24, margin=0), extract(field, 24, margin=0)))


@pytest.mark.parametrize("case", range(256))
def test_each_case_crosses_what_changes_sign_and_faces_outward(case):
    negative = np.array([case >> corner & 1 for corner in range(8)], bool)
    end = EDGES[:, 0] + np.array([4, 2, 1])[EDGES[:, 1]]
    crossing = np.flatnonzero(negative[EDGES[:, 0]] != negative[end])
    triangles = triangle_table()[case]
    triangles = triangles[triangles[:, 0] >= 0]
    assert set(triangles.ravel()) == set(crossing)
    middles = (OCTANTS[EDGES[:, 0]] + OCTANTS[end]) / 2
    # Edges between triangles are passed once each way; the others lie in the faces of the voxel.
    ways = [(int(a), int(b)) for t in triangles for a, b in zip(t, np.roll(t, -1), strict=True)]
    assert len(set(ways)) == len(ways)
    for a, b in ways:
        if (b, a) not in ways:
            assert ((middles[a] == middles[b]) & np.isin(middles[a], (0, 1))).any()
    if len(triangles) == 1:
        a, b, c = middles[triangles[0]]
        outward = OCTANTS[~negative].mean(0) - OCTANTS[negative].mean(0)
        assert np.cross(b - a, c - a) @ outward > 0
