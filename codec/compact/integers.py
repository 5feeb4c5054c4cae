"""The fine branch in integers: what a residual is added to, and coded by.

Symbols of a residual are coded with what the branch says of the surface, and probabilities may depend on integers
only. So it is computed here from the pack's own integers, in fixed point, and comes out the same on every machine::

    node --> grid's features, trilinear --+
         --> x --------------------------+--> layers: sums of products, times a step, clipped --> distance
    z -----------------------------------+
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..gains import FIXED_ONE, GAIN_MANTISSAS, GAIN_OCTAVE
from ..latent_code import STEP_ONE, LatentCode
from ..occupancy import OCTANTS, Cells
from .shared import PackNumbers

IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
ZOOM_ONE = 128  # zooms count so many
_ONE = 1 << 16  # of features, codes, coordinates and units of the layers
_MOST = (1 << 22) - 1  # these are clipped to so much
_MOST_SUM = (1 << 42) - 1
_MANTISSA_BITS = 20
_EXACT = float(1 << 53)  # sums of integers below are exact in double precision, in any order
_AT_ONCE = 1 << 15  # nodes: bounds the memory


class IntegerField:
    """Distances of a shape's code at nodes of a grid: a `grid.walk.FirstField`.

    Parameters
    ----------
    pack : PackNumbers
    symbols : LatentCode
    zoom : int
        Normalized units of the code's cube that a normalized unit of the grid is, in 128ths; above 0.
    """

    def __init__(self, pack: PackNumbers, symbols: LatentCode, zoom: int) -> None:
        n_coarse = len(pack.sizes.coarse_shapes)
        self._grid = _clipped(_scaled(pack.arrays[0] * _ONE, pack.steps[0]))
        self._layers = pack.arrays[1 + n_coarse :]
        self._steps = pack.steps[1 + n_coarse :]
        self._code = _clipped(_scaled(symbols.code.astype(np.int64) * _ONE, symbols.step_code))
        self._zoom = zoom

    def __call__(self, nodes: Cells, depth: int) -> IntArray:
        """(N,) distances at (N, 3) nodes of the grid with 2**depth cells along an axis; `FIXED_ONE` is one unit."""
        parts = [self._at(nodes[i : i + _AT_ONCE].astype(np.int64), depth) for i in range(0, len(nodes), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.zeros(0, np.int64)

    def _at(self, nodes: IntArray, depth: int) -> IntArray:
        places = (2 * nodes - (1 << depth)) * self._zoom * (_ONE // ZOOM_ONE) >> depth  # (N, 3) of the code's cube
        inputs = np.concatenate([self._features(places), _clipped(places)], 1)
        units = np.concatenate([inputs, np.broadcast_to(self._code, (len(nodes), len(self._code)))], 1)
        for layer, step in zip(self._layers[:-1], self._steps[:-1], strict=True):
            units = _layer(layer, step, units).clip(0)
        return _layer(self._layers[-1], self._steps[-1], units)[:, 0] * (FIXED_ONE // _ONE * ZOOM_ONE) // self._zoom

    def _features(self, places: IntArray) -> IntArray:
        """(N, F) trilinear values of the grid; outside, of its border."""
        n_steps = self._grid.shape[1] - 1
        scaled = ((places + _ONE) * n_steps >> 1).clip(0, n_steps * _ONE)
        low = np.minimum(scaled // _ONE, n_steps - 1)
        offset = scaled - low * _ONE
        x, y, z = np.moveaxis(low[:, None] + OCTANTS, 2, 0)  # (N, 8) each
        values = self._grid[:, x, y, z].reshape(len(self._grid), -1, 2, 2, 2)
        for axis in range(3):
            share = offset[:, axis].reshape(-1, *[1] * (2 - axis))
            values = values[:, :, 0] + ((values[:, :, 1] - values[:, :, 0]) * share >> 16)
        return values.T


def _layer(layer: IntArray, step: int, inputs: IntArray) -> IntArray:
    """(N, O) outputs of a layer (O, I) for inputs (N, I - 1) and a constant 1."""
    weights, bias = layer[:, :-1], layer[:, -1] * _ONE
    most = float(np.abs(weights).max(initial=0)) * _MOST * weights.shape[1]
    if most < _EXACT:
        sums = (inputs.astype(np.float64) @ weights.T.astype(np.float64)).astype(np.int64)
    else:
        sums = inputs @ weights.T
    return _clipped(_scaled((sums + bias).clip(-_MOST_SUM, _MOST_SUM), step))


def _scaled(numbers: IntArray, step_code: int) -> IntArray:
    """Numbers times a step, rounded down."""
    octaves, part = divmod(STEP_ONE - step_code, GAIN_OCTAVE)
    return numbers * GAIN_MANTISSAS[part] >> _MANTISSA_BITS + octaves


def _clipped(numbers: IntArray) -> IntArray:
    return numbers.clip(-_MOST, _MOST)
