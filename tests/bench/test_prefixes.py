"""Files that are cut: a row for each section, errors that fall, and their place in a report."""

from __future__ import annotations

from pathlib import Path

import golden_files
import pytest
import shapes
from sdfz.bench.peers.contract import Mesh
from sdfz.bench.prefixes import AS_WRITTEN, BY_LEVEL, Prefix, prefixes, read_prefixes, write_prefixes
from sdfz.bench.report.markdown import to_markdown
from sdfz.bench.report.prefixes import prefix_section
from sdfz.bench.rows import RowsError
from sdfz.formats import pack, unpack


@pytest.fixture(scope="module")
def rows() -> list[Prefix]:
    """Of the golden torus, whose first section holds two of its four levels."""
    vertices, faces = shapes.torus()
    data = golden_files.stored_bytes("torus")
    return list(prefixes("torus", "q50", data, Mesh(vertices + (1e6, -2e6, 0.5), faces)))


def test_each_section_of_each_layout_has_a_row(rows: list[Prefix]) -> None:
    found = {layout: [row for row in rows if row.layout == layout] for layout in (AS_WRITTEN, BY_LEVEL)}
    assert [row.levels for row in found[AS_WRITTEN]] == [2, 3, 4]
    assert [row.levels for row in found[BY_LEVEL]] == [1, 2, 3, 4]
    written = unpack(golden_files.stored_bytes("torus"))
    assert found[AS_WRITTEN][-1].bytes == len(pack(written.header, written.sections))
    for layout in found.values():
        assert [row.bytes for row in layout] == sorted({row.bytes for row in layout})
        assert {row.bytes_of for row in layout} == {layout[-1].bytes}


def test_errors_fall_to_that_of_the_whole_file(rows: list[Prefix]) -> None:
    """The same symbols in either layout; levels that are there in both give the same surface."""
    by_level = {row.levels: row for row in rows if row.layout == BY_LEVEL}
    for row in rows:
        assert (row.cd, row.hd) == (by_level[row.levels].cd, by_level[row.levels].hd)
    whole, base = by_level[4], by_level[2]
    assert whole.cd is not None and base.cd is not None
    assert whole.cd == pytest.approx(golden_files.load("torus").header.errors.cd, rel=0.1)
    assert base.cd > 2 * whole.cd


def test_a_table_comes_back(rows: list[Prefix], tmp_path: Path) -> None:
    nothing = rows[0]._replace(cd=None, rms=None, hd=None)
    write_prefixes([nothing, *rows], tmp_path / "t.tsv")
    first, *others = read_prefixes(tmp_path / "t.tsv")
    assert first == nothing
    assert [row[:7] for row in others] == [row[:7] for row in rows]
    assert [row.cd for row in others] == pytest.approx([row.cd for row in rows], rel=1e-5)
    (tmp_path / "t.tsv").write_text("shape\tbytes\n")
    with pytest.raises(RowsError, match="not a table of prefixes"):
        read_prefixes(tmp_path / "t.tsv")


def test_a_report_shows_them(rows: list[Prefix]) -> None:
    pytest.importorskip("matplotlib")
    text = to_markdown(tuple(prefix_section(rows)), "images")
    last = rows[-1]
    assert f"| torus | q50 | {BY_LEVEL} | 4 of 4 | {last.bytes:,} | 100 % |" in text
    assert "images/prefixes.svg" in text
    assert prefix_section([]) == []
