"""The section of a report about files that are cut: error against prefix length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from ..envelope import Curve
from ..prefixes import AS_WRITTEN, BY_LEVEL, Prefix
from .document import Block, Figure, Heading, Paragraph, Table
from .plots import prefix_plots
from .texts import NONE, scientific


def prefix_section(rows: Sequence[Prefix]) -> list[Block]:
    """A plot for each shape and a table of all prefixes; nothing without rows."""
    if not rows:
        return []
    curves: dict[str, dict[tuple[str, str], Curve]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row.cd is not None:
            curves[row.shape][row.point, row.layout].append((row.bytes, row.cd))
    note = (
        "Progressive files of the `grid` method, cut after each section and decoded. As they are written, all levels "
        "of latents but the finest share the first section, or all of them where a file is small; with a section for "
        "each level the same symbols take a few bytes more. Until the last level is there, the network of the file is "
        "left out. `-` stands for a prefix in which no surface comes out."
    )
    figure = Figure(
        "prefixes",
        "svg",
        prefix_plots(curves, (AS_WRITTEN, BY_LEVEL), "CD, of the diagonal"),
        "Mean error against the bytes of a file's start, for each shape",
        "Each line is a file; its last point is the whole of it.",
    )
    header = ("shape", "file", "layout", "levels", "bytes", "of the file", "CD", "HD")
    return [Heading(2, "Files cut short"), Paragraph(note), figure, Table(header, tuple(map(_line, rows)), n_texts=3)]


def _line(row: Prefix) -> tuple[str, ...]:
    errors = (scientific(error) if error is not None else NONE for error in (row.cd, row.hd))
    share = f"{100 * row.bytes / row.bytes_of:.0f} %"
    return (row.shape, row.point, row.layout, f"{row.levels} of {row.levels_of}", f"{row.bytes:,}", share, *errors)
