"""Put a model pack where it will be found."""

from __future__ import annotations

import os
from pathlib import Path

from ...formats.files import write_atomic
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import PACK_SUFFIX, ModelPack, pack_model, unpack_model
from .lookup import cache_folder


def add_pack(
    data: bytes, folder: str | os.PathLike[str] | None = None, *, limits: Limits = DEFAULT
) -> tuple[ModelPack, Path]:
    """Verify the bytes of a pack and write them, complete or not at all, into a folder under the pack's own hash.

    Parameters
    ----------
    data : bytes
        Of a .sdfm file.
    folder : path, optional
        By default the cache; made if it is not there.
    limits : Limits

    Returns
    -------
    pack : ModelPack
    path : Path
        Where it is now. What was there under that name is replaced.

    Raises
    ------
    CorruptPackError, PackVersionError, LimitError
        The bytes are not a pack that can be used.
    OSError
        It cannot be written.
    """
    pack = unpack_model(data, limits=limits)
    target = Path(cache_folder() if folder is None else folder) / f"{pack.short.hex()}{PACK_SUFFIX}"
    target.parent.mkdir(parents=True, exist_ok=True)
    # As this version writes them: nothing that the file had beside the pack comes along.
    write_atomic(target, pack_model(pack, limits=limits))
    return pack, target
