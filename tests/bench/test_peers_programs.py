"""Peers that are programs: stand-ins on PATH check the command lines, and say what a missing or failing one does."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import shapes
from sdfz.bench.peers import gpcc, peer
from sdfz.bench.peers.contract import Mesh, Unavailable
from sdfz.bench.peers.programs import Cube, ProgramError, convert
from sdfz.codec.distortion import Reference

MESH = Mesh(shapes.sphere(subdivisions=2)[0] * 3.0 + np.array([30.0, -70.0, 110.0]), shapes.sphere(subdivisions=2)[1])

# Writes its arguments down and "codes" by copying a file: what goes in when encoding comes out when decoding.
STAND_IN = """#!{python}
import json, shutil, sys
arguments = sys.argv[1:]
with open({log!r}, "a") as log:
    log.write(json.dumps(arguments) + "\\n")
named = dict(a.lstrip("-").split("=", 1) for a in arguments if "=" in a)
if "-i" in arguments:
    named = {{"i": arguments[arguments.index("-i") + 1], "o": arguments[arguments.index("-o") + 1]}}
for source, target in {pairs!r}:
    if source in named and target in named:
        shutil.copyfile(named[source], named[target])
        sys.exit(0)
print({help!r})
sys.exit(1)
"""
PAIRS = [
    ("uncompressedDataPath", "compressedStreamPath"),
    ("compressedStreamPath", "reconstructedDataPath"),
    ("imesh", "compressed"),
    ("compressed", "decmesh"),
    ("i", "o"),
]

Install = Callable[..., Callable[[], list[list[str]]]]


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("VDMC_VIDEO_CONFIG", raising=False)
    return folder


@pytest.fixture
def install(empty_path: Path, tmp_path: Path) -> Install:
    """Puts a stand-in on PATH; gives a function that tells how it was called."""
    if os.name == "nt":
        pytest.skip("stand-ins are scripts with a #! line")

    def make(program: str, said: str = "") -> Callable[[], list[list[str]]]:
        log = tmp_path / f"{program}.log"
        script = empty_path / program
        script.write_text(STAND_IN.format(python=sys.executable, log=str(log), pairs=PAIRS, help=said))
        script.chmod(0o755)
        return lambda: [json.loads(line) for line in log.read_text().splitlines()]

    return make


def distance(decoded: Mesh, mesh: Mesh) -> float:
    """Largest distance from a decoded vertex to the mesh, as a fraction of its diagonal."""
    from sdfz.codec.distance import SurfaceTree

    reference = Reference(mesh.vertices, mesh.faces, 1_000)
    return float(SurfaceTree(mesh.vertices[mesh.faces]).closest(decoded.vertices)[0].max() / reference.diagonal)


@pytest.mark.usefixtures("empty_path")
@pytest.mark.parametrize(
    ("name", "program"),
    [("tmc3-octree", "tmc3"), ("tmc3-trisoup", "tmc3"), ("vdmc", "encode"), ("gltfpack", "gltfpack")],
)
def test_a_missing_program_is_a_reason(name: str, program: str) -> None:
    with pytest.raises(Unavailable, match=f"^the program {program} is not on PATH$"):
        peer(name).version()


@pytest.mark.parametrize(("name", "point", "node"), [("tmc3-octree", "d7", "0"), ("tmc3-trisoup", "d8n3", "3")])
def test_tmc3(install: Install, name: str, point: str, node: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpcc, "_SAMPLES_A_VOXEL", 4.0)
    calls = install("tmc3", "MPEG PCC tmc3 version release-v99")
    codec = peer(name)
    assert codec.version() == "tmc3 release-v99"
    (chosen,) = (each for each in codec.points(MESH, False) if each.name == point)
    decoded = codec.decode(codec.encode(codec.prepare(MESH, chosen.group), chosen))
    assert len(decoded.faces) == 0
    depth = chosen.settings["depth"]
    assert distance(decoded, MESH) < 0.51 / (2**depth - 1)  # half a voxel's diagonal, of a cube's diagonal
    shell = 4 * np.pi * (2 ** (depth - 1)) ** 2
    assert shell < len(decoded.vertices) < 2 * shell  # a sphere passes through about 1.5 voxels a unit of area
    _, encode, decode = (dict(a.lstrip("-").split("=", 1) for a in call if "=" in a) for call in calls())
    assert encode["mode"] == "0" and encode["trisoupNodeSizeLog2"] == node and encode["disableAttributeCoding"] == "1"
    assert decode["mode"] == "1" and decode["outputBinaryPly"] == "1"


def test_vdmc(install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encodes, decodes = (install(name, "--compressed=... Compressed bitstream") for name in ("encode", "decode"))
    codec = peer("vdmc")
    with pytest.raises(Unavailable, match="VDMC_VIDEO_CONFIG is not the path"):
        codec.version()
    config = tmp_path / "video.cfg"
    config.write_text("")
    monkeypatch.setenv("VDMC_VIDEO_CONFIG", str(config))
    assert codec.version() == "test model 4"
    point = next(each for each in codec.points(MESH, False) if each.name == "t0.03b10q28s3")
    decoded = codec.decode(codec.encode(codec.prepare(MESH, point.group), point))
    np.testing.assert_array_equal(decoded.faces, MESH.faces)
    np.testing.assert_allclose(decoded.vertices, MESH.vertices, atol=1e-4)
    encode = dict(a.lstrip("-").split("=", 1) for a in encodes()[-1])
    wanted = {"target": "0.03", "gqp": "10", "dqp": "28,40,40", "ai_subdivIt": "3", "liftingIt": "3", "enctex": "0"}
    assert wanted.items() <= encode.items()
    assert encode["gvencconfig"] == str(config) and encode["maxPosition"] == "4095,4095,4095"
    assert len(decodes()) == 3  # twice for the version


def test_another_program_called_encode(install: Install) -> None:
    install("encode", "usage: encode AUDIO")
    with pytest.raises(Unavailable, match="the program encode on PATH is not the V-DMC test model's"):
        peer("vdmc").version()


def test_gltfpack(install: Install) -> None:
    pytest.importorskip("zstandard")
    calls = install("gltfpack", "gltfpack 9.9")
    codec = peer("gltfpack")
    assert codec.version().startswith("gltfpack 9.9, zstandard ")
    some, full = (next(p for p in codec.points(MESH, False) if p.name == name) for name in ("f120-vp9", "f320-vp9"))
    for point in (some, full):
        decoded = codec.decode(codec.encode(codec.prepare(MESH, point.group), point))
        np.testing.assert_array_equal(decoded.faces, MESH.faces)
        np.testing.assert_allclose(decoded.vertices, MESH.vertices, atol=1e-5)
    _, simplified, decode, whole, _ = calls()
    assert simplified[4:] == ["-si", "0.37500000", "-se", "1", "-vp", "9", "-cz"]
    assert decode[4:] == ["-noq"]
    assert whole[4:] == ["-vp", "9", "-cz"]


def test_a_failing_program_says_why(install: Install) -> None:
    install("gltfpack", "line one\nError: no triangles")
    with pytest.raises(ProgramError, match="^gltfpack: exit code 1: Error: no triangles$"):
        convert("gltfpack", b"", ("a", "b"), ["--source={source}"])


def test_a_program_that_writes_nothing(empty_path: Path) -> None:
    true = shutil.which("true", path=os.defpath)
    if true is None:
        pytest.skip("there is no program true")
    (empty_path / "true").symlink_to(true)
    with pytest.raises(ProgramError, match="^true wrote no b.bin: it says nothing$"):
        convert("true", b"", ("a", "b.bin"), [])


def test_the_cube_holds_the_mesh() -> None:
    cube = Cube.around(MESH, 255)
    inside = cube.inside(MESH.vertices)
    assert inside.min() > -0.01 and 254.9 < inside.max() <= 255.01
    again, rest = Cube.unpack(cube.pack() + b"rest")
    assert rest == b"rest"
    np.testing.assert_array_equal(again.outside(inside), cube.outside(inside))
    np.testing.assert_allclose(again.outside(inside), MESH.vertices, atol=1e-9)


@pytest.mark.parametrize(
    ("name", "coarse", "fine"), [("gltfpack", "f120-vp9", "f320-vp9"), ("tmc3-octree", "d6", "d7")]
)
def test_the_real_program(name: str, coarse: str, fine: str) -> None:
    codec = peer(name)
    try:
        codec.version()
    except Unavailable as reason:
        pytest.skip(str(reason))
    found = []
    for wanted in (coarse, fine):
        point = next(each for each in codec.points(MESH, False) if each.name == wanted)
        data = codec.encode(codec.prepare(MESH, point.group), point)
        found.append((len(data), distance(codec.decode(data), MESH)))
    assert found[0][0] < found[1][0]
    assert max(error for _, error in found) < 0.02
