"""The section of a report about what the figures cannot tell apart."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ..corpus import CorpusShape
from ..metrics import noise_floor, spread_over_seeds
from ..peers import peer
from ..peers.contract import Mesh, Unavailable
from ..rows import OK, Row
from .cache import Cache, content_key
from .document import Block, Heading, Paragraph, Table
from .pictures import decoded_file, points_near
from .tables import OURS
from .texts import NONE

_SIZE = 5_000
_EXACT = ("cd", "rms", "hd")
_SAMPLED = ("cloud_l1_30k", "cloud_l2_30k", "emd_500")

Progress = Callable[[str], None]
Figures = dict[str, float]


def noise_floors(rows: Sequence[Row], shapes: Sequence[CorpusShape], cache: Cache, progress: Progress) -> list[Block]:
    """Least figures that a perfect decoder would get, and least differences that mean anything, of each shape.

    The shapes are those that have measured rows of ours and are in the corpus given.
    """
    lines = []
    for shape in shapes:
        measured = [r for r in rows if (r.shape, r.sha256, r.codec, r.status) == (shape.name, shape.sha256, OURS, OK)]
        if measured:
            mesh = shape.load()
            floor = _floor(shape, mesh, cache, progress)
            resolution = _resolution(shape, mesh, measured, cache, progress)
            cells = (f"{floor[name]:.2g}" if name in floor else NONE for name in ("cd", "hd", *_SAMPLED))
            lines.append((shape.name, *cells, *(_share(resolution, name) for name in _EXACT)))
    if not lines:
        return []
    note = (
        "Left, each original against itself, measured with other samples: what a perfect decoder gets. Distances to "
        "triangles have no floor but rounding; those between sampled clouds do, which is why our tables do not use "
        "them. Right, one file of about 5 KB, measured several times with other samples: two figures that differ by "
        "less than this may be the same."
    )
    header = ("shape", "CD", "HD", *(f"`{name}`" for name in _SAMPLED), *(f"{name.upper()} ±" for name in _EXACT))
    return [Heading(2, "Noise floor"), Paragraph(note), Table(header, tuple(lines))]


def _floor(shape: CorpusShape, mesh: Mesh, cache: Cache, progress: Progress) -> Figures:
    def measure() -> Figures:
        return {name: spread.mean for name, spread in noise_floor(mesh).items()}

    return _kept(cache, content_key(".floor.json", shape.sha256), measure, lambda: progress(f"{shape.name}: floor"))


def _resolution(
    shape: CorpusShape, mesh: Mesh, measured: Sequence[Row], cache: Cache, progress: Progress
) -> Figures | None:
    """Least differences that mean anything, as shares of the figures; None where there is no file to measure."""
    points = points_near(measured, (_SIZE,))
    if not points:
        return None
    codec = peer(OURS)

    def measure() -> Figures:
        _, other = decoded_file(shape.name, shape.sha256, mesh, codec, points[0], cache, progress)
        found = spread_over_seeds(mesh, other, papers=False)
        return {name: found[name].resolution / found[name].mean for name in _EXACT}

    try:
        made_from = (shape.sha256, codec.version(), dict(points[0].settings))
        key = content_key(".resolution.json", *made_from)
        return _kept(cache, key, measure, lambda: progress(f"{shape.name}: spread over seeds"))
    except (Unavailable, ValueError):  # nothing to decode with, or nothing decoded
        return None


def _kept(cache: Cache, key: str, measure: Callable[[], Figures], announce: Callable[[], None]) -> Figures:
    found = cache.get(key)
    if found is None:
        announce()
        found = cache.put(key, json.dumps(measure()).encode())
    figures: Figures = json.loads(found)
    return figures


def _share(figures: Figures | None, name: str) -> str:
    return f"{100 * figures[name]:.2g} %" if figures else NONE
