"""What the payload of a motion starts with: told without what decodes the rest, so that ``sdfz info`` starts fast."""

from __future__ import annotations

from ...formats.fields import U8, VARINT, Field, FieldTable

# Part of the format, never change.
MAX_DEPTH = 10
MAX_NODES = 1 << 11
MAX_FRAMES = 1 << 16
MAX_CANDIDATES = 12

MOTION = FieldTable(
    "motion",
    [
        Field("frames", VARINT, "frames of the sequence", 1, MAX_FRAMES),
        Field("depth", U8, "nodes are middles of cells of the 2^depth grid over [-2, 2]^3", 1, MAX_DEPTH),
        Field("candidates", U8, "nodes before a node that it may be joined to", 1, MAX_CANDIDATES),
        Field("step", U8, "step of the residuals: 2^((step - 192) / 8)"),
    ],
)


def frames_of(data: bytes) -> int:
    """How many frames a payload says that there are.

    Raises
    ------
    FormatError
        The payload does not begin as it must.
    """
    values, _ = MOTION.unpack(data)
    return int(values["frames"])
