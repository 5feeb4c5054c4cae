"""Train the integer contexts and probability tables of the `grid` format.

    python -m sdfz.bench.grid_tables collect --corpus DIR --cache symbols/     fits: resumable, one file a shape
    python -m sdfz.bench.grid_tables train --cache symbols/ --out codec/grid/tables.npz

`collect` fits permissively licensed meshes of the training corpus at random sizes. `train` walks the symbols in coding
order, fits the linear contexts in floating point (logistic for the octree, Laplace for the latents), rounds their
weights to integers, and refines the latents' tables with the histograms of their rows. Nothing of this runs in a codec.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import torch

from ..codec.context import CONTEXT_SHIFT, LinearContext
from ..codec.entropy import MAX_ESCAPE_BITS, TABLE_TOTAL, SignedTables, TableFamily
from ..codec.grid.encode import GridSettings, encode_grid
from ..codec.grid.stream import pack_symbols
from ..codec.grid.symbols import GridSymbols
from ..codec.grid.tables import LATENT_SUPPORT, GridTables
from ..codec.occupancy import N_FEATURES as N_OCCUPANCY_FEATURES
from ..codec.target import Target
from ..formats.errors import SdfzError
from ..formats.mesh_io import read_mesh

logger = logging.getLogger(__name__)

N_BIT_ROWS = 64  # logits from -7.75 to 8 in steps of 1/4
N_LATENT_ROWS = 44  # spreads from 2**-3.5 in steps of 2**(1/4)


@click.group()
def main() -> None:
    """Train the tables of the grid format."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")


@main.command()
@click.option("--corpus", type=click.Path(path_type=Path, exists=True), required=True, help="Folder with catalog.csv.")
@click.option("--cache", type=click.Path(path_type=Path), required=True, help="Folder for the symbols of each shape.")
@click.option("--shapes", "n_shapes", default=60, show_default=True, help="How many shapes.")
@click.option("--seed", default=0, show_default=True)
def collect(corpus: Path, cache: Path, n_shapes: int, seed: int) -> None:
    """Fit shapes of the training corpus and keep their symbols."""
    cache.mkdir(parents=True, exist_ok=True)
    with open(corpus / "catalog.csv", newline="") as file:
        rows = [r for r in csv.DictReader(file) if r["role"] == "train" and r["licence_class"] == "permissive"]
    rows = [r for r in rows if 1000 <= int(r["faces"]) <= 150_000 and r["file"].endswith(".ply")]
    rng = np.random.default_rng(seed)
    for i in rng.permutation(len(rows))[:n_shapes]:
        name = Path(rows[i]["file"]).stem
        settings = GridSettings(
            n_cells=float(np.exp(rng.uniform(np.log(250), np.log(5000)))),
            elasticity=float(rng.uniform(0.7, 1.6)),
            n_iterations=700,
            n_samples=1 << 17,
        )
        path = cache / f"{name}.npz"
        if path.exists():
            continue
        try:
            mesh = read_mesh(corpus / rows[i]["file"])
            _, symbols = encode_grid(Target(mesh.vertices, mesh.faces, seed), settings)
        except SdfzError as error:
            logger.info("%s: skipped: %s", name, error)
            continue
        _save(path, symbols)
        logger.info("%s: %d cells, %d nodes", name, len(symbols.cells), len(symbols.latents[-1]))


@main.command()
@click.option("--cache", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--held-out", default=6, show_default=True, help="Every n-th shape only checks.")
def train(cache: Path, out: Path, held_out: int) -> None:
    """Fit contexts and tables to collected symbols."""
    names = sorted(cache.glob("*.npz"))
    shapes = [_load(path) for path in names]
    test = [s for i, s in enumerate(shapes) if i % held_out == 0]
    shapes = [s for i, s in enumerate(shapes) if i % held_out]
    tables = _train(shapes)
    log = {"shapes": len(shapes), "held_out": len(test)}
    for label, group in (("train", shapes), ("held_out", test)):
        n_bytes = [sum(len(section.data) for section in pack_symbols(s, tables=tables)) for s in group]
        plain = [_order_zero_bytes(s) for s in group]
        log[f"{label}_bytes"] = int(sum(n_bytes))
        log[f"{label}_latents_order_zero_bytes"] = int(sum(plain))
    logger.info(json.dumps(log))
    np.savez_compressed(
        out,
        occupancy_weights=tables.occupancy.weights.astype(np.int16),
        latent_weights=tables.latent.weights.astype(np.int16),
        bits=tables.bits.frequencies.astype(np.uint16),
        latents=tables.latents.letters.frequencies.astype(np.uint16),
        latent_escapes=tables.latents.escapes.frequencies.astype(np.uint16),
        weights=tables.weights.letters.frequencies.astype(np.uint16),
        weight_escapes=tables.weights.escapes.frequencies.astype(np.uint16),
    )


def _train(shapes: list[GridSymbols]) -> GridTables:
    bits = _bit_tables()
    spreads = [2 ** (r / 4 - 3.5) for r in range(N_LATENT_ROWS)]
    latents = _laplace_tables(spreads)
    recorder = _Recorder()
    blank = GridTables(
        _RecordingContext(recorder, "occupancy", bits.n_rows), _RecordingContext(recorder, "latent", latents.n_rows),
        bits, latents, _laplace_tables([10.0, 4.0]),
    )  # fmt: skip
    for shape in shapes:
        _walk(shape, blank, recorder)
    occupancy = _fit_logistic(recorder.gathered("occupancy"), bits)
    latent = _fit_laplace(recorder.gathered("latent"))
    layers = [np.concatenate([s.weights[i].ravel() for s in shapes]) for i in range(2)]
    plain = _laplace_tables([float(np.abs(w).mean()) for w in layers])
    letters = [_refined(row, w, 200) for row, w in zip(plain.letters.frequencies, layers, strict=True)]
    weights = SignedTables(TableFamily(letters), plain.escapes)
    latents = _refined_tables(latents, latent, recorder.gathered("latent"))
    return GridTables(occupancy, latent, bits, latents, weights)


class _Recorder:
    """Stands in for the coder and keeps what it is given, with the features that came just before."""

    def __init__(self) -> None:
        self.pending: tuple[str, int, np.ndarray] | None = None
        self.records: dict[tuple[str, int], list[tuple[np.ndarray, np.ndarray]]] = {}

    def put(self, symbols: np.ndarray, rows: np.ndarray, tables: object) -> None:
        assert self.pending is not None
        name, kind, features = self.pending
        self.records.setdefault((name, kind), []).append((features.astype(np.int16), np.asarray(symbols, np.int32)))
        self.pending = None

    put_signed = put

    def gathered(self, name: str) -> dict[int, tuple[np.ndarray, np.ndarray]]:
        return {
            kind: (np.concatenate([f for f, _ in parts]), np.concatenate([s for _, s in parts]))
            for (which, kind), parts in sorted(self.records.items()) if which == name
        }  # fmt: skip


class _RecordingContext(LinearContext):
    def __init__(self, recorder: _Recorder, name: str, n_rows: int) -> None:
        super().__init__(np.zeros((1, 1), np.int32), n_rows)
        object.__setattr__(self, "_recorder", recorder)
        object.__setattr__(self, "_name", name)

    def rows(self, kind: int, features: np.ndarray) -> np.ndarray:
        self._recorder.pending = (self._name, kind, features)  # type: ignore[attr-defined]
        return np.zeros(len(features), np.int64)


def _walk(shape: GridSymbols, tables: GridTables, recorder: _Recorder) -> None:
    from ..codec.grid import stream

    walk = stream._Walk(shape.depth, shape.n_levels - 1, shape.gain_codes)
    levels = stream._octree(shape.cells, shape.depth)
    for depth in range(1, shape.depth + 1):
        closeness = walk.closeness(levels[depth - 1], depth)
        stream.encode_children(
            recorder,
            levels[depth - 1],
            levels[depth],
            depth,
            closeness,
            tables.occupancy,
            tables.bits,  # type: ignore[arg-type]
        )
        if walk.level_of(depth) >= 0:
            symbols = shape.latents[walk.level_of(depth)]
            stream._put_latents(recorder, walk.enter(levels[depth], depth), symbols, 0, tables)  # type: ignore[arg-type]
            walk.leave(symbols)


def _fit_logistic(data: dict[int, tuple[np.ndarray, np.ndarray]], bits: TableFamily) -> LinearContext:
    """Row = 4 logit + 31, by logistic regression a kind, slightly damped."""
    weights = np.zeros((16, N_OCCUPANCY_FEATURES), np.int64)
    for kind, (features, symbols) in data.items():
        x, y = torch.from_numpy(features.astype(np.float32) / 16), torch.from_numpy(symbols.astype(np.float32))
        rows = 4 * _minimum(
            lambda w, x=x, y=y: torch.nn.functional.binary_cross_entropy_with_logits(x @ w, y, reduction="sum"),
            x.shape[1],
        )
        weights[kind] = np.rint(rows / 16 * (1 << CONTEXT_SHIFT))
        # Every symbol has exactly one closeness, so that the constant can go there: row 31.5 is even odds.
        weights[kind, -9:] += round(31.5 / 16 * (1 << CONTEXT_SHIFT)) + round(0.5 / 16 * (1 << CONTEXT_SHIFT))
    return LinearContext(weights.astype(np.int32), bits.n_rows)


def _fit_laplace(data: dict[int, tuple[np.ndarray, np.ndarray]]) -> LinearContext:
    """Row = 4 log2(spread) + 14, the logarithm linear in the features, by maximum likelihood."""
    n_features = next(iter(data.values()))[0].shape[1]
    weights = np.zeros((24, n_features), np.int64)
    for kind, (features, symbols) in data.items():
        x, q = torch.from_numpy(features.astype(np.float32) / 16), torch.from_numpy(symbols.astype(np.float32))
        rows = 4 * _minimum(lambda w, x=x, q=q: _laplace_bits(q, torch.exp2((x @ w).clamp(-4, 8))).sum(), x.shape[1])
        weights[kind] = np.rint(rows / 16 * (1 << CONTEXT_SHIFT))
        weights[kind, 0] += round(14.5 / 16 * (1 << CONTEXT_SHIFT))
    return LinearContext(weights.astype(np.int32), N_LATENT_ROWS)


def _minimum(loss: Callable[[torch.Tensor], torch.Tensor], n_weights: int) -> np.ndarray:
    """Weights that minimize a loss plus half their squares."""
    weights = torch.zeros(n_weights, requires_grad=True)
    optimizer = torch.optim.LBFGS([weights], max_iter=300, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(weights) + 0.5 * (weights * weights).sum()
        value.backward()
        return value

    optimizer.step(closure)  # type: ignore[arg-type]
    return weights.detach().numpy()


def _laplace_bits(symbols: torch.Tensor, spread: torch.Tensor) -> torch.Tensor:
    magnitude = symbols.abs()
    centre = 1 - torch.exp(-0.5 / spread)
    tail = 0.5 * torch.exp(-(magnitude - 0.5).clamp(min=0) / spread) * (1 - torch.exp(-1 / spread))
    return -torch.log2(torch.where(magnitude == 0, centre, tail).clamp(min=1e-9))


def _laplace_row(spread: float) -> np.ndarray:
    """Frequencies of -S..S and the escape under a Laplace distribution."""
    magnitudes = np.abs(np.arange(-LATENT_SUPPORT, LATENT_SUPPORT + 1))
    tail = 0.5 * np.exp(-(magnitudes - 0.5) / spread) * (1 - np.exp(-1 / spread))
    mass = np.where(magnitudes == 0, 1 - np.exp(-0.5 / spread), tail)
    return _frequencies(np.append(mass, np.exp(-(LATENT_SUPPORT + 0.5) / spread)))


def _laplace_tables(spreads: list[float]) -> SignedTables:
    """Rows of letters and of escape lengths under Laplace distributions."""
    starts = 2.0 ** np.arange(MAX_ESCAPE_BITS)
    lengths = [_frequencies(np.exp(-(starts - 1) / b) - np.exp(-(2 * starts - 1) / b)) for b in spreads]
    return SignedTables(TableFamily([_laplace_row(b) for b in spreads]), TableFamily(lengths))


def _frequencies(mass: np.ndarray) -> np.ndarray:
    """Integer frequencies of at least 1 that add up to 65536."""
    frequencies = np.maximum(np.rint(mass / mass.sum() * (TABLE_TOTAL - len(mass))), 0).astype(np.int64) + 1
    frequencies[frequencies.argmax()] += TABLE_TOTAL - frequencies.sum()
    return frequencies


def _bit_tables() -> TableFamily:
    logits = (np.arange(N_BIT_ROWS) - 31.5) / 4
    occupied = 1 / (1 + np.exp(-logits))
    return TableFamily([_frequencies(np.array([1 - p, p])) for p in occupied])


def _refined(prior: np.ndarray, symbols: np.ndarray, strength: float) -> np.ndarray:
    """A prior row moved towards the histogram of symbols, both signs alike; the prior weighs as `strength` symbols."""
    letters = np.where(np.abs(symbols) > LATENT_SUPPORT, 2 * LATENT_SUPPORT + 1, symbols + LATENT_SUPPORT)
    counts = np.bincount(letters, minlength=len(prior)).astype(np.float64)
    counts[:-1] = (counts[:-1] + counts[-2::-1]) / 2
    return _frequencies(counts + strength * prior / TABLE_TOTAL)


def _refined_tables(
    prior: SignedTables, context: LinearContext, data: dict[int, tuple[np.ndarray, np.ndarray]]
) -> SignedTables:
    rows = np.concatenate([context.rows(kind, features) for kind, (features, _) in data.items()])
    symbols = np.concatenate([s for _, s in data.values()])
    letters = [_refined(prior.letters.frequencies[r], symbols[rows == r], 300) for r in range(prior.n_rows)]
    return SignedTables(TableFamily(letters), prior.escapes)


def _order_zero_bytes(shape: GridSymbols) -> float:
    total = 0.0
    for latents in shape.latents:
        counts = np.unique(latents, return_counts=True)[1]
        total -= float((counts * np.log2(counts / counts.sum())).sum())
    return total / 8


def _save(path: Path, symbols: GridSymbols) -> None:
    arrays = {f"latents{i}": latents for i, latents in enumerate(symbols.latents)}
    arrays |= {f"weights{i}": weights for i, weights in enumerate(symbols.weights)}
    np.savez_compressed(
        path, depth=symbols.depth, cells=symbols.cells, gains=symbols.gain_codes, network=symbols.network, **arrays
    )


def _load(path: Path) -> GridSymbols:
    with np.load(path) as a:
        return GridSymbols(
            int(a["depth"]), a["cells"], tuple(a["gains"].tolist()), int(a["network"]),
            tuple(a[f"weights{i}"] for i in range(2)), tuple(a[f"latents{i}"] for i in range(len(a["gains"]))),
        )  # fmt: skip


if __name__ == "__main__":
    main()
