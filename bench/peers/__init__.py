"""Codecs under one contract: what people use today, and sdfz itself.

A peer's module is imported when the peer is asked for, and the package or program behind it when `version` is called.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from ...codec.methods import METHOD_IDS

if TYPE_CHECKING:
    from .contract import Peer


def _of(module: str, factory: str, *arguments: str) -> Callable[[], Peer]:
    def make() -> Peer:
        made: Peer = getattr(import_module(f".{module}", __name__), factory)(*arguments)
        return made

    return make


PEERS: dict[str, Callable[[], Peer]] = {
    "draco": _of("draco", "Draco"),
    "opponent": _of("opponent", "Opponent"),
    "expert": _of("opponent", "Expert"),
    "sdf-grid": _of("sdf_grid", "SdfGrid"),
    "ply": _of("plain", "PlainPly"),
    "tmc3-octree": _of("gpcc", "Octree"),
    "tmc3-trisoup": _of("gpcc", "Trisoup"),
    "vdmc": _of("vdmc", "Vdmc"),
    "gltfpack": _of("gltfpack", "Gltfpack"),
    "sdfz": _of("ours", "Sdfz"),
}

# Each method of ours alone: what has a place in a comparison only when asked for by name.
METHODS: dict[str, Callable[[], Peer]] = {f"sdfz-{name}": _of("ours", "Sdfz", name) for name in METHOD_IDS}

# Whoever can run a codec of the left has that of the right too: its curve is the lower envelope of both.
BUILDS_ON = {"expert": "opponent"}


def all_peers() -> tuple[Peer, ...]:
    """Every peer, whether it can run here or not, without our methods alone."""
    return tuple(make() for make in PEERS.values())


def peer(name: str) -> Peer:
    """The peer of a name.

    Raises
    ------
    ValueError
        There is none; the text names those there are.
    """
    known = PEERS | METHODS
    if name not in known:
        raise ValueError(f"no codec is called {name!r}; there are {', '.join(known)}")
    return known[name]()
