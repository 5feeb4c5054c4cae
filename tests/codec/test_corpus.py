"""What the codec must reach on the benchmark: files this small for a mean error, and closed shapes that stay closed."""

from __future__ import annotations

import csv

import pytest
from repository import ROOT
from sdfz.codec.decode import decode_bytes
from sdfz.codec.distortion import measure
from sdfz.codec.encode import EncodeSettings, ErrorBound, encode_mesh
from sdfz.formats.mesh_io import read_mesh

DATA = ROOT.parent / "shared" / "data"
DEV = DATA / "dev"

pytestmark = [
    pytest.mark.corpus,
    pytest.mark.slow,
    pytest.mark.skipif(not DEV.is_dir(), reason=f"the corpus is not beside the repository: no {DEV}"),
]


def closed_shapes() -> list[str]:
    if not DEV.is_dir():
        return []
    with open(DATA / "catalog.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["file"] for row in rows if row["role"] == "dev" and row["watertight"] == "1"]


@pytest.mark.parametrize(
    ("name", "error", "most_bytes"),
    [
        ("nefertiti", 5e-4, 650),
        ("nefertiti", 2e-4, 2600),
        ("bunny_zipper", 5e-4, 1300),
        ("spot", 5e-4, 550),
        ("armadillo", 5e-4, 2100),
        ("rocker_arm", 5e-4, 900),
        ("fandisk", 2e-4, 550),
    ],
)
def test_bytes_for_a_mean_error(name: str, error: float, most_bytes: int) -> None:
    mesh = read_mesh(DEV / f"{name}.ply")
    file = encode_mesh(mesh.vertices, mesh.faces, EncodeSettings(max_error=ErrorBound(error), metric="cd"))
    assert file.target_met
    assert len(file.data) <= most_bytes
    again = measure((mesh.vertices, mesh.faces), decode_bytes(file.data).triangles(), seed=77)
    assert again.cd <= 1.01 * error


@pytest.mark.parametrize("path", closed_shapes())
@pytest.mark.parametrize("quality", [20, 45])
def test_watertight_in_watertight_out(path: str, quality: int) -> None:
    import trimesh

    mesh = read_mesh(DATA / path)
    file = encode_mesh(mesh.vertices, mesh.faces, EncodeSettings(quality=quality, effort=1))
    shape = decode_bytes(file.data)
    uniform = trimesh.Trimesh(*shape.triangles(uniform=True), process=False)
    for resolution in (128, 256, 400):
        decoded = trimesh.Trimesh(*shape.triangles(resolution), process=False)
        assert decoded.is_watertight and decoded.is_winding_consistent
        assert decoded.euler_number == uniform.euler_number


@pytest.mark.parametrize("name", ["nefertiti", "spot", "fandisk", "bunny_zipper", "uo_power_drill"])
def test_an_adaptive_mesh_is_as_near_with_fewer_triangles(name: str) -> None:
    mesh = read_mesh(DEV / f"{name}.ply")
    shape = decode_bytes(encode_mesh(mesh.vertices, mesh.faces, EncodeSettings(quality=50, effort=1)).data)
    adaptive, uniform = shape.triangles(), shape.triangles(uniform=True)
    assert len(adaptive[1]) < 0.9 * len(uniform[1])
    errors = [measure((mesh.vertices, mesh.faces), decoded, seed=77).cd for decoded in (adaptive, uniform)]
    assert errors[0] < 1.02 * errors[1]
