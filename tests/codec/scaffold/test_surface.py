"""Refined meshes: on the limit surface, of the control mesh's topology, finer with every level."""

import control_meshes
import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from sdfz.codec.scaffold.subdivision import SHARP, creased, refine_times
from sdfz.codec.scaffold.surface import LimitMesh
from strategies import rngs

TETRAHEDRON = (
    np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]),
    np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]]),
)


@settings(max_examples=20)
@given(rngs())
def test_vertices_are_where_endless_refinement_takes_them(rng: np.random.Generator) -> None:
    points, control = control_meshes.randomly_creased(rng, levels=int(rng.choice([1, 2, SHARP])))
    refined = LimitMesh(control, 1)
    far = refine_times(control, 6).apply(points)
    assert np.abs(refined.vertices(points) - far[: refined.n_vertices]).max() < 2e-3
    # Coarser meshes have the same vertices.
    fine = LimitMesh(control, 2)
    assert np.allclose(fine.vertices(points)[: refined.n_vertices], refined.vertices(points), atol=1e-12)


@pytest.mark.parametrize("levels", [0, 1, 3])
def test_closed_stays_closed(levels: int) -> None:
    points, faces = TETRAHEDRON
    refined = LimitMesh(creased(faces, 4), levels)
    mesh = trimesh.Trimesh(refined.vertices(points), refined.faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    assert len(mesh.faces) == 4 * 4**levels


def test_with_sharp_edges_everywhere_it_is_the_control_mesh() -> None:
    points, faces = TETRAHEDRON
    refined = LimitMesh(creased(faces, 4, np.full(6, SHARP)), 2)
    mesh = trimesh.Trimesh(refined.vertices(points), refined.faces, process=False)
    assert mesh.volume == pytest.approx(1 / 6)
    assert mesh.area == pytest.approx(3 / 2 + 3**0.5 / 2)
