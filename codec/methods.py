"""The methods of the format, by their permanent ids; each is imported when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ..formats.errors import FormatError

# Part of the format, never renumber.
METHOD_IDS = {"grid": 1}
METHOD_NAMES = {number: name for name, number in METHOD_IDS.items()}


def method_name(method_id: int) -> str:
    """Name of a method.

    Raises
    ------
    FormatError
        The id is not one of this version's.
    """
    if method_id not in METHOD_NAMES:
        known = ", ".join(f"{number} ({name})" for number, name in METHOD_NAMES.items())
        raise FormatError(f"header: method {method_id} is unknown here; this version decodes {known}")
    return METHOD_NAMES[method_id]


def decoder_of(method_id: int) -> Any:
    """Module that decodes a method: it offers ``decode_<name>`` and ``check_<name>``."""
    return import_module(f".{method_name(method_id)}.decode", __package__)
