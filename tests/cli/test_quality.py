"""What --max-error, --target-size and --units mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sdfz.cli.quality import METRES_PER_UNIT, UNITS, ErrorTarget, parse_error, parse_size


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("0.1%", ErrorTarget(0.001, relative=True)),
        ("100 %", ErrorTarget(1.0, relative=True)),
        ("0.2mm", ErrorTarget(0.2, relative=False, unit="mm")),
        (" 5 UM ", ErrorTarget(5.0, relative=False, unit="um")),
        ("5µm", ErrorTarget(5.0, relative=False, unit="um")),
        (".5in", ErrorTarget(0.5, relative=False, unit="in")),
        ("1e-3", ErrorTarget(0.001, relative=False)),
        ("1e-3m", ErrorTarget(0.001, relative=False, unit="m")),
    ],
)
def test_error_bounds(text: str, target: ErrorTarget) -> None:
    assert parse_error(text) == target


@pytest.mark.parametrize("text", ["", "%", "0%", "0", "-1%", "-0.2mm", "101%", "1e999", "nan", "inf", "1 % mm", "1km"])
def test_what_is_no_error_bound(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'"):
        parse_error(text)


@given(st.floats(1e-9, 1e9), st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_units_convert_there_and_back(value: float, one: str, other: str) -> None:
    there = ErrorTarget(value, relative=False, unit=one).in_unit(other)
    assert there * METRES_PER_UNIT[other] == pytest.approx(value * METRES_PER_UNIT[one], rel=1e-12)
    assert ErrorTarget(there, relative=False, unit=other).in_unit(one) == pytest.approx(value, rel=1e-12)


def test_what_is_not_converted() -> None:
    assert ErrorTarget(0.2, relative=False, unit="mm").in_unit(None) == 0.2
    assert ErrorTarget(0.2, relative=False).in_unit("m") == 0.2
    assert ErrorTarget(0.2, relative=True).in_unit("m") == 0.2


@pytest.mark.parametrize(
    ("text", "n_bytes"),
    [
        ("8000", 8000),
        ("8000B", 8000),
        ("8kB", 8000),
        ("8KB", 8000),
        ("8 KiB", 8192),
        ("1.5MB", 1_500_000),
        ("2MiB", 1 << 21),
    ],
)
def test_sizes(text: str, n_bytes: int) -> None:
    assert parse_size(text) == n_bytes


@pytest.mark.parametrize("text", ["", "kB", "0", "0.5", "-8kB", "8k", "8 kg", "1e30"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match=r"^'"):
        parse_size(text)
