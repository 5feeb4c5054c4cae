"""Optional Python packages: imported when needed, and a reason instead of a traceback when they are missing."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from .contract import Unavailable


def optional(module: str, distribution: str) -> Any:
    """A package that the bench can do without.

    Parameters
    ----------
    module, distribution : str
        What to import, and what to install for it.

    Raises
    ------
    Unavailable
        It cannot be imported.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise Unavailable(f"the Python package {distribution} cannot be imported ({error})") from error


def version_of(distribution: str) -> str:
    """Name and version of an installed distribution, as in "numpy 2.4.6"."""
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:  # importable without being installed, from a folder on the path
        return f"{distribution} unknown"
