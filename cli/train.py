"""`sdfz train`: a model pack from a folder of shapes."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..codec.training.methods import TRAINABLE
from . import streams
from .console import Console, count, print_json
from .errors import CliError
from .helptext import GroupedCommand, console_options, device_option, force_option, json_option, option, threads_option
from .training import CHECKPOINT, DEFAULT_MINUTES, default_cache, notes_of, run_training

if TYPE_CHECKING:
    from ..bench.corpus import CorpusShape

_ANY = "any"


@dataclass(frozen=True)
class _Request:
    """What was asked for."""

    method: str
    corpus: Path
    out: Path
    steps: int | None
    minutes: float | None
    licences: tuple[str, ...]
    most_shapes: int | None
    hold_out: int
    seed: int
    cache: Path | None
    device: str
    threads: int | None
    force: bool
    as_json: bool

    def command(self) -> str:
        """The command that asks for this."""
        length = ["--steps", self.steps] if self.steps is not None else ["--minutes", f"{self.minutes:g}"]
        words = ["sdfz", "train", self.method, "--corpus", self.corpus, "--out", self.out, *length]
        words += [word for licence in self.licences for word in ("--licence", licence)]
        words += [] if self.most_shapes is None else ["--shapes", self.most_shapes]
        words += ["--hold-out", self.hold_out, "--seed", self.seed, "--device", self.device]
        return shlex.join(map(str, words))


@click.command(cls=GroupedCommand, short_help="A model pack from a folder of shapes.")
@click.argument("method", type=click.Choice(TRAINABLE))
@option(
    "--corpus",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    metavar="DIR",
    group="Input and output",
    help="Shapes to train on: all meshes in the folder and below it. Keep those apart that you will measure with.",
)
@option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    metavar="FILE",
    group="Input and output",
    help="The model pack (.sdfm).",
)
@option(
    "--licence",
    "licences",
    multiple=True,
    default=("permissive",),
    show_default=True,
    metavar="CLASS",
    group="Input and output",
    help=f"Where the corpus has a catalog.csv: only shapes of this class, or {_ANY}. May be given several times.",
)
@option("--shapes", "most_shapes", type=click.IntRange(min=2), metavar="N", group="Input and output",
        help="At most so many, chosen by the seed.")  # fmt: skip
@option(
    "--cache",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    group="Input and output",
    help="For what is prepared of each shape. [default: ~/.cache/sdfz/training]",
)
@option("--steps", type=click.IntRange(min=1), metavar="N", group="Training", help="How many.")
@option("--minutes", type=click.FloatRange(min=0, min_open=True), metavar="M", group="Training",
        help=f"How long, preparing not counted. [default: {DEFAULT_MINUTES:g}]")  # fmt: skip
@option("--hold-out", type=click.IntRange(min=2), default=8, show_default=True, metavar="N", group="Training",
        help="One shape of so many validates and is not trained on.")  # fmt: skip
@option("--seed", type=click.IntRange(min=0), default=0, show_default=True, metavar="N", group="Training",
        help="Of everything random.")  # fmt: skip
@device_option
@threads_option
@force_option
@json_option
@console_options
def train(*, console: Console, **options: Any) -> None:
    """Train what the decoders of a method share, and write it as a model pack.

    Stopped at any time, the same command goes on where the last checkpoint was, in FILE.checkpoint, and comes to the
    same pack as without the stop (with --steps). Validation fits shapes that are not trained on, in short: rate and
    distortion are over those of the same fits without a pack.

    \b
    sdfz train grid --corpus meshes/ --out grid.sdfm --minutes 20
    sdfz encode shape.obj --method grid --pack grid.sdfm
    """
    request = _Request(**options)
    if request.steps is not None and request.minutes is not None:
        raise click.UsageError("--steps and --minutes are mutually exclusive; give one.")
    streams.check_target(streams.Job(streams.STREAM, str(request.out)), force=request.force)
    if not request.out.parent.is_dir():
        raise CliError(f"output directory does not exist: {request.out.parent}")
    chosen = _shapes(request, console)

    from ..codec.threads import torch_threads

    with torch_threads(request.threads):
        _train(request, chosen, console)


def _shapes(request: _Request, console: Console) -> list[CorpusShape]:
    """Shapes of the corpus that may be trained on."""
    import numpy as np

    from ..bench.corpus import CorpusError, corpus_shapes

    try:
        shapes = corpus_shapes(request.corpus, (".",))
    except CorpusError as error:
        raise CliError(str(error)) from error
    if not any(shape.licence for shape in shapes):
        console.note(f"{request.corpus}: no catalog.csv: the licences of its shapes are not known")
    elif _ANY not in request.licences:
        shapes = [shape for shape in shapes if shape.licence_class in request.licences]
    if request.most_shapes is not None:
        order = np.random.default_rng(request.seed).permutation(len(shapes))[: request.most_shapes]
        shapes = [shapes[i] for i in sorted(order.tolist())]
    if not shapes:
        raise CliError(f"{request.corpus}: no shape of licence {' or '.join(request.licences)}")
    return shapes


def _train(request: _Request, chosen: list[CorpusShape], console: Console) -> None:
    from ..codec.training.cache import held_out, prepared_shapes
    from ..codec.training.loop import TrainSettings
    from ..codec.training.methods import trainee_of
    from ..formats.model_pack import write_model

    trainee = trainee_of(request.method)
    minutes = DEFAULT_MINUTES if request.steps is None and request.minutes is None else request.minutes
    checkpoint = request.out.with_name(request.out.name + CHECKPOINT)
    settings = TrainSettings(request.steps, minutes, seed=request.seed, device=request.device)
    with console.progress() as progress:
        entries = [(shape.name, shape.path) for shape in chosen]
        cache = request.cache or default_cache()
        prepared = prepared_shapes(cache, trainee.cache_key, entries, trainee.prepare, progress)
        shapes, others = held_out(prepared, request.hold_out)
        if not shapes:
            raise CliError(f"{request.corpus}: nothing to train on: {count(len(others), 'shape')}, all held out")
        trained = run_training(trainee, shapes, others, settings, checkpoint, progress, console)
    names = {shape.name for shape in shapes}
    used = [shape for shape in chosen if shape.name in names]
    corpus = [(shape.name, shape.sha256) for shape in used]
    notes = notes_of(request.command(), corpus, [shape.licence for shape in used], len(others), trained)
    pack = trainee.to_pack(trained.module, notes)
    write_model(request.out, pack)
    checkpoint.unlink()
    console.note(f"{request.corpus} -> {request.out}: model pack {pack.short.hex()}; {trained.progress.step:,} steps")
    if request.as_json:
        print_json({"output": str(request.out), "hash": pack.short.hex(), "notes": notes,
                    "history": trained.progress.history})  # fmt: skip
