"""What a decoder accepts: checked before anything is allocated for it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .errors import LimitError


@dataclass(frozen=True)
class Limits:
    """Largest values that a decoder accepts; raise one with ``dataclasses.replace``.

    Parameters
    ----------
    max_file_bytes : int
        Bytes of a whole file.
    max_section_bytes : int
        Bytes of one section's payload.
    max_sections : int
        Sections of a file, metadata included.
    max_frames : int
        Frames of a sequence.
    max_depth : int
        Levels of an octree; the finest grid has 2**max_depth cells along an axis.
    max_cells : int
        Occupied cells of a shape at its finest level.
    max_control_faces : int
        Triangles of a control mesh.
    max_triangles : int
        Triangles that a control mesh may be refined to.
    max_symbols : int
        Numbers that entropy-coded streams of a file may expand to, all together.
    max_resolution : int
        Cells along an axis that a mesh may be extracted at.
    max_pack_bytes : int
        Bytes of a model pack.
    max_pack_arrays : int
        Arrays of a model pack.
    """

    max_file_bytes: int = 1 << 28
    max_section_bytes: int = 1 << 27
    max_sections: int = 32
    max_frames: int = 1 << 14
    max_depth: int = 10
    max_cells: int = 1 << 22
    max_control_faces: int = 1 << 22
    max_triangles: int = 1 << 23
    max_symbols: int = 1 << 27
    max_resolution: int = 1024
    max_pack_bytes: int = 1 << 26
    max_pack_arrays: int = 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{field.name}: {value!r} is not a positive integer")

    def check(self, limit: str, value: int, what: str) -> int:
        """The value, if the limit allows it.

        Parameters
        ----------
        limit : str
            Name of a field of this class.
        value : int
            Value that a file declares.
        what : str
            What the value counts, for the message.

        Returns
        -------
        value : int
            As given.

        Raises
        ------
        LimitError
            The value is larger than the limit.

        Examples
        --------
        >>> DEFAULT.check("max_depth", 8, "octree depth")
        8
        """
        allowed = getattr(self, limit)
        if value > allowed:
            raise LimitError(f"{what}: {value}, but {limit} allows {allowed}")
        return value


DEFAULT = Limits()
