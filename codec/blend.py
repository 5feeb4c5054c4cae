"""A shape between two others: their latent codes, blended, in files that share a model pack."""

from __future__ import annotations

import math

import numpy as np

from ..formats.container import pack, unpack
from ..formats.errors import FormatError
from ..formats.frame import Frame
from ..formats.header import Header, MeasuredErrors
from ..formats.limits import DEFAULT, Limits
from .compact.decode import check_needs_pack
from .latent_code import LatentCode, code_of_step, pack_code, payload_of, step_of_code, unpack_code
from .methods import method_name

# Those whose files are one latent code.
BLENDABLE = ("deepsdf", "compact")
_FINER = 4.0  # steps of a blend are finer than those of its parents: theirs are where a fit found room


def blend(first: bytes, second: bytes, share: float, *, limits: Limits = DEFAULT) -> bytes:
    """The file of a shape between two: its code and frame are on the straight line between theirs.

    Parameters
    ----------
    first, second : bytes
        Files of the same method, one of `BLENDABLE`, with the same model pack.
    share : float
        Of the second one, 0 to 1.
    limits : Limits

    Returns
    -------
    data : bytes
        A file whose header has the larger errors of the two: nothing was measured, for there is no original.

    Raises
    ------
    FormatError
        The files are not such a pair, or not intact.
    LimitError
        Larger than the limits allow.
    ValueError
        The share is not from 0 to 1.
    """
    if not 0 <= share <= 1:
        raise ValueError(f"share {share} is not from 0 to 1")
    containers = [unpack(data, limits=limits) for data in (first, second)]
    names = [method_name(container.header.method) for container in containers]
    for name in names:
        if name not in BLENDABLE:
            raise FormatError(f"blend: a file of method {name} is more than a latent code; known are {_known()}")
    headers = [container.header for container in containers]
    if names[0] != names[1] or headers[0].pack_hash != headers[1].pack_hash:
        raise FormatError("blend: the files do not share a method and a model pack")
    payload = payload_of(names[0])
    if any(names[0] == "compact" and check_needs_pack(each.sections) for each in containers):
        raise FormatError("blend: a file with a residual is more than a latent code")
    codes = [unpack_code(each.sections, payload, limits=limits) for each in containers]
    code = _blended(codes[0], codes[1], share)
    errors = MeasuredErrors(*(max(getattr(h.errors, metric) for h in headers) for metric in ("cd", "rms", "hd")))
    header = Header(
        method=headers[0].method,
        frame=_frame(headers[0].frame, headers[1].frame, share),
        errors=errors,
        diagonal=(1 - share) * headers[0].diagonal + share * headers[1].diagonal,
        pack_hash=headers[0].pack_hash,
    )
    return pack(header, pack_code(code, payload), limits=limits)


def _known() -> str:
    return " and ".join(BLENDABLE)


def _blended(first: LatentCode, second: LatentCode, share: float) -> LatentCode:
    if len(first.code) != len(second.code):
        raise FormatError(f"blend: codes of {len(first.code)} and {len(second.code)} numbers")
    step_code = code_of_step(step_of_code(min(first.step_code, second.step_code)) / _FINER)
    values = (1 - share) * first.values.astype(np.float64) + share * second.values.astype(np.float64)
    return LatentCode(step_code, np.rint(values / step_of_code(step_code)).astype(np.int32))


def _frame(first: Frame, second: Frame, share: float) -> Frame:
    """The frame between two: sizes by their logarithms, places evenly."""
    scale = math.exp((1 - share) * math.log(first.scale) + share * math.log(second.scale))
    centre = (1 - share) * first.centre + share * second.centre
    return Frame.enclosing(centre - scale, centre + scale, fill=1)
