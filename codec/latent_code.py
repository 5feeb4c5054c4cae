"""One latent code for a whole shape as a payload: what methods have in common whose files are nothing else.

::

    numbers, step | the code's numbers (adaptive numbers)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..formats.container import BASE_ID, Section
from ..formats.errors import FormatError
from ..formats.fields import U8, U16, Field, FieldTable
from ..formats.limits import DEFAULT, Limits
from .numbers import NumberDecoder, NumberEncoder
from .steps import StepScale

IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
MAX_CODE = 1024
STEP_ONE = 192
_STEPS = StepScale(STEP_ONE)  # a code of the step stands for 2^((code - 192) / 8)
step_of_code, code_of_step = _STEPS.step_of_code, _STEPS.code_of_step


@dataclass(frozen=True, eq=False)
class LatentCode:
    """Integers that describe a shape's field.

    Parameters
    ----------
    step_code : int
        Step of the latent code, 0 to 255.
    code : (C,) int32
        The latent code, in steps.
    """

    step_code: int
    code: npt.NDArray[np.int32]

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """(C,) the numbers of the code."""
        return (self.code * step_of_code(self.step_code)).astype(np.float32)


def payload_of(method: str) -> FieldTable:
    """What a method's payload starts with."""
    return FieldTable(
        f"{method} payload",
        [
            Field("numbers", U16, "numbers of the latent code", 1, MAX_CODE),
            Field("step", U8, "step of these numbers: 2^((step - 192) / 8)"),
        ],
    )


def pack_code(symbols: LatentCode, payload: FieldTable) -> list[Section]:
    """The section of a shape's symbols, behind the fields of `payload_of` its method."""
    head = payload.pack({"numbers": len(symbols.code), "step": symbols.step_code})
    return [Section(BASE_ID, head + coded_numbers(symbols.code))]


def unpack_code(sections: Sequence[Section], payload: FieldTable, *, limits: Limits = DEFAULT) -> LatentCode:
    """Symbols of a section.

    Raises
    ------
    FormatError
        A field is out of range, a section does not belong, or the coded data does not end with the code.
    LimitError
        More symbols than the limits allow.
    """
    if len(sections) != 1:
        raise FormatError(f"{payload.name}: {len(sections)} sections, but it is one")
    values, end = payload.unpack(sections[0].data)
    limits.check("max_symbols", values["numbers"], "symbols")
    return LatentCode(values["step"], decoded_numbers(sections[0].data[end:], values["numbers"], payload.name))


def coded_numbers(code: npt.NDArray[np.int32]) -> bytes:
    """The numbers of a code (C,), coded."""
    coder = NumberEncoder()
    coder.put(code.astype(np.int64), *_contexts(len(code)))
    return coder.finish()


def decoded_numbers(data: bytes, n: int, what: str) -> npt.NDArray[np.int32]:
    """The (n,) numbers that bytes hold, and nothing else; `what` starts the message.

    Raises
    ------
    FormatError
        The bytes do not end with these numbers.
    """
    coder = NumberDecoder(data)
    code = coder.take(*_contexts(n))
    coder.finish(what)
    return code.astype(np.int32)


def _contexts(n: int) -> tuple[IntArray, IntArray, IntArray]:
    """Kinds, places and near of the numbers: alike, but for what the two before tell of their size."""
    zeros = np.zeros(n, np.int64)
    return zeros, zeros, np.maximum(np.arange(n)[:, None] - [1, 2], -1)
