"""`sdfz pack build`: a collection as one model pack, fitted to it, and a tiny file for each of its shapes."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..codec.settings import CODE_ALONE
from ..codec.training.methods import TRAINABLE
from . import streams
from .console import Console, count, percent, print_json
from .errors import CliError
from .helptext import GroupedCommand, console_options, device_option, force_option, json_option, option, threads_option
from .training import CHECKPOINT, DEFAULT_MINUTES, notes_of, run_training

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from ..codec.encode import Encoded
    from ..formats.model_pack import ModelPack

    Codes = Mapping[str, npt.NDArray[np.float32]]
    """Learned codes by the hashes of the shapes' files."""

_CACHE = ".shapes"
_LEARNED = 22.0  # quality of codes that were learned: with about this one collections were measured


@dataclass(frozen=True)
class _Request:
    """What was asked for."""

    shapes: tuple[Path, ...]
    method: str
    output: Path
    files: Path | None
    steps: int | None
    minutes: float | None
    quality: float | None
    effort: int
    seed: int
    device: str
    threads: int | None
    force: bool
    as_json: bool

    @property
    def folder(self) -> Path:
        """Of the files."""
        return self.output.parent if self.files is None else self.files

    def target(self, shape: Path) -> Path:
        """The file of a shape."""
        return self.folder / f"{shape.stem}.sdfz"

    def command(self) -> str:
        """The command that asks for this."""
        length = ["--steps", self.steps] if self.steps is not None else ["--minutes", f"{self.minutes:g}"]
        words = ["sdfz", "pack", "build", "SHAPE...", "--method", self.method, "-o", self.output, *length]
        return shlex.join(map(str, [*words, "--seed", self.seed, "--device", self.device]))


@click.command(cls=GroupedCommand, short_help="A collection: a pack fitted to it, and a tiny file for each shape.")
@click.argument("shapes", metavar="SHAPE...", nargs=-1, required=True,
                type=click.Path(path_type=Path, exists=True, dir_okay=False))  # fmt: skip
@option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, metavar="FILE",
        group="Input and output", help="The model pack (.sdfm).")  # fmt: skip
@option("--files", type=click.Path(path_type=Path, file_okay=False, exists=True), metavar="DIR",
        group="Input and output", help="Folder of the shapes' files. [default: that of the pack]")  # fmt: skip
@option("--steps", type=click.IntRange(min=1), metavar="N", group="Training", help="How many.")
@option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="M", group="Training",
        help=f"How long, preparing not counted. [default: {DEFAULT_MINUTES:g}]")  # fmt: skip
@option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", group="Training",
        help="Of everything random.")  # fmt: skip
@option("--method", type=click.Choice(TRAINABLE), default="compact", show_default=True, group="Encoding",
        help="How the shapes are coded.")  # fmt: skip
@option("-q", "--quality", type=click.FloatRange(0, 100), metavar="0..100", group="Encoding",
        help=f"Of the files, as of sdfz encode; of compact up to {CODE_ALONE:g} the code that was learned, above it a "
        f"residual too. [default: that of sdfz encode; of compact {_LEARNED:g}]")  # fmt: skip
@option("-e", "--effort", type=click.IntRange(1, 9), default=5, show_default=True, metavar="1..9", group="Encoding",
        help="Of the files, as of sdfz encode.")  # fmt: skip
@device_option
@threads_option
@force_option
@json_option
@console_options
def build(*, console: Console, **options: Any) -> None:
    """Fit a model pack to a collection of shapes, and encode each of them with it.

    What shapes have in common is in the pack, what is left of each in its file: by compact the code that was learned
    with the pack. The pack has to be sent too: its bytes are told with those of the files. Stopped at any time, the
    same command goes on where the last checkpoint was.

    \b
    sdfz pack build chairs/*.obj -o chairs.sdfm --files coded/
    sdfz decode coded/armchair.sdfz --pack chairs.sdfm
    """
    request = _Request(**options)
    if request.steps is not None and request.minutes is not None:
        raise click.UsageError("--steps and --minutes are mutually exclusive; give one.")
    if request.steps is None and request.minutes is None:
        request = _Request(**{**options, "minutes": DEFAULT_MINUTES})
    _check_targets(request)

    from ..codec.threads import torch_threads

    with torch_threads(request.threads):
        pack, codes = _fitted(request, console)
    files = {shape: _encoded(shape, pack, codes, request, console) for shape in request.shapes}
    n_pack, n_files = os.path.getsize(request.output), sum(len(encoded.data) for encoded in files.values())
    console.note(
        f"{count(len(files), 'shape')} -> {request.output}: {count(n_pack, 'byte')} of the pack and {n_files:,} of the "
        f"files, {(n_pack + n_files) / len(files):,.0f} a shape"
    )
    if request.as_json:
        print_json({"output": str(request.output), "hash": pack.short.hex(), "pack_bytes": n_pack,
                    "files": [{"input": str(shape), "output": str(request.target(shape)), "bytes": len(encoded.data),
                               "cd": float(encoded.distortion.cd)} for shape, encoded in files.items()]})  # fmt: skip


def _check_targets(request: _Request) -> None:
    """Refuse what cannot be written, before any work."""
    streams.check_target(streams.Job(streams.STREAM, str(request.output)), force=request.force)
    if not request.output.parent.is_dir():
        raise CliError(f"output directory does not exist: {request.output.parent}")
    names: dict[str, Path] = {}
    for shape in request.shapes:
        if shape.stem in names:
            raise click.UsageError(f"'{names[shape.stem]}' and '{shape}' would both be {shape.stem}.sdfz.")
        names[shape.stem] = shape
        streams.check_target(streams.Job(str(shape), str(request.target(shape))), force=request.force)


def _fitted(request: _Request, console: Console) -> tuple[ModelPack, Codes]:
    """The pack, written, and the codes that were learned with it; none by methods whose codes are not one a shape."""
    from ..codec.compact.train import CompactModule
    from ..codec.training.cache import prepared_shapes
    from ..codec.training.loop import TrainSettings
    from ..codec.training.methods import trainee_of
    from ..formats.model_pack import write_model

    trainee = trainee_of(request.method)
    checkpoint = request.output.with_name(request.output.name + CHECKPOINT)
    cache = request.output.with_name(request.output.name + _CACHE)
    settings = TrainSettings(request.steps, request.minutes, seed=request.seed, device=request.device)
    with console.progress() as progress:
        entries = [(shape.stem, shape) for shape in request.shapes]
        prepared = prepared_shapes(cache, trainee.cache_key, entries, trainee.prepare, progress)
        if not prepared:
            raise CliError("none of the shapes can be learned from")
        trained = run_training(trainee, prepared, [], settings, checkpoint, progress, console)
    # The pack is counted with the files: of many names and hashes one will do.
    corpus = [(count(len(prepared), "shape"), sha256("".join(s.digest for s in prepared).encode()).hexdigest()[:12])]
    pack = trainee.to_pack(trained.module, notes_of(request.command(), corpus, [""], 0, trained))
    write_model(request.output, pack)
    checkpoint.unlink()
    shutil.rmtree(cache)  # no other pack is fitted to it
    if not isinstance(trained.module, CompactModule):
        return pack, {}
    learned = trained.module.codes.weight.detach().cpu().numpy()
    return pack, {shape.digest: code for shape, code in zip(prepared, learned, strict=True)}


def _encoded(shape: Path, pack: ModelPack, codes: Codes, request: _Request, console: Console) -> Encoded:
    """The file of a shape, written."""
    from ..codec.compact.collection import encode_learned
    from ..codec.compact.trials import CODES
    from ..codec.encode import EncodeSettings, encode_mesh
    from ..codec.training.cache import digest_of
    from ..formats.mesh_io import read_mesh

    mesh = read_mesh(shape)
    quality = _LEARNED if request.quality is None and request.method == "compact" else request.quality
    settings = EncodeSettings(request.method, quality=quality, effort=request.effort, seed=request.seed,
                              device=request.device, threads=request.threads, pack=pack)  # fmt: skip
    code = codes.get(digest_of(shape))
    if code is not None and quality is not None and quality <= CODE_ALONE:
        encoded = encode_learned(mesh.vertices, mesh.faces, code, CODES.of_quality(quality), settings, pack)
    else:
        with console.progress() as progress:
            encoded = encode_mesh(mesh.vertices, mesh.faces, settings, progress=progress)
    target = request.target(shape)
    streams.write_target(streams.Job(str(shape), str(target)), encoded.data)
    console.note(f"{shape} -> {target}: {count(len(encoded.data), 'byte')}; cd {percent(encoded.distortion.cd)}")
    return encoded
