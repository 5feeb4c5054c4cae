"""Compiled functions: kept where they can be, and what people are told who wait for them."""

import pytest
from numba.core.caching import CacheImpl
from sdfz.codec import compiled
from sdfz.codec.compiled import njit


def _add(first, second):
    return first + second


@pytest.mark.parametrize("somewhere", [True, False])
def test_they_run_whether_or_not_they_can_be_kept(somewhere, tmp_path, monkeypatch):
    monkeypatch.setattr("numba.core.config.CACHE_DIR", str(tmp_path))
    if not somewhere:
        monkeypatch.setattr(CacheImpl, "_locator_classes", [])
    add = njit(cache=True)(_add)
    assert add(2, 3) == 5
    assert bool(list(tmp_path.rglob("*.nbc"))) == somewhere


def test_there_is_one_version_for_all_constants():
    add = njit(cache=False)(_add)

    @njit(cache=False)
    def add_both(number):
        return add(number, 1) + add(2, number)

    assert add_both(3) == 9
    assert len(add.signatures) == 1


def test_a_process_says_once_that_it_compiles(caplog, monkeypatch):
    monkeypatch.setattr(compiled._FIRST, "said", False)
    with caplog.at_level("INFO", logger=compiled.__name__):
        for function in (_add, lambda number: number + 1):
            njit(cache=False)(function)(*(range(2) if function is _add else (1,)))
    assert [record.message for record in caplog.records] == [
        "compiling for this machine, up to a minute the first time"
    ]
