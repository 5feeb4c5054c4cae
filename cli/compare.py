"""`sdfz compare`: how far one surface is from another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from . import streams
from .console import Console, length, percent, print_json
from .errors import CliError, explain
from .helptext import (
    GroupedCommand,
    backend_option,
    console_options,
    device_option,
    json_option,
    lod_option,
    option,
    pack_option,
    resolution_option,
    threads_option,
)
from .meshes import decode_to_mesh, is_sdfz, read_mesh_from

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..codec.distortion import Distortion


@dataclass(frozen=True)
class _Surface:
    name: str
    vertices: npt.NDArray[np.float64]
    faces: npt.NDArray[np.int64]
    units: str | None


@click.command(cls=GroupedCommand, short_help="How far one surface is from another.")
@click.argument("reference", metavar="REFERENCE")
@click.argument("other", metavar="OTHER")
@option(
    "-n",
    "--samples",
    type=click.IntRange(min=1),
    default=100_000,
    show_default=True,
    metavar="N",
    group="Measurement",
    help="Points on each surface.",
)
@option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    group="Measurement",
    help="Of them.",
)
@pack_option
@resolution_option
@lod_option
@device_option
@backend_option
@threads_option
@json_option
@console_options
def compare(
    *,
    reference: str,
    other: str,
    samples: int,
    seed: int,
    as_json: bool,
    console: Console,
    **decoding: Any,
) -> None:
    """Measure how far the surface of OTHER is from that of REFERENCE.

    Both are mesh files (PLY, OBJ, STL, OFF, GLB, glTF) or .sdfz files, which are decoded first. Distances are exact
    point-to-triangle distances, both ways, from points spread evenly over the surfaces (the largest also from all
    vertices), as fractions of the diagonal of REFERENCE's bounding box.

    \b
    sdfz compare bunny.ply bunny.sdfz
    sdfz compare bunny.ply decoded.obj --json
    """
    if streams.STREAM in (reference, other):
        raise click.UsageError("compare reads files, not stdin.")
    with console.progress() as progress:
        first, second = (_load_named(path, progress=progress, **decoding) for path in (reference, other))

    from ..codec.distortion import measure

    distortion = measure((first.vertices, first.faces), (second.vertices, second.faces), n_samples=samples, seed=seed)
    diagonal = _diagonal(first)
    if as_json:
        print_json(_report(first, second, distortion, diagonal, samples, seed))
    else:
        click.echo("\n".join(_page(first, second, distortion, diagonal)))


def _load_named(path: str, **decoding: Any) -> _Surface:
    try:
        return _load(path, **decoding)
    except Exception as error:  # of two inputs, say which
        raise CliError(explain(error, path)) from error


def _load(path: str, **decoding: Any) -> _Surface:
    with open(path, "rb") as file:
        start = file.read(16)
    if not is_sdfz(start):
        mesh = read_mesh_from(path, None)
        return _Surface(path, mesh.vertices, mesh.faces, mesh.units)
    from ..formats.container import unpack

    data = streams.read_source(path)
    decoded = decode_to_mesh(data, **decoding)
    metadata = unpack(data).metadata
    return _Surface(path, decoded.vertices, decoded.faces, metadata.units if metadata else None)


def _diagonal(surface: _Surface) -> float:
    import numpy as np

    return float(np.linalg.norm(np.ptp(surface.vertices, axis=0)))


def _report(
    first: _Surface, second: _Surface, distortion: Distortion, diagonal: float, n_samples: int, seed: int
) -> dict[str, Any]:
    """What --json prints; errors are fractions of the diagonal."""
    return {
        "reference": _counts(first),
        "other": _counts(second),
        "diagonal": diagonal,
        "units": first.units,
        "n_samples": n_samples,
        "seed": seed,
        **distortion.as_dict(),
    }


def _counts(surface: _Surface) -> dict[str, Any]:
    return {"input": surface.name, "n_vertices": len(surface.vertices), "n_faces": len(surface.faces)}


def _page(first: _Surface, second: _Surface, distortion: Distortion, diagonal: float) -> list[str]:
    """Lines for people."""
    forward, backward = distortion.forward, distortion.backward
    rows = [("", "both ways", "in units", "reference > other", "other > reference")]
    for label, both, there, back in (
        ("cd   mean", distortion.cd, forward.mean, backward.mean),
        ("rms  root mean square", distortion.rms, forward.rms, backward.rms),
        ("p99  99th percentile", distortion.p99, forward.p99, backward.p99),
        ("hd   largest", distortion.hd, forward.max, backward.max),
    ):
        rows.append((label, percent(both), length(both * diagonal, first.units), percent(there), percent(back)))
    rows.append(
        (
            "normal consistency",
            f"{distortion.normal_consistency:.4f}",
            "",
            f"{forward.normal_consistency:.4f}",
            f"{backward.normal_consistency:.4f}",
        )
    )
    for limit, score in distortion.f_scores.items():
        near, far = f"{forward.within[limit]:.4f}", f"{backward.within[limit]:.4f}"
        rows.append((f"F-score at {percent(limit)}", f"{score:.4f}", "", near, far))
    lines = [
        f"reference  {_described(first)}, diagonal {length(diagonal, first.units)}",
        f"other      {_described(second)}",
        "",
        "Distances in % of the reference's diagonal:",
    ]
    return lines + [f"{a:<22}{b:>10}{c:>14}{d:>20}{e:>20}".rstrip() for a, b, c, d, e in rows]


def _described(surface: _Surface) -> str:
    return f"{surface.name}: {len(surface.vertices):,} vertices, {len(surface.faces):,} triangles"
