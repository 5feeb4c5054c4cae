"""`sdfz decode`: .sdfz files in, meshes out."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Any

import click

from . import streams
from .console import Console, print_json
from .errors import CliError, Outcome, run_each
from .helptext import (
    MESH_OUTPUTS,
    GroupedCommand,
    allow_truncated_option,
    backend_option,
    console_options,
    device_option,
    force_option,
    json_option,
    lod_option,
    option,
    pack_option,
    resolution_option,
    threads_option,
    uniform_option,
)
from .meshes import DecodedMesh, decode_to_shape, mesh_of_shape


@dataclass(frozen=True)
class _Request:
    """What was asked for, the same for every input."""

    output_format: str
    resolution: int
    uniform: bool
    lod: int
    frame: int | None
    allow_truncated: bool
    device: str
    backend: str
    pack: str | None
    threads: int | None
    force: bool
    as_json: bool


@click.command(cls=GroupedCommand, short_help=".sdfz files to meshes.")
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@option(
    "-o",
    "--output",
    metavar="PATH",
    group="Input and output",
    help="File (.ply .obj .stl .off .glb), directory (DIR/) or - for stdout. "
    "[default: INPUT with the suffix .ply; stdout for stdin]",
)
@option(
    "--output-format",
    type=click.Choice(MESH_OUTPUTS, case_sensitive=False),
    group="Input and output",
    help="File type of the meshes. [default: by the suffix of -o, else ply]",
)
@allow_truncated_option
@pack_option
@resolution_option
@uniform_option
@lod_option
@option(
    "--frame",
    type=click.IntRange(min=0),
    metavar="N",
    group="Shape",
    help="Of a sequence, only this frame; frame 0 is the first. [default: all, as NAME_000.ply, NAME_001.ply, ...]",
)
@device_option
@backend_option
@threads_option
@force_option
@json_option
@console_options
def decode(
    *, inputs: tuple[str, ...], output: str | None, output_format: str | None, console: Console, **options: Any
) -> None:
    """Decode .sdfz files to meshes, in the frame and units of what was encoded.

    INPUT is a .sdfz file, or - for stdin.

    \b
    sdfz decode bunny.sdfz                           bunny.ply
    sdfz decode bunny.sdfz -o bunny.obj              the type follows the suffix
    sdfz decode bunny.sdfz -o fine.stl --resolution 512
    sdfz decode *.sdfz -o meshes/ --output-format glb
    sdfz decode - --output-format stl < part.sdfz > part.stl
    sdfz decode walk.sdfz -o frames/                 a sequence: frames/walk_000.ply and so on
    """
    ctx = click.get_current_context()
    request = _Request(output_format=_output_format(output, output_format), **options)
    jobs = streams.plan(inputs, output, f".{request.output_format}")
    if request.as_json and jobs[0].target == streams.STREAM:
        raise click.UsageError("--json prints on stdout, where the mesh goes; give -o a file.")
    run_each(ctx, jobs, lambda job: job.name, lambda job: _decode_one(job, request, console), as_json=request.as_json)


def _output_format(output: str | None, output_format: str | None) -> str:
    suffix = os.path.splitext(output)[1].lower().removeprefix(".") if output and not os.path.isdir(output) else ""
    if output_format is None and suffix and suffix not in MESH_OUTPUTS:
        raise click.UsageError(
            f"'{output}': no mesh is written as .{suffix}; use {', '.join('.' + name for name in MESH_OUTPUTS)} "
            "or --output-format."
        )
    if output_format is not None and suffix in MESH_OUTPUTS and suffix != output_format:
        raise click.UsageError(f"--output-format {output_format} contradicts the suffix of '{output}'.")
    return output_format or suffix or "ply"


def _decode_one(job: streams.Job, request: _Request, console: Console) -> Outcome:
    binary = request.output_format not in ("obj", "off")
    streams.check_target(job, force=request.force, binary=binary)
    started = time.perf_counter()
    shape = decode_to_shape(
        streams.read_source(job.source),
        lod=request.lod,
        allow_truncated=request.allow_truncated,
        device=request.device,
        backend=request.backend,
        pack=request.pack,
    )
    if shape.truncated:
        console.warning(f"{job.name}: cut short; decoded from what was there")
    for number, part in _parts(job, len(shape.frames), request.frame):
        streams.check_target(part, force=request.force, binary=binary)
        with console.progress() as progress:
            mesh = mesh_of_shape(
                shape.frame(number),
                resolution=request.resolution,
                uniform=request.uniform,
                threads=request.threads,
                progress=progress,
            )
        _write(part, number, mesh, request, console, started)
        started = time.perf_counter()
    return Outcome.DONE


def _parts(job: streams.Job, n_frames: int, frame: int | None) -> list[tuple[int, streams.Job]]:
    """Frames to decode, and where each goes."""
    if frame is not None and frame >= n_frames:
        raise CliError(f"there is no frame {frame}: there are {n_frames}, and the first is frame 0")
    if frame is not None or n_frames == 1:
        return [(frame or 0, job)]
    if job.target == streams.STREAM:
        raise CliError(f"{n_frames} frames do not go to stdout; give -o DIR/ or --frame")
    stem, suffix = os.path.splitext(job.target)
    n_digits = max(3, len(str(n_frames - 1)))
    return [(k, replace(job, target=f"{stem}_{k:0{n_digits}d}{suffix}")) for k in range(n_frames)]


def _write(
    job: streams.Job, frame: int, mesh: DecodedMesh, request: _Request, console: Console, started: float
) -> None:
    """Write a mesh and say so."""
    from ..formats.mesh_io import mesh_bytes

    content = mesh_bytes(mesh.vertices, mesh.faces, request.output_format)
    streams.write_target(job, content)
    report = {
        "input": job.name,
        "output": job.target_name,
        "frame": frame,
        "bytes": len(content),
        "n_vertices": len(mesh.vertices),
        "n_faces": len(mesh.faces),
        "truncated": mesh.truncated,
        "seconds": time.perf_counter() - started,
    }
    console.note(
        f"{job.name} -> {job.target_name}: {report['n_vertices']:,} vertices, {report['n_faces']:,} triangles; "
        f"{report['seconds']:.1f} s"
    )
    if request.as_json:
        print_json(report)
