"""The sections of a report that come from the rows alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from ..bdrate import METRICS, RANGES, BytesAt, Comparison, bytes_at_errors, compare_codecs, curves
from ..envelope import BdRate, Curve
from ..peers import peer
from ..peers.contract import Unavailable
from ..rows import FAILED, SKIPPED, Row
from .document import Block, Bullets, Figure, Heading, Paragraph, Table, Tiles
from .plots import all_shapes, small_multiples
from .texts import NONE, scientific, signed_percent

OURS, EXPERT = "sdfz", "expert"
CD_ERRORS = (1e-3, 5e-4, 2e-4, 1e-4)
METRIC_NAMES = {"cd": "mean error (CD)", "rms": "RMS error", "hd": "largest error (HD)"}
# What comes first in tables and legends; others follow by name.
_ORDER = (OURS, "opponent", EXPERT, "draco", "gltfpack", "vdmc")


def codecs_of(rows: Iterable[Row]) -> list[str]:
    """Names of the codecs that rows are about, in the order of tables."""
    names = {row.codec for row in rows}
    return [name for name in _ORDER if name in names] + sorted(names - set(_ORDER))


def title_of(codec: str) -> str:
    """Name of a codec for people; the key itself where no peer has it."""
    try:
        return peer(codec).title
    except ValueError:
        return codec


def headline(rows: Sequence[Row], reference: str, date: str) -> list[Block]:
    """Title, what was measured with what on which machine, and the figures that say most."""
    ours = [row for row in rows if row.codec == OURS]
    shapes = {row.shape for row in rows}
    machines = sorted({row.machine for row in rows if row.machine})
    versions = sorted({row.version for row in ours if row.version})
    title = f"{OURS} {', '.join(sorted({version.split()[0] for version in versions}))}".rstrip() + " on the bench"
    lines = [
        f"Rate and distortion of {OURS} and of what people use today on {len(shapes)} shapes: the same meshes, the "
        "same metric, whole files. Errors are exact point-to-triangle distances in both directions, as fractions of "
        "the original's bounding-box diagonal; CD is their mean.",
        "Measured "
        + "; ".join(
            [
                f"with version {', '.join(versions) or 'unknown'} of {OURS}",
                *([f"on {date}"] if date else []),
                *([f"on {' and '.join(machines)}"] if machines else []),
            ]
        )
        + ".",
    ]
    lines.append(_who(rows, reference))
    against = [reference, *([EXPERT] if EXPERT != reference and EXPERT in {row.codec for row in rows} else [])]
    tiles = [_tile(compare_codecs(rows, OURS, other, metric)) for other in against for metric in METRICS]
    return [Heading(1, title), *map(Paragraph, lines), Tiles(tuple(tiles))]


def _who(rows: Sequence[Row], reference: str) -> str:
    """What the names in the tables stand for."""
    named = [name for name in dict.fromkeys((reference, EXPERT)) if name in codecs_of(rows)]
    return "; ".join(f"**{name}** is {title_of(name)}" for name in named) + "."


def _tile(found: Comparison) -> tuple[str, str]:
    mean = found.mean_percent
    about = f"{METRIC_NAMES[found.metric]}, against the {found.reference}"
    if mean is None:
        return NONE, f"bytes at equal {about}: no shape can be compared"
    word = "fewer" if mean < 0 else "more"
    return signed_percent(
        mean
    ), f"{word} bytes at equal {about}; mean of {found.n_compared} of {len(found.shapes)} shapes"


def bytes_table(rows: Sequence[Row], reference: str) -> list[Block]:
    """Bytes at round errors for the codecs that matter most, the best bold."""
    present = codecs_of(rows)
    codecs = [name for name in (reference, EXPERT, OURS) if name in present]
    found = bytes_at_errors(rows, "cd", CD_ERRORS)
    faces = {row.shape: row.faces for row in rows}
    header = ("shape", "faces", *(f"{codec}, {scientific(error)}" for error in CD_ERRORS for codec in codecs))
    lines = []
    for shape in sorted(faces):
        cells: list[str] = []
        for index in range(len(CD_ERRORS)):
            cells += bytes_cells(found, shape, codecs, index)
        lines.append((shape, f"{faces[shape]:,}", *cells))
    note = (
        "Interpolated between measured files, on the lower envelope of each codec. `<` stands for the smallest file "
        "measured where that has a smaller error already, `-` for an error that no file reached."
    )
    return [Heading(2, "Bytes at equal error"), Paragraph(note), Table(header, tuple(lines))]


def bytes_cells(
    found: Mapping[tuple[str, str], Sequence[BytesAt]], shape: str, codecs: Sequence[str], index: int
) -> list[str]:
    """Texts of what codecs need for a shape and the error of an index; the smallest is bold."""
    nothing = BytesAt(0.0, None)
    return _best_bold([found[shape, codec][index] if (shape, codec) in found else nothing for codec in codecs])


def _best_bold(cells: Sequence[BytesAt]) -> list[str]:
    """Texts of what codecs need for one error; the smallest is bold where it is known to be the smallest."""
    most = [_upper(cell) for cell in cells]
    least = [
        cell.bytes if cell.bytes is not None else 0.0 if cell.at_most is not None else float("inf") for cell in cells
    ]
    texts = []
    for index, cell in enumerate(cells):
        others = least[:index] + least[index + 1 :]
        is_best = most[index] < float("inf") and bool(others) and most[index] <= min(others)
        texts.append(f"**{cell}**" if is_best else str(cell))
    return texts


def _upper(cell: BytesAt) -> float:
    for value in (cell.bytes, cell.at_most):
        if value is not None:
            return value
    return float("inf")


def curve_plots(rows: Sequence[Row], reference: str) -> list[Block]:
    """Rate-distortion curves of all shapes, for the mean and the largest error."""
    titles = {codec: title_of(codec) for codec in codecs_of(rows)}
    note = (
        "Lower envelopes on logarithmic axes: further left is smaller, lower is closer. The right-hand plots take the "
        "reference's bytes as 1 at each error; thin lines are single shapes, bold ones their median where at least "
        "half of the shapes have a figure."
    )
    try:
        figures = [figure for metric in ("cd", "hd") for figure in _figures(rows, metric, titles, reference)]
    except Unavailable as error:
        return [Heading(2, "Curves"), Paragraph(f"There are none: {error}.")]
    return [Heading(2, "Curves"), Paragraph(note), *figures]


def _figures(rows: Sequence[Row], metric: str, titles: Mapping[str, str], reference: str) -> list[Figure]:
    grouped = by_shape(curves(rows, metric))
    label = f"{METRIC_NAMES[metric]}, of the diagonal"
    figures = []
    if reference in titles:
        drawing = all_shapes(grouped, titles, label, reference)
        figures.append(Figure(f"all-{metric}", "svg", drawing, f"Curves of all shapes together, {label}"))
    drawing = small_multiples(grouped, titles, label)
    return [*figures, Figure(f"shapes-{metric}", "svg", drawing, f"Curves of each shape, {label}")]


def by_shape(found: Mapping[tuple[str, str], Curve]) -> dict[str, dict[str, Curve]]:
    """Curves by shape and codec."""
    grouped: dict[str, dict[str, Curve]] = defaultdict(dict)
    for (shape, codec), curve in sorted(found.items()):
        grouped[shape][codec] = curve
    return grouped


def bd_rate_table(rows: Sequence[Row], reference: str) -> list[Block]:
    """BD-rate of each shape against the references, for each metric; what was refused, and why."""
    present = codecs_of(rows)
    against = [name for name in dict.fromkeys((reference, EXPERT)) if name in present]
    found = [compare_codecs(rows, OURS, other, metric) for other in against for metric in METRICS]
    if not found or OURS not in present:
        return []
    shapes = sorted(set().union(*(each.shapes for each in found)))
    lines = [(shape, *(_bd_text(each, shape) for each in found)) for shape in shapes]
    means = (signed_percent(each.mean_percent) if each.mean_percent is not None else NONE for each in found)
    lines.append(("**mean**", *(f"**{mean}**" for mean in means)))
    ranges = ", ".join(f"{metric.upper()} {scientific(lo)} to {scientific(hi)}" for metric, (lo, hi) in RANGES.items())
    note = (
        f"Mean difference in bytes at equal error, over {ranges} of the diagonal (or the part of it, in brackets, that "
        "both curves cover: nothing is extrapolated), piecewise cubic in the logarithms. Below zero is smaller."
    )
    header = ("shape", *(f"{each.metric.upper()}, {each.reference}" for each in found))
    refused: dict[str, list[str]] = defaultdict(list)
    for each in found:
        for shape, one in each.shapes.items():
            if not isinstance(one, BdRate):
                refused[f"{each.metric.upper()} against the {each.reference}: {one.reason}"].append(shape)
    blocks: list[Block] = [Heading(2, "BD-rate"), Paragraph(note), Table(header, tuple(lines))]
    if refused:
        blocks += [
            Paragraph("Not compared:"),
            Bullets(tuple(f"{reason}: {', '.join(names)}" for reason, names in sorted(refused.items()))),
        ]
    return blocks


def _bd_text(found: Comparison, shape: str) -> str:
    one = found.shapes.get(shape)
    if not isinstance(one, BdRate):
        return NONE
    whole = one.lo <= found.lo * 1.01 and one.hi >= found.hi / 1.01
    return signed_percent(one.percent) + ("" if whole else f" ({scientific(one.lo)} to {scientific(one.hi)})")


def codecs_table(rows: Sequence[Row]) -> list[Block]:
    """Who was measured: version, how it was run, what it does not do."""
    lines = []
    for codec in codecs_of(rows):
        versions = sorted({row.version for row in rows if row.codec == codec and row.version})
        try:
            found = peer(codec)
            how, caveat = found.how, found.caveat
        except ValueError:
            how, caveat = "", ""
        lines.append((f"{title_of(codec)} (`{codec}`)", ", ".join(versions) or NONE, how, caveat))
    table = Table(("codec", "version", "how it is run", "what to know"), tuple(lines), n_texts=4)
    return [Heading(2, "Codecs"), table]


def missing_list(rows: Sequence[Row]) -> list[Block]:
    """What was skipped or failed, and why; nothing if all went well."""
    shapes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    n_shapes = len({row.shape for row in rows})
    for row in rows:
        if row.status in (SKIPPED, FAILED):
            what = title_of(row.codec) + (f" {row.point}" if row.point else "")
            shapes[row.status, what, row.reason].add(row.shape)
    if not shapes:
        return []
    items = []
    for (status, what, reason), names in sorted(shapes.items(), reverse=True):
        where = "all shapes" if len(names) == n_shapes > 1 else ", ".join(sorted(names))
        items.append(f"{what} {status} on {where}: {_plain(reason)}")
    return [Heading(2, "Not measured"), Bullets(tuple(items))]


def _plain(text: str) -> str:
    """A message without marks that would change how it is shown."""
    return re.sub(r"[*`]", "'", text) or "no reason given"
