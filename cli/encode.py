"""`sdfz encode`: meshes in, .sdfz files out."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from . import streams
from .console import METRICS, Console, count, length, percent, print_json
from .errors import Outcome, run_each
from .helptext import (
    MESH_INPUTS,
    METHOD,
    GroupedCommand,
    backend_option,
    console_options,
    device_option,
    force_option,
    json_option,
    option,
    threads_option,
)
from .meshes import read_mesh_from
from .quality import UNITS, ErrorTarget, ErrorTargetType, SizeType

if TYPE_CHECKING:
    from ..codec.encode import Encoded, EncodeSettings
    from ..formats.mesh_io import Mesh
    from ..formats.metadata import Metadata


@dataclass(frozen=True)
class _Request:
    """What was asked for, the same for every input."""

    max_error: ErrorTarget | None
    metric: str
    target_size: int | None
    quality: float | None
    effort: int
    method: str
    preserve_mesh: bool
    seed: int
    device: str
    backend: str
    threads: int | None
    units: str | None
    pack: str | None
    input_format: str | None
    metadata: bool
    sequence: bool
    as_json: bool
    force: bool


@click.command(cls=GroupedCommand, short_help="Meshes to .sdfz files.")
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@option(
    "-o",
    "--output",
    metavar="PATH",
    group="Input and output",
    help="File, directory (DIR/) or - for stdout. [default: INPUT with the suffix .sdfz; stdout for stdin]",
)
@option(
    "--input-format",
    type=click.Choice(MESH_INPUTS, case_sensitive=False),
    group="Input and output",
    help="File type of the inputs. [default: by suffix; stdin by its first bytes]",
)
@option(
    "--units",
    type=click.Choice(UNITS),
    group="Input and output",
    help="Unit of the input's coordinates, for --max-error and reports; stored with --metadata.",
)
@option(
    "--sequence",
    is_flag=True,
    group="Input and output",
    help="The inputs are the frames of one sequence, in order, with the same triangles, and go into one file (-o).",
)
@option(
    "--metadata/--no-metadata",
    default=False,
    show_default=True,
    group="Input and output",
    help="Store the input's name, units and counts in the file (some 20 bytes).",
)
@option(
    "--max-error",
    type=ErrorTargetType(),
    metavar="ERROR",
    group="Quality (at most one of the three; default: -q 70)",
    help="Largest error, measured on the decoded mesh: 0.1% of the diagonal, 0.2mm, or 0.2 in input units.",
)
@option(
    "--target-size",
    type=SizeType(),
    metavar="SIZE",
    group="Quality (at most one of the three; default: -q 70)",
    help="Largest file: 8000 (bytes), 8kB, 8KiB, 1.5MB.",
)
@option(
    "-q",
    "--quality",
    type=click.FloatRange(0, 100),
    metavar="0..100",
    group="Quality (at most one of the three; default: -q 70)",
    help="0: the smallest file, 100: the closest surface. Of a scaffold: a mean error of 1% of the diagonal at 0, 0.1% "
    "at 50, 0.04% at 70, 0.01% at 100. Of compact: up to 50 a code alone, above it a residual too.",
)
@option(
    "--metric",
    type=click.Choice(["cd", "rms", "hd"]),
    default="hd",
    show_default=True,
    group="Quality (at most one of the three; default: -q 70)",
    help="Which error --max-error bounds: mean (cd), root mean square (rms) or largest (hd) distance.",
)
@option(
    "-e",
    "--effort",
    type=click.IntRange(1, 9),
    default=5,
    show_default=True,
    metavar="1..9",
    group="Encoding",
    help="1 is fastest, 9 gives the smallest file for the same error.",
)
@option(
    "--method",
    type=METHOD,
    default="auto",
    show_default=True,
    group="Encoding",
    help="How the surface is coded. scaffold: a coded control mesh; grid and hashgrid: distance fields; overfit: "
    "a network for the shape alone; lpdif, lgcl, deepsdf and compact: codes for networks of a model pack; auto: the "
    "scaffold, or the grid where the scaffold does badly and the grid measures better.",
)
@option(
    "--preserve-mesh",
    is_flag=True,
    group="Encoding",
    help="Keep the triangles; their vertices move within the error.",
)
@option(
    "--pack",
    metavar="FILE",
    group="Encoding",
    help="Model pack (.sdfm) that the files are to need: a decoder must have it too.",
)
@option(
    "--seed",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    metavar="N",
    group="Encoding",
    help="Of everything random in fitting.",
)
@device_option
@backend_option
@threads_option
@force_option
@json_option
@console_options
@click.pass_context
def encode(
    ctx: click.Context, *, inputs: tuple[str, ...], output: str | None, console: Console, **options: Any
) -> None:
    """Encode meshes as .sdfz files.

    INPUT is a PLY, OBJ, STL, OFF, GLB or glTF file, or - for stdin. The surface is kept, in the input's frame and
    units; colours, texture coordinates, normals, materials and, without --preserve-mesh, the triangles themselves
    are not. The error of what a decoder will produce is measured, printed and stored in the file.

    \b
    sdfz encode bunny.ply                                   bunny.sdfz, good visual quality
    sdfz encode bunny.ply -o small.sdfz --target-size 3kB   at most 3000 bytes
    sdfz encode part.stl --max-error 0.2mm --units mm       nowhere more than 0.2 mm off
    sdfz encode scan.obj --max-error 0.02% --metric cd      mean error in % of the diagonal
    sdfz encode *.obj -o out/ -e 9                          many, slowly, into a directory
    sdfz encode walk/*.ply --sequence -o walk.sdfz          a moving shape: all frames in one file
    cat bunny.ply | sdfz encode - > bunny.sdfz
    """
    request = _Request(**options)
    _check_usage(ctx, request)
    if request.sequence:
        if output is None or output.endswith("/"):
            raise click.UsageError("--sequence makes one file; give -o its name.")
        jobs = streams.plan(inputs[:1], output, ".sdfz")
    else:
        jobs = streams.plan(inputs, output, ".sdfz")
    if request.as_json and jobs[0].target == streams.STREAM:
        raise click.UsageError("--json prints on stdout, where the file goes; give -o a file.")

    def work(job: streams.Job) -> Outcome:
        return _encode_frames(inputs, job, request, console) if request.sequence else _encode_one(job, request, console)

    run_each(ctx, jobs, lambda job: job.name, work, as_json=request.as_json)


def _check_usage(ctx: click.Context, request: _Request) -> None:
    given = [
        name
        for name, value in [
            ("--max-error", request.max_error),
            ("--target-size", request.target_size),
            ("-q/--quality", request.quality),
        ]
        if value is not None
    ]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} are mutually exclusive; give one.")
    metric_given = ctx.get_parameter_source("metric") is click.core.ParameterSource.COMMANDLINE
    if metric_given and request.max_error is None:
        raise click.UsageError("--metric says what --max-error bounds; give --max-error too.")
    if request.sequence and request.preserve_mesh:
        raise click.UsageError("--sequence does not go with --preserve-mesh.")
    if request.preserve_mesh and request.method not in ("auto", "scaffold"):
        raise click.UsageError("--preserve-mesh needs --method scaffold.")


def _encode_one(job: streams.Job, request: _Request, console: Console) -> Outcome:
    started = time.perf_counter()
    streams.check_target(job, force=request.force)
    mesh = read_mesh_from(job.source, request.input_format)
    units = request.units or mesh.units
    if lost := _not_kept(mesh, request):
        console.warning(f"{job.name}: not kept: {', '.join(lost)}")
    _note_unknown_unit(job, request.max_error, units, console)

    # torch is imported here, after everything that can be wrong with the input.
    from ..codec.encode import encode_mesh

    metadata = _metadata(job, mesh, units) if request.metadata else None
    with console.progress() as progress:
        encoded = encode_mesh(mesh.vertices, mesh.faces, _settings(request, units), metadata, progress)
    report = _report(job, mesh, units, encoded, seconds=time.perf_counter() - started)
    report["not_kept"] = _not_kept(mesh, request)
    return _finish(report, job, request, encoded, console)


def _encode_frames(inputs: tuple[str, ...], job: streams.Job, request: _Request, console: Console) -> Outcome:
    """All inputs into one file."""
    from ..formats.registered import stacked

    started = time.perf_counter()
    streams.check_target(job, force=request.force)
    meshes = [read_mesh_from(source, request.input_format) for source in inputs]
    vertices, faces = stacked(meshes)
    units = request.units or meshes[0].units
    if lost := _not_kept(meshes[0], request):
        console.warning(f"{job.name}: not kept: {', '.join(lost)}")
    _note_unknown_unit(job, request.max_error, units, console)

    from ..codec.sequence.encode import encode_sequence

    metadata = _metadata(job, meshes[0], units) if request.metadata else None
    with console.progress() as progress:
        encoded = encode_sequence(vertices, faces, _settings(request, units), metadata, progress)
    report = _report(job, meshes[0], units, encoded, seconds=time.perf_counter() - started)
    report["frames"], report["not_kept"] = len(meshes), _not_kept(meshes[0], request)
    report["bits_per_vertex"] /= len(meshes)
    return _finish(report, job, request, encoded, console)


def _finish(report: dict[str, Any], job: streams.Job, request: _Request, encoded: Encoded, console: Console) -> Outcome:
    """Write the file and say so."""
    streams.write_target(job, encoded.data)
    _say(report, job, request, encoded, console)
    if request.as_json:
        print_json(report)
    return Outcome.DONE if encoded.target_met else Outcome.TARGET_MISSED


def _not_kept(mesh: Mesh, request: _Request) -> list[str]:
    return [*([] if request.preserve_mesh else ["the original triangles"]), *mesh.lost]


def _note_unknown_unit(job: streams.Job, target: ErrorTarget | None, units: str | None, console: Console) -> None:
    if target is not None and target.unit is not None and units is None:
        console.note(
            f"{job.name}: the unit of its coordinates is not known, so --max-error {target} is taken as "
            f"{target.value:g} of them; --units says what they are"
        )


def _metadata(job: streams.Job, mesh: Mesh, units: str | None) -> Metadata:
    from ..formats.metadata import Metadata, clean_name

    name = None if job.source == streams.STREAM else clean_name(job.source)
    return Metadata(name, units, len(mesh.vertices), len(mesh.faces))


def _settings(request: _Request, units: str | None) -> EncodeSettings:
    from ..codec.encode import EncodeSettings, ErrorBound
    from ..codec.packs.lookup import load_pack

    target = request.max_error
    return EncodeSettings(
        method=request.method,
        preserve_mesh=request.preserve_mesh,
        quality=request.quality,
        max_error=None if target is None else ErrorBound(target.in_unit(units), relative=target.relative),
        metric=request.metric,
        target_size=request.target_size,
        effort=request.effort,
        seed=request.seed,
        device=request.device,
        backend=request.backend,
        threads=request.threads,
        pack=None if request.pack is None else load_pack(request.pack),
    )


def _report(job: streams.Job, mesh: Mesh, units: str | None, encoded: Encoded, seconds: float) -> dict[str, Any]:
    """What --json prints of one input."""
    n_bytes, n_vertices = len(encoded.data), len(mesh.vertices)
    errors = {name: float(getattr(encoded.distortion, name)) for name in METRICS}
    diagonal = encoded.header.diagonal_units
    return {
        "input": job.name,
        "output": job.target_name,
        "bytes": n_bytes,
        "n_vertices": n_vertices,
        "n_faces": len(mesh.faces),
        "bits_per_vertex": 8 * n_bytes / n_vertices,
        "errors": errors,
        "errors_in_units": {name: error * diagonal for name, error in errors.items()},
        "diagonal": diagonal,
        "units": units,
        "target_met": encoded.target_met,
        "seconds": seconds,
        "seconds_by_stage": dict(encoded.seconds),
    }


def _say(report: dict[str, Any], job: streams.Job, request: _Request, encoded: Encoded, console: Console) -> None:
    """The result on stderr: one line, with -v also where the time went, and whether the target was missed."""
    units = report["units"]
    errors = ", ".join(
        f"{name} {percent(report['errors'][name])} ({length(report['errors_in_units'][name], units)})"
        for name in METRICS
    )
    written = f"{job.name} -> {job.target_name}"
    console.note(f"{written}: {count(report['bytes'], 'byte')}; {errors} of the diagonal; {report['seconds']:.1f} s")
    for stage, seconds in encoded.seconds.items():
        console.detail(f"{stage}: {seconds:.2f} s")
    for name, value in encoded.detail.items():
        console.detail(f"{name}: {value}")
    if not encoded.target_met:
        console.missed(f"{job.name}: {_shortfall(report, request)}; the best file is in {job.target_name}")


def _shortfall(report: dict[str, Any], request: _Request) -> str:
    if request.target_size is not None:
        return f"{count(report['bytes'], 'byte')}, {request.target_size:,} asked"
    if request.max_error is None:
        return "the quality asked for"
    if request.max_error.relative:
        measured = f"{percent(report['errors'][request.metric])} of the diagonal"
    else:
        measured = length(report["errors_in_units"][request.metric], report["units"])
    return f"{request.metric} {measured}, {request.max_error} asked"
