"""Measure `sdfz encode` and `sdfz decode` on the meshes of a corpus, as a user runs them.

    python -m sdfz.bench.measure --corpus DIR --out bench/results/grid-v1.tsv dev/bunny_zipper dev/spot --max-cd 5e-4

Each shape runs in processes of its own; the errors are measured afresh on the decoded mesh, with other samples than the
encoder's. A row that is in the file already, for the same shape, goal, effort and version, is not measured again.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import click

from .. import __version__
from ..codec.distortion import measure
from ..formats.mesh_io import read_mesh

COLUMNS = (
    "shape", "faces", "goal", "effort", "bytes", "cd_e4", "rms_e4", "p99_e4", "hd_e4", "normal_consistency",
    "target_met", "encode_s", "encode_cpu_s", "encode_mb", "decode_s", "decode_cpu_s", "decode_mb", "decoded_faces",
    "version", "commit", "machine", "error",
)  # fmt: skip
KEY = ("shape", "goal", "effort", "version")
SAMPLES, SEED = 100_000, 20_261


@click.command()
@click.argument("shapes", nargs=-1)
@click.option(
    "--corpus", type=click.Path(path_type=Path, exists=True), required=True, help="Folder of folders of .ply."
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="TSV file; rows are added.")
@click.option("--max-cd", type=float, help="Largest mean error, as a fraction of the diagonal.  [default: quality]")
@click.option("--quality", type=float, help="Quality of the encoder.  [default: the encoder's]")
@click.option("--effort", default=5, show_default=True)
def main(
    shapes: tuple[str, ...], corpus: Path, out: Path, max_cd: float | None, quality: float | None, effort: int
) -> None:
    """Measure SHAPES (folder/name; by default all of dev)."""
    names = shapes or tuple(f"dev/{path.stem}" for path in sorted((corpus / "dev").glob("*.ply")))
    goal = "default" if quality is None else f"quality {quality:g}"
    options = [] if quality is None else ["--quality", str(quality)]
    if max_cd is not None:
        goal, options = f"cd {max_cd:g}", ["--max-error", f"{100 * max_cd:g}%", "--metric", "cd"]
    done = _done(out)
    for name in names:
        row: dict[str, Any] = {"shape": name, "goal": goal, "effort": effort, "version": __version__}
        if tuple(str(row[key]) for key in KEY) in done:
            continue
        row |= {"commit": _commit(), "machine": f"{_processor()}, {os.cpu_count()} cores"}
        try:
            row |= _measured(corpus / f"{name}.ply", [*options, "--effort", str(effort)])
        except (subprocess.CalledProcessError, OSError, ValueError) as error:
            row["error"] = str(getattr(error, "stderr", "") or error).strip().splitlines()[-1]
        _append(out, row)
        click.echo("  ".join(f"{key} {row[key]}" for key in COLUMNS[:12] if key in row), err=True)


def _measured(mesh: Path, options: list[str]) -> dict[str, Any]:
    """The figures of one shape, by column."""
    with tempfile.TemporaryDirectory() as folder:
        coded, decoded = Path(folder, "shape.sdfz"), Path(folder, "shape.ply")
        encode = ["encode", str(mesh), "-o", str(coded), "--quiet", "--json", *options]
        report, encode_use = _run(encode, allowed=(0, 3))
        _, decode_use = _run(["decode", str(coded), "-o", str(decoded), "--quiet"], allowed=(0,))
        original, copy = read_mesh(mesh), read_mesh(decoded)
        d = measure((original.vertices, original.faces), (copy.vertices, copy.faces), SAMPLES, SEED)
        return {
            "faces": len(original.faces),
            "bytes": coded.stat().st_size,
            **{f"{key}_e4": f"{1e4 * getattr(d, key):.3f}" for key in ("cd", "rms", "p99", "hd")},
            "normal_consistency": f"{d.normal_consistency:.4f}",
            "target_met": int(json.loads(report)["target_met"]),
            **{f"encode_{key}": value for key, value in encode_use.items()},
            **{f"decode_{key}": value for key, value in decode_use.items()},
            "decoded_faces": len(copy.faces),
        }


def _run(arguments: list[str], allowed: tuple[int, ...]) -> tuple[str, dict[str, str]]:
    """Standard output of an sdfz process, and what it used: wall and CPU seconds, peak memory in MB."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as stdout, tempfile.TemporaryFile("w+") as stderr:
        process = subprocess.Popen([sys.executable, "-m", "sdfz", *arguments], stdout=stdout, stderr=stderr)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - started
        stdout.seek(0)
        stderr.seek(0)
        if process.returncode not in allowed:
            raise subprocess.CalledProcessError(process.returncode, arguments, stderr=stderr.read())
        return stdout.read(), {
            "s": f"{seconds:.2f}",
            "cpu_s": f"{usage.ru_utime + usage.ru_stime:.2f}",
            "mb": f"{_peak_bytes(usage) / 1e6:.0f}",
        }


def _peak_bytes(usage: resource.struct_rusage) -> int:
    return usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _done(out: Path) -> set[tuple[str, ...]]:
    if not out.exists():
        return set()
    with open(out, newline="") as file:
        return {tuple(row[key] for key in KEY) for row in csv.DictReader(file, delimiter="\t") if not row["error"]}


def _append(out: Path, row: dict[str, Any]) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = not out.exists()
    with open(out, "a", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _commit() -> str:
    """Short hash of the commit measured, with + where the tree differs from it."""
    root = Path(__file__).parents[1]
    try:
        asked = ["git", "-C", str(root), "describe", "--always", "--dirty=+", "--exclude=*"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor()


if __name__ == "__main__":
    main()
