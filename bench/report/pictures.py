"""What a shape looks like at a few sizes: the original, decoded files, and their error as colours.

The rows say which settings give about the wanted sizes; the files are made again from them, since rows keep no files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ...codec.distance import SurfaceTree
from ...codec.distortion import Reference
from ..peers.contract import Mesh, Peer, RatePoint
from ..rows import Row
from .cache import Cache, content_key, sources_digest
from .draw import Drawing, Painter
from .views import camera_of, view_of

SIZES = (2_000, 5_000, 20_000)
# A row this close to a wanted size, as a factor, stands for it.
_NEAR = 1.25
# Beyond these factors of the size a file says nothing about it.
_TOO_FAR = 2.5

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Decoded:
    """A file of a shape, and pictures of what it decodes to.

    Attributes
    ----------
    n_bytes : int
    cd, hd : float
        Fractions of the original's diagonal.
    surface, error : bytes
        WebP.
    """

    n_bytes: int
    cd: float
    hd: float
    surface: bytes
    error: bytes


@dataclass(frozen=True)
class Strip:
    """The pictures of one shape, all from one camera.

    Attributes
    ----------
    shape : str
    original : bytes
        WebP.
    decoded : tuple of Decoded
        By size.
    """

    shape: str
    original: bytes
    decoded: tuple[Decoded, ...]


def points_near(rows: Sequence[Row], sizes: Sequence[int] = SIZES) -> list[RatePoint]:
    """Rate points whose files have about the wanted sizes, from measured rows of one codec and shape.

    The row nearest in size where one is near; else, of a codec whose settings have a ``quality``, the quality that a
    line through the two nearest rows gives; else the nearest row, unless it is far off.
    """
    measured = sorted((row for row in rows if row.bytes), key=lambda row: row.bytes or 0)
    points: list[RatePoint] = []
    for size in sizes if measured else ():
        nearest = min(measured, key=lambda row: _log_off(row, size))
        point = RatePoint(nearest.point, nearest.point, dict(nearest.settings))
        if _log_off(nearest, size) > math.log(_NEAR):
            between = _between([row for row in measured if "quality" in row.settings], size)
            if between is None and _log_off(nearest, size) > math.log(_TOO_FAR):
                continue
            point = between or point
        if point not in points:
            points.append(point)
    return points


def strip_of(
    name: str, sha256: str, mesh: Mesh, peer: Peer, points: Sequence[RatePoint], painter: Painter, cache: Cache,
    progress: Progress,
) -> Strip:  # fmt: skip
    """The pictures of a shape, from the cache as far as they are there.

    Raises
    ------
    CannotDraw
        There is no renderer here.
    """
    looks = sources_digest("draw", "views")
    camera = camera_of(mesh.vertices, view_of(name, mesh.vertices))
    key = content_key(".webp", sha256, name, looks)
    original = cache.get(key) or cache.put(key, painter.draw(Drawing(mesh, camera)))
    decoded = []
    for point in points:
        made_from = _made_from(name, sha256, peer, point)
        keys = [content_key(suffix, *made_from, looks) for suffix in (".json", ".webp", ".error.webp")]
        found = [cache.get(each) for each in keys]
        if any(each is None for each in found):
            n_bytes, other = decoded_file(name, sha256, mesh, peer, point, cache, progress)
            drawings = (Drawing(other, camera), Drawing(other, camera, errors_at_vertices(mesh, other)))
            made = [_figures(n_bytes, mesh, other), *map(painter.draw, drawings)]
            found = [cache.put(each, content) for each, content in zip(keys, made, strict=True)]
        figures_text, surface, error = (each or b"" for each in found)
        decoded.append(Decoded(**json.loads(figures_text), surface=surface, error=error))
    return Strip(name, original, tuple(sorted(decoded, key=lambda each: each.n_bytes)))


def decoded_file(
    name: str, sha256: str, mesh: Mesh, peer: Peer, point: RatePoint, cache: Cache, progress: Progress
) -> tuple[int, Mesh]:
    """The size of a rate point's file, and what it decodes to; encoded now unless the cache has the file."""
    key = content_key(".coded", *_made_from(name, sha256, peer, point))
    data = cache.get(key)
    if data is None:
        progress(f"{name}: {peer.name} {point.name}")
        data = cache.put(key, peer.encode(peer.prepare(mesh, point.group), point))
    return len(data), peer.decode(data)


def _made_from(name: str, sha256: str, peer: Peer, point: RatePoint) -> tuple[object, ...]:
    return sha256, name, peer.name, peer.version(), dict(point.settings)


def _figures(n_bytes: int, mesh: Mesh, other: Mesh) -> bytes:
    measured = Reference(mesh.vertices, mesh.faces).measure(other.vertices, other.faces)
    return json.dumps({"n_bytes": n_bytes, "cd": measured.cd, "hd": measured.hd}).encode()


def errors_at_vertices(mesh: Mesh, other: Mesh) -> np.ndarray:
    """Distances of the vertices of a decoded mesh from the original, as fractions of its diagonal: (V,) float64."""
    lower = mesh.vertices.min(axis=0)
    diagonal = np.linalg.norm(np.ptp(mesh.vertices, axis=0))
    tree = SurfaceTree(((mesh.vertices - lower) / diagonal)[mesh.faces])
    return tree.closest((other.vertices - lower) / diagonal)[0]


def _log_off(row: Row, size: float) -> float:
    return abs(math.log((row.bytes or 1) / size))


def _between(rows: Sequence[Row], size: int) -> RatePoint | None:
    """The quality at which a line through the two rows nearest in size meets a size; None where no line helps."""
    first, second = (*sorted(rows, key=lambda row: _log_off(row, size)), None, None)[:2]
    if first is None or second is None or first.bytes == second.bytes:
        return None
    low, high = float(first.settings["quality"]), float(second.settings["quality"])
    share = math.log(size / (first.bytes or 1)) / math.log((second.bytes or 1) / (first.bytes or 1))
    quality = low + share * (high - low)
    if not 0 <= quality <= 100:
        return None
    quality = round(quality, 1)
    return RatePoint(f"q{quality:g}", f"q{quality:g}", {**first.settings, "quality": quality})
