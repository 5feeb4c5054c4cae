"""Steps of quantized numbers, as files say them: eight codes an octave."""

from __future__ import annotations

import numpy as np

# Part of the format, never change.
FIXED_ONE = 1 << 20  # one normalized unit
GAIN_OCTAVE = 8  # gain codes an octave
# 2**(20 - i / 8), rounded: written out, since a power computed in floating point could differ in its last bit.
GAIN_MANTISSAS = (1048576, 961548, 881744, 808563, 741455, 679917, 623487, 571740)
MAX_GAIN_CODE = 20 * GAIN_OCTAVE - 1


def gain_of_code(code: int) -> int:
    """Step of a level's latents in fixed point: about 2**20 * 2**(-code / 8), at least 1."""
    return GAIN_MANTISSAS[code % GAIN_OCTAVE] >> code // GAIN_OCTAVE


def code_of_gain(gain: float) -> int:
    """Code of the step nearest to `gain` normalized units."""
    return int(np.clip(np.rint(-GAIN_OCTAVE * np.log2(max(gain, 1e-9))), 0, MAX_GAIN_CODE))
