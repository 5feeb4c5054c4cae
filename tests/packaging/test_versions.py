"""One version, told the same everywhere; pins that agree with the bounds."""

import importlib.metadata
import re

import sdfz
from packaging.requirements import Requirement
from repository import ROOT, settings


def test_one_version() -> None:
    assert settings()["project"]["dynamic"] == ["version"]
    assert importlib.metadata.version("sdfz") == sdfz.__version__


def test_changelog_is_about_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    released = headings[1:] if headings[0] == "Unreleased" else headings
    assert released[0] == sdfz.__version__


def test_pins_are_within_the_bounds() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    project = settings()["project"]
    bounds = {}
    for group in [project["dependencies"], *project["optional-dependencies"].values()]:
        bounds.update({requirement.name: requirement for requirement in map(Requirement, group)})
    assert {requirement.name for requirement in map(Requirement, project["dependencies"])} <= {pin.name for pin in pins}
    for pin in pins:
        (clause,) = pin.specifier
        assert clause.operator == "=="
        assert clause.version in bounds[pin.name].specifier
