"""The section about our methods one by one: what `sdfz-METHOD` rows say beside the codec itself and the reference."""

from __future__ import annotations

from collections.abc import Sequence

from ..bdrate import bytes_at_errors, curves
from ..peers.contract import Unavailable
from ..rows import Row
from .document import Block, Figure, Heading, Paragraph, Table
from .plots import small_multiples
from .tables import METRIC_NAMES, OURS, by_shape, bytes_cells, codecs_of, title_of
from .texts import scientific

_PREFIX = f"{OURS}-"
_ERRORS = (1e-3, 5e-4)


def is_method(row: Row) -> bool:
    """Whether a row is about a method by its name, not about the codec that chooses among them."""
    return row.codec.startswith(_PREFIX)


def methods(rows: Sequence[Row], reference: str) -> list[Block]:
    """Bytes at two errors and curves of each method, for the shapes that some method was measured on."""
    shapes = {row.shape for row in rows if is_method(row)}
    if not shapes:
        return []
    present = codecs_of(row for row in rows if row.shape in shapes)
    codecs = [name for name in (reference, OURS) if name in present]
    codecs += [name for name in present if name.startswith(_PREFIX)]
    chosen = [row for row in rows if row.shape in shapes and row.codec in codecs]
    found = bytes_at_errors(chosen, "cd", _ERRORS)
    header = ("shape", *(f"{_short(codec)}, {scientific(error)}" for error in _ERRORS for codec in codecs))
    lines = []
    for shape in sorted(shapes):
        cells = [cell for i in range(len(_ERRORS)) for cell in bytes_cells(found, shape, codecs, i)]
        lines.append((shape, *cells))
    note = (
        f"`{OURS} encode --method NAME` beside `{OURS}` as it is. Interpolated as above; `-` also stands where a "
        "method was not measured."
    )
    return [Heading(2, "Methods"), Paragraph(note), Table(header, tuple(lines)), *_curves(chosen, codecs)]


def _curves(rows: Sequence[Row], codecs: Sequence[str]) -> list[Block]:
    titles = {codec: title_of(codec) for codec in codecs}
    label = f"{METRIC_NAMES['cd']}, of the diagonal"
    try:
        drawing = small_multiples(by_shape(curves(rows, "cd")), titles, label)
    except Unavailable as error:
        return [Paragraph(f"There are no curves: {error}.")]
    return [Figure("methods-cd", "svg", drawing, f"Curves of each method for each shape, {label}")]


def _short(codec: str) -> str:
    return codec.removeprefix(_PREFIX)
