"""What the bench asks of a codec: the contract that every peer, and sdfz itself, is measured under.

A peer is run in three timed steps, so that what several rate points share is computed once and charged to each:

    points(mesh)                which rate points to measure, in groups
    prepare(mesh, group)        once a group: what its points share, e.g. the decimated mesh        \\  encode
    encode(prepared, point)     once a point: the coded bytes, whole file                           /  seconds
    decode(data)                what a receiver gets, from the bytes alone                             decode seconds

Each group runs in a process of its own, with an address-space limit; whatever it raises becomes a row with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Unavailable(Exception):
    """The peer cannot run here (a program or package is missing); the text is the reason, for a skipped row."""


@dataclass(frozen=True)
class Mesh:
    """Triangles: `vertices` (V, 3) float64 in the input's unit, `faces` (F, 3) int64.

    A decoded point cloud is a mesh without faces.
    """

    vertices: FloatArray
    faces: IntArray


@dataclass(frozen=True)
class RatePoint:
    """One setting of a peer.

    Attributes
    ----------
    name : str
        Unique among the peer's points for a mesh; part of the key of a row, so it keeps its meaning over versions.
    group : str
        Points of the same group share `Peer.prepare`.
    settings : mapping of str to number or str
        All that is needed to repeat the point.
    """

    name: str
    group: str
    settings: Mapping[str, Any] = field(default_factory=dict)


class Peer(Protocol):
    """A codec on the bench.

    Attributes
    ----------
    name : str
        Key of its rows: lower case, no spaces.
    title : str
        For legends and tables.
    how : str
        How it is run, in a sentence: programs, options, who chooses what.
    caveat : str
        What it does not do, or where the comparison limps; empty if there is nothing to say.
    """

    name: str
    title: str
    how: str
    caveat: str

    def version(self) -> str:
        """Version of what does the work. Raises Unavailable with the reason if it cannot run here.

        Imports all that the other methods need: called once in a process before anything is timed, it keeps the
        imports out of the times.
        """
        ...

    def points(self, mesh: Mesh, quick: bool) -> Sequence[RatePoint]:
        """Rate points for a mesh, coarse to fine; with `quick` about three of them (or few, for an envelope)."""
        ...

    def prepare(self, mesh: Mesh, group: str) -> Any:
        """What the points of a group share.

        Choices made on the way, such as which of several decimators was the best, may be in its attribute `notes`, a
        mapping that goes into the settings of the group's rows.
        """
        ...

    def encode(self, prepared: Any, point: RatePoint) -> bytes:
        """The coded file."""
        ...

    def decode(self, data: bytes) -> Mesh:
        """The surface (or the points) that the bytes stand for, in the frame of the input."""
        ...
