"""The payload of a `compact` file: one latent code; all else is in its model pack."""

from __future__ import annotations

from collections.abc import Sequence

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ..latent_code import LatentCode, pack_code, payload_of, unpack_code

# Part of the format, never renumber.
METHOD_ID = 9
PAYLOAD = payload_of("compact")


def pack_symbols(symbols: LatentCode) -> list[Section]:
    """The section of a shape's symbols."""
    return pack_code(symbols, PAYLOAD)


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> LatentCode:
    """Symbols of a section; errors of `unpack_code`."""
    return unpack_code(sections, PAYLOAD, limits=limits)
