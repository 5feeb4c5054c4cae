"""Blends of latent codes: between two files, in code and frame, and refused where there is nothing between them."""

from __future__ import annotations

import numpy as np
import pytest
from sdfz.codec.blend import blend
from sdfz.codec.latent_code import LatentCode, pack_code, payload_of, unpack_code
from sdfz.codec.methods import METHOD_IDS
from sdfz.formats import FormatError, Frame, Header, MeasuredErrors, pack, unpack

PAYLOAD = payload_of("compact")


def file(code: list[int], half: float = 1.0, method: str = "compact", name: bytes = b"12345678") -> bytes:
    frame = Frame.enclosing([-half] * 3, [half] * 3, fill=1)
    errors = MeasuredErrors(0.01 * half, 0.02, 0.1)
    header = Header(method=METHOD_IDS[method], frame=frame, errors=errors, diagonal=2.0, pack_hash=name)
    return pack(header, pack_code(LatentCode(192, np.array(code, np.int32)), payload_of(method)))


def test_codes_and_frames_lie_between() -> None:
    a, b = file([4, -8, 0]), file([0, 8, 1], half=4.0)
    for share, expected in ((0.0, [4, -8, 0]), (0.5, [2, 0, 0.5]), (1.0, [0, 8, 1])):
        found = unpack(blend(a, b, share))
        assert unpack_code(found.sections, PAYLOAD).values == pytest.approx(expected)
        assert found.header.frame.scale == pytest.approx(4.0**share, rel=0.02)
        assert found.header.errors.cd == unpack(b).header.errors.cd
        assert (found.header.method, found.header.pack_hash) == (METHOD_IDS["compact"], b"12345678")


def test_what_has_nothing_between() -> None:
    a = file([1, 2])
    with pytest.raises(FormatError, match="do not share a method and a model pack"):
        blend(a, file([1, 2], name=b"87654321"), 0.5)
    with pytest.raises(FormatError, match="do not share a method"):
        blend(a, file([1, 2], method="deepsdf"), 0.5)
    with pytest.raises(FormatError, match="codes of 2 and 3 numbers"):
        blend(a, file([1, 2, 3]), 0.5)
    with pytest.raises(ValueError, match=r"share 1\.5"):
        blend(a, a, 1.5)
    header = unpack(a).header
    other = Header(method=3, frame=header.frame, errors=header.errors, diagonal=2.0)
    with pytest.raises(FormatError, match="method scaffold is more than a latent code"):
        blend(pack(other, unpack(a).sections), a, 0.5)
