"""The pack that comes with sdfz for a method, where there is one: encoders take it where none is named."""

from __future__ import annotations

from ...formats.errors import MissingPackError
from ...formats.model_pack import PACK_SUFFIX, ModelPack
from .lookup import BUNDLED, load_pack, of_method


def bundled_pack(method: str) -> ModelPack:
    """The bundled pack of a method.

    Raises
    ------
    MissingPackError
        There is none: one has to be named.
    """
    path = BUNDLED / f"{method}{PACK_SUFFIX}"
    if not path.exists():
        raise MissingPackError(f"method {method} needs a model pack, and none comes with sdfz; name one with --pack")
    return of_method(load_pack(path), method, path)
