"""Examples in docstrings print what they say, in modules imported under their own names."""

import doctest
import importlib

import pytest
from repository import modules


@pytest.mark.parametrize("name", [name for name in modules() if not name.endswith("__main__")])
def test_doctests(name: str) -> None:
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    failed, _ = doctest.testmod(importlib.import_module(name), optionflags=flags)
    assert failed == 0
