"""The order in which a level's latents are decoded by tables, and what each sees of those before it.

Nodes go in eight passes by the parity of their coordinates, so that a pass is coded at once and still sees neighbours
on all sides: the four even parities first (they form a face-centred lattice), then the four odd ones between them.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..context import log_feature
from ..gains import FIXED_ONE, gain_of_code
from ..occupancy import NEIGHBOURS
from ..parity import parity_passes
from .walk import Level

# Part of the format, never renumber.
N_FEATURES = 12
FEATURE_ONE = 16
_MAGNITUDE_CAP = 63
_CHUNK = 1 << 15  # nodes whose neighbours are looked up at once: bounds the memory
_NEIGHBOUR_TYPE = np.abs(NEIGHBOURS).sum(1) - 1  # 0 across an edge of the lattice, 1 a face's diagonal, 2 a cell's


class NodePasses:
    """State of one level while its latents are decoded.

    Parameters
    ----------
    level : Level
    """

    def __init__(self, level: Level) -> None:
        lattice = level.lattice
        self.passes = parity_passes(lattice.nodes)
        self._first_kind = 8 * min(level.rank, 2)
        self._lattice = lattice
        self.symbols = np.zeros(len(lattice.nodes), np.int32)
        self._magnitudes = np.zeros(len(lattice.nodes) + 1, np.int64)  # the last one stands for "no node"
        self._done = np.zeros(len(lattice.nodes) + 1, np.int64)
        self._octaves = lattice.depth - 1 - (FIXED_ONE.bit_length() - 1)  # to edges of a cell
        self._gain = np.array([gain_of_code(level.gain_code)], np.int64)
        self._base = level.base
        self._coarse_magnitude = level.coarse_magnitude
        self._n_cells_around = lattice.n_cells_around()

    def kind(self, index: int) -> int:
        """Row of context weights for a pass."""
        return self._first_kind + index

    def features(self, index: int) -> npt.NDArray[np.int32]:
        """(N_pass, N_FEATURES) int32 features of a pass's nodes."""
        nodes = self.passes[index]
        features = np.zeros((len(nodes), N_FEATURES), np.int32)
        features[:, 0] = FEATURE_ONE
        features[:, 7] = log_feature(_shifted(np.abs(self._base[nodes]), self._octaves + 8))
        features[:, 8] = 4 * self._n_cells_around[nodes]
        features[:, 9] = log_feature(_shifted(self._gain, self._octaves + 12))
        features[:, 10] = log_feature(self._coarse_magnitude[nodes] >> 3)
        for start in range(0, len(nodes), _CHUNK):
            self._look_around(nodes[start : start + _CHUNK], features[start : start + _CHUNK])
        return features

    def _look_around(self, nodes: npt.NDArray[np.intp], features: npt.NDArray[np.int32]) -> None:
        """Fill in the features that the neighbours give."""
        around = self._lattice.find(self._lattice.nodes[nodes, None].astype(np.int64) + NEIGHBOURS)  # (N, 26)
        for kind in range(3):
            these = around[:, _NEIGHBOUR_TYPE == kind]
            n_done = self._done[these].sum(1)
            mean = 8 * self._magnitudes[these].sum(1) // np.maximum(n_done, 1)
            features[:, 1 + kind] = log_feature(mean)
            features[:, 4 + kind] = np.where(n_done == 0, FEATURE_ONE, 0)
        features[:, 11] = (around >= 0).sum(1)

    def put(self, index: int, symbols: npt.NDArray[np.integer]) -> None:
        """Enter the symbols of a pass."""
        nodes = self.passes[index]
        self.symbols[nodes] = symbols
        self._magnitudes[nodes] = np.minimum(np.abs(symbols), _MAGNITUDE_CAP)
        self._done[nodes] = 1


def _shifted(values: npt.NDArray[np.int64], octaves: int) -> npt.NDArray[np.int64]:
    return values << octaves if octaves >= 0 else values >> -octaves
