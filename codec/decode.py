"""Bytes to a shape: the container first, then the method that the header names."""

from __future__ import annotations

from ..formats.container import Container, unpack
from ..formats.errors import FormatError
from ..formats.limits import DEFAULT, Limits
from .methods import decoder_of, method_name
from .shape import Shape


def decode_bytes(
    data: bytes,
    *,
    limits: Limits = DEFAULT,
    lod: int | None = None,
    allow_truncated: bool = False,
    device: str = "auto",
    backend: str = "auto",
) -> Shape:
    """The shape that a file holds.

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

    Raises
    ------
    FormatError
        Not an intact file of a version and method known here.
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
    decode = getattr(module, f"decode_{name}")
    surface = decode(container.sections, lod=lod or 0, limits=limits, device=device, backend=backend)
    return Shape(container, surface, limits)


def check_bytes(data: bytes, *, limits: Limits = DEFAULT) -> dict[str, object]:
    """Check a file down to its last symbol, without building the shape, and say what it holds.

    Returns
    -------
    counts : dict
        The method's own: cells, latents and so on, by name.

    Raises
    ------
    FormatError, LimitError
        As `decode_bytes`.
    """
    container = unpack(data, limits=limits)
    module, name = _method(container)
    counts: dict[str, object] = getattr(module, f"check_{name}")(container.sections, limits)
    return {"method": name, **counts}


def _method(container: Container) -> tuple[object, str]:
    if container.header.pack_hash is not None:
        raise FormatError(f"header: needs model pack {container.header.pack_hash.hex()}, but no method here uses packs")
    return decoder_of(container.header.method), method_name(container.header.method)
