"""BD-rates and bytes of a table: curves from rows, means over shapes, reasons where there is no figure."""

from __future__ import annotations

import pytest
from sdfz.bench.bdrate import METRICS, RANGES, bytes_at_errors, compare_codecs, curves, listed_errors
from sdfz.bench.envelope import BdRate, Refusal
from sdfz.bench.rows import FAILED, Row


def rows(shape: str, codec: str, factor: float, errors: tuple[float, ...] = (2e-3, 4e-4, 8e-5)) -> list[Row]:
    """Rows of a curve with bytes = factor / cd, of RMS 1.25 CD and HD 8 CD."""
    return [
        Row(shape, "0" * 12, 10, 10, codec, f"p{i}", bytes=round(factor / e), cd=e, rms=1.25 * e, hd=8 * e)
        for i, e in enumerate(errors)
    ]


@pytest.mark.parametrize("metric", METRICS)
def test_mean_of_log_ratios(metric: str) -> None:
    table = [*rows("a", "opponent", 1e3), *rows("b", "opponent", 1e3), *rows("a", "sdfz", 250), *rows("b", "sdfz", 4e3)]
    found = compare_codecs(table, "sdfz", "opponent", metric)
    assert (found.lo, found.hi) == RANGES[metric]
    by_shape = {shape: each.percent for shape, each in found.shapes.items() if isinstance(each, BdRate)}
    assert by_shape == {"a": pytest.approx(-75, abs=0.1), "b": pytest.approx(300, abs=0.1)}
    assert found.mean_percent == pytest.approx(0, abs=0.1)
    assert found.n_compared == 2


def test_shapes_without_a_figure_have_a_reason() -> None:
    table = [*rows("a", "opponent", 1e3), *rows("b", "sdfz", 1e3), *rows("c", "draco", 1e3)]
    table += [*rows("d", "sdfz", 1e3), *rows("d", "opponent", 1e3, (2e-3, 7e-4))]
    found = compare_codecs(table)
    assert found.shapes == {
        "a": Refusal("nothing measured for sdfz"),
        "b": Refusal("nothing measured for opponent"),
        "d": Refusal("the curves meet only over 0.0007..0.001, 0.15 decades"),
    }
    assert (found.mean_percent, found.n_compared) == (None, 0)


def test_curves_are_of_rows_that_are_ok() -> None:
    failed = Row("a", "0" * 12, 10, 10, "draco", "bad", status=FAILED, bytes=1, cd=1e-9)
    beaten = Row("a", "0" * 12, 10, 10, "draco", "beaten", bytes=10**6, cd=3e-3, rms=1e-3, hd=1e-3)
    found = curves([failed, beaten, *rows("a", "draco", 1e3)])
    assert found == {("a", "draco"): [(500_000, 2e-3), (2_500_000, 4e-4), (12_500_000, 8e-5)]}


def test_the_expert_has_what_the_opponent_has() -> None:
    table = [*rows("a", "expert", 1e3), *rows("a", "opponent", 4e3, (1e-3, 4e-4, 5e-5)), *rows("b", "opponent", 1e3)]
    found = curves(table)
    assert found["a", "expert"] == [(500_000, 2e-3), (2_500_000, 4e-4), (12_500_000, 8e-5), (80_000_000, 5e-5)]
    assert found["a", "opponent"] == curves(rows("a", "opponent", 4e3, (1e-3, 4e-4, 5e-5)))["a", "opponent"]
    assert ("b", "expert") not in found


def test_bytes_at_errors() -> None:
    table = bytes_at_errors([*rows("a", "draco", 1.0), *rows("a", "sdfz", 0.5, (9e-4, 3e-4))])
    assert list(table) == [("a", "draco"), ("a", "sdfz")]
    assert [str(each) for each in table["a", "draco"]] == ["1,000", "2,000", "5,000", "10,000", "-"]
    assert [str(each) for each in table["a", "sdfz"]] == ["<556", "1,000", "-", "-", "-"]
    assert listed_errors("hd") == pytest.approx([8e-3, 4e-3, 1.6e-3, 8e-4, 4e-4])
