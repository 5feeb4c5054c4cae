"""A lossy codec for the geometry of 3D shapes: any mesh in, a few kilobytes, a mesh back at any resolution.

>>> import sdfz
>>> data = sdfz.encode("shape.obj", max_error="0.1%")           # doctest: +SKIP
>>> mesh = sdfz.decode(data)                                    # doctest: +SKIP
>>> sdfz.open("shape.sdfz").distance([[0.0, 0.0, 0.0]])         # doctest: +SKIP

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import decode, encode, encode_sequence, open
    from .codec.shape import Shape
    from .formats.errors import (
        BackendError,
        ChecksumError,
        CorruptPackError,
        FormatError,
        LimitError,
        MeshError,
        MissingPackError,
        NotSdfzError,
        PackError,
        PackMethodError,
        PackVersionError,
        SdfzError,
        TrailingDataError,
        TruncatedError,
        VersionError,
    )

__version__ = "0.6.0"

__all__ = [
    "BackendError",
    "ChecksumError",
    "CorruptPackError",
    "FormatError",
    "LimitError",
    "MeshError",
    "MissingPackError",
    "NotSdfzError",
    "PackError",
    "PackMethodError",
    "PackVersionError",
    "SdfzError",
    "Shape",
    "TrailingDataError",
    "TruncatedError",
    "VersionError",
    "__version__",
    "decode",
    "encode",
    "encode_sequence",
    "open",
]

_MODULES = {
    "decode": ".api",
    "encode": ".api",
    "encode_sequence": ".api",
    "open": ".api",
    "Shape": ".codec.shape",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_MODULES.get(name, ".formats.errors"), __name__), name)


def __dir__() -> list[str]:
    return __all__
