"""The sheet of pictures of LGCL's figures; nothing is rendered here."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import shapes
from click.testing import CliRunner
from PIL import Image
from sdfz.bench import lgcl_figure
from sdfz.bench.lgcl_figure import main
from sdfz.bench.report.draw import Drawing
from sdfz.formats.mesh_io import write_mesh


class _Painter:
    """Draws a tall grey bar in a large clear square, redder where errors are drawn; remembers what it was given."""

    drawn: list[Drawing]

    def __enter__(self) -> _Painter:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def draw(self, drawing: Drawing) -> bytes:
        _Painter.drawn.append(drawing)
        pixels = np.zeros((100, 100, 4), np.uint8)
        pixels[10:90, 40:60] = (200, 90 if drawing.errors is None else 0, 90, 255)
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "WEBP", lossless=True)
        return file.getvalue()


def test_a_column_a_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All from the frame's camera, errors in the second row, margins cut."""
    monkeypatch.setattr(lgcl_figure, "Painter", _Painter)
    _Painter.drawn = []
    vertices, faces = shapes.sphere(1.0, 2)
    np.savez(tmp_path / "ball.npz", vertices=np.stack([vertices * (1 + t) for t in range(60)]), faces=faces)
    diagonal = np.linalg.norm(np.ptp(41 * vertices, axis=0))
    for name, factor in (("one", 41.0), ("another", 41.0 + 0.01 * diagonal)):
        write_mesh(factor * vertices, faces, tmp_path / f"ball {name}.ply")
    arguments = [str(tmp_path / "ball.npz"), str(tmp_path), "-o", str(tmp_path / "a.png")]
    result = CliRunner().invoke(main, [*arguments, "--method", "one", "--method", "another"])
    assert result.exit_code == 0, result.output
    frame, *others = _Painter.drawn
    np.testing.assert_allclose(frame.mesh.vertices, 41 * vertices)  # the first test frame is number 40
    assert [drawing.errors is None for drawing in others] == [True, False, True, False]
    assert others[1].errors.mean() < 1e-6
    assert others[3].errors.mean() == pytest.approx(0.01, rel=0.05)
    assert all(drawing.camera is frame.camera for drawing in others)
    width, height = Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())).size
    assert 3 * 20 / (2 * 80) * 0.9 < width / height < 3 * 20 / (2 * 80) * 1.1
