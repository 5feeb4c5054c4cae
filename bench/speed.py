"""How long encoding and decoding take, whole and by stage, against Draco in the same run.

Repeats of all codecs take turns, so that what else the machine does at a time burdens each of them alike; ratios are
those of medians of one run. Everything is imported and called once before it is timed: these are the times of a library
that works on many shapes, not of a command's first.

The stages of a whole file come from its own encoder and decoder: their clock, their progress, their field seen through
one that takes the time. Only what a grid prepares (distance tree, cells, samples) is timed apart, on the same mesh.
"""

from __future__ import annotations

import csv
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from ..codec.methods import decoder_of, method_name
from ..formats.files import write_atomic
from .peers import peer
from .peers.contract import Mesh, Unavailable
from .peers.draco import decode_draco, encode_draco
from .peers.packages import optional

if TYPE_CHECKING:
    from ..codec.encode import Encoded, EncodeSettings
    from ..formats.container import Section

OURS, DRACO, DECIMATED = "sdfz", "draco", "decimated-draco"
ENCODE, DECODE = "encode", "decode"
DRACO_BITS = 11
# Draco takes about so many bytes for each face of a decimated mesh: what is compared are files of about the same size.
_BYTES_A_FACE = 1.6
_LEAST_FACES = 16
# Distance samples that are timed: fewer than an encoder takes, for the throughput.
_SAMPLES = 1 << 16

Progress = Callable[[str], None]
Add = Callable[..., None]
Result = TypeVar("Result")


class TimingsError(Exception):
    """A table of timings that cannot be read; the message is one line and names the file."""


@dataclass(frozen=True)
class Timing:
    """Seconds of one stage of one codec on one shape.

    Attributes
    ----------
    shape, codec : str
    device : str
        Where the field is evaluated: ``"cpu"`` or ``"cuda"``. Fitting runs on the CPU.
    stage : str
        ``"encode"`` and ``"decode"`` are whole; ``"encode: ..."`` and ``"decode: ..."`` are parts of them.
    seconds_median, seconds_min, seconds_max : float
        Wall seconds over the repeats.
    throughput : float or None
        Of the median, in `unit`; None where nothing is counted.
    unit : str
        Such as ``"triangles/s"``: of the input when encoding, of what comes out when meshing.
    ratio_to_draco : float or None
        Median over that of Draco's same stage in the same run; None for parts, and where there is no Draco.
    """

    shape: str
    codec: str
    device: str
    stage: str
    seconds_median: float
    seconds_min: float
    seconds_max: float
    throughput: float | None
    unit: str
    ratio_to_draco: float | None


COLUMNS = tuple(field.name for field in fields(Timing))
_NUMBERS = ("seconds_median", "seconds_min", "seconds_max", "throughput", "ratio_to_draco")


def run(
    meshes: Sequence[tuple[str, Mesh]],
    *,
    method: str = "auto",
    quality: float | None = None,
    effort: int = 5,
    repeats: int = 5,
    devices: Sequence[str] = ("cpu",),
    progress: Progress = lambda line: None,
) -> list[Timing]:
    """Time encoding and decoding of meshes.

    Parameters
    ----------
    meshes : sequence of (name, Mesh)
    method : str
        What sdfz encodes by.
    quality : float, optional
        The encoder's default if not given.
    effort : int
        1 to 9.
    repeats : int
        At least 1.
    devices : sequence of str
        One at least of ``"cpu"`` and ``"cuda"``: where our fields are evaluated.
    progress : callable, optional
        Called with a line before each repeat, and for what cannot be timed.

    Raises
    ------
    BackendError
        A device is not there.
    MeshError
        A mesh has no usable surface.
    """
    from ..codec.encode import EncodeSettings

    missing = _missing(progress)
    settings = [EncodeSettings(method=method, quality=quality, effort=effort, device=device) for device in devices]
    for each in settings:
        _warm_up(each)
    timings = []
    for name, mesh in meshes:
        watch = _Watch()
        for repeat in range(repeats):
            progress(f"{name}: repeat {repeat + 1} of {repeats}")
            n_bytes = [_time_ours(mesh, each, watch) for each in settings]
            n_faces = max(round(n_bytes[0] / _BYTES_A_FACE), _LEAST_FACES)
            if DRACO not in missing:
                _time_draco(DRACO, mesh, len(mesh.faces), watch)
            if DECIMATED not in missing:
                _time_draco(DECIMATED, mesh, n_faces, watch)
        timings += watch.timings(name)
    return timings


def default_devices() -> tuple[str, ...]:
    """``"cpu"``, and ``"cuda"`` where there is a GPU."""
    import torch

    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def write_timings(path: Path, timings: Sequence[Timing]) -> None:
    """Write a table of timings, tab-separated, whole or not at all."""
    lines = ["\t".join(COLUMNS)]
    lines += ["\t".join(_text(getattr(timing, name)) for name in COLUMNS) for timing in timings]
    write_atomic(path, ("\n".join(lines) + "\n").encode())


def read_timings(path: Path) -> list[Timing]:
    """The timings of a table.

    Raises
    ------
    TimingsError
        The file is not such a table.
    OSError
        It cannot be read.
    """
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise TimingsError(f"{path}: not a table of timings: the columns are not {', '.join(COLUMNS)}")
        try:
            return [_timing(row) for row in reader]
        except (TypeError, ValueError) as error:
            raise TimingsError(f"{path}: line {reader.line_num}: {error}") from error


def _text(value: str | float | None) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value or ""


def _timing(row: dict[str, Any]) -> Timing:
    numbers = {name: float(row[name]) if row[name] else None for name in _NUMBERS}
    return Timing(**{**row, **numbers})


class _Watch:
    """Seconds of stages over the repeats, and how much each worked on."""

    def __init__(self) -> None:
        self._seconds: dict[tuple[str, str, str], list[float]] = defaultdict(list)
        self._work: dict[tuple[str, str, str], tuple[float, str]] = {}

    def add(self, codec: str, device: str, stage: str, seconds: float, amount: float = 0.0, unit: str = "") -> None:
        """Take one measurement; `amount` things of `unit` were worked on."""
        key = codec, device, stage
        self._seconds[key].append(seconds)
        self._work[key] = amount, f"{unit}/s" if unit else ""

    def timings(self, shape: str) -> list[Timing]:
        """All stages, in the order in which they came."""
        draco = {stage: median(all_of) for (codec, _, stage), all_of in self._seconds.items() if codec == DRACO}
        found = []
        for (codec, device, stage), seconds in self._seconds.items():
            middle = median(seconds)
            amount, unit = self._work[codec, device, stage]
            throughput = amount / middle if amount and middle else None
            ratio = middle / draco[stage] if draco.get(stage) else None
            spread = middle, min(seconds), max(seconds)
            found.append(Timing(shape, codec, device, stage, *spread, throughput, unit, ratio))
        return found


# -- Draco ------------------------------------------------------------------------------------------------------------


def _missing(progress: Progress) -> set[str]:
    """Which runs of Draco cannot be had here; each is said."""
    needed = {DRACO: ("DracoPy",), DECIMATED: ("DracoPy", "fast_simplification")}
    missing = set()
    for codec, modules in needed.items():
        try:
            for module in modules:
                optional(module, module.replace("_", "-"))
        except Unavailable as error:
            progress(f"{codec} is not timed: {error}")
            missing.add(codec)
    return missing


def _time_draco(codec: str, mesh: Mesh, n_faces: int, watch: _Watch) -> None:
    """Encode and decode once; decimating to `n_faces` is a part of encoding."""
    data, seconds = _timed(lambda: encode_draco(_decimated(mesh, n_faces), DRACO_BITS))
    watch.add(codec, "cpu", ENCODE, seconds, len(mesh.faces), "triangles")
    decoded, seconds = _timed(lambda: decode_draco(data))
    watch.add(codec, "cpu", DECODE, seconds, len(decoded.faces), "triangles")


def _decimated(mesh: Mesh, n_faces: int) -> Mesh:
    """By the fastest decimator there is, whatever its error."""
    if n_faces >= len(mesh.faces):
        return mesh
    vertices, faces = optional("fast_simplification", "fast-simplification").simplify(
        mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32), target_count=n_faces, agg=3
    )
    return Mesh(np.asarray(vertices, np.float64), np.asarray(faces, np.int64))


# -- sdfz -------------------------------------------------------------------------------------------------------------


def _warm_up(settings: EncodeSettings) -> None:
    """Encode and decode a tetrahedron: what is imported, loaded and compiled once is behind us."""
    from ..codec.decode import decode_bytes
    from ..codec.encode import encode_mesh
    from ..codec.shape import DEFAULT_RESOLUTION

    peer(OURS).version()  # imports all that the codec needs
    vertices = np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    faces = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    made = encode_mesh(vertices, faces, replace(settings, quality=0.0, effort=1))
    decode_bytes(made.data, device=settings.device).triangles(DEFAULT_RESOLUTION)


def _time_ours(mesh: Mesh, settings: EncodeSettings, watch: _Watch) -> int:
    """Encode and decode once, whole and by stage; the size of the file."""
    from ..codec.encode import encode_mesh

    def add(stage: str, seconds: float, amount: float = 0.0, unit: str = "") -> None:
        watch.add(OURS, settings.device, stage, seconds, amount, unit)

    steps: list[float] = []  # when each step of the descent ended

    def step(stage: str, done: int, total: int) -> None:
        if stage == "fit":
            steps.append(time.perf_counter())

    made, seconds = _timed(lambda: encode_mesh(mesh.vertices, mesh.faces, settings, progress=step))
    add(ENCODE, seconds, len(mesh.faces), "triangles")
    _time_encode_parts(mesh, made, steps, add)
    _time_decode(made.data, settings.device, add)
    return len(made.data)


def _time_encode_parts(mesh: Mesh, made: Encoded, steps: Sequence[float], add: Add) -> None:
    add("encode: preparing", made.seconds["prepare"], len(mesh.faces), "triangles")
    if method_name(made.header.method) == "grid":
        _time_grid_parts(mesh, made, steps, add)
    else:
        add("encode: fit", made.seconds["fit"])
    add("encode: entropy coding", made.seconds["code"], len(made.data), "bytes")
    add("encode: measuring", made.seconds["decode"] + made.seconds["measure"])


def _time_grid_parts(mesh: Mesh, made: Encoded, steps: Sequence[float], add: Add) -> None:
    from ..codec.target import Target

    target = Target(mesh.vertices, mesh.faces)
    _, seconds = _timed(lambda: target.oracle)
    add("encode: distance tree", seconds, len(mesh.faces), "triangles")
    frame, depth = made.header.frame, int(made.detail["depth"])
    cells, seconds = _timed(lambda: target.cells(frame, depth))
    add("encode: cells", seconds, len(cells), "cells")
    _, seconds = _timed(lambda: target.samples(frame, cells, depth, _SAMPLES))
    add("encode: distance samples", seconds, _SAMPLES, "points")
    if len(steps) > 1:
        add("encode: fit", steps[-1] - steps[0], len(steps) - 1, "steps")


def _time_decode(data: bytes, device: str, add: Add) -> None:
    from ..codec.decode import decode_bytes
    from ..codec.shape import DEFAULT_RESOLUTION
    from ..formats.container import unpack

    (_, faces), seconds = _timed(lambda: decode_bytes(data, device=device).triangles(DEFAULT_RESOLUTION))
    add(DECODE, seconds, len(faces), "triangles")
    file = unpack(data)
    method = method_name(file.header.method)
    if method == "scaffold":
        _time_scaffold_decode(file.sections, add)
    elif method == "grid":
        _time_grid_decode(file.sections, device, add)
    else:
        decoder = decoder_of(file.header.method)
        _, seconds = _timed(lambda: getattr(decoder, f"check_{method}")(file.sections))
        add("decode: entropy", seconds, _n_bytes(file.sections), "bytes")
        _time_field(decode_bytes(data, device=device).surface, add)


def _time_grid_decode(sections: Sequence[Section], device: str, add: Add) -> None:
    from ..codec.grid.decode import GridSurface
    from ..codec.grid.stream import unpack_symbols

    symbols, seconds = _timed(lambda: unpack_symbols(sections))
    add("decode: entropy", seconds, _n_bytes(sections), "bytes")
    surface, seconds = _timed(lambda: GridSurface(symbols, device))
    add("decode: network", seconds)
    _time_field(surface, add)


def _time_field(surface: Any, add: Add) -> None:
    """Meshing, the field's share apart."""
    from ..codec.shape import DEFAULT_RESOLUTION
    from .timed_field import TimedField

    surface.field = timed = TimedField(surface.field)
    (_, faces), seconds = _timed(lambda: surface.mesh(DEFAULT_RESOLUTION))
    add("decode: field", timed.seconds, timed.n_points, "points")
    add("decode: mesher", seconds - timed.seconds, len(faces), "triangles")


def _time_scaffold_decode(sections: Sequence[Section], add: Add) -> None:
    from ..codec.scaffold.decode import ScaffoldSurface
    from ..codec.scaffold.stream import unpack_symbols
    from ..codec.shape import DEFAULT_RESOLUTION

    symbols, seconds = _timed(lambda: unpack_symbols(sections))
    add("decode: entropy", seconds, _n_bytes(sections), "bytes")
    (_, faces), seconds = _timed(lambda: ScaffoldSurface(symbols).mesh(DEFAULT_RESOLUTION))
    add("decode: subdivision", seconds, len(faces), "triangles")


def _n_bytes(sections: Sequence[Section]) -> int:
    return sum(len(section.data) for section in sections)


def _timed(work: Callable[[], Result]) -> tuple[Result, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start
