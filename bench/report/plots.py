"""Rate-distortion plots as SVG: small multiples, all shapes together, and the scale of error colours.

The same data gives the same bytes. Frames and texts are drawn in `FRAME_COLOUR`, which is legible on white and on black
and which a page may replace by its own; the ground is transparent. Without matplotlib the functions raise Unavailable.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

import numpy as np

from ..envelope import Curve, bytes_at
from ..peers.packages import optional
from .draw import HIGHEST_ERROR, LOWEST_ERROR, error_colours
from .texts import scientific

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FRAME_COLOUR = "#6b7281"
_GRID_ALPHA = 0.22

# Mid tones, which stand out on white and on black.
_COLOURS = {
    "sdfz": "#e0455e",
    "opponent": "#3d86e0",
    "expert": "#8b68d8",
    "draco": "#3aa17e",
    "gltfpack": "#d28a2d",
    "vdmc": "#c76bb0",
    "tmc3-octree": "#5aa9b8",
    "tmc3-trisoup": "#2f8796",
    "sdf-grid": "#a58b52",
    "sdfz-grid": "#d28a2d",
    "sdfz-overfit": "#8b68d8",
    "sdfz-hashgrid": "#3aa17e",
    "sdfz-lpdif": "#c76bb0",
    "sdfz-lgcl": "#5aa9b8",
}
_OTHER_COLOUR = "#8d9299"
_FULL = ("sdfz", "opponent", "expert")  # the others are drawn thin
_SETTINGS = {
    "svg.fonttype": "none",  # texts as texts: smaller, and in the page's font
    "svg.hashsalt": "sdfz",
    "font.family": "sans-serif",
    "font.size": 9.0,
    "text.color": FRAME_COLOUR,
    "axes.edgecolor": FRAME_COLOUR,
    "axes.labelcolor": FRAME_COLOUR,
    "xtick.color": FRAME_COLOUR,
    "ytick.color": FRAME_COLOUR,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "path.simplify": False,
}

Curves = Mapping[str, Mapping[str, Curve]]
"""Lower envelopes by shape and codec."""


def small_multiples(curves: Curves, titles: Mapping[str, str], error_label: str, across: int = 4) -> bytes:
    """An SVG with a small rate-distortion plot for each shape, on common axes.

    Parameters
    ----------
    curves : mapping of shape to mapping of codec to curve
    titles : mapping of str to str
        Names of the codecs for the legend, in its order.
    error_label : str
    across : int
        Plots in a row, at most.
    """
    with _style():
        across = max(1, min(across, len(curves)))
        down = max(1, math.ceil(len(curves) / across))
        figure, axes = _figure(across, down, (2.6 * across + 0.5, 2.3 * down + 0.9))
        for axis, (shape, by_codec) in zip(axes, curves.items(), strict=False):
            axis.set_title(shape, fontsize=9, pad=3)
            for codec in titles:
                _draw(axis, codec, by_codec.get(codec, []))
        for axis in axes[len(curves) :]:
            axis.remove()
        for axis in axes[max(len(curves) - across, 0) : len(curves)]:
            axis.tick_params(labelbottom=True)  # the lowest of its column, also where the last row is not full
        _limits(axes[: len(curves)], curves)
        figure.supxlabel("bytes", fontsize=9)
        figure.supylabel(error_label, fontsize=9)
        _legend(figure, axes[0], {codec: title for codec, title in titles.items() if _is_drawn(curves, codec)})
        return _svg(figure)


def all_shapes(curves: Curves, titles: Mapping[str, str], error_label: str, reference: str) -> bytes:
    """An SVG of two plots: all shapes' curves, and bytes relative to a reference codec at equal error.

    In the second, over the errors that our curves reach, a thin line is a shape and a bold one the median of the shapes
    that both codecs cover there, drawn where these are at least half of all.
    """
    with _style():
        figure, (left, right) = _figure(2, 1, (10.4, 4.4), share=False)
        drawn = [codec for codec in titles if codec in _FULL or codec == reference]
        for codec in drawn:
            for by_codec in curves.values():
                _draw(left, codec, by_codec.get(codec, []), alpha=0.55, width=1.0)
        _limits([left], curves)
        left.set_xlabel("bytes")
        left.set_ylabel(error_label)
        _draw_ratios(right, drawn, curves, reference)
        right.set(xlabel=error_label, ylabel=f"bytes, {titles[reference]} = 1")
        _legend(figure, right, {codec: titles[codec] for codec in drawn})
        return _svg(figure)


def prefix_plots(
    curves: Mapping[str, Mapping[tuple[str, str], Curve]], layouts: Sequence[str], error_label: str
) -> bytes:
    """An SVG with a plot for each shape: errors of what is decoded from the starts of files.

    Parameters
    ----------
    curves : mapping of shape to mapping of (file, layout) to curve
        Bytes of a start, rising, and its error.
    layouts : sequence of str
        At most two: drawn full and dashed.
    error_label : str
    """
    with _style():
        from matplotlib.lines import Line2D

        styles = dict(zip(layouts, ("-", "--"), strict=False))
        across = max(1, min(4, len(curves)))
        down = max(1, math.ceil(len(curves) / across))
        figure, axes = _figure(across, down, (2.6 * across + 0.5, 2.3 * down + 0.9))
        for axis, (shape, by_file) in zip(axes, curves.items(), strict=False):
            axis.set_title(shape, fontsize=9, pad=3)
            axis.tick_params(labelbottom=True)
            for (_, layout), curve in by_file.items():
                n_bytes, errors = np.asarray(curve).T
                axis.plot(n_bytes, errors, styles[layout], color=_colour("sdfz"), marker="o", markersize=2.6)
        for axis in axes[len(curves) :]:
            axis.remove()
        _limits(
            axes[: len(curves)],
            {shape: {"sdfz": [point for curve in by.values() for point in curve]} for shape, by in curves.items()},
        )
        figure.supxlabel("bytes of the file's start", fontsize=9)
        figure.supylabel(error_label, fontsize=9)
        handles = [Line2D([], [], color=_colour("sdfz"), linestyle=s, label=layout) for layout, s in styles.items()]
        figure.legend(handles=handles, loc="outside upper center", ncols=len(handles), frameon=False)
        return _svg(figure)


def colour_scale() -> bytes:
    """An SVG of the colours of errors."""
    with _style():
        from matplotlib.colors import ListedColormap, LogNorm

        figure, (axis,) = _figure(1, 1, (8.0, 0.75))
        norm, colours = LogNorm(LOWEST_ERROR, HIGHEST_ERROR), ListedColormap(error_colours())
        edges = np.geomspace(LOWEST_ERROR, HIGHEST_ERROR, colours.N + 1)
        axis.pcolormesh(edges, [0, 1], np.sqrt(edges[1:] * edges[:-1])[None], norm=norm, cmap=colours)
        ticks = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2]
        axis.grid(False)
        axis.set(xscale="log", yticks=[], xlim=(LOWEST_ERROR, HIGHEST_ERROR))
        axis.set_xticks(ticks, [scientific(tick) for tick in ticks])
        axis.set_xticks([], minor=True)
        axis.set_xlabel("distance to the original, of its bounding-box diagonal", labelpad=2)
        return _svg(figure)


def _style() -> AbstractContextManager[None]:
    optional("matplotlib", "matplotlib")
    from matplotlib import rc_context

    return rc_context(_SETTINGS)


def _figure(across: int, down: int, size: tuple[float, float], share: bool = True) -> tuple[Figure, list[Axes]]:
    # Not pyplot: it keeps global state, and a figure made without it needs no display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots(down, across, sharex=share, sharey=share, squeeze=False)
    for axis in axes.flat:
        axis.grid(True, which="major", color=FRAME_COLOUR, alpha=_GRID_ALPHA, linewidth=0.6)
        axis.spines[["top", "right"]].set_visible(False)
    return figure, list(axes.flat)


def _draw(axis: Axes, codec: str, curve: Curve, alpha: float = 1.0, width: float | None = None) -> None:
    if not curve:
        return
    n_bytes, errors = np.asarray(curve).T
    is_full = codec in _FULL
    style: dict[str, Any] = {"color": _colour(codec), "alpha": alpha, "linewidth": width or (1.6 if is_full else 0.9)}
    if len(curve) == 1 or (codec == "sdfz" and width is None):
        style |= {"marker": "o", "markersize": 2.6}
    axis.plot(n_bytes, errors, zorder=3 if codec == "sdfz" else 2, **style)


def _draw_ratios(axis: Axes, codecs: Sequence[str], curves: Curves, reference: str) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter, NullLocator

    axis.set(xscale="log", yscale="log")
    axis.yaxis.set_major_locator(LogLocator(2))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.yaxis.set_major_formatter("{x:g}")
    axis.xaxis.set_major_formatter(_error_text)
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.invert_xaxis()
    reached = [error for by_codec in curves.values() for _, error in by_codec.get(codecs[0], [])]
    if not reached:
        return
    errors = np.geomspace(min(reached), max(reached), 120)
    for codec in codecs:
        logs = np.array([[_log_ratio(c, codec, reference, error) for error in errors] for c in curves.values()])
        for row in logs if codec != reference else ():
            axis.plot(errors, np.exp(row), color=_colour(codec), alpha=0.35, linewidth=0.7)
        enough = np.count_nonzero(~np.isnan(logs), axis=0) * 2 >= len(logs)
        middle = np.full(len(errors), np.nan)
        middle[enough] = np.nanmedian(logs[:, enough], axis=0)
        axis.plot(errors, np.exp(middle), color=_colour(codec), linewidth=2.4, zorder=3)


def _log_ratio(by_codec: Mapping[str, Curve], codec: str, reference: str, error: float) -> float:
    ours, theirs = (bytes_at(by_codec.get(name, []), error) for name in (codec, reference))
    return math.log(ours / theirs) if ours and theirs else math.nan


def _limits(axes: Sequence[Axes], curves: Curves) -> None:
    """Log scales that show where there is something to compare: what the main codecs reach."""
    from matplotlib.ticker import NullFormatter

    main = [point for by in curves.values() for codec in _FULL for point in by.get(codec, [])]
    points = main or [point for by in curves.values() for curve in by.values() for point in curve]
    for axis in axes:
        axis.set(xscale="log", yscale="log")
        axis.xaxis.set_major_formatter("{x:,.0f}")
        axis.yaxis.set_major_formatter(_error_text)
        for scale in (axis.xaxis, axis.yaxis):
            scale.set_minor_formatter(NullFormatter())
        if points:
            n_bytes, errors = np.asarray(points).T
            axis.set_xlim(n_bytes.min() / 1.3, n_bytes.max() * 1.3)
            axis.set_ylim(errors.min() / 1.3, errors.max() * 1.3)


def _error_text(error: float, _: float) -> str:
    return scientific(error) if error > 0 else ""


def _legend(figure: Figure, axis: Axes, titles: Mapping[str, str]) -> None:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=_colour(codec), linewidth=2, label=title) for codec, title in titles.items()]
    if lines:
        figure.legend(handles=lines, loc="outside upper center", ncols=min(len(lines), 6), frameon=False)


def _is_drawn(curves: Curves, codec: str) -> bool:
    return any(by_codec.get(codec) for by_codec in curves.values())


def _colour(codec: str) -> str:
    return _COLOURS.get(codec, _OTHER_COLOUR)


def _svg(figure: Figure) -> bytes:
    """The figure without what an SVG in a page does not need: metadata, and ids that nothing refers to."""
    file = io.StringIO()
    figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", file.getvalue(), flags=re.DOTALL)
    text = (
        text[text.index("<svg") :]
        .replace("xlink:href", "href")
        .replace(' xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    )
    used = set(re.findall(r'(?:href="|url\()#([\w.-]+)', text))
    text = re.sub(r' id="([\w.-]+)"', lambda match: match.group(0) if match.group(1) in used else "", text)
    text = re.sub(r"\d+\.\d{3,}", lambda match: f"{float(match.group()):.2f}", text)  # points are 1/72 inch: ample
    return text.encode()
