"""Every peer that runs in this process: what it codes comes back, in place, the closer the more bytes it may use."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import shapes
from sdfz.bench.peers import METHODS, PEERS, all_peers, ours, packages, peer, refit
from sdfz.bench.peers.contract import Mesh, Peer, RatePoint, Unavailable
from sdfz.codec.distortion import Reference
from sdfz.codec.methods import METHOD_IDS

# Far from the origin and of an odd size: a peer that loses the frame is out by far more than its error.
PLACE, SIZE = np.array([30.0, -70.0, 110.0]), 3.0


def placed(mesh: shapes.Mesh) -> Mesh:
    vertices, faces = mesh
    return Mesh(vertices * SIZE + PLACE, faces.astype(np.int64))


@pytest.fixture(scope="module")
def torus() -> Mesh:
    return placed(shapes.torus(n_major=48, n_minor=24))


@pytest.fixture
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refit that takes a fraction of a second."""
    monkeypatch.setattr(refit, "_ROUNDS", 2)
    monkeypatch.setattr(refit, "_LEAST_SAMPLES", 4_000)


def files(codec: Peer, mesh: Mesh, points: list[RatePoint]) -> list[bytes]:
    prepared = {group: codec.prepare(mesh, group) for group in dict.fromkeys(point.group for point in points)}
    return [codec.encode(prepared[point.group], point) for point in points]


def errors(codec: Peer, mesh: Mesh, coded: list[bytes]) -> list[float]:
    reference = Reference(mesh.vertices, mesh.faces, 5_000)
    decoded = [codec.decode(data) for data in coded]
    return [reference.measure(each.vertices, each.faces).cd for each in decoded]


def named(codec: Peer, mesh: Mesh, *names: str) -> list[RatePoint]:
    points = {point.name: point for point in codec.points(mesh, quick=False)}
    return [points[name] for name in names]


@pytest.mark.parametrize(
    ("name", "points", "largest", "least"),
    [
        # Half a quantization step of Draco's is 1/2^(bits+1) of the longest side, about 0.6 of the diagonal here.
        ("draco", ["qp7", "qp10", "qp13"], 2e-3, 5e-5),
        ("opponent", ["f339-qp8", "f2304-qp10", "f2304-qp13"], 1e-2, 5e-5),
        ("expert", ["f120-qp8", "f339-qp9", "f1920-qp11"], 1e-2, 4e-4),
        ("sdf-grid", ["r32b4", "r32b8", "r48b8"], 3e-3, 5e-4),
        ("ply", ["xz", "raw"], 1e-6, 1e-6),
    ],
)
@pytest.mark.usefixtures("few_rounds")
def test_comes_back_in_place(torus: Mesh, name: str, points: list[str], largest: float, least: float) -> None:
    codec = peer(name)
    chosen = named(codec, torus, *points)
    coded = files(codec, torus, chosen)
    assert sorted(coded, key=len) == coded
    found = errors(peer(name), torus, coded)  # another one: the bytes are all that a decoder has
    assert found[0] < largest
    assert found[-1] < least
    assert found == sorted(found, reverse=True)
    assert files(codec, torus, chosen[:1]) == coded[:1]


def test_zstd_is_the_file_it_packs(torus: Mesh) -> None:
    pytest.importorskip("zstandard")
    codec = peer("ply")
    packed, raw = files(codec, torus, named(codec, torus, "zstd", "raw"))
    assert len(packed) < len(raw)
    np.testing.assert_array_equal(codec.decode(packed).vertices, codec.decode(raw).vertices)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize("codec", all_peers(), ids=lambda codec: codec.name)
def test_rate_points_are_told_apart(torus: Mesh, codec: Peer, quick: bool) -> None:
    points = codec.points(torus, quick)
    names = [point.name for point in points]
    assert names and len(set(names)) == len(names)
    assert not any(character.isspace() for name in names for character in name)
    if quick and codec.name != "ply":
        assert len(points) < len(codec.points(torus, quick=False))


def test_the_registry() -> None:
    assert [codec.name for codec in all_peers()] == list(PEERS)
    assert [peer(name).name for name in METHODS] == [f"sdfz-{name}" for name in METHOD_IDS]
    with pytest.raises(ValueError, match="no codec is called 'zip'; there are draco, opponent"):
        peer("zip")


@pytest.mark.parametrize("name", METHODS)
def test_a_method_alone_is_asked_for_at_every_point(torus: Mesh, name: str) -> None:
    points = peer(name).points(torus, quick=False)
    assert {point.settings["method"] for point in points} == {name.removeprefix("sdfz-")}
    assert peer(name).version() != peer("sdfz").version()


def test_peers_are_listed_without_their_packages() -> None:
    code = (
        "import sys; from sdfz.bench.peers import all_peers; all_peers();"
        "heavy = ('torch', 'DracoPy', 'zstandard', 'fast_simplification', 'skimage');"
        "print(*[name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_a_missing_package_is_a_reason() -> None:
    with pytest.raises(Unavailable, match="the Python package no-such-thing cannot be imported"):
        packages.optional("no_such_thing", "no-such-thing")


def test_the_error_of_a_mesh_far_away_is_that_of_float32() -> None:
    """What Draco and PLY store are float32: the frame is kept as well as that allows."""
    mesh = placed(shapes.sphere(subdivisions=3))
    raw = named(peer("ply"), mesh, "raw")
    assert errors(peer("ply"), mesh, files(peer("ply"), mesh, raw))[0] < 1e-5


def test_an_open_surface_stays_open_in_the_grid() -> None:
    """The field of an open shape changes sign away from it too; no surface is made there."""
    mesh = placed(shapes.height_field())
    codec = peer("sdf-grid")
    (coded,) = files(codec, mesh, named(codec, mesh, "r48b8"))
    decoded = codec.decode(coded)
    found = Reference(mesh.vertices, mesh.faces, 5_000).measure(decoded.vertices, decoded.faces)
    assert found.backward.mean < 2e-3


def test_the_grid_is_outward() -> None:
    vertices, faces = shapes.sphere(subdivisions=3)
    codec = peer("sdf-grid")
    (coded,) = files(codec, Mesh(vertices, faces), named(codec, Mesh(vertices, faces), "r32b8"))
    decoded = codec.decode(coded)
    volume = np.linalg.det(decoded.vertices[decoded.faces]).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=0.02)


class TestOurs:
    def test_settings_reach_the_encoder(self, torus: Mesh, monkeypatch: pytest.MonkeyPatch) -> None:
        from sdfz.codec import encode

        asked: list[encode.EncodeSettings] = []

        class Made:
            data = b"file"

        def encode_mesh(vertices: object, faces: object, settings: encode.EncodeSettings) -> Made:
            asked.append(settings)
            return Made()

        monkeypatch.setattr(encode, "encode_mesh", encode_mesh)
        codec = peer("sdfz")
        assert files(codec, torus, named(codec, torus, "q50", "q90")) == [b"file", b"file"]
        assert asked[0] == encode.EncodeSettings(quality=50)
        assert asked[1] == encode.EncodeSettings(quality=90)

    @pytest.mark.slow
    def test_decodes_a_file(self, golden_file: bytes) -> None:
        decoded = peer("sdfz").decode(golden_file)
        assert len(decoded.faces) > 10

    def test_the_digest_follows_the_sources(self, tmp_path: ours.Path) -> None:
        for name in ("codec/grid/fit.py", "codec/tables.npz", "formats/header.py"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text("one")
        before, without_grid = ours._digest(tmp_path, set()), ours._digest(tmp_path, {"grid"})
        assert len(before) == 8 and before == ours._digest(tmp_path, set())
        (tmp_path / "codec/notes.txt").write_text("not a source")
        (tmp_path / "codec/grid/fit.py").write_text("another method's")
        assert ours._digest(tmp_path, {"grid"}) == without_grid
        assert ours._digest(tmp_path, set()) != before
        (tmp_path / "codec/tables.npz").write_text("two")
        assert ours._digest(tmp_path, {"grid"}) != without_grid

    def test_the_version_is_that_of_the_package(self) -> None:
        from sdfz import __version__

        assert peer("sdfz").version().split()[0] == __version__


@pytest.fixture
def golden_file() -> bytes:
    from repository import ROOT

    return (ROOT / "tests" / "golden" / "v1" / "smallest.sdfz").read_bytes()
