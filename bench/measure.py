"""Measure the whole codec on a corpus: one row of a TSV for each mesh.

    python -m sdfz.bench.measure --corpus DIR --out bench/results/grid-v1.tsv --max-cd 5e-4

Each shape goes through the command line in processes of its own, so that times and memory are those of a user. The
decoded mesh is measured from its file, in another process, with samples that the encoder did not use. This process
imports little and stays small: a child's peak memory begins with that of the process that started it.

Columns and commands: results/README.md.
"""

from __future__ import annotations

import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, BinaryIO

import click

from .. import __version__
from ..formats.files import write_atomic

FOLDERS = ("dev", "large", "scenes")
MESHES = (".ply", ".obj", ".stl", ".off", ".glb", ".gltf")
COLUMNS = (
    "shape",
    "settings",
    "faces",
    "bytes",
    "cd",
    "rms",
    "hd",
    "p99",
    "normal_consistency",
    "target_met",
    "encode_seconds",
    "encode_cpu_seconds",
    "encode_peak_mib",
    "decode_seconds",
    "decode_cpu_seconds",
    "decode_seconds_after_import",
    "decode_peak_mib",
    "decoded_faces",
    "version",
    "commit",
    "cores",
    "cpu",
    "error",
)
N_SAMPLES = 100_000
SEED = 20_000  # the encoder measures with seeds 0 and 1
EXIT_TARGET_MISSED = 3
MIB = 1 << 20

Row = dict[str, str]


class MeasureError(Exception):
    """A shape could not be measured; the text goes into its row."""


@dataclass(frozen=True)
class Finished:
    """A process that has ended.

    Attributes
    ----------
    code : int
        Exit code; negative for a signal.
    stdout, stderr : str
    seconds, cpu_seconds : float
        Wall time, and time of all its threads.
    peak_mib : float
        Most memory it had at once.
    """

    code: int
    stdout: str
    stderr: str
    seconds: float
    cpu_seconds: float
    peak_mib: float


@click.command()
@click.option("--corpus", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True, help="Meshes.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="TSV file to fill.")
@click.option("--folders", default=",".join(FOLDERS), show_default=True, help="Folders of the corpus, if it has any.")
@click.option("--shapes", help="Only these, by name without suffix: bunny,spot.")
@click.option("--max-cd", type=click.FloatRange(min=0, min_open=True), help="Mean error to ask for, of the diagonal.")
@click.option("--quality", type=click.FloatRange(0, 100), help="Quality to ask for.")
@click.option("--effort", type=click.IntRange(1, 9), default=5, show_default=True)
@click.option("--timeout", default=1800.0, show_default=True, help="Seconds after which a process is ended.")
def main(
    corpus: Path, out: Path, folders: str, shapes: str | None, max_cd: float | None, quality: float | None,
    effort: int, timeout: float,
) -> None:  # fmt: skip
    """Encode, decode and measure every mesh of a corpus; rows that are there already are skipped."""
    if max_cd is not None and quality is not None:
        raise click.UsageError("--max-cd and --quality exclude each other")
    asked = {"max-cd": max_cd, "quality": quality, "effort": effort}
    settings = " ".join(f"{name}={value:g}" for name, value in asked.items() if value is not None)
    goal = ["--max-error", f"{100 * max_cd:.12g}%", "--metric", "cd"] if max_cd is not None else []
    goal += ["--quality", str(quality)] if quality is not None else []
    paths = dict(_meshes(corpus, folders.split(",")))
    wanted = shapes.split(",") if shapes else [Path(name).name for name in paths]
    if unknown := set(wanted) - {Path(name).name for name in paths}:
        raise click.UsageError(f"no such shapes in {corpus}: {', '.join(sorted(unknown))}")
    here = {"settings": settings, "version": __version__, "commit": _commit(), **_machine()}
    rows = _read(out)
    for name, path in paths.items():
        if Path(name).name not in wanted or _is_done(rows.get((name, settings)), here):
            continue
        row = {"shape": name, **here, **_measured(path, [*goal, "--effort", str(effort)], timeout)}
        rows = {**_read(out), (name, settings): row}  # read again: another run may have added rows
        _write(out, rows)
        print(_line(row), flush=True)


def _meshes(corpus: Path, folders: list[str]) -> Iterator[tuple[str, Path]]:
    """Names, relative to the corpus and without suffix, and paths."""
    roots = [corpus / folder for folder in folders if (corpus / folder).is_dir()] or [corpus]
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix.lower() in MESHES:
                yield path.relative_to(corpus).with_suffix("").as_posix(), path


def _measured(path: Path, arguments: list[str], timeout: float) -> Row:
    """A shape's own columns; those up to the failure, if there is one."""
    row: dict[str, Any] = {}
    try:
        with tempfile.TemporaryDirectory() as folder:
            file, mesh = Path(folder, "x.sdfz"), Path(folder, "x.ply")
            done = _sdfz(["encode", path, "-o", file, "--json", *arguments], timeout, (0, EXIT_TARGET_MISSED))
            report = json.loads(done.stdout)
            row |= {"faces": report["n_faces"], "bytes": file.stat().st_size}
            row |= {"target_met": "yes" if done.code == 0 else "no", **_cost("encode", done)}
            done = _sdfz(["decode", file, "-o", mesh, "--json"], timeout, (0,))
            row |= {"decoded_faces": json.loads(done.stdout)["n_faces"], **_cost("decode", done)}
            row["decode_seconds_after_import"] = f"{_in_a_process(_decode_seconds, file):.2f}"
            errors = _in_a_process(_errors, path, mesh)
            row |= {name: f"{value:.4g}" for name, value in errors.items()}
    except MeasureError as error:
        row["error"] = " ".join(str(error).replace(str(path), path.name).split())
    return {name: str(value) for name, value in row.items()}


def _sdfz(arguments: list[Any], timeout: float, allowed: tuple[int, ...]) -> Finished:
    done = _run([sys.executable, "-m", "sdfz", *map(str, arguments)], timeout)
    if done.code not in allowed:
        last = done.stderr.strip().splitlines()[-1:] or ["nothing on stderr"]
        raise MeasureError(f"{arguments[0]}: exit code {done.code} after {done.seconds:.0f} s: {last[0]}")
    return done


def _run(command: list[str], timeout: float) -> Finished:
    """Run a command to its end, or end it after `timeout` seconds (exit code -9)."""
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr)
        usage = None
        while usage is None:
            # wait4 and not wait: it gives the usage of this child alone.
            ended, status, found = os.wait4(process.pid, os.WNOHANG)
            seconds = time.perf_counter() - start
            if ended:
                usage = found
            elif seconds > timeout:
                process.kill()
                timeout = float("inf")
            else:
                time.sleep(0.005)
        process.returncode = os.waitstatus_to_exitcode(status)
        output, complaints = _text(stdout), _text(stderr)
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Finished(process.returncode, output, complaints, seconds, usage.ru_utime + usage.ru_stime, peak / MIB)


def _text(stream: BinaryIO) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _cost(stage: str, done: Finished) -> Row:
    return {
        f"{stage}_seconds": f"{done.seconds:.2f}",
        f"{stage}_cpu_seconds": f"{done.cpu_seconds:.2f}",
        f"{stage}_peak_mib": f"{done.peak_mib:.0f}",
    }


def _in_a_process(function: Any, *arguments: Any) -> Any:
    """Result of a function in a fresh process, which takes its memory with it."""
    try:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
            return pool.submit(function, *arguments).result()
    except Exception as error:  # whatever it is, it goes into the row
        raise MeasureError(f"{function.__name__.strip('_')}: {type(error).__name__}: {error}") from error


def _decode_seconds(file: Path) -> float:
    """Seconds from the bytes to a mesh of the default resolution, everything being imported."""
    from importlib import import_module

    from ..codec.decode import decode_bytes

    for name in ("crumbs", "mesher", "grid.decode", "grid.model"):
        import_module(f"sdfz.codec.{name}")
    start = time.perf_counter()
    decode_bytes(file.read_bytes()).triangles()
    return time.perf_counter() - start


def _errors(original: Path, decoded: Path) -> dict[str, float]:
    """Distortion of a decoded mesh file, fractions of the original's diagonal."""
    from ..codec.distortion import measure
    from ..formats.mesh_io import read_mesh

    reference, other = (read_mesh(path) for path in (original, decoded))
    found = measure((reference.vertices, reference.faces), (other.vertices, other.faces), N_SAMPLES, SEED)
    return {name: getattr(found, name) for name in ("cd", "rms", "hd", "p99", "normal_consistency")}


# -- the table --------------------------------------------------------------------------------------------------------


def _is_done(row: Row | None, here: Row) -> bool:
    return row is not None and not row["error"] and all(row[name] == here[name] for name in ("version", "commit"))


def _read(path: Path) -> dict[tuple[str, str], Row]:
    """Rows by shape and settings."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {
            (row["shape"], row["settings"]): row for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        }


def _write(path: Path, rows: dict[tuple[str, str], Row]) -> None:
    ordered = [rows[key] for key in sorted(rows, key=lambda key: (key[1], key[0]))]
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(row.get(name) or "" for name in COLUMNS) for row in ordered]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def _line(row: Row) -> str:
    if row.get("error"):
        return f"{row['shape']}: {row['error']}"
    return (
        f"{row['shape']}: {int(row['bytes']):,} bytes, cd {row['cd']}, hd {row['hd']}; encoded in "
        f"{row['encode_seconds']} s ({row['encode_peak_mib']} MiB), decoded in {row['decode_seconds']} s"
    )


def _commit() -> str:
    """Commit of the package's checkout, with `-dirty` if its code is not that of the commit."""
    root = Path(__file__).resolve().parents[1]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results")
        return git("rev-parse", "--short", "HEAD") + ("-dirty" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _machine() -> Row:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {"cores": str(cores), "cpu": cpu}


if __name__ == "__main__":
    main()
