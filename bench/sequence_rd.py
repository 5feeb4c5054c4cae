"""Rate and distortion of registered sequences: bytes a frame against errors, of inter frames and what stands beside.

    python -m sdfz.bench.sequence_rd SEQUENCE.npz -o bench/results/sequence-rd-0.6.0.tsv --plot curves.png

SEQUENCE has `vertices` (T, V, 3) and `faces`. Files of sequences hold all frames; single frames are coded, and
everything is measured, on one of so many. A row is a codec at a setting; those that the table has are not made anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

from ..codec.closest import Triangles
from ..codec.decode import decode_bytes
from ..codec.distortion import Reference
from ..codec.encode import EncodeSettings, encode_mesh
from ..codec.job import Job
from ..codec.lgcl.fit import FitSettings, encode_lgcl
from ..codec.lgcl.stream import pack_symbols
from ..codec.packs.bundled import bundled_pack
from ..codec.sequence.base import reference_of
from ..codec.sequence.fit import MotionSettings, fit_motion
from ..codec.sequence.stream import pack_motion
from ..codec.sequence.tracks import Tracks
from ..codec.settings import ErrorBound
from ..codec.shape import DEFAULT_RESOLUTION
from ..codec.target import Target
from ..formats.container import pack, unpack
from .corpus import load_sequence
from .lgcl_sequences import HEIGHT
from .peers.contract import Mesh, RatePoint
from .peers.draco import decode_draco, encode_draco
from .peers.opponent import Opponent
from .records import read_records, text_of, write_records

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EVERY = 16
_SAMPLES = 20_000
_LGCL_POINTS = (400, 1500)
_LGCL_STEPS = 600
_GRID_QUALITIES = (30, 60)
_SCAFFOLD_ERRORS = (1e-3, 3e-4)
_DRACO_BITS = (7, 8, 9, 10)
# Of inter frames: mean error of a scaffold's base or key points of LGCL's; then nodes and step of the motion.
_MOTIONS = ((150, 0.008), (300, 0.005), (700, 0.004), (1500, 0.002))
_SCAFFOLD_BASES = (8e-4, 4e-4, 2.5e-4, 1.2e-4)
_LGCL_BASES = (600, 1200, 2000, 3500)
_BASE_ELASTICITY = 0.4  # of LGCL's base: its bytes are those of one frame of many


@dataclass(frozen=True)
class Result:
    """A row.

    Attributes
    ----------
    setting : str
        Of the codec.
    n_frames, n_measured : int
        Of the sequence, and those that are measured.
    bytes_per_frame : float
        Of a sequence: of the file, by the number of frames. Packs are not counted.
    cd, rms, hd : float
        Fractions of each frame's diagonal, 1e-4: mean of the means, root mean square, largest.
    ed : float
        Mean distance of the frames' vertices from the decoded surface, in 1,700ths of the first frame's longest side.
    seconds : float
        Of the CPU, for encoding: of a whole sequence, or of a frame.
    """

    sequence: str
    codec: str
    setting: str
    n_frames: int
    n_measured: int
    bytes_per_frame: float
    cd: float
    rms: float
    hd: float
    ed: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames, and which of them are measured."""

    name: str
    vertices: FloatArray
    faces: IntArray
    measured: list[int]

    def row(
        self, codec: str, setting: str, rate: float, seconds: float, decoded: Callable[[int], tuple[Any, Any]]
    ) -> Result:
        """The row of a codec, of which `decoded` gives the mesh of a frame."""
        unit = np.ptp(self.vertices[0], axis=0).max() / HEIGHT
        found, ed = [], []
        for number in self.measured:
            vertices, faces = decoded(number)
            distortion = Reference(self.vertices[number], self.faces, _SAMPLES).measure(vertices, faces)
            found.append([distortion.cd, distortion.rms, distortion.hd])
            ed.append(Triangles(vertices, faces).distances(self.vertices[number])[0].mean() / unit)
        cd, rms, hd = 1e4 * np.array(found).T
        return Result(
            self.name, codec, setting, len(self.vertices), len(self.measured), rate, float(cd.mean()),
            float(np.sqrt((rms**2).mean())), float(hd.max()), float(np.mean(ed)), seconds,
        )  # fmt: skip


# -- single frames ----------------------------------------------------------------------------------------------------


def single_frames(
    sequence: Frames, codec: str, setting: str, encode: Callable[[Mesh], bytes], decode: Callable[[bytes], Any]
) -> Result:
    """Each measured frame in a file of its own."""
    start, files = time.process_time(), {}
    for number in sequence.measured:
        files[number] = encode(Mesh(sequence.vertices[number], sequence.faces))
    seconds = (time.process_time() - start) / len(files)
    rate = float(np.mean([len(data) for data in files.values()]))
    return sequence.row(codec, setting, rate, seconds, lambda number: decode(files[number]))


def draco_shared(sequence: Frames, bits: int) -> Result:
    """Draco of whole frames, what their connectivity costs counted once.

    That is taken for what a frame costs at one bit a coordinate, which is a little more.
    """
    n_connectivity = len(encode_draco(Mesh(sequence.vertices[0], sequence.faces), 1))

    def encode(mesh: Mesh) -> bytes:
        return encode_draco(mesh, bits)

    row = single_frames(sequence, "Draco, shared connectivity", f"qp{bits}", encode, _mesh_of_draco)
    rate = row.bytes_per_frame - n_connectivity * (1 - 1 / len(sequence.vertices))
    return replace(row, bytes_per_frame=rate)


def _decimated(peer: Opponent, point: RatePoint, mesh: Mesh) -> bytes:
    return peer.encode(peer.prepare(mesh, point.group), point)


def _mesh_of_draco(data: bytes) -> tuple[Any, Any]:
    mesh = decode_draco(data)
    return mesh.vertices, mesh.faces


def encode_local(mesh: Mesh, n_points: int, elasticity: float = FitSettings.elasticity) -> bytes:
    """The `lgcl` file of a mesh with about so many key points and the bundled pack."""
    model = bundled_pack("lgcl")
    target = Target(mesh.vertices, mesh.faces)
    frame, symbols = encode_lgcl(target, FitSettings(n_points, model, _LGCL_STEPS, elasticity))
    job = Job(target, target.reference(_SAMPLES), EncodeSettings("lgcl"))
    return job.trial("lgcl", n_points, frame, pack_symbols(symbols), {}, model).result.data


def encode_scaffold(mesh: Mesh, cd: float) -> bytes:
    """The scaffold of a mesh for a mean error."""
    settings = EncodeSettings("scaffold", max_error=ErrorBound(cd), metric="cd")
    return encode_mesh(mesh.vertices, mesh.faces, settings).data


def encode_grid(mesh: Mesh, quality: int) -> bytes:
    """The grid of a mesh."""
    return encode_mesh(mesh.vertices, mesh.faces, EncodeSettings("grid", quality=quality)).data


# -- sequences --------------------------------------------------------------------------------------------------------


def inter_frames(
    sequence: Frames, codec: str, setting: str, encode_base: Callable[[], bytes], n_nodes: int, step: float
) -> Result:
    """All frames in one file, of a base shape and its motion."""
    start = time.process_time()
    base = encode_base()
    container, shape = unpack(base), decode_bytes(base)
    frame, reference = container.header.frame, reference_of(sequence.vertices, sequence.faces)
    tracks = Tracks(
        *shape.surface.mesh(DEFAULT_RESOLUTION), frame.to_normalized(sequence.vertices), sequence.faces, reference
    )
    motion = pack_motion(fit_motion(tracks, MotionSettings(n_nodes, step)))
    data = pack(container.header, container.sections, motion=motion)
    seconds, decoded = time.process_time() - start, decode_bytes(data)
    rate = len(data) / len(sequence.vertices)
    return sequence.row(codec, setting, rate, seconds, lambda number: decoded.frame(number).triangles())


def points(sequence: Frames) -> Iterator[tuple[str, str, Callable[[], Result]]]:
    """Codec, setting, and what makes the row of each."""
    middle = Mesh(sequence.vertices[reference_of(sequence.vertices, sequence.faces)], sequence.faces)

    for n_points, (n_nodes, step) in zip(_LGCL_BASES, _MOTIONS, strict=True):
        name = f"{n_points} key points, {n_nodes} nodes, step {step}"
        base = partial(encode_local, middle, n_points, _BASE_ELASTICITY)
        yield "lgcl inter", name, partial(inter_frames, sequence, "lgcl inter", name, base, n_nodes, step)
    for bits in _DRACO_BITS:
        yield "Draco, shared connectivity", f"qp{bits}", partial(draco_shared, sequence, bits)
    for cd, (n_nodes, step) in zip(_SCAFFOLD_BASES, _MOTIONS, strict=True):
        name = f"cd {cd}, {n_nodes} nodes, step {step}"
        base = partial(encode_scaffold, middle, cd)
        yield "scaffold inter", name, partial(inter_frames, sequence, "scaffold inter", name, base, n_nodes, step)
    peer = Opponent()
    alone: list[tuple[str, str, Callable[[Mesh], bytes], Callable[[bytes], Any]]] = [
        ("decimation + Draco", point.name, partial(_decimated, peer, point), _mesh_of_draco)
        for point in peer.points(middle, True)[1::2]
    ]
    for codec, text, encode, settings in (
        ("lgcl intra", "{} key points", encode_local, _LGCL_POINTS),
        ("scaffold intra", "cd {}", encode_scaffold, _SCAFFOLD_ERRORS),
        ("grid", "q{}", encode_grid, _GRID_QUALITIES),
    ):
        alone += [(codec, text.format(n), partial(_with, encode, n), _mesh_of_file) for n in settings]
    for codec, name, encode_one, decode in alone:
        yield codec, name, partial(single_frames, sequence, codec, name, encode_one, decode)


def _with(encode: Callable[..., bytes], setting: float, mesh: Mesh) -> bytes:
    return encode(mesh, setting)


def _mesh_of_file(data: bytes) -> tuple[Any, Any]:
    return decode_bytes(data).triangles()


# -- the table --------------------------------------------------------------------------------------------------------


def plot(rows: Sequence[Result], path: Path) -> None:
    """Curves of all codecs, a panel a sequence and metric."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot, ticker

    sequences = list(dict.fromkeys(row.sequence for row in rows))
    colours = {codec: f"C{k}" for k, codec in enumerate(dict.fromkeys(row.codec for row in rows))}
    figure, panels = pyplot.subplots(len(sequences), 2, figsize=(12, 4.5 * len(sequences)), squeeze=False)
    for name, line in zip(sequences, panels, strict=True):
        for metric, panel in zip(("cd", "ed"), line, strict=True):
            for codec in dict.fromkeys(row.codec for row in rows if row.sequence == name):
                of = [row for row in rows if (row.sequence, row.codec) == (name, codec)]
                curve = sorted((row.bytes_per_frame, getattr(row, metric)) for row in of)
                panel.plot(*zip(*curve, strict=True), marker="o", markersize=3, label=codec, color=colours[codec])
            panel.set(xscale="log", yscale="log", xlabel="bytes a frame", title=name)
            panel.set_ylabel({"cd": "CD, 1e-4 of the diagonal", "ed": "ED, 1,700ths of the height"}[metric])
            panel.xaxis.set_minor_formatter(ticker.NullFormatter())
            panel.grid(True, which="both", alpha=0.3)
    panels[0, 0].legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=110)


@click.command()
@click.argument("sequences", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("-o", "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The table.")
@click.option("--codec", "codecs", multiple=True, help="Only this one; may be given several times.")
@click.option("--every", default=EVERY, show_default=True, help="One of so many frames is measured.")
@click.option("--plot", "picture", type=click.Path(path_type=Path, dir_okay=False), help="PNG of the curves.")
def main(sequences: tuple[Path, ...], out: Path, codecs: tuple[str, ...], every: int, picture: Path | None) -> None:
    """Encode, decode, measure and write the table, row by row."""
    rows = read_records(out, Result)
    done = {(row.sequence, row.codec, row.setting) for row in rows}
    for path in sequences:
        vertices, faces = load_sequence(path)
        sequence = Frames(path.stem, vertices.astype(np.float64), faces, list(range(0, len(vertices), every)))
        for codec, setting, made in points(sequence):
            if (path.stem, codec, setting) in done or (codecs and codec not in codecs):
                continue
            rows.append(made())
            write_records(out, rows)
            click.echo(text_of(rows[-1]))
    if picture is not None:
        plot(rows, picture)


if __name__ == "__main__":
    main()
