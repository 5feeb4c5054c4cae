"""Files of the scaffold method: goals, kept triangles, and meshes that are not as they should be."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import shapes
from sdfz.codec.decode import check_bytes, decode_bytes
from sdfz.codec.distortion import measure
from sdfz.codec.encode import Encoded, EncodeSettings, ErrorBound, encode_mesh
from sdfz.codec.scaffold.fit import FitSettings
from sdfz.codec.settings import cd_of_quality

TORUS = shapes.torus(0.6, 0.25, 48, 24)
PLACE = np.array([100.0, -30.0, 7.0])


@pytest.fixture(autouse=True)
def _light(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer samples, and no trials of creases."""
    monkeypatch.setattr("sdfz.codec.encode._MEASURE_SAMPLES", (10_000,) * 9)
    fewer = partial(FitSettings, crease_angles=(180.0,), least_samples=4000)
    monkeypatch.setattr("sdfz.codec.scaffold.trials.FitSettings", fewer)


def quick_file(mesh: shapes.Mesh, **settings: Any) -> Encoded:
    return encode_mesh(*mesh, EncodeSettings(method="scaffold", effort=1, **settings))


def errors_again(mesh: shapes.Mesh, data: bytes) -> Any:
    """Errors of the decoded mesh, measured from the file alone with samples of its own."""
    return measure(mesh, decode_bytes(data).triangles(), 20_000, seed=77)


def moved(mesh: shapes.Mesh) -> shapes.Mesh:
    return mesh[0] * 40 + PLACE, mesh[1]


def test_a_fitted_torus() -> None:
    """Small, close, closed, in its place, and its error as the header has it."""
    mesh = moved(TORUS)
    file = quick_file(mesh, quality=40)
    assert len(file.data) < 250
    errors = errors_again(mesh, file.data)
    assert errors.cd == pytest.approx(file.header.errors.cd, rel=0.05)
    assert errors.cd < 0.002
    decoded = decode_bytes(file.data).mesh()
    assert decoded.is_watertight
    assert decoded.volume == pytest.approx(2 * np.pi**2 * 0.6 * 0.25**2 * 40**3, rel=0.03)
    middle = PLACE + [24.0, 0, 0]
    assert decode_bytes(file.data).distance([middle, PLACE]) == pytest.approx([-10, 14], abs=0.5)


def test_an_error_bound_holds() -> None:
    file = quick_file(TORUS, max_error=ErrorBound(0.002), metric="cd")
    assert file.target_met
    assert errors_again(TORUS, file.data).cd < 1.05 * 0.002
    assert file.distortion.cd > 0.0007


def test_a_size_holds() -> None:
    file = quick_file(TORUS, target_size=200)
    assert file.target_met
    assert 120 < len(file.data) <= 200


def test_a_quality_is_a_mean_error() -> None:
    files = [quick_file(TORUS, quality=quality) for quality in (30, 50, 70)]
    for file, quality in zip(files, (30, 50, 70), strict=True):
        assert file.target_met
        assert 0.4 < file.distortion.cd / cd_of_quality(quality) < 1.15  # so few trials come no nearer
    assert len(files[0].data) < len(files[1].data) < len(files[2].data)


def test_what_is_flat_is_plain() -> None:
    file = quick_file(shapes.box((1, 2, 3), 4), max_error=ErrorBound(1e-4))
    assert file.target_met
    assert file.detail["vertices"] < 12
    assert file.detail["levels"] == 0
    assert len(file.data) < 100


def test_as_close_as_there_are_vertices() -> None:
    """More vertices than are given a limit surface: the input's own, as close as asked."""
    mesh = shapes.sphere(1.0, 3)
    file = quick_file(mesh, max_error=ErrorBound(1e-6), metric="cd")
    assert file.target_met
    assert file.detail["levels"] == 0
    assert file.detail["vertices"] == len(mesh[0])


@pytest.mark.parametrize("target_size", [60, 100])
def test_tiny_sizes_make_sense(target_size: int) -> None:
    file = quick_file(TORUS, target_size=target_size)
    assert (len(file.data) <= target_size) == file.target_met
    assert len(file.data) <= 100
    assert file.distortion.cd < 0.03


# -- kept triangles ---------------------------------------------------------------------------------------------------


def test_kept_triangles_are_those_of_the_input() -> None:
    mesh = moved(shapes.joined(shapes.box((1, 2, 3), 3), shapes.height_field(6)))
    file = encode_mesh(*mesh, EncodeSettings(preserve_mesh=True, max_error=ErrorBound(0.05, relative=False)))
    assert file.target_met
    vertices, faces = decode_bytes(file.data).triangles()
    nearest = np.linalg.norm(vertices[:, None] - mesh[0], axis=2).argmin(axis=1)
    assert np.linalg.norm(vertices - mesh[0][nearest], axis=1).max() <= 0.05
    assert set(map(frozenset, nearest[faces].tolist())) == set(map(frozenset, mesh[1].tolist()))
    assert file.distortion.hd * file.header.diagonal_units > 0.02


def test_a_finer_step_is_a_smaller_error() -> None:
    files = [encode_mesh(*TORUS, EncodeSettings(preserve_mesh=True, quality=quality)) for quality in (20, 70)]
    assert files[1].distortion.cd == pytest.approx(files[0].distortion.cd / 10, rel=0.2)
    assert len(files[0].data) < len(files[1].data)


def test_keeping_needs_the_method() -> None:
    with pytest.raises(ValueError, match="preserve_mesh needs method scaffold"):
        EncodeSettings(method="grid", preserve_mesh=True)


# -- meshes that are not as they should be ----------------------------------------------------------------------------


def odd_meshes() -> dict[str, shapes.Mesh]:
    rng = np.random.default_rng(1)
    vertices, faces = shapes.sphere(1.0, 2)
    some = rng.random(len(faces)) < 0.3
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], float), np.array([[0, 1, 2]])
    fins = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, -1, 0.2]], float)
    return {
        "soup": shapes.soup((vertices, faces)),
        "flipped faces": (vertices, np.where(some[:, None], faces[:, ::-1], faces)),
        "holes": (vertices, faces[~some]),
        "three faces at an edge": (fins, np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]])),
        "random triangles": (rng.uniform(-1, 1, (90, 3)), np.arange(90).reshape(-1, 3)),
        "one triangle": triangle,
        "flat": shapes.plane(),
        "needle": shapes.box((1, 0.002, 0.002), 2),
        "long triangle": (np.array([[0, 0, 0], [1, 0, 0], [0.5, 1e-3, 0]]), np.array([[0, 1, 2]])),
        "speck beside it": shapes.joined((vertices, faces), shapes.sphere(1e-4, 1, (1.5, 0, 0))),
    }


ODD_MESHES = odd_meshes()


@pytest.mark.parametrize("name", ODD_MESHES)
def test_odd_meshes(name: str) -> None:
    mesh = ODD_MESHES[name]
    file = quick_file(mesh, quality=25)
    assert check_bytes(file.data)["method"] == "scaffold"
    errors = errors_again(mesh, file.data)
    assert errors.cd == pytest.approx(file.header.errors.cd, rel=0.15, abs=1e-6)
    assert errors.cd < 0.05
