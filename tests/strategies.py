"""Hypothesis strategies for what a file holds; each shrinks to its simplest case."""

from pathlib import Path

import numpy as np
import sdfz.codec.grid
from hypothesis import settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sdfz.codec.entropy import MAX_ESCAPE_BITS, TABLE_TOTAL, SignedTables, TableFamily
from sdfz.codec.gains import MAX_GAIN_CODE
from sdfz.codec.grid.lattice import pyramid
from sdfz.codec.grid.symbols import MAX_LEVELS, NETWORK_WIDTHS, GridSymbols, network_shapes
from sdfz.codec.grid.tables import LATENT_SUPPORT
from sdfz.codec.occupancy import OCTANTS, Cells, sorted_cells
from sdfz.formats import Container, Frame, Header, MeasuredErrors, Metadata, ModelPack, Section
from sdfz.formats.container import BASE_ID, MAX_SECTION_ID
from sdfz.formats.frame import MAX_CENTRE_STEPS, MAX_SCALE_CODE, MIN_SCALE_CODE
from sdfz.formats.header import DIAGONAL_STEPS, PACK_HASH_BYTES
from sdfz.formats.kinds import has_control_characters
from sdfz.formats.metadata import MAX_COUNT, MAX_NAME_BYTES, MAX_UNITS_BYTES
from sdfz.formats.model_pack import DTYPES, NOTES

TABLES_FILE = Path(sdfz.codec.grid.__file__).with_name("tables.npz")
PRIORS_FILE = TABLES_FILE.with_name("priors.npz")

# Machines are shared: a slow moment is not a failure.
settings.register_profile("sdfz", deadline=None)
settings.load_profile("sdfz")

centre_steps = st.integers(-MAX_CENTRE_STEPS, MAX_CENTRE_STEPS)
frames = st.builds(
    Frame,
    scale_code=st.integers(MIN_SCALE_CODE, MAX_SCALE_CODE),
    centre_steps=st.tuples(centre_steps, centre_steps, centre_steps),
)

fractions = st.floats(0, 1)
headers = st.builds(
    Header,
    method=st.integers(1, 255),
    frame=frames,
    errors=st.builds(MeasuredErrors, fractions, fractions, fractions),
    diagonal=st.integers(1, 4 * DIAGONAL_STEPS - 1).map(lambda steps: steps / DIAGONAL_STEPS),
    pack_hash=st.none() | st.binary(min_size=PACK_HASH_BYTES, max_size=PACK_HASH_BYTES),
)


def texts(max_bytes: int) -> st.SearchStrategy[str]:
    """Strings of at most `max_bytes` bytes of UTF-8 without control characters."""
    letters = st.characters(codec="utf-8").filter(lambda c: not has_control_characters(c))
    return st.text(letters, max_size=max_bytes).filter(lambda text: len(text.encode()) <= max_bytes)


metadatas = st.builds(
    Metadata,
    name=st.none() | texts(MAX_NAME_BYTES),
    units=st.none() | texts(MAX_UNITS_BYTES),
    n_vertices=st.none() | st.integers(0, MAX_COUNT),
    n_faces=st.none() | st.integers(0, MAX_COUNT),
)


@st.composite
def containers(draw: st.DrawFn) -> Container:
    """Whole files: one to five sections, metadata or none."""
    finer = draw(st.sets(st.integers(BASE_ID + 1, MAX_SECTION_ID), max_size=4))
    sections = tuple(Section(i, draw(st.binary(max_size=200))) for i in [BASE_ID, *sorted(finer)])
    metadata = draw(st.none() | metadatas.filter(bool))
    return Container(draw(headers), sections, metadata)


words = st.from_regex(r"[a-z][a-z0-9_.]{0,12}", fullmatch=True)


@st.composite
def arrays_of_packs(draw: st.DrawFn) -> NDArray:
    """Arrays of any dtype and few numbers, finite."""
    dtype = np.dtype(draw(st.sampled_from(sorted(DTYPES.values()))))
    shape = draw(st.lists(st.integers(1, 3), max_size=3).map(tuple))
    raw = draw(st.binary(min_size=dtype.itemsize * 27, max_size=dtype.itemsize * 27))
    array = np.frombuffer(raw, dtype)[: int(np.prod(shape))].reshape(shape)
    return np.nan_to_num(array, posinf=1, neginf=-1) if dtype.kind == "f" else array


model_packs = st.builds(
    ModelPack,
    method=words,
    layout=st.integers(1, 65535),
    arrays=st.dictionaries(words, arrays_of_packs(), min_size=1, max_size=4),
    notes=st.dictionaries(st.sampled_from(NOTES), texts(40)),
)


def families(n_letters: int, n_rows: int = 3) -> st.SearchStrategy[TableFamily]:
    """Frequency tables, from even to as steep as can be."""
    mass = st.integers(0, 1 << 20)
    rows = st.lists(st.lists(mass, min_size=n_letters, max_size=n_letters), min_size=n_rows, max_size=n_rows)
    return rows.map(lambda rows: TableFamily([frequencies(row) for row in rows]))


def frequencies(mass: list[int]) -> list[int]:
    """Frequencies of at least 1 that add up to 65536, in proportion to some mass."""
    total = max(sum(mass), 1)
    found = [m * (TABLE_TOTAL - len(mass)) // total + 1 for m in mass]
    found[int(np.argmax(found))] += TABLE_TOTAL - sum(found)
    return found


@st.composite
def signed_tables(draw: st.DrawFn) -> SignedTables:
    """Tables of signed integers with three rows."""
    support = draw(st.integers(0, 15))
    return SignedTables(draw(families(2 * support + 2)), draw(families(MAX_ESCAPE_BITS)))


def rngs() -> st.SearchStrategy[np.random.Generator]:
    """Generators for what is too large to draw number by number."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


@st.composite
def octrees(draw: st.DrawFn, max_depth: int = 5) -> tuple[Cells, int]:
    """Occupied cells and their depth: few, many, or all."""
    depth = draw(st.integers(1, max_depth))
    coordinates = st.integers(0, (1 << depth) - 1)
    some = st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=30).map(np.array)
    shares = st.floats(0.01, 1).flatmap(lambda share: rngs().map(lambda rng: _share_of_all(rng, share, depth)))
    return sorted_cells(draw(some | shares), depth), depth


def _share_of_all(rng: np.random.Generator, share: float, depth: int) -> NDArray[np.int64]:
    cells = np.argwhere(rng.random((1 << min(depth, 3),) * 3) < share)
    return cells if len(cells) else np.zeros((1, 3), np.int64)


@st.composite
def grid_symbols(draw: st.DrawFn, max_depth: int = 5) -> GridSymbols:
    """Everything that a `grid` file can say, on a small grid."""
    cells, depth = draw(octrees(max_depth))
    n_levels = draw(st.integers(1, min(depth, MAX_LEVELS)))
    network = draw(st.integers(0, len(NETWORK_WIDTHS) - 1))
    rng = draw(rngs())
    spread = draw(st.sampled_from([0.0, 0.3, 3.0, 300.0, 1e6]))
    trimmed = cells[rng.random(len(cells)) < draw(st.sampled_from([0.0, 0.2, 1.0]))]
    parts = (2 * trimmed[:, None] + OCTANTS)[rng.random((len(trimmed), 8)) < 0.4]  # in some cells none stays
    gain_codes = st.integers(0, MAX_GAIN_CODE)
    return GridSymbols(
        depth=depth,
        cells=cells,
        gain_codes=tuple(draw(st.lists(gain_codes, min_size=n_levels, max_size=n_levels))),
        network=network,
        weights=tuple(_laplace(rng, shape, spread) for shape in network_shapes(network, n_levels)),
        latents=tuple(_laplace(rng, (len(level.nodes),), spread) for level in pyramid(cells, depth, n_levels)),
        trimmed=trimmed,
        parts=sorted_cells(parts, depth + 1),
    )


def _laplace(rng: np.random.Generator, shape: tuple[int, ...], spread: float) -> NDArray[np.int32]:
    largest = LATENT_SUPPORT + (1 << MAX_ESCAPE_BITS) - 1
    return np.rint(rng.laplace(size=shape) * spread).clip(-largest, largest).astype(np.int32)
