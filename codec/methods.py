"""The methods of the format, by their permanent ids; each is imported when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from ..formats.container import Section
from ..formats.errors import FormatError

# Part of the format, never renumber.
METHOD_IDS = {"grid": 1, "scaffold": 3, "overfit": 4, "hashgrid": 5, "lpdif": 6, "lgcl": 7, "deepsdf": 8, "compact": 9}
METHOD_NAMES = {number: name for name, number in METHOD_IDS.items()}

# Ids that are not used again, and what wrote them.
_RETIRED = {2: "sdfz 0.2.0"}

# Those whose shapes are evaluated by networks: device, backend and threads are theirs.
WITH_NETWORKS = {"grid", "overfit", "hashgrid", "lpdif", "lgcl", "deepsdf", "compact"}

# Those whose files may need a model pack: their decoders offer ``needs_pack`` and take a ``pack``.
WITH_PACKS = {"grid", "lpdif", "lgcl", "deepsdf", "compact"}

# Those whose symbols may be coded by what the pack says: ``check_needs_pack`` tells, and the check takes the ``pack``.
CODED_BY_PACKS = {"compact"}


def method_name(method_id: int) -> str:
    """Name of a method.

    Raises
    ------
    FormatError
        The id is not one of this version's.
    """
    if method_id in _RETIRED:
        raise FormatError(
            f"header: method {method_id} was written by {_RETIRED[method_id]} only; encode the shape again"
        )
    if method_id not in METHOD_NAMES:
        known = ", ".join(f"{number} ({name})" for number, name in METHOD_NAMES.items())
        raise FormatError(f"header: method {method_id} is unknown here; this version decodes {known}")
    return METHOD_NAMES[method_id]


def decoder_of(method_id: int) -> Any:
    """Module that decodes a method: it offers ``decode_<name>`` and ``check_<name>``."""
    return import_module(f".{method_name(method_id)}.decode", __package__)


def encoder_of(name: str) -> Any:
    """Module that encodes by a method: it offers ``<name>_trials``."""
    return import_module(f".{name}.trials", __package__)


def summary_of(method_id: int, sections: Sequence[Section]) -> dict[str, int]:
    """Counts that a file's payload begins with, by name, told without decoding; none where a method has none there.

    Raises
    ------
    FormatError, LimitError
        The payload does not begin as it must.
    """
    if METHOD_NAMES.get(method_id) != "scaffold":
        return {}
    from .scaffold.head import read_head

    head = read_head(sections)[0]
    return {"vertices": head.n_vertices, "triangles": head.n_faces, "subdivisions": head.n_levels}
