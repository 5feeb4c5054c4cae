"""Control meshes fitted to surfaces."""

from dataclasses import replace

import numpy as np
import pytest
from sdfz.codec.scaffold.decimate import decimate
from sdfz.codec.scaffold.fit import FitSettings, choose_creases, fit_control, fit_positions
from sdfz.codec.scaffold.fit_creases import creased_at
from sdfz.codec.scaffold.fit_target import FitTarget
from shapes import box, plane, sphere, torus

QUICK = FitSettings(least_samples=3000, crease_angles=(180.0, 45.0))


def _fit(mesh, n_faces, settings=QUICK):
    target = FitTarget(*mesh)
    first, _ = choose_creases(target, *decimate(target.points, target.faces, n_faces), settings)
    return target, fit_control(target, first, settings)


def test_a_torus_of_few_vertices_is_close():
    _, fitted = _fit(torus(n_major=48, n_minor=24), 200, replace(QUICK, least_samples=20_000))
    # The decimated mesh of 200 faces is 60e-4 away.
    assert fitted.matches.cd < 6e-4
    assert not fitted.dense.control.sharpness.any()


def test_a_box_is_exact_with_its_creases():
    _, fitted = _fit(box(subdivisions=3), 12)
    assert fitted.dense.control.n_vertices == 8
    assert fitted.matches.cd < 1e-6


def test_a_sheet_keeps_its_corners():
    _, fitted = _fit(plane(8), 8)
    assert fitted.matches.cd < 1e-6
    dense = fitted.dense.matrix @ fitted.positions
    corners = [(x, y, 0.0) for x in (0, 0.5**0.5) for y in (0, 0.5**0.5)]
    assert all(np.linalg.norm(dense - corner, axis=1).min() < 1e-6 for corner in corners)


@pytest.mark.parametrize("n_faces", [1, 50])
def test_a_triangle_is_itself(n_faces):
    vertices, faces = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0]]), np.array([[0, 1, 2]])
    target, fitted = _fit((vertices, faces), n_faces)
    assert np.allclose(fitted.positions * target.scale + target.origin, vertices[fitted.dense.control.faces[0]])


def test_rounds_never_make_it_worse():
    vertices, faces = sphere(subdivisions=3)
    target = FitTarget(vertices, faces)
    points, coarse = decimate(target.points, target.faces, 60)
    control = creased_at(coarse, points, np.pi)
    errors = [fit_positions(target, control, points, QUICK, n, 3000).matches.cd for n in range(5)]
    assert (np.diff(errors) <= 0).all() and errors[-1] < 0.2 * errors[0]
