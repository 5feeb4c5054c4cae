"""Where fields run: two CPU cores, torch on a GPU, tiny-cuda-nn on a GPU, and the floor that each machine sets.

    python -m sdfz.bench.device FILE.sdfz ... -o TABLE [--repeats 5]

Of each file: values of its field at a million points near the surface, meshing at two resolutions, and, where a device
can fit the method's fields, encoding the decoded mesh anew (seconds of the fit, and the bytes and the CD that come of
it). A part that cannot run here is in the table with the reason in place of its seconds, so that a table tells what was
not measured.

The floor of a field is what moving its inputs, values and weights and doing its multiplications must take, at the rates
that this device reached in the same run for copying and for a large product of matrices.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

import click
import numpy as np
import numpy.typing as npt
import torch
from torch.utils.flop_counter import FlopCounterMode

from ..codec.decode import decode_bytes
from ..codec.encode import encode_mesh
from ..codec.methods import method_name
from ..codec.settings import EncodeSettings
from ..codec.tensor_field import TensorField
from ..formats.errors import BackendError, SdfzError
from ..formats.files import write_atomic
from .machine import describe_machine

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

PLACES = (("cpu", "torch"), ("cuda", "torch"), ("cuda", "tcnn"))
RESOLUTIONS = (256, 512)
FITTED = ("grid", "hashgrid", "overfit")  # methods whose fits run on a device
FIT_EFFORT = 5
N_POINTS = 1 << 20
_NEAR = 0.01  # points are this far from the surface, in normalized units (standard deviation)
_POINT_BYTES = 16  # three coordinates in, a distance out
_COPY_BYTES, _PRODUCT = 1 << 28, 4096
_COPY_BYTES_CPU, _PRODUCT_CPU = 1 << 26, 1024


class Timed(NamedTuple):
    """A row of the table."""

    file: str
    method: str
    bytes: int
    device: str
    backend: str
    what: str
    seconds: str  # a number, or why there is none
    amount: str  # of points or triangles
    floor_seconds: str


def timed(path: Path, repeats: int) -> Iterator[Timed]:
    """The rows of a file."""
    data = path.read_bytes()
    on_cpu = decode_bytes(data, device="cpu")
    method = method_name(on_cpu.header.method)
    vertices, faces = on_cpu.surface.mesh(RESOLUTIONS[0])
    rng = np.random.default_rng(0)
    points = vertices[rng.integers(0, len(vertices), N_POINTS)] + _NEAR * rng.standard_normal((N_POINTS, 3))
    for device, backend in PLACES:
        row = Timed(path.name, method, len(data), device, backend, "", "", "", "")
        try:
            surface = decode_bytes(data, device=device, backend=backend).surface
            _check_device(device)
        except BackendError as error:
            yield row._replace(what="all", seconds=f"not measured: {error}")
            continue
        field = getattr(surface, "field", None)
        if isinstance(field, TensorField):
            yield _field_row(row, field, torch.from_numpy(points.astype(np.float32)).to(field.device), repeats)
        elif device != "cpu":
            yield row._replace(what="all", seconds="not measured: this method decodes on the CPU")
            continue
        for resolution in RESOLUTIONS:
            seconds, (_, found) = _median(partial(surface.mesh, resolution), device, repeats)
            amount = f"{len(found)} triangles"
            yield row._replace(what=f"mesh {resolution}", seconds=f"{seconds:.4g}", amount=amount)
        if method in FITTED and backend == "torch":
            yield _fit_row(row, vertices, faces)


def _check_device(device: str) -> None:
    if device == "cuda" and not torch.cuda.is_available():
        raise BackendError("no CUDA device is available here")


def _field_row(row: Timed, field: TensorField, points: torch.Tensor, repeats: int) -> Timed:
    with torch.inference_mode():
        seconds, _ = _median(lambda: field.evaluate(points), row.device, repeats)
    floor = _floor(field, points)
    return row._replace(
        what="field", seconds=f"{seconds:.4g}", amount=f"{len(points)} points", floor_seconds=f"{floor:.4g}"
    )


def _fit_row(row: Timed, vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int64]) -> Timed:
    encoded = encode_mesh(vertices, faces, EncodeSettings(row.method, effort=FIT_EFFORT, device=row.device))
    amount = f"{len(encoded.data)} bytes, CD {encoded.distortion.cd:.3g}"
    return row._replace(what="fit", seconds=f"{encoded.seconds['fit']:.4g}", amount=amount)


def _median(work: Callable[[], Result], device: str, repeats: int) -> tuple[float, Result]:
    """Seconds of some work on a device, once warm."""
    result = work()
    seconds = []
    for _ in range(repeats):
        _wait(device)
        start = time.perf_counter()
        result = work()
        _wait(device)
        seconds.append(time.perf_counter() - start)
    return median(seconds), result


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def _floor(field: TensorField, points: torch.Tensor) -> float:
    """Seconds that moving the points and their values, and multiplying, take at the least."""
    some = points[:4096]
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        field.evaluate(some)
    n_operations = counter.get_total_flops() * len(points) / len(some)
    bytes_a_second, operations_a_second = rates(field.device.type)
    return max(_POINT_BYTES * len(points) / bytes_a_second, n_operations / operations_a_second)


def rates(device: str) -> tuple[float, float]:
    """Bytes a second that a copy moves, in and out, and operations a second of a product of matrices.

    In half precision on a GPU, where fused networks use it, and in single precision on a CPU.
    """
    on_gpu = device == "cuda"
    n_bytes, side = (_COPY_BYTES, _PRODUCT) if on_gpu else (_COPY_BYTES_CPU, _PRODUCT_CPU)
    source = torch.zeros(n_bytes, dtype=torch.uint8, device=device)
    goal = torch.empty_like(source)
    copying, _ = _median(lambda: goal.copy_(source), device, 5)
    matrix = torch.ones(side, side, dtype=torch.float16 if on_gpu else torch.float32, device=device)
    product, _ = _median(lambda: matrix @ matrix, device, 5)
    return 2 * n_bytes / copying, 2 * side**3 / product


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--repeats", type=click.IntRange(min=1), default=5, show_default=True)
def main(files: tuple[Path, ...], out: Path, repeats: int) -> None:
    """Time decoding and fitting of files' shapes on the CPU and on a GPU, and write the table."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    rows = []
    for path in files:
        try:
            rows += list(timed(path, repeats))
        except SdfzError as error:
            raise click.ClickException(f"{path}: {error}") from None
        logger.info("%s", path)
    lines = ["\t".join((*Timed._fields, "machine")), *("\t".join((*map(str, row), describe_machine())) for row in rows)]
    write_atomic(out, ("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    main()
