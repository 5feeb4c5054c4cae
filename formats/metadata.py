"""What a file may say about its source; nothing that decoding needs."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from typing import Any

from .fields import U8, VARINT, Field, FieldTable, Kind, Row, Text
from .kinds import has_control_characters

# Part of the format, never change.
MAX_NAME_BYTES = 255
MAX_UNITS_BYTES = 16
MAX_COUNT = (1 << 48) - 1
_NAMES = ("name", "units", "n_vertices", "n_faces")  # in the order of their bits in `present`


def _optional(name: str, kind: Kind, meaning: str, high: int | None = None) -> Field:
    bit = 1 << _NAMES.index(name)
    return Field(name, kind, meaning, high=high, when=lambda values: bool(values["present"] & bit))


METADATA = FieldTable(
    "metadata",
    [
        Field("present", U8, "bits of the fields that follow", 1, (1 << len(_NAMES)) - 1),
        _optional("name", Text(MAX_NAME_BYTES), "file name of the input, without its folder"),
        _optional("units", Text(MAX_UNITS_BYTES), "unit of the input's coordinates, such as `mm`"),
        _optional("n_vertices", VARINT, "vertices of the input", MAX_COUNT),
        _optional("n_faces", VARINT, "triangles of the input", MAX_COUNT),
    ],
)


@dataclass(frozen=True)
class Metadata:
    """Optional facts about the source of a shape; what is None is not stored.

    Parameters
    ----------
    name : str, optional
        File name of the input, without its folder; at most 255 bytes of UTF-8, no control characters.
        `clean_name` makes one of any path.
    units : str, optional
        Unit of the input's coordinates, such as ``"mm"``; at most 16 bytes.
    n_vertices, n_faces : int, optional
        Vertices and triangles of the input, as read: polygons triangulated, exact duplicates merged.

    Raises
    ------
    ValueError
        A value cannot be stored.
    """

    name: str | None = None
    units: str | None = None
    n_vertices: int | None = None
    n_faces: int | None = None

    def __post_init__(self) -> None:
        if self:
            pack_metadata(self)

    def __bool__(self) -> bool:
        return any(getattr(self, name) is not None for name in _NAMES)

    def describe(self) -> list[Row]:
        """The fields that are there, with their texts for people."""
        return METADATA.describe(asdict(self))


def pack_metadata(metadata: Metadata) -> bytes:
    """Payload of a metadata section; `metadata` must not be empty."""
    values: dict[str, Any] = asdict(metadata)
    present = sum(1 << i for i, name in enumerate(_NAMES) if values[name] is not None)
    return METADATA.pack({"present": present, **values})


def unpack_metadata(payload: bytes) -> Metadata:
    """Metadata of a section's payload.

    Raises
    ------
    FormatError
        A field is damaged, out of range or missing, or bytes follow the last one.
    """
    values = METADATA.unpack_all(payload)
    return Metadata(**{name: values[name] for name in _NAMES})


def clean_name(path: str | os.PathLike[str]) -> str:
    """File name of a path, made fit for `Metadata`: control characters replaced, cut to 255 bytes.

    Examples
    --------
    >>> clean_name("scans/bad\\x1b[31mname.ply")
    'bad?[31mname.ply'
    """
    name = "".join("?" if has_control_characters(c) else c for c in os.path.basename(os.fspath(path)))
    # undecodable bytes of a path arrive as lone surrogates
    return name.encode(errors="replace")[:MAX_NAME_BYTES].decode(errors="ignore")
