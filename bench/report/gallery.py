"""The section of a report that shows what decoded shapes look like."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..corpus import CorpusShape
from ..peers import peer
from ..peers.contract import Unavailable
from ..rows import OK, Row
from .cache import Cache
from .document import Block, Bullets, Figure, Gallery, Heading, Paragraph
from .draw import HIGHEST_ERROR, LOWEST_ERROR, CannotDraw, Painter
from .pictures import Strip, points_near, strip_of
from .plots import colour_scale
from .tables import OURS
from .texts import scientific

Progress = Callable[[str], None]

_TITLE = Heading(2, "Pictures")


def pictures(rows: Sequence[Row], shapes: Sequence[CorpusShape], cache: Cache, progress: Progress) -> list[Block]:
    """Original, decoded and error of each shape that has rows; where there are no pictures, the reason.

    Parameters
    ----------
    rows : sequence of Row
    shapes : sequence of CorpusShape
        Where the originals are.
    cache : Cache
    progress : callable
        Called with a line for each file that is encoded.
    """
    try:
        with Painter() as painter:
            painter.check()
            return _pictures(rows, shapes, painter, cache, progress)
    except (CannotDraw, Unavailable) as error:
        return [_TITLE, Paragraph(f"There are none: {error}.")]


def _pictures(
    rows: Sequence[Row], shapes: Sequence[CorpusShape], painter: Painter, cache: Cache, progress: Progress
) -> list[Block]:
    by_name = {shape.name: shape for shape in shapes}
    blocks: list[Block] = [
        _TITLE,
        Paragraph(
            "Files of about 2, 5 and 20 KB, decoded at the default resolution, and below each how far its surface is "
            "from the original's. The colours are the same for all shapes and sizes, in the logarithm, from "
            f"{scientific(LOWEST_ERROR)} or less to {scientific(HIGHEST_ERROR)} or more of the diagonal. They show "
            "what is wrong or too much; what is missing shows as a hole."
        ),
        Figure("error-scale", "svg", colour_scale(), "The colours of errors, from light for small to dark for large"),
    ]
    measured_with = {row.version for row in rows if row.codec == OURS and row.status == OK}
    if measured_with and (here := peer(OURS).version()) not in measured_with:
        # A picture of other code than the figures are of must say so.
        blocks.append(Paragraph(f"They were made with version {here}, which is not the one that the tables are of."))
    left_out = []
    for name in sorted({row.shape for row in rows if row.codec == OURS}):
        measured = [row for row in rows if (row.shape, row.codec, row.status) == (name, OURS, OK)]
        found = by_name.get(name)
        if not measured:
            left_out.append(f"{name}: no file was measured")
        elif found is None or found.sha256 != measured[0].sha256:
            left_out.append(f"{name}: the corpus given has no such file")
        else:
            try:
                strip = strip_of(
                    name, found.sha256, found.load(), peer(OURS), points_near(measured), painter, cache, progress
                )
            except Unavailable as error:
                left_out.append(f"{name}: {error}")
            else:
                blocks += [Heading(3, name), _gallery(strip)]
    return blocks + ([Paragraph("Left out:"), Bullets(tuple(left_out))] if left_out else [])


def _gallery(strip: Strip) -> Gallery:
    original = Figure(f"{strip.shape.replace('/', '-')}-original", "webp", strip.original, f"{strip.shape}, original")
    columns: list[tuple[str, tuple[Figure, ...]]] = [("original", (original,))]
    for index, one in enumerate(strip.decoded):
        name, size = strip.shape.replace("/", "-"), f"{one.n_bytes:,} bytes"
        surface = Figure(f"{name}-{index}", "webp", one.surface, f"{strip.shape}, decoded from {size}")
        error = Figure(f"{name}-{index}-error", "webp", one.error, f"error of {strip.shape}, {size}")
        columns.append((f"**{size}**, CD {scientific(one.cd)}, HD {scientific(one.hd)}", (surface, error)))
    return Gallery(tuple(columns))
