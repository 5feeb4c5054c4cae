"""The payload of a `compact` file: one latent code, and what it leaves of the shape; all else is in its model pack.

::

    base    numbers, step | the code's numbers
    base    numbers, step, zoom, bytes | the code's numbers | base payload of the residual, as of a `grid` file
    detail  of the residual, likewise
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError, TruncatedError
from ...formats.fields import U8, U16, VARINT, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from ..grid.stream import Head
from ..grid.symbols import SHARED_NETWORK
from ..latent_code import MAX_CODE, LatentCode, coded_numbers, decoded_numbers

# Part of the format, never renumber.
METHOD_ID = 9
RESIDUAL = 1 << 15
MAX_FIRST_DEPTH = 5  # of a residual's coarsest latents: the networks of the pack are evaluated at their nodes


def _has_residual(values: Mapping[str, Any]) -> bool:
    return bool(values["numbers"] & RESIDUAL)


PAYLOAD = FieldTable(
    "compact payload",
    [
        Field("numbers", U16, "low 15 bits: numbers of the latent code, 1 to 1024; highest: a residual follows"),
        Field("step", U8, "step of these numbers: 2^((step - 192) / 8)"),
        Field("zoom", U8, "with a residual: units of the code's cube in one of the file's, in 128ths",
              1, when=_has_residual),
        Field("bytes", VARINT, "with a residual: bytes of the coded numbers", when=_has_residual),
    ],
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CodedResidual:
    """A residual whose symbols are not decoded: that takes what the code says of the shape.

    Attributes
    ----------
    zoom : int
        Of the code's field, see `integers.IntegerField`.
    sections : tuple of Section
        As of a `grid` file.
    """

    zoom: int
    sections: tuple[Section, ...]


def pack_symbols(symbols: LatentCode, residual: CodedResidual | None = None) -> list[Section]:
    """The sections of a shape's symbols."""
    coded, values = coded_numbers(symbols.code), {"numbers": len(symbols.code), "step": symbols.step_code}
    if residual is None:
        return [Section(BASE_ID, PAYLOAD.pack(values) + coded)]
    values |= {"numbers": values["numbers"] | RESIDUAL, "zoom": residual.zoom, "bytes": len(coded)}
    base, *details = residual.sections
    return [Section(BASE_ID, PAYLOAD.pack(values) + coded + base.data), *details]


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> tuple[LatentCode, CodedResidual | None]:
    """The code of sections, and the residual, if there is one.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or the coded data does not end with the code.
    LimitError
        More symbols than the limits allow.
    """
    data = sections[0].data
    values, end = PAYLOAD.unpack(data)
    n_numbers, has_residual = values["numbers"] & ~RESIDUAL, _has_residual(values)
    if not 1 <= n_numbers <= MAX_CODE:
        raise FormatError(f"{PAYLOAD.name}: numbers: {n_numbers} is not in 1..{MAX_CODE}")
    if len(sections) != 1 and not has_residual:
        raise FormatError(f"{PAYLOAD.name}: {len(sections)} sections, but it is one")
    limits.check("max_symbols", n_numbers, "symbols")
    after = end + values["bytes"] if has_residual else len(data)
    if after > len(data):
        raise TruncatedError(f"{PAYLOAD.name}: {values['bytes']} bytes of a code, but {len(data) - end} are there")
    code = LatentCode(values["step"], decoded_numbers(data[end:after], n_numbers, PAYLOAD.name))
    if not has_residual:
        return code, None
    residual = CodedResidual(values["zoom"], (Section(BASE_ID, data[after:]), *sections[1:]))
    _check_residual(residual)
    return code, residual


def _check_residual(residual: CodedResidual) -> None:
    """FormatError for grids that a residual does not have."""
    head = Head.unpack(residual.sections[0].data)[0]
    head.check()
    first_depth = head.depth - head.n_levels + 1
    if first_depth > MAX_FIRST_DEPTH:
        raise FormatError(f"{PAYLOAD.name}: residual: latents begin at depth {first_depth}, above {MAX_FIRST_DEPTH}")
    if head.network == SHARED_NETWORK or not head.is_mixed:
        raise FormatError(f"{PAYLOAD.name}: residual: with a network of a model pack, or coded by tables")
