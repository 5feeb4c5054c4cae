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
    *("shape", "faces", "goal", "effort", "bytes", "cd_e4", "rms_e4", "p99_e4", "hd_e4", "normal_consistency"),
    *("target_met", "encode_s", "encode_cpu_s", "encode_mb", "decode_s", "decode_cpu_s", "decode_mb"),
    *("decode_after_import_s", "decoded_faces", "version", "commit", "machine", "error"),
)
N_SAMPLES = 100_000
SEED = 20_000  # the encoder measures with seeds 0 and 1
EXIT_TARGET_MISSED = 3

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
    peak_mb : float
        Most memory it had at once, in 10^6 bytes.
    """

    code: int
    stdout: str
    stderr: str
    seconds: float
    cpu_seconds: float
    peak_mb: float


@click.command()
@click.option("--corpus", type=click.Path(path_type=Path, exists=True, file_okay=False), required=True, help="Meshes.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), required=True, help="TSV file to fill.")
@click.option("--folders", default=",".join(FOLDERS), show_default=True, help="Folders of the corpus, if it has any.")
@click.option("--shapes", default="", help="Only these: spot,large/dog_anatomy.")
@click.option("--max-cd", type=click.FloatRange(min=0, min_open=True), help="Mean error to ask for, of the diagonal.")
@click.option("--quality", type=click.FloatRange(0, 100), help="Quality to ask for.")
@click.option("--effort", type=click.IntRange(1, 9), default=5, show_default=True)
@click.option("--timeout", default=1800.0, show_default=True, help="Seconds after which a process is ended.")
def main(
    corpus: Path, out: Path, folders: str, shapes: str, max_cd: float | None, quality: float | None, effort: int,
    timeout: float,
) -> None:  # fmt: skip
    """Encode, decode and measure every mesh of a corpus; rows that are there already are skipped."""
    if max_cd is not None and quality is not None:
        raise click.UsageError("--max-cd and --quality exclude each other")
    goal, arguments = "default", ["--effort", str(effort)]
    if max_cd is not None:
        goal, arguments = f"cd {max_cd:g}", ["--max-error", f"{100 * max_cd:.12g}%", "--metric", "cd", *arguments]
    elif quality is not None:
        goal, arguments = f"quality {quality:g}", ["--quality", str(quality), *arguments]
    here = {"goal": goal, "effort": str(effort), "version": __version__, "machine": _machine()}
    meshes = dict(_meshes(corpus, folders.split(",")))
    for name, path in _chosen(meshes, shapes.split(",") if shapes else []).items():
        here["commit"] = _commit()  # each time: a checkout may move on meanwhile
        if _is_done(_read(out).get((name, goal, str(effort))), here):
            continue
        row = {"shape": name, **here, **_measured(path, arguments, timeout)}
        _write(out, {**_read(out), (name, goal, str(effort)): row})  # read again: another run may have added rows
        print(_line(row), flush=True)


def _chosen(meshes: dict[str, Path], shapes: list[str]) -> dict[str, Path]:
    """The meshes that were asked for, by name or last part of a name; all if none was."""
    if unknown := [shape for shape in shapes if not any(_is_named(name, shape) for name in meshes)]:
        raise click.UsageError(f"the corpus has no {', '.join(unknown)}")
    return {n: path for n, path in meshes.items() if not shapes or any(_is_named(n, shape) for shape in shapes)}


def _is_named(name: str, shape: str) -> bool:
    return shape in (name, name.rpartition("/")[2])


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
            row |= {"target_met": int(done.code == 0), **_cost("encode", done)}
            done = _sdfz(["decode", file, "-o", mesh, "--json"], timeout, (0,))
            row |= {"decoded_faces": json.loads(done.stdout)["n_faces"], **_cost("decode", done)}
            row["decode_after_import_s"] = f"{_in_a_process(_decode_seconds, file):.2f}"
            row |= _in_a_process(_errors, path, mesh)
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
    return Finished(process.returncode, output, complaints, seconds, usage.ru_utime + usage.ru_stime, peak / 1e6)


def _text(stream: BinaryIO) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def _cost(stage: str, done: Finished) -> Row:
    return {
        f"{stage}_s": f"{done.seconds:.2f}",
        f"{stage}_cpu_s": f"{done.cpu_seconds:.2f}",
        f"{stage}_mb": f"{done.peak_mb:.0f}",
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


def _errors(original: Path, decoded: Path) -> Row:
    """Distortion of a decoded mesh file, lengths in 1e-4 of the original's diagonal."""
    from ..codec.distortion import measure
    from ..formats.mesh_io import read_mesh

    reference, other = (read_mesh(path) for path in (original, decoded))
    found = measure((reference.vertices, reference.faces), (other.vertices, other.faces), N_SAMPLES, SEED)
    lengths = {f"{name}_e4": f"{1e4 * getattr(found, name):.3f}" for name in ("cd", "rms", "p99", "hd")}
    return {**lengths, "normal_consistency": f"{found.normal_consistency:.4f}"}


# -- the table --------------------------------------------------------------------------------------------------------


def _is_done(row: Row | None, here: Row) -> bool:
    return row is not None and not row["error"] and all(row[name] == here[name] for name in ("version", "commit"))


def _read(path: Path) -> dict[tuple[str, ...], Row]:
    """Rows by shape, goal and effort."""
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {(row["shape"], row["goal"], row["effort"]): row for row in rows}


def _write(path: Path, rows: dict[tuple[str, ...], Row]) -> None:
    ordered = [rows[key] for key in sorted(rows, key=lambda key: (*key[1:], key[0]))]
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(row.get(name) or "" for name in COLUMNS) for row in ordered]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def _line(row: Row) -> str:
    if row.get("error"):
        return f"{row['shape']}: {row['error']}"
    return (
        f"{row['shape']}: {int(row['bytes']):,} bytes, cd {row['cd_e4']}e-4, hd {row['hd_e4']}e-4; encoded in "
        f"{row['encode_s']} s, {row['encode_mb']} MB; decoded in {row['decode_s']} s"
    )


def _commit() -> str:
    """Commit of the package's checkout, with a + if its code is not that of the commit."""
    root = Path(__file__).resolve().parents[1]

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!bench/results")
        return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _machine() -> str:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cpu = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                cpu = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return f"{cpu}, {cores} cores"


if __name__ == "__main__":
    main()
