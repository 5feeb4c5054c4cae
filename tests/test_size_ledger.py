"""Coded sizes against the committed table, size_ledger.tsv; size_ledger.py says what is in it, and writes it anew."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import golden_files
import golden_overfit
import golden_scaffold
import pytest
import size_ledger
from size_ledger import FILE, FITTED, GOLDEN, OVERFIT, SCAFFOLD, Entry, Ledger

ADVICE = "If this is meant, run `python tests/size_ledger.py --update`, look at its diff and commit it with the change."


def assert_as_in_the_table(found: Ledger, kind: str, shape: str) -> None:
    expected = {key: entry for key, entry in size_ledger.read().items() if key[:2] == (kind, shape)}
    lines = size_ledger.differences(found, expected)
    assert not lines, "\n".join(["the size ledger does not hold:", *lines, ADVICE])


@pytest.mark.parametrize("name", golden_files.names())
def test_golden_symbols_cost_what_the_table_says(name: str) -> None:
    assert_as_in_the_table(size_ledger.golden_entries(name), GOLDEN, name)


@pytest.mark.parametrize("name", golden_scaffold.names())
def test_scaffold_symbols_cost_what_the_table_says(name: str) -> None:
    assert_as_in_the_table(size_ledger.scaffold_entries(name), SCAFFOLD, name)


@pytest.mark.parametrize("name", golden_overfit.names())
def test_networks_cost_what_the_table_says(name: str) -> None:
    assert_as_in_the_table(size_ledger.overfit_entries(name), OVERFIT, name)


@pytest.mark.parametrize("name", list(size_ledger.SHAPES))
def test_fitted_shapes_cost_what_the_table_says(name: str) -> None:
    assert_as_in_the_table(size_ledger.fitted_entries(name), FITTED, name)


def test_the_table_has_no_other_shapes() -> None:
    shapes = {key[:2] for key in size_ledger.read()}
    networks = {OVERFIT: golden_overfit.names(), SCAFFOLD: golden_scaffold.names()}
    kinds = {GOLDEN: golden_files.names(), **networks, FITTED: size_ledger.SHAPES}
    assert shapes == {(kind, name) for kind, names in kinds.items() for name in names}


def test_what_counts_as_a_difference() -> None:
    """A byte of a golden file; of a fitted one what exceeds the tolerance, in bytes or in error, up or down."""
    golden, fitted = (GOLDEN, "sphere", "1"), (FITTED, "box", FILE)
    table = {golden: Entry(400), fitted: Entry(1000, 10.0)}

    def lines(entry: Entry, *, exactly: bool = False) -> list[str]:
        return size_ledger.differences({**table, fitted: entry}, table, exactly=exactly)

    assert size_ledger.differences(table, table, exactly=True) == []
    for near in (Entry(1029, 10.4), Entry(971, 9.6)):
        assert lines(near) == []
        assert len(lines(near, exactly=True)) == 1
    for far in (Entry(1031, 10.0), Entry(969, 10.0), Entry(1000, 10.6), Entry(1000, 9.4), Entry(1000)):
        assert len(lines(far)) == 1
    assert lines(Entry(1100, 9.0)) == [
        "fitted box file: 1000 bytes at CD 10e-4 -> 1100 bytes at CD 9e-4 (+10.0 % bytes)"
    ]
    one_more = {**table, golden: replace(table[golden], n_bytes=401)}
    assert size_ledger.differences(one_more, table) == ["golden sphere 1: 400 bytes -> 401 bytes (+0.2 % bytes)"]
    assert size_ledger.differences({}, {golden: Entry(400)}) == ["golden sphere 1: 400 bytes -> no row"]


def test_the_table_is_read_as_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = {(FITTED, "box", FILE): Entry(1000, 10.125), (GOLDEN, "sphere", "1"): Entry(400)}
    committed = size_ledger.LEDGER.read_bytes()
    ledger = size_ledger.read()
    monkeypatch.setattr(size_ledger, "LEDGER", tmp_path / "ledger.tsv")
    size_ledger.write(table)
    assert size_ledger.read() == table
    size_ledger.write(ledger)
    assert size_ledger.LEDGER.read_bytes() == committed
    size_ledger.LEDGER.write_text("shape\tbytes\n", "utf-8")
    with pytest.raises(ValueError, match="columns are"):
        size_ledger.read()
