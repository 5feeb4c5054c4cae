"""Sheets of pictures: a column a shape, the original on top."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import shapes
from PIL import Image
from sdfz.bench.compact_pictures import column, sheet
from sdfz.bench.peers.contract import Mesh
from sdfz.bench.report.draw import TILE, Drawing


class FakePainter:
    """Draws a mesh as a square in a colour that tells its number of vertices."""

    def draw(self, drawing: Drawing) -> bytes:
        file = io.BytesIO()
        Image.new("RGBA", (TILE, TILE), (len(drawing.mesh.vertices), 0, 0, 255)).save(file, "PNG")
        return file.getvalue()


def test_a_sheet(tmp_path: Path) -> None:
    ball, box = Mesh(*shapes.sphere(1.0, 2)), Mesh(*shapes.box())
    columns = [column("one", ball, [box], FakePainter()), column("other", box, [ball], FakePainter())]  # type: ignore[arg-type]
    sheet(columns, tmp_path / "sheet.png")
    page, half = np.asarray(Image.open(tmp_path / "sheet.png")), TILE // 2
    assert page.shape == (2 * half, 2 * half, 3)
    expected = [[len(ball.vertices), len(box.vertices)], [len(box.vertices), len(ball.vertices)]]
    assert page[::half, ::half, 0].tolist() == expected
