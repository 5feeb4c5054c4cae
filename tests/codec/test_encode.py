"""Files of known shapes: what comes back, what the header says of it, and whether goals are met."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapes
import torch
import trimesh
from encoded import CLOSED, EXAMPLES, RADIUS, RESOLUTION, ExampleFiles
from sdfz.codec.decode import decode_bytes
from sdfz.codec.distortion import measure
from sdfz.codec.encode import Encoded, EncodeSettings, ErrorBound, encode_mesh
from sdfz.codec.grid.trials import SIZING
from sdfz.formats.container import unpack
from sdfz.formats.errors import BackendError, MeshError
from sdfz.formats.metadata import Metadata

SPHERE = shapes.sphere(1.0, 3)


def quick_file(mesh: shapes.Mesh = SPHERE, **settings: Any) -> Encoded:
    """A file of low quality, unless a goal is given."""
    if not {"quality", "max_error", "target_size"} & set(settings):
        settings["quality"] = 20
    return encode_mesh(*mesh, EncodeSettings(**{"method": "grid", "effort": 1, "threads": 1, **settings}))


def errors_again(mesh: shapes.Mesh, data: bytes, resolution: int = RESOLUTION) -> Any:
    """Errors of the decoded mesh, measured from the file alone with samples of its own."""
    return measure(mesh, decode_bytes(data).triangles(resolution), 20_000, seed=77)


# -- what comes back --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_small_and_close(name: str, files: ExampleFiles) -> None:
    file = files.encoded(name)
    assert len(file.data) < {"torus": 500, "box": 1000, "bowl": 800}[name]
    assert file.header.errors.cd < 0.003
    assert file.target_met


@pytest.mark.parametrize("name", EXAMPLES)
def test_distances_are_off_by_no_more_than_the_header_says(name: str, files: ExampleFiles) -> None:
    example, header = EXAMPLES[name], files.encoded(name).header
    points = example.points_around(2000)
    found, exact = files.shape(name).distance(points), example.distance(points)
    if example.volume is None:
        found = np.abs(found)
    # Distances to two surfaces differ by at most the largest distance between the surfaces; where they are small the
    # sign may. The header's is that of samples, and of the triangles that stand for the shape.
    allowed = 1.05 * header.errors.hd * example.diagonal + 5e-4 * example.diagonal
    wrong = np.abs(found - exact) > allowed
    assert not (wrong & (np.abs(exact) > allowed)).any()
    assert (np.abs(np.abs(found) - np.abs(exact)) <= allowed).all()


@pytest.mark.parametrize("name", CLOSED)
def test_closed_shapes_stay_closed(name: str, files: ExampleFiles) -> None:
    mesh = files.mesh(name)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(EXAMPLES[name].volume, rel=0.02)


def test_an_open_shape_stays_open(files: ExampleFiles) -> None:
    mesh, file = files.mesh("bowl"), files.encoded("bowl")
    edges, counts = np.unique(mesh.edges_sorted, axis=0, return_counts=True)
    rim = mesh.vertices[np.unique(edges[counts == 1])] - EXAMPLES["bowl"].vertices.mean(axis=0) * [0, 1, 0]
    assert len(rim)
    cell = 2 / (1 << file.detail["depth"]) * file.header.frame.scale
    from_circle = np.hypot(np.hypot(rim[:, 0], rim[:, 1]) - RADIUS, rim[:, 2])
    assert from_circle.max() < 1.5 * cell
    assert file.distortion.backward.max * EXAMPLES["bowl"].diagonal < 1.5 * cell  # nothing closes it further in


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_header_has_the_errors_of_the_decoded_mesh(name: str, files: ExampleFiles) -> None:
    example, mesh, errors = EXAMPLES[name], files.mesh(name), files.encoded(name).header.errors
    again = measure((example.vertices, example.faces), (mesh.vertices, mesh.faces), 100_000, seed=77)
    assert again.cd == pytest.approx(errors.cd, rel=0.02)
    assert again.rms == pytest.approx(errors.rms, rel=0.03)
    assert again.hd == pytest.approx(errors.hd, rel=0.05)  # one point's
    assert files.encoded(name).header.diagonal_units == pytest.approx(example.diagonal, rel=1e-3)


# -- frame and units --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_a_million_away_from_the_origin() -> None:
    centre = np.array([1e6, -1e6, 1e6])
    file = quick_file((SPHERE[0] + centre, SPHERE[1]))
    mesh = decode_bytes(file.data).mesh(RESOLUTION)
    assert mesh.is_watertight
    # Relative to the centre: trimesh loses the volume's digits out there.
    points = mesh.vertices - centre
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() < 1.1 * file.header.errors.hd * 12**0.5
    assert trimesh.Trimesh(points, mesh.faces, process=False).volume == pytest.approx(4.19, rel=0.03)
    distance = decode_bytes(file.data).distance([centre, centre + [0, 0, 3]])
    assert distance == pytest.approx([-1, 2], abs=0.1)


@pytest.mark.usefixtures("quick")
def test_a_power_of_two_changes_nothing_but_the_frame() -> None:
    small = quick_file((SPHERE[0] * 2**-20, SPHERE[1]))  # 1e-6 in size
    same = quick_file()
    assert unpack(small.data).sections == unpack(same.data).sections
    assert small.header.errors == same.header.errors
    assert small.header.frame.scale == same.header.frame.scale * 2**-20
    assert decode_bytes(small.data).distance([[0, 0, 3 * 2**-20]]) == pytest.approx(2 * 2**-20, rel=0.05)


# -- goals ------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("metric", "bound"),
    [("cd", ErrorBound(0.002)), ("hd", ErrorBound(0.04, relative=False))],
    ids=["cd relative", "hd absolute"],
)
def test_max_error_holds(metric: str, bound: ErrorBound) -> None:
    file = quick_file(max_error=bound, metric=metric)
    assert file.target_met
    allowed = bound.value if bound.relative else bound.value / 12**0.5
    assert getattr(file.header.errors, metric) <= allowed
    assert getattr(errors_again(SPHERE, file.data), metric) <= 1.03 * allowed
    assert getattr(file.distortion, metric) > allowed / 4  # no more bytes than that takes


@pytest.mark.usefixtures("quick")
def test_target_size_holds() -> None:
    file = quick_file(target_size=600)
    assert file.target_met
    assert 400 < len(file.data) <= 600


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("goal", [{"max_error": ErrorBound(1e-7)}, {"target_size": 40}], ids=["error", "size"])
def test_a_goal_out_of_reach_gives_the_best_file(goal: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdfz.codec.grid.trials.SIZING", replace(SIZING, high=150))
    file = quick_file(**goal)
    assert not file.target_met
    assert errors_again(SPHERE, file.data).cd == pytest.approx(file.header.errors.cd, rel=0.05)
    assert file.header.errors.cd < 0.02


@pytest.mark.usefixtures("quick")
def test_more_quality_is_more_bytes_and_less_error() -> None:
    files = [quick_file(quality=quality) for quality in (0, 20, 40)]
    sizes, errors = [len(file.data) for file in files], [file.header.errors.cd for file in files]
    assert sizes == sorted(set(sizes))
    assert errors == sorted(set(errors), reverse=True)


# -- settings ---------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("quick")
def test_the_seed_decides_the_bytes() -> None:
    first, again, other = (quick_file(quality=10, seed=seed).data for seed in (3, 3, 4))
    assert first == again
    assert first != other


@pytest.mark.usefixtures("quick")
def test_metadata_and_progress() -> None:
    vertices, faces = (array.copy() for array in SPHERE)
    vertices.setflags(write=False)
    faces.setflags(write=False)
    metadata = Metadata("ball.obj", "mm", 642, 1280)
    calls: list[tuple[str, int, int]] = []
    file = encode_mesh(
        vertices, faces, EncodeSettings("grid", quality=10, effort=1), metadata, lambda *call: calls.append(call)
    )
    assert unpack(file.data).metadata == metadata
    fit = [done for stage, done, _ in calls if stage == "fit"]
    assert fit == sorted(fit)
    assert fit[-1] == calls[-1][2]
    assert set(file.seconds) >= {"prepare", "fit", "code", "decode", "measure"}
    assert file.detail["cells"] > 0


@pytest.mark.usefixtures("quick")
def test_threads_are_put_back() -> None:
    before, seen = torch.get_num_threads(), []
    settings = EncodeSettings("grid", quality=0, effort=1, threads=1)
    encode_mesh(*SPHERE, replace(settings, threads=3), progress=lambda *_: seen.append(torch.get_num_threads()))
    assert set(seen) == {3}
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"quality": 50, "target_size": 1000}, "exclude each other"),
        ({"quality": 50, "max_error": ErrorBound(0.1)}, "exclude each other"),
        ({"quality": 101}, "0..100"),
        ({"quality": float("nan")}, "0..100"),
        ({"max_error": ErrorBound(0.0)}, "above 0"),
        ({"max_error": ErrorBound(float("nan"))}, "above 0"),
        ({"target_size": 0}, "at least 1"),
        ({"effort": 10}, "1..9"),
        ({"threads": 0}, "at least 1"),
        ({"metric": "l2"}, "cd, rms, hd"),
        ({"method": "zip"}, "grid"),
    ],
)
def test_settings_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        EncodeSettings(**values)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("settings", [{"device": "cuda"}, {"backend": "tcnn"}])
def test_what_cannot_run_is_refused_before_the_work(settings: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdfz.codec.encode.Target", None)
    with pytest.raises(BackendError, match="cuda|CUDA"):
        quick_file(**settings)


# -- meshes that are not as they should be ----------------------------------------------------------------------------


def odd_meshes() -> dict[str, tuple[shapes.Mesh, float]]:
    """Meshes with the largest mean error that their quick files may have, a fraction of the diagonal."""
    rng = np.random.default_rng(1)
    vertices, faces = SPHERE
    sheet = shapes.plane(4)
    triangle = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], float), np.array([[0, 1, 2]])
    fins = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, -1, 0.2]], float)
    balls = [shapes.sphere(0.02, 1, centre) for centre in rng.uniform(-1, 1, (40, 3))]
    some = rng.random(len(faces)) < 0.3
    return {
        "soup": (shapes.soup(SPHERE), 0.003),
        "inside out": (shapes.reversed_faces(SPHERE), 0.003),
        "flipped faces": ((vertices, np.where(some[:, None], faces[:, ::-1], faces)), 0.003),
        "duplicate faces": ((vertices, np.concatenate([faces, faces, faces[:99, ::-1]])), 0.003),
        "holes": ((vertices, faces[~some]), 0.01),
        "three faces at an edge": ((fins, np.array([[0, 1, 2], [0, 1, 3], [0, 1, 4]])), 0.01),
        "tiny pieces": (shapes.joined(*balls), 0.03),
        "random triangles": ((rng.uniform(-1, 1, (90, 3)), np.arange(90).reshape(-1, 3)), 0.05),
        "one triangle": (triangle, 0.01),
        "flat": (shapes.plane(), 0.005),
        "flat, both sides": (shapes.joined(sheet, shapes.reversed_faces(sheet)), 0.005),
        "needle": (shapes.box((1, 0.002, 0.002), 2), 0.02),
        "thin plate": (shapes.box((1, 1, 0.005)), 0.02),
        "long triangle": ((np.array([[0, 0, 0], [1, 0, 0], [0.5, 1e-3, 0]]), np.array([[0, 1, 2]])), 0.03),
        "one inside the other": (shapes.joined(SPHERE, shapes.sphere(0.5, 2)), 0.03),
        "speck beside it": (shapes.joined(SPHERE, shapes.sphere(1e-4, 1, (1.5, 0, 0))), 0.003),
    }


ODD_MESHES = odd_meshes()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("name", ODD_MESHES)
def test_odd_meshes(name: str) -> None:
    mesh, allowed = ODD_MESHES[name]
    file = quick_file(mesh, quality=25)
    errors = errors_again(mesh, file.data)
    assert errors.cd < allowed
    assert errors.cd == pytest.approx(file.header.errors.cd, rel=0.1)


@pytest.mark.parametrize(
    ("vertices", "faces"),
    [
        (np.zeros((0, 3)), np.zeros((0, 3), int)),
        (np.eye(3), [[0, 1, 3]]),
        (np.eye(3) * np.nan, [[0, 1, 2]]),
        ([[0, 0, 0], [1, 0, 0], [0, np.inf, 0]], [[0, 1, 2]]),
        (np.zeros((3, 3)), [[0, 1, 2]]),
        (np.outer([0, 1, 2], [1, 1, 1]), [[0, 1, 2]]),
        (np.eye(3) + 1e15, [[0, 1, 2]]),
        (np.eye(3) * 1e-40, [[0, 1, 2]]),
    ],
    ids=["empty", "index", "nan", "inf", "point", "line", "too far", "too small"],
)
def test_no_surface(vertices: Any, faces: Any) -> None:
    with pytest.raises(MeshError):
        encode_mesh(vertices, faces, EncodeSettings(quality=0, effort=1))
