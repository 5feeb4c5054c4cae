"""The opponent's parts: the guard around native code, cutting into sheets, decimation, the refit, the ladder."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
import pytest
import shapes
from sdfz.bench.peers import cleaning, decimate, peer, refit
from sdfz.bench.peers.contract import Mesh
from sdfz.bench.peers.guarded import Guard, GuardError
from sdfz.bench.peers.opponent import ladder
from sdfz.codec.distortion import Reference

CULPRIT = """
import os, time

def eat():
    kept = []
    while True:
        kept.append(bytearray(1 << 24))

def sleep():
    time.sleep(60)

def die():
    os._exit(3)

def complain():
    print("this must not get between the answers")
    raise RuntimeError("no such luck")

def double(number):
    return 2 * number
"""


@pytest.fixture
def guard(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Guard]:
    """A guard whose child finds a module of functions that misbehave."""
    folder = tmp_path_factory.mktemp("culprit")
    (folder / "culprit.py").write_text(CULPRIT)
    monkeypatch.setenv("PYTHONPATH", str(folder))
    made = Guard(memory=1 << 29)
    yield made
    made.close()


@pytest.fixture
def few_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refit that takes a fraction of a second."""
    monkeypatch.setattr(refit, "_LEAST_SAMPLES", 6_000)
    monkeypatch.setattr(refit, "_BORDER_SAMPLES", 1_000)


@pytest.fixture(scope="module")
def sphere() -> Mesh:
    return Mesh(*shapes.sphere(5.0, 4))


@pytest.fixture(scope="module")
def reference(sphere: Mesh) -> Reference:
    return Reference(sphere.vertices, sphere.faces, 5_000)


def error(reference: Reference, mesh: Mesh) -> float:
    return reference.measure(mesh.vertices, mesh.faces).cd


def test_the_guard_outlives_what_it_guards(guard: Guard) -> None:
    for function, why in [
        ("eat", "out of memory"),
        ("sleep", "took more than 0.3 s"),
        ("die", "ended with exit code 3"),
        ("complain", "RuntimeError: no such luck"),
    ]:
        seconds = 0.3 if function == "sleep" else 30.0
        with pytest.raises(GuardError, match=why):
            guard.call("culprit", function, seconds=seconds)
    assert guard.call("culprit", "double", 21, seconds=30.0) == 42


def test_a_call_in_time_leaves_no_alarm(guard: Guard) -> None:
    assert guard.call("culprit", "double", 1, seconds=0.2) == 2
    time.sleep(0.4)
    assert guard.call("culprit", "double", 2, seconds=30.0) == 4


def test_decimation_goes_on_without_qslim(sphere: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*arguments: object) -> Mesh:
        raise GuardError("out of memory")

    monkeypatch.setattr(decimate, "_qslim", fails)
    made, name = decimate.decimated(sphere, 500)
    assert name in ("sdfz decimate", "fast_simplification agg 3")
    assert 450 <= len(made.faces) <= 510


def test_a_decimator_that_stops_early_is_not_the_best(sphere: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decimate, "_fast_simplification", lambda unit, n_faces: unit)
    made, name = decimate.decimated(sphere, 500)
    assert name in ("qslim", "sdfz decimate")
    assert len(made.faces) <= 500


def test_nothing_is_decimated_to_its_own_count(sphere: Mesh) -> None:
    assert decimate.decimated(sphere, len(sphere.faces)) == (sphere, "none")


def test_the_unit_of_the_mesh_does_not_matter(sphere: Mesh, reference: Reference) -> None:
    """qslim's own result depends on the size of what it is given."""
    small, _ = decimate.decimated(sphere, 300)
    large, _ = decimate.decimated(Mesh(1024 * sphere.vertices, sphere.faces), 300)
    np.testing.assert_allclose(large.vertices, 1024 * small.vertices, atol=1e-6)


def test_what_is_no_manifold_is_decimated(reference: Reference) -> None:
    """Two balls that share a vertex, and a fin on an edge of one: qslim itself gives nothing back for it."""
    vertices, faces = shapes.sphere(1.0, 3)
    other = shapes.sphere(1.0, 3, centre=2 * vertices[0])
    vertices, faces = shapes.joined((vertices, faces), other)
    tip = len(vertices)
    vertices = np.concatenate([vertices, [[0.0, 0.0, 1.5]]])
    faces = np.concatenate([faces, [[faces[0, 0], faces[0, 1], tip]]])
    touching = np.flatnonzero(np.isclose(vertices[:tip], vertices[0], atol=1e-9).all(axis=1))
    mesh = Mesh(vertices, faces)
    assert len(touching) >= 1
    made, _ = decimate.decimated(mesh, 400)
    assert 300 <= len(made.faces) <= 408
    assert error(Reference(vertices, faces, 5_000), made) < 5e-3


def test_scraps_do_not_set_the_least_number_of_faces(sphere: Mesh) -> None:
    """A ball among sixty crumbs, as scanners leave them: a decimator alone stops at two to four faces of each."""
    crumbs = [shapes.sphere(0.02, 0, centre=(0.3 * (n % 8), 0.3 * (n // 8), 7.0)) for n in range(60)]
    mesh = Mesh(*shapes.joined((sphere.vertices, sphere.faces), *crumbs))
    made, name = decimate.decimated(mesh, 85)
    assert name == "qslim, cleaned"
    assert 60 <= len(made.faces) <= 86
    assert cleaning.large_parts(mesh, 0.0) is mesh


def test_pinholes_are_filled_and_openings_are_not() -> None:
    vertices, faces = shapes.sphere(1.0, 3)
    taken: set[int] = set()
    holes = [n for n, face in enumerate(faces.tolist()) if taken.isdisjoint(face) and not taken.update(face)]
    pricked = Mesh(vertices, np.delete(faces, holes, axis=0))
    filled = cleaning.without_small_holes(pricked)
    assert len(filled.faces) == len(faces) + 2 * len(holes)
    volume = np.linalg.det(filled.vertices[filled.faces]).sum() / 6
    assert volume == pytest.approx(np.linalg.det(vertices[faces]).sum() / 6, rel=1e-9)  # closed, and outward
    open_sheet = Mesh(*shapes.plane(20))
    assert cleaning.without_small_holes(open_sheet) is open_sheet


@pytest.mark.usefixtures("few_samples")
def test_the_refit_is_closer(sphere: Mesh, reference: Reference) -> None:
    """Decimated vertices lie on the sphere, so the surface between them is inside; fitted ones straddle it."""
    made, _ = decimate.decimated(sphere, 150, reference)
    fitted = refit.refitted(made, refit.original(sphere, 150, reference))
    assert error(reference, fitted) < 0.75 * error(reference, made)
    np.testing.assert_array_equal(fitted.faces, made.faces)
    assert fitted.vertices is not made.vertices


@pytest.mark.usefixtures("few_samples")
def test_open_borders_do_not_shrink() -> None:
    vertices, faces = shapes.height_field(40)
    mesh = Mesh(vertices, faces)
    reference = Reference(vertices, faces, 5_000)
    made, _ = decimate.decimated(mesh, 120, reference)
    fitted = refit.refitted(made, refit.original(mesh, 120, reference))
    assert error(reference, fitted) < error(reference, made)
    span = np.ptp(vertices[:, :2], axis=0)
    np.testing.assert_allclose(np.ptp(fitted.vertices[:, :2], axis=0), span, rtol=0.02)


@pytest.mark.usefixtures("few_samples")
def test_an_exact_mesh_is_not_refitted() -> None:
    """Nothing is closer than the original itself, and the start is one of the rounds."""
    box = Mesh(*shapes.box())
    reference = Reference(box.vertices, box.faces, 2_000)
    assert refit.refitted(box, refit.original(box, 12, reference)) is box


def test_opponent_beats_draco_on_a_sphere(sphere: Mesh, reference: Reference) -> None:
    """On one with uneven triangles: those of the other are so regular that Draco hardly spends a bit on them."""
    rng = np.random.default_rng(0)
    moved = sphere.vertices + rng.normal(scale=0.05, size=sphere.vertices.shape)
    uneven = Mesh(5.0 * moved / np.linalg.norm(moved, axis=1, keepdims=True), sphere.faces)
    draco, opponent = peer("draco"), peer("opponent")
    (coarse,) = (point for point in draco.points(uneven, False) if point.name == "qp8")
    (decimated,) = (point for point in opponent.points(uneven, False) if point.name == "f1920-qp9")
    alone = draco.encode(draco.prepare(uneven, coarse.group), coarse)
    prepared = opponent.prepare(uneven, decimated.group)
    both = opponent.encode(prepared, decimated)
    assert error(reference, opponent.decode(both)) < error(reference, draco.decode(alone))
    assert len(both) < 0.8 * len(alone)
    assert prepared.notes["decimator"] != "none"


@pytest.mark.parametrize(("n_all", "counts"), [(12, [12]), (100, [60, 100]), (500, [60, 85, 120, 170, 240, 339, 500])])
def test_the_ladder(n_all: int, counts: list[int]) -> None:
    assert ladder(n_all) == counts
