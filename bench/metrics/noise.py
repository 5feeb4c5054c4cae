"""What sampling alone does to the figures: how far they are from zero and how much they move.

noise_floor(mesh)                       a mesh against itself: the figures of a perfect decoder
spread_over_seeds(reference, other)     a pair measured with other samples: figures closer than this are the same
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...codec.distortion import Distortion, measure
from ..peers.contract import Mesh
from .papers import papers_variants

SEEDS = tuple(range(5))
_CONFIDENCE = 0.95


@dataclass(frozen=True)
class Spread:
    """A figure over several seeds.

    Attributes
    ----------
    mean : float
    std : float
        Of the figure of one seed, estimated from all (n - 1 in the denominator).
    n_seeds : int
    """

    mean: float
    std: float
    n_seeds: int

    @property
    def resolution(self) -> float:
        """Two figures of one seed each that are closer than this are the same: chance alone does it in 5 % of cases.

        For seeds that differ. Codecs that share the reference's samples, as in one sweep, differ by less.
        """
        from scipy.special import stdtrit

        quantile = float(stdtrit(self.n_seeds - 1, (1 + _CONFIDENCE) / 2))  # Student's t: `std` is an estimate
        return quantile * math.sqrt(2) * self.std


def noise_floor(
    mesh: Mesh, *, n_samples: int = 100_000, seeds: Sequence[int] = SEEDS, papers: bool = True
) -> dict[str, Spread]:
    """Figures of a mesh against itself: `spread_over_seeds(mesh, mesh)`.

    Exact distances to triangles are zero but for rounding. Those between two samplings of the surface are not: they
    are the least that any codec can score by them.
    """
    return spread_over_seeds(mesh, mesh, n_samples=n_samples, seeds=seeds, papers=papers)


def spread_over_seeds(
    reference: Mesh, other: Mesh, *, n_samples: int = 100_000, seeds: Sequence[int] = SEEDS, papers: bool = True
) -> dict[str, Spread]:
    """Figures of a pair of meshes, measured once with each seed.

    Parameters
    ----------
    reference, other : Mesh
        Both with an area.
    n_samples : int
        Of the figures of section 8, in each direction.
    seeds : sequence of int
        Two at least, all different.
    papers : bool
        The papers' variants too.

    Returns
    -------
    dict of str to Spread
        By column of the bench's table: `figures`, and the keys of `papers_variants`.

    Raises
    ------
    ValueError
        A mesh has no area, or there are fewer than two different seeds.
    """
    if len(set(seeds)) != len(seeds) or len(seeds) < 2:
        raise ValueError(f"seeds are {list(seeds)}: two at least are needed, all different")
    runs = []
    for seed in seeds:
        # A measurement uses its seed and the one after it.
        found = measure((reference.vertices, reference.faces), (other.vertices, other.faces), n_samples, 2 * seed)
        run = figures(found)
        if math.isinf(run["cd"]):
            raise ValueError("the other mesh has no area")
        runs.append(run | (papers_variants(reference, other, seed=seed) if papers else {}))
    return {name: _spread([run[name] for run in runs]) for name in runs[0]}


def figures(distortion: Distortion) -> dict[str, float]:
    """Figures of a distortion by the columns of the bench's table; those that are NaN are left out."""
    named = {
        "cd": distortion.cd,
        "cd_forward": distortion.forward.mean,
        "cd_backward": distortion.backward.mean,
        "rms": distortion.rms,
        "hd": distortion.hd,
        "p99": distortion.p99,
        "normal_consistency": distortion.normal_consistency,
    } | {f"f_{limit:g}": score for limit, score in distortion.f_scores.items()}
    return {name: value for name, value in named.items() if not math.isnan(value)}


def _spread(values: list[float]) -> Spread:
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)), len(values))
