"""The payload of a `deepsdf` file: symbols to one section and back."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError
from ...formats.fields import U8, U16, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from ..numbers import NumberDecoder, NumberEncoder
from .symbols import MAX_CODE, CodeSymbols

IntArray = npt.NDArray[np.int64]

PAYLOAD = FieldTable(
    "deepsdf payload",
    [
        Field("numbers", U16, "numbers of the latent code", 1, MAX_CODE),
        Field("step", U8, "step of these numbers: 2^((step - 192) / 8)"),
    ],
)


def pack_symbols(symbols: CodeSymbols) -> list[Section]:
    """The section of a shape's symbols."""
    coder = NumberEncoder()
    coder.put(symbols.code.astype(np.int64), *_contexts(len(symbols.code)))
    head = PAYLOAD.pack({"numbers": len(symbols.code), "step": symbols.step_code})
    return [Section(BASE_ID, head + coder.finish())]


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> CodeSymbols:
    """Symbols of a section.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or the coded data does not end with the code.
    LimitError
        More symbols than the limits allow.
    """
    if len(sections) != 1:
        raise FormatError(f"deepsdf payload: {len(sections)} sections, but it is one")
    values, end = PAYLOAD.unpack(sections[0].data)
    limits.check("max_symbols", values["numbers"], "symbols")
    coder = NumberDecoder(sections[0].data[end:])
    code = coder.take(*_contexts(values["numbers"]))
    coder.finish("deepsdf payload")
    return CodeSymbols(values["step"], code.astype(np.int32))


def _contexts(n: int) -> tuple[IntArray, IntArray, IntArray]:
    """Kinds, places and near of the numbers: alike, but for what the two before tell of their size."""
    zeros = np.zeros(n, np.int64)
    return zeros, zeros, np.maximum(np.arange(n)[:, None] - [1, 2], -1)
