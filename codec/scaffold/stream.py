"""The payload of a `scaffold` file: its head, then the control mesh as one stream of the mixing coder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError
from ...formats.limits import DEFAULT, Limits
from .. import mixing
from .coder import ControlMesh, EncodedControl, decode_control, encode_control
from .halfedges import one_fan_each
from .head import Head, read_head
from .traversal import traverse


@dataclass(frozen=True, eq=False)
class ScaffoldSymbols:
    """Integers that describe a shape.

    Attributes
    ----------
    head : Head
    mesh : ControlMesh
        In coding order.
    """

    head: Head
    mesh: ControlMesh


def pack_encoded(head: Head, encoded: EncodedControl) -> list[Section]:
    """Sections of a control mesh that is coded already, with the steps that `head` names."""
    return [Section(BASE_ID, head.pack() + encoded.data)]


def pack_symbols(symbols: ScaffoldSymbols) -> list[Section]:
    """Sections of a shape's symbols."""
    return pack_encoded(symbols.head, _encode_again(symbols, mixing.ENCODE))


def unpack_symbols(sections: Sequence[Section], *, limits: Limits = DEFAULT) -> ScaffoldSymbols:
    """Symbols of sections.

    Raises
    ------
    FormatError
        A field is out of range, or the stream makes no such mesh.
    LimitError
        The mesh is larger than the limits allow.
    """
    head, end = read_head(sections, limits)
    data = bytes(sections[0].data[end:])
    mesh = decode_control(data, head.n_vertices, head.n_faces, head.tangential_step, limits=limits)
    if not one_fan_each(mesh.topology.faces, mesh.topology.twins):
        raise FormatError("control mesh: sheets that touch in a vertex only")
    return ScaffoldSymbols(head, mesh)


def bits_by_part(symbols: ScaffoldSymbols) -> dict[str, float]:
    """What each part of the stream costs: connectivity, joins, seeds, normal, tangential, creases."""
    return _encode_again(symbols, mixing.COUNT).bits


def _encode_again(symbols: ScaffoldSymbols, mode: int) -> EncodedControl:
    mesh = symbols.mesh
    # Faces in coding order are walked over in the same order again, and points of the lattice are met exactly.
    return encode_control(
        traverse(mesh.topology.faces),
        mesh.positions.astype(np.float64),
        symbols.head.tangential_step,
        sharpness=mesh.sharpness,
        pinned=mesh.pinned,
        mode=mode,
    )
