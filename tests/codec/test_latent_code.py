"""One latent code: the payload that deepsdf and compact share."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sdfz.codec.latent_code import LatentCode, code_of_step, pack_code, payload_of, step_of_code, unpack_code
from sdfz.formats import FormatError

PAYLOAD = payload_of("anything")


@given(st.integers(0, 255), st.lists(st.integers(-5000, 5000), min_size=1, max_size=40))
@settings(max_examples=30, deadline=None)
def test_codes_come_back(step_code: int, numbers: list[int]) -> None:
    found = unpack_code(pack_code(LatentCode(step_code, np.array(numbers, np.int32)), PAYLOAD), PAYLOAD)
    assert (found.step_code, found.code.tolist()) == (step_code, numbers)
    assert found.values == pytest.approx(np.array(numbers) * step_of_code(step_code), rel=1e-6)


def test_messages_name_the_method() -> None:
    with pytest.raises(FormatError, match="anything payload: 0 sections"):
        unpack_code([], PAYLOAD)


def test_steps() -> None:
    assert [step_of_code(code) for code in (192, 200, 184)] == [1.0, 2.0, 0.5]
    assert all(code_of_step(step_of_code(code)) == code for code in range(256))
