"""Views of shapes, which files are pictured, and the section of pictures; few tests draw."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapes
from sdfz.bench.corpus import CorpusShape
from sdfz.bench.metrics import Spread
from sdfz.bench.peers.contract import Mesh, RatePoint
from sdfz.bench.report import draw, floors, gallery
from sdfz.bench.report.cache import Cache, content_key
from sdfz.bench.report.document import Figure, Gallery, Paragraph
from sdfz.bench.report.draw import CannotDraw, Drawing, Painter
from sdfz.bench.report.markdown import to_markdown
from sdfz.bench.report.pictures import points_near
from sdfz.bench.report.views import FIELD_OF_VIEW, VIEWS, View, camera_of, guessed_view, view_of
from sdfz.bench.rows import Row
from sdfz.formats.mesh_io import write_mesh

# -- views ------------------------------------------------------------------------------------------------------------


def upright(up: int) -> np.ndarray:
    """A pyramid whose square foot is square to an axis, (5, 3)."""
    corners = np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0], [0, 0, 2.5]], float)
    return np.roll(corners, up - 2, axis=1)


@pytest.mark.parametrize("up", [1, 2])
def test_up_is_where_a_shape_stands(up: int) -> None:
    assert guessed_view(upright(up)).up == up


def test_z_is_up_where_nothing_tells() -> None:
    assert guessed_view(shapes.box((1.0, 1.0, 1.0))[0]).up == 2


def test_the_camera_looks_across_the_longest_side_and_down_on_what_lies_flat() -> None:
    along_x, along_y = guessed_view(shapes.box((3, 1, 1))[0]), guessed_view(shapes.box((1, 3, 1))[0])
    for view, axis in ((along_x, 0), (along_y, 1)):
        right = view.axes()[0]
        assert abs(right[axis]) == pytest.approx(np.cos(np.deg2rad(32)))
    assert guessed_view(shapes.box((2, 2, 0.1))[0]).elevation > along_x.elevation


@pytest.mark.parametrize("up", [0, 1, 2])
def test_the_axes_of_a_view_are_a_right_handed_frame(up: int) -> None:
    right, towards, above = View(up, 70.0, 10.0).axes()
    np.testing.assert_allclose(np.cross(right, above), towards, atol=1e-12)
    np.testing.assert_allclose(above, np.eye(3)[up])


def test_names_in_the_table_have_their_own_view() -> None:
    assert view_of("dev/nefertiti", upright(1)) is VIEWS["nefertiti"]


def test_all_of_a_shape_is_in_the_picture_and_fills_it() -> None:
    vertices = shapes.torus()[0] * [3.0, 1.0, 0.5] + [100.0, -50.0, 7.0]
    camera = camera_of(vertices, guessed_view(vertices))
    ahead = camera.focus - camera.position
    depth = (vertices - camera.position) @ ahead / np.linalg.norm(ahead)
    right = np.cross(ahead / np.linalg.norm(ahead), camera.up)
    limit = np.tan(np.deg2rad(FIELD_OF_VIEW) / 2)
    seen = (vertices - camera.position) @ np.stack([right, camera.up], axis=1) / depth[:, None] / limit
    assert 0.9 < np.abs(seen).max() < 0.96
    np.testing.assert_allclose(seen.max(axis=0), -seen.min(axis=0), atol=0.01)  # in the middle


# -- which files ------------------------------------------------------------------------------------------------------


def measured(quality: float, n_bytes: int) -> Row:
    settings = {"quality": quality, "effort": 5}
    return Row("ring", "0" * 12, 1, 3, "sdfz", f"q{quality:g}", settings, bytes=n_bytes, cd=1e-3, rms=1e-3, hd=1e-2)


def test_a_row_of_about_the_size_is_pictured() -> None:
    (point,) = points_near([measured(60, 1000), measured(70, 2300), measured(80, 4500)], (2000,))
    assert point == RatePoint("q70", "q70", {"quality": 70, "effort": 5})


def test_between_rows_the_quality_is_interpolated() -> None:
    (point,) = points_near([measured(60, 1000), measured(80, 4000), measured(90, 8000)], (2000,))
    assert point.settings == {"quality": 70.0, "effort": 5}


def test_no_file_is_pictured_for_a_size_that_is_far_from_all() -> None:
    bound = Row("ring", "0" * 12, 1, 3, "sdfz", "cd", {"max_error": 5e-4}, bytes=2100, cd=1e-3, rms=1e-3, hd=1e-2)
    assert [point.name for point in points_near([bound], (2000, 5000, 20_000))] == ["cd"]
    assert points_near([], (2000,)) == []


# -- the section ------------------------------------------------------------------------------------------------------


class FakePainter(Painter):
    """Pictures that say what they are of."""

    def __init__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        pass

    def check(self) -> None:
        pass

    def draw(self, drawing: Drawing) -> bytes:
        return f"{len(drawing.mesh.faces)} faces, {'clay' if drawing.errors is None else 'errors'}".encode()


class FakePeer:
    """Files are as long as their quality says, and decode to a sphere a little too large."""

    name, title, how, caveat = "sdfz", "sdfz", "", ""

    def __init__(self) -> None:
        self.n_encoded = 0

    def version(self) -> str:
        return "1"

    def prepare(self, mesh: Mesh, group: str) -> Mesh:
        return mesh

    def encode(self, prepared: Mesh, point: RatePoint) -> bytes:
        self.n_encoded += 1
        return bytes(int(25 * 2 ** (point.settings["quality"] / 10)))

    def decode(self, data: bytes) -> Mesh:
        return Mesh(*shapes.sphere(1.01, 2))


@pytest.fixture
def ball(tmp_path: Path) -> CorpusShape:
    write_mesh(*shapes.sphere(1.0, 2), tmp_path / "ball.ply")
    return CorpusShape("ball", tmp_path / "ball.ply", "0" * 12)


@pytest.fixture
def peer(monkeypatch: pytest.MonkeyPatch) -> FakePeer:
    fake = FakePeer()
    for module in (gallery, floors):
        monkeypatch.setattr(module, "peer", lambda name: fake)
    monkeypatch.setattr(gallery, "Painter", FakePainter)
    return fake


def ball_rows() -> list[Row]:
    sizes = {60: 1600, 70: 3200, 80: 6400, 90: 12_800}
    return [
        Row("ball", "0" * 12, 320, 162, "sdfz", f"q{q}", {"quality": q}, bytes=n, cd=1e-3, rms=1e-3, hd=1e-2)
        for q, n in sizes.items()
    ]


def test_original_and_files_of_three_sizes_with_their_errors(ball: CorpusShape, peer: FakePeer, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    cache = Cache(tmp_path / "cache")
    blocks = gallery.pictures(ball_rows(), [ball], cache, lambda line: None)
    (strip,) = (block for block in blocks if isinstance(block, Gallery))
    captions = [caption for caption, _ in strip.columns]
    assert captions[0] == "original"
    assert captions[1].startswith("**1,600 bytes**, CD ")  # the row that is near 2 KB
    assert [float(caption.split(" bytes")[0].strip("*").replace(",", "")) for caption in captions[1:]] == [
        1600,
        pytest.approx(5000, rel=0.01),
        pytest.approx(20_000, rel=0.01),
    ]
    for _, (surface, error) in strip.columns[1:]:
        assert (surface.data, error.data) == (b"320 faces, clay", b"320 faces, errors")
    assert peer.n_encoded == 3
    assert gallery.pictures(ball_rows(), [ball], cache, lambda line: None) == blocks
    assert peer.n_encoded == 3


@pytest.mark.parametrize(("measured_with", "is_said"), [("1", False), ("0.9", True)])
def test_pictures_of_another_version_than_the_tables_say_so(peer: FakePeer, measured_with: str, is_said: bool) -> None:
    pytest.importorskip("matplotlib")
    rows = [replace(row, version=measured_with) for row in ball_rows()]
    text = to_markdown(tuple(gallery.pictures(rows, [], Cache(None), lambda line: None)), "images")
    assert ("made with version 1, which is not the one" in text) == is_said


def test_shapes_that_are_not_there_are_named(peer: FakePeer) -> None:
    pytest.importorskip("matplotlib")
    text = to_markdown(tuple(gallery.pictures(ball_rows(), [], Cache(None), lambda line: None)), "images")
    assert "ball: the corpus given has no such file" in text


def test_without_a_renderer_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def check(self: Painter) -> None:
        raise CannotDraw("no display, no software renderer")

    monkeypatch.setattr(Painter, "check", check)
    _, reason = gallery.pictures(ball_rows(), [], Cache(None), lambda line: None)
    assert reason == Paragraph("There are none: no display, no software renderer.")


def test_noise_floors_are_measured_once(
    ball: CorpusShape, peer: FakePeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        floors, "noise_floor", lambda mesh: {"cd": Spread(2e-9, 0, 5), "cloud_l1_30k": Spread(0.5, 0, 5)}
    )
    spread = Spread(1e-3, 1e-5, 5)
    monkeypatch.setattr(floors, "spread_over_seeds", lambda *_, papers: dict.fromkeys(("cd", "rms", "hd"), spread))
    cache, said = Cache(tmp_path / "cache"), []
    blocks = floors.noise_floors(ball_rows(), [ball], cache, said.append)
    share = f"{100 * spread.resolution / spread.mean:.2g} %"
    assert blocks[-1].rows == (("ball", "2e-09", "-", "0.5", "-", "-", share, share, share),)
    n_said = len(said)
    assert n_said
    assert floors.noise_floors(ball_rows(), [ball], cache, said.append) == blocks
    assert len(said) == n_said


def test_keys_of_the_cache_tell_contents_apart(tmp_path: Path) -> None:
    cache = Cache(tmp_path / "new" / "cache")
    first, second = content_key(".bin", "ring", {"quality": 70}), content_key(".bin", "ring", {"quality": 71})
    assert first == content_key(".bin", "ring", {"quality": 70})
    assert cache.put(first, b"seventy") == b"seventy"
    assert (cache.get(first), cache.get(second), Cache(None).get(first)) == (b"seventy", None, None)


# -- the renderer -----------------------------------------------------------------------------------------------------


def test_a_renderer_that_aborts_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    abort: Callable[[], None] = os.abort
    monkeypatch.setattr(draw, "_be_silent", abort)  # the first thing that the process does
    with Painter() as painter, pytest.raises(CannotDraw, match="no off-screen rendering"):
        painter.check()


@pytest.mark.slow
def test_a_sphere_is_round_shaded_and_coloured_by_its_errors() -> None:
    image = pytest.importorskip("PIL.Image")
    pytest.importorskip("pyvista")
    mesh = Mesh(*shapes.sphere(0.8, 4))
    camera = camera_of(mesh.vertices, guessed_view(mesh.vertices))
    errors = np.where(mesh.vertices[:, 2] > 0, draw.HIGHEST_ERROR, draw.LOWEST_ERROR)
    with Painter() as painter:
        try:
            painter.check()
        except CannotDraw as error:
            pytest.skip(str(error))
        clay, coloured = painter.draw(Drawing(mesh, camera)), painter.draw(Drawing(mesh, camera, errors))
    pixels = np.asarray(image.open(io.BytesIO(clay)).convert("RGBA"), float)
    radius = 0.94 / 2 * draw.TILE
    assert (pixels[..., 3] > 127).sum() == pytest.approx(np.pi * radius**2, rel=0.03)
    body = pixels[..., :3].mean(axis=-1)[pixels[..., 3] > 127]
    assert np.ptp(np.percentile(body, [5, 95])) > 20  # light and shade
    colours = np.asarray(image.open(io.BytesIO(coloured)).convert("RGB"), float)
    upper, lower = (colours[draw.TILE * share // 8, draw.TILE // 2].mean() for share in (2, 6))
    assert upper < lower - 40  # dark for large


def test_captions_of_figures_name_their_files() -> None:
    assert Figure("ring-0-error", "webp", b"", "error").file_name == "ring-0-error.webp"
