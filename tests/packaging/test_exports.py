"""The public names of sdfz exist, are documented and typed, and are all that is public."""

import inspect

import pytest
import sdfz
from repository import ROOT


def test_all_is_honest() -> None:
    assert len(set(sdfz.__all__)) == len(sdfz.__all__)
    assert {"encode", "decode", "open", "Shape", "SdfzError", "__version__"} <= set(sdfz.__all__)
    assert set(sdfz.__all__) <= set(dir(sdfz))


def test_nothing_else_is_public() -> None:
    for name in sdfz.__all__:
        getattr(sdfz, name)  # what is lazy is loaded
    public = {name for name, value in vars(sdfz).items() if name[0] != "_" and not inspect.ismodule(value)}
    assert public - {"annotations", "TYPE_CHECKING"} <= set(sdfz.__all__)


@pytest.mark.parametrize("name", sorted({*getattr(sdfz, "__all__", ())} - {"__version__"}))
def test_documented_and_typed(name: str) -> None:
    value = getattr(sdfz, name)
    assert inspect.getdoc(value)
    if inspect.isfunction(value):
        signature = inspect.signature(value)
        untyped = [p.name for p in signature.parameters.values() if p.annotation is inspect.Parameter.empty]
        assert untyped == []
        assert signature.return_annotation is not inspect.Signature.empty


@pytest.mark.parametrize("name", ["encode", "decode", "open"])
def test_readme_shows_it(name: str) -> None:
    assert f"sdfz.{name}(" in (ROOT / "README.md").read_text("utf-8")


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        sdfz.nonsense  # noqa: B018
