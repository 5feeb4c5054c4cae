"""Meshing of a field over the whole cube: nothing is missed, crumbs go, and steep or flat fields do as well."""

import numpy as np
import pytest
import torch
from sdfz.codec.tensor_field import TensorField
from sdfz.codec.whole import FILL, WHOLE, WholeSurface

CENTRES = np.array([[0.3, 0, 0], [-0.5, 0.1, 0]], np.float32)


class _Balls(TensorField):
    """Two balls, far apart; `slope` times the distance."""

    def __init__(self, radii, slope):
        super().__init__(WHOLE)
        self._radii, self._slope = torch.tensor(radii), slope

    def evaluate(self, points):
        away = (points[:, None] - torch.from_numpy(CENTRES)).norm(dim=2)
        return self._slope * (away - self._radii).min(dim=1).values


@pytest.mark.parametrize("slope", [1.0, 1.3, 0.3])
def test_a_small_part_far_from_the_rest_is_found(slope):
    vertices, faces = WholeSurface(_Balls((0.4, 0.08), slope)).mesh(64)
    distance = np.linalg.norm(vertices[:, None] - CENTRES, axis=2) - (0.4, 0.08)
    assert np.abs(distance.min(axis=1)).max() < 1e-5
    assert (distance.argmin(axis=1) == 1).sum() > 30
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


def test_the_resolution_is_along_the_shape():
    vertices, _ = WholeSurface(_Balls((0.4, 0.0), 1.0)).mesh(round(100 * FILL))
    steps = vertices[np.isclose(vertices[:, 1], 0, atol=1e-6)] * 50
    on_lattice = np.isclose(steps, np.round(steps), atol=1e-3).sum(axis=1)
    assert (on_lattice >= 2).mean() > 0.5  # projected vertices leave an edge at most along one axis here


def test_crumbs_go():
    vertices, _ = WholeSurface(_Balls((0.4, 0.02), 1.0)).mesh(64)
    assert np.linalg.norm(vertices - CENTRES[0], axis=1).max() < 0.41


def test_a_field_without_a_surface_gives_no_triangles():
    vertices, faces = WholeSurface(_Balls((-1.0, -1.0), 1.0)).mesh(32)
    assert len(vertices) == len(faces) == 0
