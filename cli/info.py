"""`sdfz info`: what a .sdfz file says about itself. Reads the container only: no torch, no decoding."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import click

from . import streams
from .console import METRICS, Console, count, length, percent, print_json
from .errors import Outcome, run_each
from .helptext import GroupedCommand, allow_truncated_option, console_options, json_option, pack_option

if TYPE_CHECKING:
    from ..formats.container import Container

_SECTION_NAMES = {0: "metadata", 1: "base", 127: "motion"}


@click.command(cls=GroupedCommand, short_help="What a .sdfz file holds, and its measured error.")
@click.argument("inputs", metavar="FILE...", nargs=-1, required=True)
@allow_truncated_option
@pack_option
@json_option
@console_options
def info(*, inputs: tuple[str, ...], allow_truncated: bool, pack: str | None, as_json: bool, console: Console) -> None:
    """Print what .sdfz files say about themselves: frame, measured errors, source, sections.

    FILE is a .sdfz file, or - for stdin. Errors are those that the encoder measured between the input and the
    decoded mesh. Checksums are verified on the way. -v adds every field of the header and decodes the symbols to
    count them: creases and the bits of each part of a scaffold, cells and latents of a grid.

    \b
    sdfz info bunny.sdfz
    sdfz info --json *.sdfz
    """
    ctx = click.get_current_context()

    def show(source: str) -> Outcome:
        from ..formats.container import unpack

        data = streams.read_source(source)
        container = unpack(data, allow_truncated=allow_truncated)
        report = _report(streams.source_name(source), len(data), container, pack)
        if console.verbose and not container.truncated:
            from ..codec.decode import check_bytes
            from ..codec.packs.lookup import search_with
            from ..formats.errors import MissingPackError

            # Without the pack that symbols are coded by there is nothing to count; that it is missing is said anyway.
            with suppress(MissingPackError):
                report["counts"] = check_bytes(data, packs=search_with(pack))
        if as_json:
            print_json(report)
        else:
            click.echo("\n".join(_page(report, container, verbose=console.verbose)))
        return Outcome.DONE

    run_each(ctx, inputs, streams.source_name, show, as_json=as_json)


def _report(name: str, n_bytes: int, container: Container, pack: str | None) -> dict[str, Any]:
    """What --json prints of one file."""
    from ..codec.methods import METHOD_NAMES, summary_of
    from ..codec.packs.lookup import search_with
    from ..codec.sequence.head import frames_of
    from ..formats.header import FORMAT_VERSION

    header, metadata = container.header, container.metadata
    errors = {metric: getattr(header.errors, metric) for metric in METRICS}
    sections = _layout(container)
    n_vertices = metadata.n_vertices if metadata else None
    short = header.pack_hash
    pack_path = None if short is None else search_with(pack).where(short)
    return {
        "input": name,
        "bytes": n_bytes,
        "version": FORMAT_VERSION,
        "method": METHOD_NAMES.get(header.method),
        "method_id": header.method,
        "pack": None if short is None else short.hex(),
        "pack_path": None if pack_path is None else str(pack_path),
        "truncated": container.truncated,
        "scale": header.frame.scale,
        "centre": header.frame.centre.tolist(),
        "diagonal": header.diagonal_units,
        "units": metadata.units if metadata else None,
        "errors": errors,
        "errors_in_units": {metric: error * header.diagonal_units for metric, error in errors.items()},
        "name": metadata.name if metadata else None,
        "n_vertices": n_vertices,
        "n_faces": metadata.n_faces if metadata else None,
        "bits_per_vertex": 8 * n_bytes / n_vertices if n_vertices else None,
        "frames": 1 if container.motion is None else frames_of(container.motion),
        "coded": summary_of(header.method, container.sections),
        "sections": sections,
        "overhead": n_bytes - sum(section["bytes"] for section in sections),
    }


def _layout(container: Container) -> list[dict[str, Any]]:
    """Where each section's payload lies in the file; metadata last."""
    from ..formats.container import CRC_BYTES, METADATA_ID, MOTION_ID
    from ..formats.header import pack_header
    from ..formats.metadata import pack_metadata
    from ..formats.varint import pack_varint

    payloads = [(section.id, len(section.data)) for section in container.sections]
    if container.motion is not None:
        payloads.append((MOTION_ID, len(container.motion)))
    if container.metadata is not None:
        payloads.append((METADATA_ID, len(pack_metadata(container.metadata))))
    layout, offset = [], len(pack_header(container.header))
    for section_id, n_bytes in payloads:
        offset += 1 + len(pack_varint(n_bytes))
        name = _SECTION_NAMES.get(section_id, "detail")
        layout.append({"id": section_id, "name": name, "offset": offset, "bytes": n_bytes})
        offset += n_bytes + CRC_BYTES
    return layout


def _page(report: dict[str, Any], container: Container, *, verbose: bool) -> list[str]:
    """Lines for people."""
    units = report["units"]
    method = report["method"] or f"{report['method_id']} (unknown to this sdfz)"
    lines = [
        f"{report['input']}: {count(report['bytes'], 'byte')}, sdfz version {report['version']}, method {method}"
        + (", cut short" if report["truncated"] else "")
    ]

    def row(label: str, text: str) -> None:
        lines.append(f"  {label:<15} {text}")

    for metric, meaning in (("cd", "mean error"), ("rms", "rms error"), ("hd", "largest error")):
        absolute = length(report["errors_in_units"][metric], units)
        row(meaning, f"{percent(report['errors'][metric])} of the diagonal, {absolute} ({metric})")
    row("diagonal", length(report["diagonal"], units))
    centre = ", ".join(f"{x:.6g}" for x in report["centre"])
    row("frame", f"scale {report['scale']:.6g}, centre ({centre})")
    if container.motion is not None:
        row("frames", f"{report['frames']:,}, {report['bytes'] / report['frames']:,.1f} bytes each; errors are of all")
    if report["pack"]:
        row("model pack", f"{report['pack']}, {report['pack_path'] or 'not found here'}")
    if container.metadata is not None:
        row("source", _source(report))
    if coded := report["coded"]:
        row("control mesh", ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in coded.items()))
    for section in report["sections"]:
        row(f"section {section['id']}", f"{count(section['bytes'], 'byte')} at {section['offset']}, {section['name']}")
    row("overhead", count(report["overhead"], "byte"))
    if verbose:
        rows = [*container.header.describe(), *(container.metadata.describe() if container.metadata else [])]
        lines += ["  fields", *(f"    {field.name:<13} {field.text}" for field in rows)]
        counts = report.get("counts", {})
        width = max(map(len, [*counts, " " * 13]))
        lines += ["  counts", *(f"    {name:<{width}} {_counted(value)}" for name, value in counts.items())]
    return lines


def _counted(value: Any) -> str:
    """A count, or several by name."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {number:,.0f}" for name, number in value.items())
    return str(value)


def _source(report: dict[str, Any]) -> str:
    parts = [report["name"] or "no name"]
    if report["n_vertices"] is not None:
        parts.append(f"{report['n_vertices']:,} vertices")
    if report["n_faces"] is not None:
        parts.append(f"{report['n_faces']:,} triangles")
    if report["bits_per_vertex"] is not None:
        parts.append(f"{report['bits_per_vertex']:.2f} bits per vertex")
    return ", ".join(parts)
