"""Bytes to a shape: the container first, then the model pack and the method that the header names."""

from __future__ import annotations

from typing import Any

from ..formats.container import Container, unpack
from ..formats.errors import FormatError
from ..formats.limits import DEFAULT, Limits
from .methods import CODED_BY_PACKS, WITH_PACKS, decoder_of, method_name
from .packs.lookup import PackSearch
from .shape import Shape

EVERYWHERE = PackSearch()


def decode_bytes(
    data: bytes,
    *,
    limits: Limits = DEFAULT,
    lod: int | None = None,
    allow_truncated: bool = False,
    device: str = "auto",
    backend: str = "auto",
    packs: PackSearch = EVERYWHERE,
) -> Shape:
    """The shape that a file holds; of a sequence, its first frame, which gives the others (`Shape.frame`).

    Parameters
    ----------
    data : bytes
        A whole file.
    limits : Limits
        What is accepted, checked before anything is allocated for it.
    lod : int, optional
        Finest levels to leave out, for a coarser shape.
    allow_truncated : bool
        Accept a file that is cut short, and decode its whole sections.
    device : {'auto', 'cpu', 'cuda'}
    backend : {'auto', 'torch', 'tcnn'}
    packs : PackSearch
        Where the model pack is looked for, if the file needs one.

    Raises
    ------
    FormatError
        Not an intact file of a version and method known here.
    PackError
        The model pack that it needs is missing, corrupt, or another method's.
    LimitError
        Larger than the limits allow.
    BackendError
        The device or backend is not there.
    ValueError
        `lod` is negative, or the device or backend has no such name.
    """
    if lod is not None and lod < 0:
        raise ValueError(f"lod {lod} is not at least 0")
    container = unpack(data, limits=limits, allow_truncated=allow_truncated)
    module, name = _method(container)
    options: dict[str, Any] = {"lod": lod or 0, "limits": limits, "device": device, "backend": backend}
    if container.header.pack_hash is not None:
        options["pack"] = packs.find(container.header.pack_hash, name, limits=limits)
    surface = getattr(module, f"decode_{name}")(container.sections, **options)
    if container.motion is None:
        return Shape(container, surface, limits)
    from .sequence.decode import decode_motion

    frames = decode_motion(container.motion, surface, limits=limits)
    return Shape(container, frames[0], limits, frames)


def check_bytes(data: bytes, *, limits: Limits = DEFAULT, packs: PackSearch = EVERYWHERE) -> dict[str, object]:
    """Check a file down to its last symbol, without building the shape, and say what it holds.

    Parameters
    ----------
    data : bytes
    limits : Limits
    packs : PackSearch
        Where the model pack is looked for, if symbols are coded by it.

    Returns
    -------
    counts : dict
        The method's own: cells, latents and so on, by name.

    Raises
    ------
    FormatError, LimitError
        As `decode_bytes`.
    PackError
        Symbols are coded by a model pack, and it is missing, corrupt, or another method's.
    """
    container = unpack(data, limits=limits)
    module, name = _method(container)
    options: dict[str, Any] = {}
    if name in CODED_BY_PACKS and module.check_needs_pack(container.sections):
        assert container.header.pack_hash is not None, "see _method"
        options["pack"] = packs.find(container.header.pack_hash, name, limits=limits)
    counts: dict[str, object] = getattr(module, f"check_{name}")(container.sections, limits, **options)
    if container.motion is not None:
        from .sequence.decode import check_motion

        counts = {**counts, **check_motion(container.motion, limits)}
    return {"method": name, **counts}


def _method(container: Container) -> tuple[Any, str]:
    """Decoder and name of a file's method; the header names a model pack if and only if the payload needs one."""
    header = container.header
    module, name = decoder_of(header.method), method_name(header.method)
    needs_pack = name in WITH_PACKS and module.needs_pack(container.sections)
    if needs_pack and header.pack_hash is None:
        raise FormatError(f"header: names no model pack, but the {name} payload needs one")
    if header.pack_hash is not None and not needs_pack:
        raise FormatError(f"header: names model pack {header.pack_hash.hex()}, but the {name} payload needs none")
    return module, name
