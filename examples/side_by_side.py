"""One picture of what a codec keeps: an original, its decoded copy, and the copy coloured by distance to the original.

python examples/side_by_side.py original.ply coded.sdfz decoded.ply picture.png
"""

from __future__ import annotations

import sys
from pathlib import Path

import igl
import numpy as np
import trimesh
from PIL import Image, ImageDraw, ImageFont
from render import View, clay, render
from sdfz.formats import unpack

PANEL = (400, 480)  # pixels
CAPTION = 72
INK, FAINT, PAPER = (34, 36, 40), (104, 108, 116), (250, 250, 251)
# Error colours in sRGB, from none to the largest; light to dark, so that they also read in grey.
RAMP = np.array([[238, 236, 230], [250, 214, 120], [240, 138, 60], [196, 52, 66], [92, 16, 84]]) / 255.0


def side_by_side(
    original: trimesh.Trimesh,
    decoded: trimesh.Trimesh,
    n_bytes: tuple[int, int],
    errors: tuple[float, float],
    path: str | Path,
) -> None:
    """Write the picture.

    Parameters
    ----------
    original, decoded : trimesh.Trimesh
        In the same frame.
    n_bytes : (int, int)
        Sizes of the original file and of the coded one.
    errors : (float, float)
        Mean and largest distance, as fractions of the diagonal.
    path : str or Path
        PNG file to write.
    """
    reference = igl.AABB()
    corners, triangles = np.asarray(original.vertices, np.float64), np.asarray(original.faces, np.int64)
    reference.init(corners, triangles)
    diagonal = float(np.linalg.norm(np.ptp(corners, axis=0)))

    def error(points: np.ndarray) -> np.ndarray:
        square, _, _ = reference.squared_distance(corners, triangles, np.ascontiguousarray(points))
        return np.sqrt(np.maximum(square, 0.0)) / diagonal

    scale = _round_up(float(np.quantile(error(_spread(decoded)), 0.98)))
    view = View.around(corners, size=PANEL)
    (before,) = render(original.vertices, original.faces, view)
    after, coloured = render(
        decoded.vertices, decoded.faces, view, clay, lambda points: _linear(_ramp(error(points) / scale)) * 0.9
    )

    sheet = Image.new("RGB", (3 * PANEL[0], PANEL[1] + CAPTION), PAPER)
    draw = ImageDraw.Draw(sheet)
    captions = (
        ("Original", f"{len(original.faces):,} triangles in {n_bytes[0]:,} bytes"),
        ("Decoded", f"{len(decoded.faces):,} triangles from {n_bytes[1]:,} bytes"),
        (f"Distance: mean {100 * errors[0]:.2g} %, largest {100 * errors[1]:.2g} %", ""),
    )
    for i, (image, (title, line)) in enumerate(zip((before, after, coloured), captions, strict=True)):
        image = np.round(image / 4.0) * 4.0  # finer steps are noise of the light's samples, a third of the PNG's bytes
        sheet.paste(Image.fromarray(image.clip(0, 255).astype(np.uint8)), (i * PANEL[0], 0))
        draw.text((i * PANEL[0] + 18, PANEL[1] + 11), title, INK, ImageFont.load_default(19))
        draw.text((i * PANEL[0] + 18, PANEL[1] + 39), line, FAINT, ImageFont.load_default(15))
    _colour_bar(sheet, (2 * PANEL[0] + 18, PANEL[1] + 42), scale)
    sheet.save(path, optimize=True)


def _colour_bar(sheet: Image.Image, corner: tuple[int, int], scale: float) -> None:
    width, height = 150, 13
    strip = _ramp(np.broadcast_to(np.linspace(0, 1, width), (height, width)))
    sheet.paste(Image.fromarray((strip * 255 + 0.5).astype(np.uint8)), corner)
    label = f"0 to {100 * scale:g} % of the diagonal"
    ImageDraw.Draw(sheet).text((corner[0] + width + 12, corner[1] - 3), label, FAINT, ImageFont.load_default(15))


def _spread(mesh: trimesh.Trimesh) -> np.ndarray:
    """Some 5,000 points of the surface (N, 3): triangles' centres, picked evenly by area."""
    area = np.cumsum(igl.doublearea(np.asarray(mesh.vertices), np.asarray(mesh.faces)))
    picked = np.searchsorted(area, np.linspace(0, area[-1], 5_000, endpoint=False))
    return np.asarray(mesh.vertices)[np.asarray(mesh.faces)[picked]].mean(axis=1)


def _ramp(values: np.ndarray) -> np.ndarray:
    """sRGB colours (..., 3) in 0..1 of values (...) in 0..1."""
    at = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(values, at, RAMP[:, channel]) for channel in range(3)], axis=-1)


def _linear(srgb: np.ndarray) -> np.ndarray:
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _round_up(value: float) -> float:
    """The next of 1, 2, 3, 5, 10 times a power of ten."""
    value = max(value, 1e-7)
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(step for step in (1, 2, 3, 5, 10) if step * power >= value * (1 - 1e-9)) * power)


if __name__ == "__main__":
    original_path, coded_path, decoded_path, picture_path = map(Path, sys.argv[1:])
    measured = unpack(coded_path.read_bytes()).header.errors
    side_by_side(
        trimesh.load_mesh(original_path, process=False),
        trimesh.load_mesh(decoded_path, process=False),
        (original_path.stat().st_size, coded_path.stat().st_size),
        (measured.cd, measured.hd),
        picture_path,
    )
