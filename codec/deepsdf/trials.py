"""The search for the best `deepsdf` file."""

from __future__ import annotations

from ..job import Encoded, Job
from ..latent_trials import code_trials
from ..packs.bundled import bundled_pack
from ..search import Trial
from .field import evaluator
from .shared import METHOD, network_of_pack
from .stream import pack_symbols


def deepsdf_trials(job: Job) -> list[Trial[Encoded]]:
    """Files towards the smallest that meets the goal, in the order of their making.

    Raises
    ------
    MissingPackError
        No pack is given.
    """
    pack = job.pack_of(METHOD) or bundled_pack(METHOD)
    network = network_of_pack(pack)
    return code_trials(job, METHOD, pack_symbols, pack, evaluator(network), network.sizes.n_code)
