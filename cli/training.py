"""What the commands have in common that train: running the loop with progress, and the notes of the pack."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .console import Console, count

if TYPE_CHECKING:
    from ..codec.training.cache import CachedShape, Progress
    from ..codec.training.loop import Trained, TrainSettings
    from ..codec.training.trainee import Trainee

CHECKPOINT = ".checkpoint"
DEFAULT_MINUTES = 30.0


def default_cache() -> Path:
    """Where prepared shapes are kept."""
    return Path("~/.cache/sdfz/training").expanduser()


def run_training(
    trainee: Trainee,
    shapes: Sequence[CachedShape],
    held_out: Sequence[CachedShape],
    settings: TrainSettings,
    checkpoint: Path,
    progress: Progress | None,
    console: Console,
) -> Trained:
    """Train, going on from the checkpoint if there is one, and tell what validations find."""
    from ..codec.training.loop import train

    def report(step: int, n_steps: int | None, metrics: dict[str, float]) -> None:
        if progress is not None:
            progress("train", step, n_steps or 0)
        if len(metrics) > 1:
            console.note(f"step {step:,}: {_told(metrics)}")

    key = "\n".join(shape.digest for shape in shapes)
    return train(trainee, shapes, held_out, settings, checkpoint=checkpoint, key=key, report=report)


def notes_of(
    command: str, corpus: Sequence[tuple[str, str]], licences: Sequence[str], n_held_out: int, trained: Trained
) -> dict[str, str]:
    """What a pack says of where it comes from.

    Parameters
    ----------
    command : str
    corpus : sequence of (str, str)
        Names and hashes of the shapes that were trained on.
    licences : sequence of str
    n_held_out : int
    trained : Trained
    """
    from ..bench.machine import describe_machine

    progress = trained.progress
    summary = f"{count(progress.step, 'step')}, {progress.seconds:.0f} s, {describe_machine()}"
    history = [f"step {entry['step']:.0f}: {_told(entry)}" for entry in progress.history]
    return {
        "corpus": "\n".join(f"{name} {sha256}" for name, sha256 in corpus),
        "licences": "\n".join(sorted({licence or "not known" for licence in licences})),
        "commit": _commit(),
        "command": command,
        "log": "\n".join([f"{summary}, {count(n_held_out, 'shape')} held out", *history]),
    }


def _told(metrics: dict[str, float]) -> str:
    """Metrics of a validation, for people."""
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if name != "step")


def _commit() -> str:
    """The commit of the source that runs; the version where there is no repository."""
    from .. import __version__

    root = Path(__file__).resolve().parents[1]
    if not (root / ".git").exists():
        return f"version {__version__}"
    try:
        done = subprocess.run(["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return f"version {__version__}"
    return done.stdout.strip()
