"""What the package promises as a whole: its names, its imports, its document."""

import inspect
import subprocess
import sys
from importlib import resources

import pytest
import sdfz.formats
from sdfz.formats import DEFAULT, LimitError, Limits, errors
from sdfz.formats.header import HEADER
from sdfz.formats.metadata import METADATA


def test_exported_names():
    public = {
        name for name, value in vars(sdfz.formats).items() if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert public == set(sdfz.formats.__all__)


def test_imports_are_light():
    """`sdfz info` has to start at once."""
    code = "import sys, sdfz.formats; print([m for m in ('torch', 'trimesh', 'scipy', 'igl') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_document_holds_the_tables_and_errors_of_the_code():
    document = resources.files("sdfz.formats").joinpath("SPEC.md").read_text(encoding="utf-8")
    assert HEADER.markdown() in document
    assert METADATA.markdown() in document
    kinds = [
        errors.FormatError,
        *errors.FormatError.__subclasses__(),
        errors.LimitError,
        *errors.PackError.__subclasses__(),
    ]
    assert all(f"| `{kind.__name__}` |" in document for kind in kinds)


def test_error_tree_is_the_one_printed():
    tree = inspect.getdoc(errors)
    for error in vars(errors).values():
        if inspect.isclass(error) and issubclass(error, Exception):
            assert f"{error.__name__}" in tree
            assert issubclass(error, errors.SdfzError)


def test_limits():
    assert DEFAULT.check("max_depth", 10, "octree depth") == 10
    with pytest.raises(LimitError, match="^octree depth: 11, but max_depth allows 10$"):
        DEFAULT.check("max_depth", 11, "octree depth")
    with pytest.raises(ValueError, match="max_cells"):
        Limits(max_cells=0)
