"""Train the start of the model that codes symbols, which is part of the `grid` format.

    python -m sdfz.bench.grid_priors collect --corpus DIR --out SYMBOLS        fits: resumable, one file a shape
    python -m sdfz.bench.grid_priors train SYMBOLS -o codec/grid/priors.npz
    python -m sdfz.bench.grid_priors measure SYMBOLS [--priors priors.npz]

`collect` fits permissively licensed meshes of the training corpus at random sizes; the symbols do not depend on the
coder. Training codes them one after the other with the adaptive coder itself, in several rounds, and keeps what it has
learned: the format's have learned from 57 shapes, 14 of them fitted a second time, after the rate in the fit had
changed. To judge a change of contexts, `train --hold-out 3` leaves out a third of the shapes by name, and
`measure --held-out 3` codes these.
"""

from __future__ import annotations

import csv
import logging
from dataclasses import fields
from pathlib import Path

import click
import numpy as np

from ..codec import mixing
from ..codec.grid.decisions import blank
from ..codec.grid.encode import GridSettings, encode_grid
from ..codec.grid.priors import default_priors
from ..codec.grid.stream import count_symbols
from ..codec.grid.symbols import GridSymbols
from ..codec.stored_priors import pack_priors, read_priors
from ..codec.target import Target
from ..formats.errors import SdfzError
from ..formats.files import write_atomic
from ..formats.mesh_io import read_mesh
from .priors import in_part, trained_priors

logger = logging.getLogger(__name__)

MOST_SEEN = 20  # counts of the priors: a file's own statistics take over after about as many decisions
N_ROUNDS = 2
_LAYERED = ("weights", "latents")  # fields with an array for each layer or level


def write_symbols(path: Path, symbols: GridSymbols) -> None:
    """Write the integers of a field as .npz."""
    arrays: dict[str, object] = {}
    for field in fields(GridSymbols):
        value = getattr(symbols, field.name)
        if field.name in _LAYERED:
            arrays |= {f"{field.name}{i}": array for i, array in enumerate(value)}
        else:
            arrays[field.name] = value
    np.savez_compressed(path, **arrays)  # type: ignore[arg-type]


def read_symbols(folder: Path, n_parts: int = 0, *, held_out: bool = False) -> dict[str, GridSymbols]:
    """The fields of a folder: those held out if it is cut in `n_parts` by name, or the rest."""
    found = {}
    for path in sorted(folder.glob("*.npz")):
        if not in_part(path.stem, n_parts, held_out=held_out):
            continue
        with np.load(path, allow_pickle=False) as stored:
            layered = {
                name: tuple(stored[f"{name}{i}"] for i in range(len(stored)) if f"{name}{i}" in stored)
                for name in _LAYERED
            }
            found[path.stem] = GridSymbols(
                depth=int(stored["depth"]),
                cells=stored["cells"],
                gain_codes=tuple(stored["gain_codes"].tolist()),
                network=int(stored["network"]),
                trimmed=stored["trimmed"],
                parts=stored["parts"],
                **layered,
            )
    return found


def trained(shapes: list[GridSymbols], *, n_rounds: int = N_ROUNDS, most_seen: int = MOST_SEEN) -> mixing.Priors:
    """Priors that have seen all the shapes."""

    def coded(shape: GridSymbols, priors: mixing.Priors) -> tuple[mixing.Coder, float]:
        counted = count_symbols(shape, priors)
        return counted, float(counted.bits.sum())

    return trained_priors(shapes, blank, coded, n_rounds=n_rounds, most_seen=most_seen)


@click.group()
def main() -> None:
    """Train the model of the grid format."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")


@main.command()
@click.option("--corpus", type=click.Path(path_type=Path, exists=True), required=True, help="Folder with catalog.csv.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder for the symbols of each shape.")
@click.option("--shapes", "n_shapes", default=70, show_default=True, help="How many shapes.")
@click.option("--steps", default=600, show_default=True, help="Of a fit.")
def collect(corpus: Path, out: Path, n_shapes: int, steps: int) -> None:
    """Fit shapes of the training corpus and keep their symbols."""
    out.mkdir(parents=True, exist_ok=True)
    with open(corpus / "catalog.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["role"] == "train" and r["licence_class"] == "permissive"]
    rows = [r for r in rows if 1000 <= int(r["faces"]) <= 150_000 and r["file"].endswith(".ply")]
    rng = np.random.default_rng(0)
    for i in rng.permutation(len(rows))[:n_shapes]:
        name = Path(rows[i]["file"]).stem
        settings = GridSettings(
            n_cells=float(np.exp(rng.uniform(np.log(250), np.log(4000)))),
            elasticity=float(rng.uniform(1.1, 1.6)),
            n_iterations=steps,
            n_samples=1 << 17,
        )
        if (out / f"{name}.npz").exists():
            continue
        try:
            mesh = read_mesh(corpus / rows[i]["file"])
            _, symbols = encode_grid(Target(mesh.vertices, mesh.faces), settings)
        except SdfzError as error:
            logger.info("%s: skipped: %s", name, error)
            continue
        write_symbols(out / f"{name}.npz", symbols)
        logger.info("%s: %d cells, %d trimmed", name, len(symbols.cells), len(symbols.trimmed))


@main.command()
@click.argument("symbols", type=click.Path(path_type=Path, exists=True))
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True)
@click.option("--hold-out", default=0, help="Leave out one of so many parts.")
def train(symbols: Path, out: Path, hold_out: int) -> None:
    """Learn from the symbols of a folder."""
    data = pack_priors(trained(list(read_symbols(symbols, hold_out).values())))
    write_atomic(out, data)
    click.echo(f"{out}: {len(data)} bytes")


@main.command()
@click.argument("symbols", type=click.Path(path_type=Path, exists=True))
@click.option("--priors", "priors_file", type=click.Path(path_type=Path, exists=True), help="Default: the format's.")
@click.option("--held-out", default=0, help="Only those left out of so many parts.")
def measure(symbols: Path, priors_file: Path | None, held_out: int) -> None:
    """Bytes of the symbols of a folder: latents, cells, network with gain codes, trimmed cells."""
    priors = read_priors(priors_file.read_bytes(), blank()) if priors_file else default_priors()
    total = np.zeros(4)
    for name, shape in read_symbols(symbols, held_out, held_out=held_out > 0).items():
        n_bytes = count_symbols(shape, priors).bits / 8
        total += n_bytes
        click.echo(f"{name}\t" + "\t".join(f"{value:.0f}" for value in n_bytes))
    click.echo("sum\t" + "\t".join(f"{value:.0f}" for value in total) + f"\t{total.sum():.0f}")


if __name__ == "__main__":
    main()
