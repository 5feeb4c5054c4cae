"""What a `scaffold` payload starts with: the size of the control mesh, its steps, how it is refined.

Apart from the coder behind it, so that ``sdfz info`` can read it at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...formats.container import BASE_ID, Section
from ...formats.errors import FormatError
from ...formats.fields import U8, VARINT, ZIGZAG, Field, FieldTable
from ...formats.limits import DEFAULT, Limits
from .steps import MAX_STEP_CODE, TANGENTIAL_STEPS, lattice_unit

# Part of the format, never renumber.
METHOD_ID = 3
MAX_LEVELS = 6
PLAIN = 7  # in the place of the levels
CLOSED = 128  # as many faces as a closed surface without handles has, and no field for them
_CLOSED_EXCESS = -4

PAYLOAD = FieldTable(
    "scaffold payload",
    [
        Field("vertices", VARINT, "vertices of the control mesh", 3, 1 << 41),
        Field("step", U8, "code of the normal step", 0, MAX_STEP_CODE),
        Field(
            "refinement",
            U8,
            "low four bits: code of the tangential step; next three: levels of subdivision, or 7: plain; highest: "
            "closed",
        ),
        Field(
            "faces",
            ZIGZAG,
            "its triangles, less twice its vertices; not -4, and only if not closed",
            -(1 << 42),
            1 << 40,
            when=lambda values: not values["refinement"] & CLOSED,
        ),
    ],
)


@dataclass(frozen=True)
class Head:
    """The fields of a payload.

    Parameters
    ----------
    n_vertices, n_faces : int
        Of the control mesh.
    step : int
        Code of the normal step, see `steps`.
    tangential : int
        Code of the tangential step.
    n_levels : int
        Levels of subdivision that the measured errors are of, 0 to 6.
    is_plain : bool
        The control mesh is the surface: no subdivision, and `n_levels` is 0.
    """

    n_vertices: int
    n_faces: int
    step: int
    tangential: int
    n_levels: int
    is_plain: bool = False

    @property
    def unit(self) -> float:
        """Length of a lattice unit, normalized units."""
        return lattice_unit(self.step)

    @property
    def tangential_step(self) -> int:
        """In lattice units."""
        return TANGENTIAL_STEPS[self.tangential]

    def pack(self) -> bytes:
        """The bytes of the fields.

        Raises
        ------
        ValueError
            A value is out of range.
        """
        if not 0 <= self.n_levels <= MAX_LEVELS or not 0 <= self.tangential < 16 or (self.is_plain and self.n_levels):
            raise ValueError(f"{self} is out of range")
        excess = self.n_faces - 2 * self.n_vertices
        refinement = self.tangential | (PLAIN if self.is_plain else self.n_levels) << 4
        if excess == _CLOSED_EXCESS:
            refinement |= CLOSED
        return PAYLOAD.pack(
            {
                "vertices": self.n_vertices,
                "step": self.step,
                "refinement": refinement,
                "faces": None if excess == _CLOSED_EXCESS else excess,
            }
        )

    def as_dict(self) -> dict[str, Any]:
        """For people: counts, and steps in normalized units."""
        return {
            "n_control_vertices": self.n_vertices,
            "n_control_faces": self.n_faces,
            "normal_step": self.unit * TANGENTIAL_STEPS[0],
            "tangential_step": self.unit * self.tangential_step,
            "subdivisions": self.n_levels,
        }


def read_head(sections: Sequence[Section], limits: Limits = DEFAULT) -> tuple[Head, int]:
    """The fields of a file's only section, and where they end.

    Raises
    ------
    FormatError
        A field is out of range, or there are other sections.
    LimitError
        The control mesh, or what it is refined to, is larger than the limits allow.
    """
    if [section.id for section in sections] != [BASE_ID]:
        raise FormatError(f"scaffold payload: sections {[section.id for section in sections]}, but only {BASE_ID} is")
    values, end = PAYLOAD.unpack(sections[0].data)
    n_vertices, refinement, excess = values["vertices"], values["refinement"], values["faces"]
    if excess == _CLOSED_EXCESS:
        raise FormatError("scaffold payload: faces: -4 is said by the highest bit of refinement")
    n_faces = 2 * n_vertices + (_CLOSED_EXCESS if excess is None else excess)
    if n_faces < 1 or n_vertices > 3 * n_faces:
        raise FormatError(f"scaffold payload: {n_vertices} vertices with {n_faces} faces are not allowed")
    is_plain = refinement >> 4 & 7 == PLAIN
    n_levels = 0 if is_plain else refinement >> 4 & 7
    limits.check("max_control_faces", n_faces, "faces of the control mesh")
    limits.check("max_triangles", n_faces << 2 * n_levels, "triangles of the refined mesh")
    return Head(n_vertices, n_faces, values["step"], refinement & 15, n_levels, is_plain), end
