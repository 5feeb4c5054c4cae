"""The repository as files, which the packaging tests compare the installed package with."""

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[1]


def settings() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def packages() -> list[str]:
    """Names of the packages that are installed."""
    return settings()["tool"]["setuptools"]["packages"]


def folder(package: str) -> Path:
    return ROOT.joinpath(*package.split(".")[1:])


def modules() -> list[str]:
    """Names of all modules of the installed packages, from their files."""
    names = []
    for package in packages():
        stems = [path.stem for path in folder(package).glob("*.py")]
        names += [package if stem == "__init__" else f"{package}.{stem}" for stem in stems]
    return sorted(names)
