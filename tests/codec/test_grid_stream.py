import dataclasses
import subprocess
import sys

import golden_files
import numpy as np
import plain_decoder
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.entropy import SymbolEncoder
from sdfz.codec.grid.stream import PAYLOAD, pack_symbols, unpack_symbols
from sdfz.codec.grid.symbols import MAX_LEVELS, GridSymbols
from sdfz.formats.container import Section, unpack
from sdfz.formats.errors import FormatError, LimitError, TrailingDataError
from sdfz.formats.limits import DEFAULT
from strategies import PRIORS_FILE, TABLES_FILE, grid_symbols


def plain(symbols):
    """Symbols as Python lists, which compare."""
    return {field.name: _plain(getattr(symbols, field.name)) for field in dataclasses.fields(GridSymbols)}


def _plain(value):
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def cut(symbols, n_kept):
    """What a file without the finest levels says."""
    whole = n_kept == symbols.n_levels
    none = np.zeros((0, 3), np.int32)
    return dataclasses.replace(
        symbols,
        latents=symbols.latents[:n_kept],
        trimmed=symbols.trimmed if whole else none,
        parts=symbols.parts if whole else none,
    )


@settings(max_examples=50)
@given(grid_symbols(), st.data())
def test_round_trip(symbols, data):
    """Whole, cut at each section, and with levels left out: exactly the symbols, and the same bytes every time."""
    n_levels = symbols.n_levels
    n_base = data.draw(st.integers(1, n_levels))
    sections = pack_symbols(symbols, n_base)
    assert sections == pack_symbols(symbols, n_base)
    assert [section.id for section in sections] == list(range(1, n_levels - n_base + 2))
    for n_sections in range(1, len(sections) + 1):
        found = unpack_symbols(sections[:n_sections])
        assert plain(found) == plain(cut(symbols, n_base + n_sections - 1))
    for lod in range(1, n_levels + 1):
        assert plain(unpack_symbols(sections, lod=lod)) == plain(cut(symbols, max(n_levels - lod, 1)))


@settings(max_examples=20)
@given(grid_symbols(3), st.data())
def test_a_decoder_from_the_format_document_reads_it(symbols, data):
    """SPEC.md says enough, and integers are enough: plain_decoder.py shares no code with the package."""
    n_base = data.draw(st.integers(1, symbols.n_levels))
    payloads = [section.data for section in pack_symbols(symbols, n_base)]
    n_sections = data.draw(st.integers(1, len(payloads)))
    grid = plain_decoder.decode_sections(payloads[:n_sections], plain_decoder.Tables(TABLES_FILE, PRIORS_FILE))
    expected = plain(cut(symbols, n_base + n_sections - 1))
    assert [list(level.values()) for level in grid.latents] == expected["latents"]
    assert [list(map(list, cells)) for cells in (grid.cells, grid.trimmed, grid.parts)] == [
        expected[name] for name in ("cells", "trimmed", "parts")
    ]
    assert grid.weights == [weights.ravel().tolist() for weights in symbols.weights]
    assert grid.gain_codes == expected["gain_codes"]


def one_cell(depth, n_levels=1, **changes):
    """A single cell in the corner of the grid, all symbols zero."""
    cell = np.zeros((1, 3), np.int32)
    latents = tuple(np.zeros(8, np.int32) for _ in range(n_levels))
    return dataclasses.replace(GridSymbols(depth, cell, (40,) * n_levels, 0, (), latents), **changes)


@pytest.mark.parametrize(("n_levels", "n_sections"), [(1, 1), (2, 2), (4, 2)])
def test_base_has_all_but_the_finest_level_by_default(n_levels, n_sections):
    assert len(pack_symbols(one_cell(4, n_levels))) == n_sections


@pytest.mark.parametrize("depth", range(1, 9))
def test_a_cell_at_every_depth_with_every_number_of_levels(depth):
    part = np.zeros((1, 3), np.int32)
    for n_levels in range(1, min(depth, MAX_LEVELS) + 1):
        symbols = one_cell(depth, n_levels, trimmed=part, parts=part)
        assert plain(unpack_symbols(pack_symbols(symbols))) == plain(symbols)


def test_numbers_beyond_25_bits_are_refused():
    with pytest.raises(LimitError, match="symbol 33554432 is beyond"):
        pack_symbols(one_cell(1, latents=(np.full(8, 33554432, np.int32),)))


@pytest.mark.parametrize(
    ("shape", "split", "message"),
    [
        (0x10, 0x01, "depth 0 with 1 levels"),
        (0x19, 0x01, "depth 9 with 1 levels"),
        (0x05, 0x01, "depth 5 with 0 levels"),
        (0x32, 0x01, "depth 2 with 3 levels"),
        (0x78, 0x01, "depth 8 with 7 levels"),
        (0x22, 0x00, "0 base levels of 2"),
        (0x22, 0x03, "3 base levels of 2"),
        (0x22, 0x31, "network code 3"),
        (0x22, 0x71, "network code 7"),
    ],
)
def test_nibbles_that_mean_nothing(shape, split, message):
    with pytest.raises(FormatError, match=message):
        unpack_symbols([Section(1, bytes([shape, split]) + b"coded")])


def coded(shape, split, fill):
    """A base section whose coded part is made by `fill(coder)`."""
    coder = SymbolEncoder()
    fill(coder)
    return Section(1, PAYLOAD.pack({"shape": shape, "split": split}) + coder.finish())


def test_gain_codes_end_at_159():
    with pytest.raises(FormatError, match="gain code 160 is above 159"):
        unpack_symbols([coded(0x11, 0x01, lambda coder: coder.put_bits(np.array([160]), 8))])


def test_no_cell_at_all():
    """Zeros decode to empty cells wherever those come first in the table."""
    with pytest.raises(FormatError, match="an occupied cell of level 0 has no child"):
        unpack_symbols([coded(0x11, 0x01, lambda coder: coder.put_bits(np.array([40]), 8))])


def test_flag_without_trimmed_cells():
    data = (golden_files.MALFORMED / "mixed-no-trimmed-cell.sdfz").read_bytes()
    with pytest.raises(FormatError, match="says that cells are trimmed, but none is"):
        unpack_symbols(unpack(data).sections)


@pytest.mark.parametrize("n_base", [1, 2, 3])
def test_sections_must_follow_each_other(n_base):
    sections = pack_symbols(one_cell(3, 3), n_base)
    last = sections[-1].id
    with pytest.raises(FormatError, match=f"{len(sections) + 1} sections, but the levels fill {len(sections)}"):
        unpack_symbols([*sections, Section(last + 1, b"more")])
    with pytest.raises(FormatError, match="do not follow each other"):
        unpack_symbols([*sections[:-1], Section(last + 1, sections[-1].data)])


@pytest.mark.parametrize("which", [0, 1])
def test_coded_data_ends_with_its_last_symbol(which):
    sections = pack_symbols(one_cell(3, 2))
    sections[which] = Section(sections[which].id, sections[which].data + b"hidden message")
    with pytest.raises(TrailingDataError, match="follow the end"):
        unpack_symbols(sections)


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("max_depth", 5, "octree depth: 6"),  # a part of a trimmed cell is one level finer
        ("max_cells", 31, "occupied cells of level 5: 32"),
        ("max_symbols", 379, "symbols: 380"),  # 8 (1 + 2 + ... 16) + 4 33
    ],
)
def test_limits(limit, value, message):
    """A row of 32 cells at depth 5, all of them trimmed."""
    cells = np.array([[i, 0, 0] for i in range(32)], np.int32)
    latents = (np.zeros(33 * 4, np.int32),)
    symbols = GridSymbols(5, cells, (40,), 0, (), latents, cells, 2 * cells)
    sections = pack_symbols(symbols)
    with pytest.raises(LimitError, match=f"^{message}, but {limit} allows {value}$"):
        unpack_symbols(sections, limits=dataclasses.replace(DEFAULT, **{limit: value}))
    enough = dataclasses.replace(DEFAULT, max_depth=6, max_cells=32, max_symbols=1000)
    assert plain(unpack_symbols(sections, limits=enough)) == plain(symbols)


def test_unpacking_and_checking_need_no_torch():
    program = (
        "import sys; from sdfz.codec.grid import decode, stream; from sdfz.codec.decode import check_bytes;"
        f"stream.unpack_symbols([stream.Section(1, {pack_symbols(one_cell(2))[0].data!r})]);"
        "print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout == "False\n"
