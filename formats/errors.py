"""Errors of sdfz, one class for each thing a caller can do about it.

::

    SdfzError
      MeshError             the input mesh: empty, not finite, no surface; or a mesh file that cannot be read
      FormatError           the bytes of a file
        NotSdfzError        they are something else
        TruncatedError      they end too early: get the rest, or allow truncated input
        ChecksumError       they were damaged: get them again
        TrailingDataError   they go on after the end
        VersionError        they are newer than this decoder: update it
      PackError             the model pack that a file needs
        MissingPackError    it is nowhere: get it, and say where it is
        CorruptPackError    it was damaged, or is something else: get it again
        PackMethodError     it is another method's: name the right one
        PackVersionError    it is newer than this sdfz: update it
      LimitError            valid, but larger than this call allows: raise the limit
      BackendError          asked for a device or backend that is not there

A wrong type or value passed by a program is a ``TypeError`` or ``ValueError``; a missing or unreadable file is the
``OSError`` it always was.
"""

from __future__ import annotations

from collections.abc import Sequence


class SdfzError(Exception):
    """Base of all errors of sdfz; its text is one line, fit for a user."""


class MeshError(SdfzError):
    """The mesh cannot be used: empty, not finite, without area; or its file cannot be read."""


class FormatError(SdfzError):
    """The bytes are not a valid sdfz file."""


class NotSdfzError(FormatError):
    """The bytes do not start as an sdfz file does."""


class TruncatedError(FormatError):
    """The bytes end before the file, or a field in it, does."""


class ChecksumError(FormatError):
    """A section does not match its checksum."""


class TrailingDataError(FormatError):
    """Bytes follow where the file, or a payload in it, should end."""


class VersionError(FormatError):
    """The file's version is not one this decoder reads.

    Parameters
    ----------
    found : int
        Version in the file.
    versions : sequence of int
        Versions this decoder reads.
    """

    def __init__(self, found: int, versions: Sequence[int]) -> None:
        self.found = found
        self.versions = tuple(versions)
        read = ", ".join(map(str, self.versions))
        super().__init__(f"the file has format version {found}; this sdfz reads version {read}")

    def __reduce__(self) -> tuple[type, tuple[int, tuple[int, ...]]]:
        return type(self), (self.found, self.versions)  # so that it survives a worker process


class PackError(SdfzError):
    """A model pack cannot be used."""


class MissingPackError(PackError):
    """The model pack that is asked for is nowhere on the search path; says which it is and where it was looked for."""


class CorruptPackError(PackError):
    """The bytes are not a whole model pack, or not those that its hash was taken of."""


class PackMethodError(PackError):
    """The model pack belongs to another method, or to another layout of its arrays."""


class PackVersionError(PackError):
    """The model pack has a version that this sdfz does not read."""


class LimitError(SdfzError):
    """The input may be valid, but is larger than this call allows."""


class BackendError(SdfzError):
    """A device or backend that was asked for is not there."""
