"""The multi-resolution hash grid: where its nodes lie, in which entries of its tables, and how points interpolate them.

Level l has a grid of base * 2^l nodes along an axis. Its table has an entry for each node where they fit, else 2^T
entries that the nodes share by a hash::

    x in [0, 1]^3 --> level 0 --> corners --> entries --> interpolation --+
                  --> level 1 ...                                         +--> features, side by side
                  --> level L - 1 ...                                    --+

Levels, order of nodes, hash, offsets and interpolation are those of tiny-cuda-nn's GridEncoding [2]_ with
``per_level_scale`` 2, so that its kernels run the same tables. There a level's scale is base * 2^l - 1 and a point's
position x * scale + 1/2: the grids are staggered, half a node from the cube's faces.

References
----------
.. [1] T. Mueller, A. Evans, C. Schied, A. Keller, Instant Neural Graphics Primitives with a Multiresolution Hash
   Encoding, ACM Trans. Graph. 41(4), 2022, section 3 and appendix A.
.. [2] https://github.com/NVlabs/tiny-cuda-nn, include/tiny-cuda-nn/encodings/grid.h and common_device.h.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..occupancy import OCTANTS

IntArray = npt.NDArray[np.int64]

# Part of the format, never change: those of tiny-cuda-nn.
PRIMES = (1, 2654435761, 805459861)
ALIGNMENT = 8  # entries of a level come in multiples of this


@dataclass(frozen=True)
class HashGrid:
    """The shape of a multi-resolution hash grid.

    Parameters
    ----------
    n_levels : int
        L.
    base_resolution : int
        Nodes along an axis of the coarsest level.
    log2_table : int
        T: levels with more than 2^T nodes are hashed.
    n_features : int
        Numbers an entry.
    smooth : bool
        Smoothstep interpolation, else linear.

    Examples
    --------
    >>> grid = HashGrid(3, 4, 9)
    >>> grid.resolutions, grid.sizes, grid.offsets
    ((4, 8, 16), (64, 512, 512), (0, 64, 576, 1088))
    >>> grid.is_hashed(2)
    True
    """

    n_levels: int
    base_resolution: int
    log2_table: int
    n_features: int = 1
    smooth: bool = False

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Nodes along an axis, level by level."""
        return tuple(self.base_resolution << level for level in range(self.n_levels))

    @property
    def sizes(self) -> tuple[int, ...]:
        """Entries of each level's table."""
        dense = [-(-(resolution**3) // ALIGNMENT) * ALIGNMENT for resolution in self.resolutions]
        return tuple(min(size, 1 << self.log2_table) for size in dense)

    @property
    def offsets(self) -> tuple[int, ...]:
        """Entries before each level, and all of them: L + 1."""
        return tuple(np.cumsum([0, *self.sizes]).tolist())

    def is_hashed(self, level: int) -> bool:
        """Whether nodes of a level share entries."""
        return self.sizes[level] < self.resolutions[level] ** 3

    def entries(self, level: int, nodes: npt.NDArray[np.integer]) -> IntArray:
        """Positions in a level's table of nodes (..., 3), with coordinates from 0 to its resolution: (...) int64."""
        resolution, size = self.resolutions[level], self.sizes[level]
        if self.is_hashed(level):
            mixed = nodes.astype(np.uint32) * np.array(PRIMES, np.uint32)  # modulo 2^32
            return (mixed[..., 0] ^ mixed[..., 1] ^ mixed[..., 2]).astype(np.int64) % size
        nodes = nodes.astype(np.int64)
        return (nodes[..., 0] + resolution * (nodes[..., 1] + resolution * nodes[..., 2])) % size

    def corners(
        self, level: int, points: npt.NDArray[np.float32]
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Nodes around points, and their shares.

        Parameters
        ----------
        level : int
        points : (N, 3) float32
            In [0, 1]^3.

        Returns
        -------
        nodes : (N, 8, 3) int32
            The highest bit of a corner's number is the step along x.
        shares : (N, 8) float32
            Sum to 1.
        """
        position = points * np.float32(self.resolutions[level] - 1) + np.float32(0.5)
        low = np.floor(position)
        offset = position - low
        if self.smooth:
            offset = offset * offset * (3 - 2 * offset)
        axes = np.stack([1 - offset, offset], 1)  # (N, 2, 3)
        shares = axes[:, OCTANTS[:, 0], 0] * axes[:, OCTANTS[:, 1], 1] * axes[:, OCTANTS[:, 2], 2]
        return low.astype(np.int32)[:, None] + OCTANTS, shares

    def configuration(self) -> dict[str, object]:
        """tiny-cuda-nn's name for it."""
        return {
            "otype": "HashGrid",
            "n_levels": self.n_levels,
            "n_features_per_level": self.n_features,
            "log2_hashmap_size": self.log2_table,
            "base_resolution": self.base_resolution,
            "per_level_scale": 2.0,
            "interpolation": "Smoothstep" if self.smooth else "Linear",
        }
