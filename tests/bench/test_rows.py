"""Tables of measurements: rows come back as they were, and what is not a table is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sdfz.bench.rows import COLUMNS, FAILED, Row, RowsError, append_rows, read_rows, write_rows

ROW = Row(
    shape="ball",
    sha256="0123456789ab",
    faces=320,
    vertices=162,
    codec="draco",
    point="n80 qp9",
    settings={"qp": 9, "decimator": "a\tb\nc"},
    bytes=812,
    cd=1.25e-4,
    cd_forward=1e-4,
    cd_backward=1.5e-4,
    rms=2e-4,
    hd=float("inf"),
    p99=3e-4,
    normal_consistency=0.987,
    f_scores={0.001: 0.5, 0.002: 0.75, 0.005: 1.0, 0.01: 1.0},
    papers={"emd_500": 0.02},
    encode_s=1.5,
    decode_s=0.25,
    peak_mb=123.5,
    decoded_faces=80,
    version="DracoPy 2.2.0",
    machine="a processor, 2 cores",
)


def test_rows_come_back_in_order(tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    finer, failed = replace(ROW, point="n80 qp10"), Row("ball", "0123456789ab", 320, 162, "tmc3", "", status=FAILED)
    write_rows(table, [failed, finer, ROW])
    assert read_rows(table) == [ROW, finer, failed]
    header, first = table.read_text().splitlines()[:2]
    assert tuple(header.split("\t")) == COLUMNS
    assert dict(zip(COLUMNS, first.split("\t"), strict=True))["f_0.002"] == "0.75"


def test_the_later_row_of_a_key_counts(tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    append_rows(table, [ROW, replace(ROW, shape="cube")])
    append_rows(table, [replace(ROW, bytes=700)])
    assert [(row.shape, row.bytes) for row in read_rows(table)] == [("ball", 700), ("cube", 812)]


def test_a_line_that_was_cut_off_is_not_there(tmp_path: Path) -> None:
    table = tmp_path / "table.tsv"
    append_rows(table, [ROW, replace(ROW, shape="cube")])
    whole = table.read_bytes()
    second = whole.index(b"\ncube") + 1
    for end in (second, second + 1, len(whole) - 1):
        table.write_bytes(whole[:end])
        assert read_rows(table) == [ROW]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("shape\t", "", "no column 'shape' in line 1"),
        ("\t812\t", "\tmany\t", "line 2: bytes is 'many', not a number"),
        ("\t812\t", "\t-812\t", "line 2: bytes is -812, which cannot be"),
        ("\t812\t", "\t\t", "line 2: bytes is empty in a row that is ok"),
        ("\t320\t", "\t\t", "line 2: faces is empty"),
        ("\tok\t", "\tgood\t", "line 2: status is 'good', not one of ok, skipped, failed"),
        ('{"decimator', "decimator", "line 2: settings are not JSON"),
        ("DracoPy 2.2.0", "DracoPy\t2.2.0", "line 2: "),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    table = tmp_path / "table.tsv"
    write_rows(table, [ROW])
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    with pytest.raises(RowsError) as raised:
        read_rows(table)
    assert str(raised.value).startswith(f"{table}: ")
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PK\x03\x04"])
def test_other_files(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "other"
    file.write_bytes(content)
    with pytest.raises(RowsError, match="not a table of measurements"):
        read_rows(file)


def test_json_has_the_columns() -> None:
    values = ROW.as_dict()
    assert tuple(values) == COLUMNS
    assert (values["settings"]["qp"], values["f_0.005"], values["emd_500"], values["ed_mean"]) == (9, 1.0, 0.02, None)
