"""`sdfz bench bdrate`: bytes of codecs at equal error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..console import Console, print_json
from ..errors import CliError
from ..helptext import GroupedCommand, console_options, option
from .options import NamesType, bench_errors, print_table, table_argument

if TYPE_CHECKING:
    from ...bench.bdrate import Comparison
    from ...bench.envelope import BdRate, Refusal
    from ...bench.rows import Row


@click.command(cls=GroupedCommand, short_help="Bytes at equal error, against another codec.")
@table_argument
@option(
    "--codec",
    "codecs",
    type=NamesType(),
    default="sdfz",
    show_default=True,
    metavar="A,B",
    group="Comparison",
    help="What is compared.",
)
@option(
    "--reference",
    default="opponent",
    show_default=True,
    metavar="NAME",
    group="Comparison",
    help="What with.",
)
@option(
    "--metric",
    type=click.Choice(["cd", "rms", "hd"]),
    group="Comparison",
    help="Mean (cd), root mean square (rms) or largest (hd) distance. [default: all three; with --at cd]",
)
@option("--at", is_flag=True, group="Comparison", help="List the bytes of all codecs at some errors instead.")
@option("--json", "as_json", is_flag=True, help="Print a JSON object a line on stdout.")
@console_options
def bdrate(
    *,
    table: Path,
    codecs: tuple[str, ...],
    reference: str,
    metric: str | None,
    at: bool,
    as_json: bool,
    console: Console,
) -> None:
    """Compare the bytes of codecs at equal error (BD-rate).

    -50% is half the bytes of the reference for the same error. Each codec counts as the lower envelope of its points.
    The mean is over the logarithm of the error, between CD 1e-3 and 1e-4, RMS 1.25e-3 and 1.25e-4, HD 8e-3 and 8e-4
    of the diagonal, as far as both codecs were measured there; nothing is extrapolated, and where they share less than
    half a decade there is the reason instead of a figure.

    \b
    sdfz bench bdrate results.tsv
    sdfz bench bdrate results.tsv --codec sdfz,draco --reference expert --metric hd
    sdfz bench bdrate results.tsv --at
    """
    from ...bench.bdrate import METRICS, compare_codecs
    from ...bench.rows import read_rows

    with bench_errors():
        rows = read_rows(table)
    if at:
        if as_json:
            for report in _bytes_at_reports(rows, metric or "cd"):
                print_json(report)
        else:
            _print_bytes_at(rows, metric or "cd")
        return
    measured = {row.codec for row in rows}
    if missing := [name for name in (*codecs, reference) if name not in measured]:
        raise CliError(f"{table}: no row of {', '.join(missing)}; there are {', '.join(sorted(measured)) or 'none'}")
    metrics = METRICS if metric is None else (metric,)
    for index, codec in enumerate(codecs):
        comparisons = [compare_codecs(rows, codec, reference, each) for each in metrics]
        if as_json:
            for comparison in comparisons:
                print_json(_comparison_report(comparison))
        else:
            click.echo("\n" * bool(index), nl=False)
            _print_comparisons(comparisons)


def _print_comparisons(comparisons: Sequence[Comparison]) -> None:
    """A codec against a reference: a line a shape, two columns a metric."""
    first = comparisons[0]
    click.echo(f"{first.codec} against {first.reference}: bytes at equal error, and the errors compared\n")
    lines = [["shape", *(text for each in comparisons for text in (each.metric, f"{each.lo:g}..{each.hi:g}"))]]
    for shape in first.shapes:
        lines.append([shape, *(text for each in comparisons for text in _rate(each.shapes[shape]))])
    means = ((_percent(each.mean_percent), f"{each.n_compared} of {len(each.shapes)} shapes") for each in comparisons)
    lines.append(["mean", *(text for mean in means for text in mean)])
    print_table(lines)
    refused = [line for each in comparisons for line in _refusals(each)]
    if refused:
        click.echo("\n" + "\n".join(refused))


def _rate(found: BdRate | Refusal) -> tuple[str, str]:
    from ...bench.envelope import Refusal

    if isinstance(found, Refusal):
        return "-", ""
    return _percent(found.percent), f"{found.lo:.3g}..{found.hi:.3g}"


def _refusals(comparison: Comparison) -> list[str]:
    from ...bench.envelope import Refusal

    found = comparison.shapes.items()
    return [f"{shape}, {comparison.metric}: {each.reason}" for shape, each in found if isinstance(each, Refusal)]


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:+.1f}%"


def _comparison_report(comparison: Comparison) -> dict[str, Any]:
    """What --json prints of a codec and a metric."""
    report = asdict(comparison)
    for shape, found in comparison.shapes.items():
        report["shapes"][shape]["percent"] = getattr(found, "percent", None)
    return {**report, "mean_percent": comparison.mean_percent, "n_compared": comparison.n_compared}


def _print_bytes_at(rows: Sequence[Row], metric: str) -> None:
    """Bytes at some errors: a line a shape and codec."""
    from ...bench.bdrate import bytes_at_errors, listed_errors

    lines = [["shape", "codec", *(f"{metric} {error:g}" for error in listed_errors(metric))]]
    lines += [[*key, *map(str, found)] for key, found in bytes_at_errors(rows, metric).items()]
    print_table(lines, n_names=2)


def _bytes_at_reports(rows: Sequence[Row], metric: str) -> Iterator[dict[str, Any]]:
    """What --at --json prints, an object a shape and codec."""
    from ...bench.bdrate import bytes_at_errors

    for (shape, codec), found in bytes_at_errors(rows, metric).items():
        yield {"shape": shape, "codec": codec, "metric": metric, "bytes_at": [asdict(each) for each in found]}
