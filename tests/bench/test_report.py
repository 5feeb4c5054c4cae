"""Reports of made-up rows whose figures are known: text, tables and pages, without meshes."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from sdfz.bench.report import Report, write_report
from sdfz.bench.report.document import Block
from sdfz.bench.report.html import to_html
from sdfz.bench.report.markdown import to_markdown
from sdfz.bench.report.speeds import speeds
from sdfz.bench.report.tables import bd_rate_table, bytes_table, curve_plots, missing_list
from sdfz.bench.rows import FAILED, SKIPPED, Row, RowsError, write_rows
from sdfz.bench.speed import Timing

matplotlib = pytest.importorskip("matplotlib", reason="draws the curves")

SHAPES = ("cone", "ring", "vase")
VERSION = "0.9 12ab34cd"


def row(shape: str, codec: str, n_bytes: int, cd: float, **more: object) -> Row:
    figures = {"bytes": n_bytes, "cd": cd, "rms": 1.25 * cd, "hd": 8 * cd, "encode_s": 2.0, "decode_s": 0.25}
    version = VERSION if codec == "sdfz" else "1.0"
    known = {"peak_mb": 300.0, "version": version, "machine": "a processor, 4 cores"}
    return Row(shape, "0" * 12, 5000, 2502, codec, f"b{n_bytes}", {"budget": n_bytes}, **(figures | known | more))


def power_law(shape: str, codec: str, scale: float) -> list[Row]:
    """A codec that takes `scale` / CD bytes, measured from CD 2e-3 to 5e-5."""
    return [row(shape, codec, round(scale / cd), cd) for cd in np.geomspace(2e-3, 5e-5, 9)]


def rows() -> list[Row]:
    """Half the bytes of the opponent, two thirds of those of the expert, on every shape."""
    made = [r for shape in SHAPES for r in power_law(shape, "opponent", 4.0)]
    made += [r for shape in SHAPES for r in power_law(shape, "expert", 3.0)]
    return made + [r for shape in SHAPES for r in power_law(shape, "sdfz", 2.0)]


def text_of(blocks: Iterable[Block]) -> str:
    return to_markdown(tuple(blocks), "images")


def report(folder: Path, made: list[Row], **options: object) -> Report:
    write_rows(folder / "rows.tsv", made)
    return write_report([folder / "rows.tsv"], folder / "out", **({"pictures": False, "noise": False} | options))


def cells(markdown: str, start: str) -> list[str]:
    """Cells of the first line of a table that starts so."""
    line = next(line for line in markdown.splitlines() if line.startswith(f"| {start} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def section(markdown: str, title: str) -> str:
    return markdown.split(f"## {title}\n")[1].split("\n## ")[0]


class Page(HTMLParser):
    """Tags of a page, and what is wrong with their nesting."""

    VOID = ("meta", "img", "br")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report(tmp_path_factory.mktemp("report"), rows(), date="2026-05-04")


def test_headline_says_how_many_bytes_against_whom_and_where_it_comes_from(made: Report) -> None:
    start = made.markdown.read_text().split("\n## ")[0]
    assert "**−50.0 %**: fewer bytes at equal mean error (CD), against the opponent; mean of 3 of 3 shapes" in start
    assert "**−33.3 %**: fewer bytes at equal largest error (HD), against the expert; mean of 3 of 3 shapes" in start
    for fact in (VERSION, "2026-05-04", "a processor, 4 cores", "3 shapes"):
        assert fact in start


def test_methods_have_a_section_of_their_own(tmp_path: Path) -> None:
    write_rows(tmp_path / "rows.tsv", rows())
    write_rows(tmp_path / "grid.tsv", power_law("ring", "sdfz-grid", 5.0))
    tables = [tmp_path / "rows.tsv", tmp_path / "grid.tsv"]
    text = write_report(tables, tmp_path / "out", pictures=False, noise=False).markdown.read_text()
    own = section(text, "Methods")
    assert cells(own, "shape") == [
        "shape", "opponent, 1e-3", "sdfz, 1e-3", "grid, 1e-3", "opponent, 5e-4", "sdfz, 5e-4", "grid, 5e-4"
    ]  # fmt: skip
    assert cells(own, "ring") == ["ring", "4,000", "**2,000**", "5,000", "8,000", "**4,000**", "10,000"]
    assert "| cone |" not in own
    assert "grid" not in section(text, "Bytes at equal error") and "sdfz-grid" in section(text, "Codecs")
    assert "## Methods" not in report(tmp_path, rows()).markdown.read_text()


def test_two_tables_with_the_same_row_are_refused(tmp_path: Path) -> None:
    for name in ("a.tsv", "b.tsv"):
        write_rows(tmp_path / name, rows())
    with pytest.raises(RowsError, match=r"b\.tsv: expert b1500 on cone is in .*a\.tsv, too"):
        write_report([tmp_path / "a.tsv", tmp_path / "b.tsv"], tmp_path / "out", pictures=False, noise=False)


def test_bytes_at_errors_are_interpolated_and_the_best_is_bold(made: Report) -> None:
    found = cells(section(made.markdown.read_text(), "Bytes at equal error"), "ring")
    assert found[:2] == ["ring", "5,000"]
    assert found[2:5] == ["4,000", "3,000", "**2,000**"]  # CD 1e-3
    assert found[5:8] == ["8,000", "6,000", "**4,000**"]  # CD 5e-4


def test_bd_rates_of_each_shape_and_their_mean(made: Report) -> None:
    table = section(made.markdown.read_text(), "BD-rate")
    for name in (*SHAPES, "**mean**"):
        assert [cell.strip("*") for cell in cells(table, name)[1:]] == ["−50.0 %"] * 3 + ["−33.3 %"] * 3


def test_the_page_says_what_the_text_says(made: Report) -> None:
    texts = [re.sub(r"[*`]", "", cell) for cell in cells(made.markdown.read_text(), "ring")]
    page = re.sub(r"<[^>]+>", "", made.html.read_text().replace("</td>", "|"))
    assert "|".join(texts) in page


def test_the_page_needs_nothing_else(made: Report) -> None:
    page = Page(made.html.read_text())
    assert not page.open
    assert "http" not in made.html.read_text()
    ids = Counter(attributes["id"] for _, attributes in page.attributes if "id" in attributes)
    assert max(ids.values()) == 1
    for tag, attributes in page.attributes:
        assert tag not in ("script", "link", "iframe", "object")
        for name in ("href", "src"):
            target = attributes.get(name)
            assert target is None or target.startswith("data:") or target.removeprefix("#") in ids


def test_pictures_of_the_text_are_files_of_their_own(made: Report) -> None:
    named = re.findall(r"!\[[^]]+]\(([^)]+)\)", made.markdown.read_text())
    assert len(named) == 4
    assert {made.markdown.parent / name for name in named} == set(made.images.iterdir())
    for path in made.images.iterdir():
        assert ElementTree.fromstring(path.read_text()).tag.endswith("svg")


def test_the_same_rows_give_the_same_bytes(made: Report, tmp_path: Path) -> None:
    again = report(tmp_path, list(reversed(rows())), date="2026-05-04")
    assert again.markdown.read_bytes() == made.markdown.read_bytes()
    assert again.html.read_bytes() == made.html.read_bytes()
    for path in made.images.iterdir():
        assert (again.images / path.name).read_bytes() == path.read_bytes()


def test_what_earlier_reports_left_goes_and_other_files_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sdfz.bench.report.curve_plots", lambda *_: [])  # they take a second
    images = tmp_path / "out" / "report-images"
    images.mkdir(parents=True)
    (images / "old-shape.webp").write_bytes(b"")
    (images / "notes.txt").write_text("mine")
    report(tmp_path, rows())
    assert not (images / "old-shape.webp").exists()
    assert (images / "notes.txt").read_text() == "mine"


def test_the_smallest_file_stands_where_its_error_is_smaller_already() -> None:
    small = [row("ring", "opponent", 441, 7e-4), row("ring", "opponent", 900, 1e-4)]
    ours = [row("ring", "sdfz", 500, 2e-3), row("ring", "sdfz", 2000, 4e-4)]
    found = cells(text_of(bytes_table(small + ours, "opponent")), "ring")
    assert found[2] == "**<441**"  # smaller than ours, however much
    assert found[-1] == "-"  # ours ends before CD 1e-4


def test_what_cannot_be_compared_is_named_with_the_reason() -> None:
    made = [*rows(), row("blob", "opponent", 1000, 1e-3), row("blob", "sdfz", 900, 1e-3)]
    table = text_of(bd_rate_table(made, "opponent"))
    assert cells(table, "blob")[1] == "-"
    assert "CD against the opponent: the curve has 1 usable points, 2 are needed: blob" in table


def test_what_was_not_measured_is_listed() -> None:
    missing = [Row(s, "0" * 12, 9, 7, "vdmc", "", status=SKIPPED, reason="no program on PATH") for s in SHAPES]
    broken = Row("ring", "0" * 12, 9, 7, "draco", "b7", status=FAILED, reason="killed | after *600* s <b>")
    blocks = missing_list([*rows(), *missing, broken])
    found = text_of(blocks)
    assert "skipped on all shapes: no program on PATH" in found
    assert "Draco b7 failed on ring: killed | after '600' s <b>" in found
    assert "s &lt;b&gt;" in to_html(tuple(blocks))
    assert not missing_list(rows())


@pytest.mark.parametrize("codec", ["sdfz", "opponent"])
def test_one_codec_alone_makes_a_report(tmp_path: Path, codec: str) -> None:
    text = report(tmp_path, power_law("ring", codec, 2.0)).markdown.read_text()
    assert "2,000" in cells(section(text, "Bytes at equal error"), "ring")[2]


def test_without_matplotlib_there_are_no_curves_and_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert "There are none: the Python package matplotlib" in text_of(curve_plots(rows(), "opponent"))


def test_timings_are_shown_against_draco_and_by_stage() -> None:
    timings = [
        Timing("ring", "sdfz", "cpu", "encode", 3.0, 2.5, 4.0, 1666.7, "triangles/s", 1500.0),
        Timing("ring", "sdfz", "cpu", "encode: fit", 2.0, 1.5, 2.5, 750.0, "steps/s", None),
    ]
    text = text_of(speeds(rows(), timings))
    assert cells(text, "sdfz")[1:] == ["27", "2", "2.5", "0.25", "300"]
    assert cells(text, "ring") == ["ring", "sdfz", "cpu", "encode", "3", "2.5 to 4", "1,667", "1,500"]
    assert cells(text, "encode: fit") == ["encode: fit", "cpu", "2", "750 steps/s"]


def test_a_file_that_is_no_table_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.tsv").write_text("shape\tbytes\n")
    with pytest.raises(RowsError, match="no column"):
        write_report([tmp_path / "rows.tsv"], tmp_path / "out")
    assert not (tmp_path / "out").exists()
