"""The example meshes are sound, come from their scripts, and can be drawn."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import igl
import numpy as np
import pytest
import trimesh
from repository import ROOT

EXAMPLES = ROOT / "examples"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch):
    """Modules of examples/, which is no package."""
    monkeypatch.syspath_prepend(EXAMPLES)

    def load(name: str) -> ModuleType:
        return importlib.import_module(name)

    return load


def load(name: str) -> trimesh.Trimesh:
    return trimesh.load_mesh(EXAMPLES / name, process=False)


def largest_gap(a: trimesh.Trimesh, b: trimesh.Trimesh) -> float:
    """Largest distance from a vertex of one mesh to the other."""

    def one_way(points: np.ndarray, mesh: trimesh.Trimesh) -> float:
        tree, corners, faces = igl.AABB(), np.array(mesh.vertices), np.array(mesh.faces)
        tree.init(corners, faces)
        return float(np.sqrt(tree.squared_distance(corners, faces, np.array(points))[0].max()))

    return max(one_way(a.vertices, b), one_way(b.vertices, a))


@pytest.mark.parametrize(("name", "n_faces", "euler"), [("relief_vase.ply", 64_000, -2), ("bracket.ply", 6_000, -10)])
def test_example_is_one_closed_surface(name: str, n_faces: int, euler: int) -> None:
    mesh = load(name)
    assert len(mesh.faces) == n_faces
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    assert mesh.euler_number == euler
    assert mesh.body_count == 1


# Decimation takes its edges in the order of their costs, and a last digit changes that order: the tolerance is that
# of two decimations of the same surface.
@pytest.mark.parametrize(
    ("name", "tolerance_mm"),
    [("bracket", 0.3), pytest.param("relief_vase", 0.6, marks=pytest.mark.slow)],
)
def test_example_comes_from_its_script(script, name: str, tolerance_mm: float) -> None:
    made, shipped = trimesh.Trimesh(*script(f"make_{name}").make(), process=False), load(f"{name}.ply")
    assert len(made.faces) == len(shipped.faces)
    assert made.euler_number == shipped.euler_number
    assert made.volume == pytest.approx(shipped.volume, rel=1e-3)
    assert largest_gap(made, shipped) < tolerance_mm


def test_examples_are_small() -> None:
    assert (EXAMPLES / "relief_vase.ply").stat().st_size < 1_500_000
    assert (EXAMPLES / "bracket.ply").stat().st_size < 200_000


def test_picture_of_a_ball(script) -> None:
    render = script("render")
    ball = trimesh.creation.icosphere(subdivisions=2)
    (picture,) = render.render(ball.vertices, ball.faces, render.View.around(ball.vertices, size=(60, 48)), samples=1)
    assert picture.shape == (48, 60, 3)
    reddish = picture[:, :, 0].astype(int) - picture[:, :, 2] > 15  # clay, not the grey of the floor
    rows, columns = np.nonzero(reddish)
    assert abs(rows.mean() - 24) < 2
    assert abs(columns.mean() - 30) < 2
    assert np.ptp(rows) == pytest.approx(np.ptp(columns), abs=3)


def test_side_by_side(script, tmp_path: Path) -> None:
    figure = script("side_by_side")
    mesh = load("bracket.ply")
    moved = mesh.copy()
    moved.apply_translation([0.05, 0.0, 0.0])
    figure.PANEL = (120, 96)
    figure.side_by_side(mesh, moved, (114_055, 1_234), (0.0004, 0.0007), tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_demo(tmp_path: Path) -> None:
    subprocess.run([sys.executable, EXAMPLES / "demo.py", tmp_path / "demo"], cwd=ROOT, check=True)
    assert sorted(path.name for path in (tmp_path / "demo").iterdir()) == [
        "relief_vase.ply",
        "relief_vase.sdfz",
        "side_by_side.png",
    ]
