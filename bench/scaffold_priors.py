"""Train the start of the control mesh coder's model, which is part of the `scaffold` format.

    python -m sdfz.bench.scaffold_priors train MESHES -o codec/scaffold/priors.npz
    python -m sdfz.bench.scaffold_priors measure MESHES [--priors priors.npz]

MESHES is a folder of .npz files, one a control mesh: `faces` (F, 3), `positions` (V, 3) in eighths of the normal step,
`tangential_step` in the same unit, and where it has creases `sharpness` and `pinned`, as `encode_control` takes them.
Training codes the meshes one after the other with the adaptive coder itself, in several rounds, and keeps what it has
learned. Between meshes, counts are cut to what the priors will have, so that the mixing weights are learned for
contexts as confident as they will be.

To judge a change of contexts, `train --hold-out 3` leaves out a third of the meshes by name, and `measure --held-out 3`
codes these.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from ..codec import mixing
from ..codec.scaffold.coder import EncodedControl, encode_control
from ..codec.scaffold.priors import default_priors
from ..codec.scaffold.symbols import blank, without_flags
from ..codec.scaffold.traversal import Traversal, traverse
from ..codec.stored_priors import pack_priors, read_priors
from ..formats.files import write_atomic
from .priors import in_part, trained_priors

MOST_SEEN = 40  # counts of the priors: a file's own statistics take over after about as many decisions
N_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class TrainingMesh:
    """A control mesh to learn from; fields as in `encode_control`."""

    name: str
    traversal: Traversal
    targets: NDArray[np.float64]
    tangential_step: int
    sharpness: NDArray[np.uint8] | None
    pinned: NDArray[np.bool_] | None


def read_meshes(folder: Path, n_parts: int, *, held_out: bool) -> list[TrainingMesh]:
    """The meshes of a folder: those held out if it is cut in `n_parts` by name up to the first dot, or the rest."""
    meshes = []
    for path in sorted(folder.glob("*.npz")):
        if not in_part(path.name.split(".")[0], n_parts, held_out=held_out):
            continue
        with np.load(path, allow_pickle=False) as stored:
            traversal = traverse(stored["faces"].astype(np.int64))
            positions = stored["positions"].astype(np.float64)
            meshes.append(
                TrainingMesh(
                    path.stem,
                    traversal,
                    positions - positions[traversal.order[0]],
                    int(stored["tangential_step"]),
                    stored["sharpness"] if "sharpness" in stored else None,
                    stored["pinned"] if "pinned" in stored else None,
                )
            )
    return meshes


def counted(mesh: TrainingMesh, priors: mixing.Priors) -> EncodedControl:
    """A mesh, coded for its cost."""
    return encode_control(
        mesh.traversal,
        mesh.targets,
        mesh.tangential_step,
        sharpness=mesh.sharpness,
        pinned=mesh.pinned,
        priors=priors,
        mode=mixing.COUNT,
    )


def trained(meshes: list[TrainingMesh], *, n_rounds: int = N_ROUNDS, most_seen: int = MOST_SEEN) -> mixing.Priors:
    """Priors that have seen all the meshes."""

    def coded(mesh: TrainingMesh, priors: mixing.Priors) -> tuple[mixing.Priors, float]:
        found = counted(mesh, priors)
        return found.adapted, sum(found.bits.values())

    return without_flags(trained_priors(meshes, blank, coded, n_rounds=n_rounds, most_seen=most_seen))


@click.group()
def main() -> None:
    """Train the model of the scaffold format."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")


@main.command()
@click.argument("meshes", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--hold-out", default=0, help="Leave out one of so many parts.")
def train(meshes: Path, out: Path, hold_out: int) -> None:
    """Learn from the meshes of a folder."""
    data = pack_priors(trained(read_meshes(meshes, hold_out, held_out=False)))
    write_atomic(out, data)
    click.echo(f"{out}: {len(data)} bytes")


@main.command()
@click.argument("meshes", type=click.Path(path_type=Path, exists=True))
@click.option("--priors", "priors_file", type=click.Path(path_type=Path, exists=True), help="Default: the format's.")
@click.option("--held-out", default=0, help="Only those left out of so many parts.")
def measure(meshes: Path, priors_file: Path | None, held_out: int) -> None:
    """Bits a vertex of the meshes of a folder, by part."""
    priors = read_priors(priors_file.read_bytes(), blank()) if priors_file else default_priors()
    rows = []
    for mesh in read_meshes(meshes, held_out, held_out=True):
        bits = counted(mesh, priors).bits
        rows.append([value / len(mesh.targets) for value in bits.values()])
        click.echo(f"{mesh.name}\t{len(mesh.targets)}\t" + "\t".join(f"{value:.3f}" for value in rows[-1]))
    if rows:
        mean = np.mean(rows, axis=0)
        click.echo("mean\t\t" + "\t".join(f"{value:.3f}" for value in mean) + f"\tsum {mean.sum():.3f}")


if __name__ == "__main__":
    main()
