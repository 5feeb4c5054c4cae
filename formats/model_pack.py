"""Model packs: weights and integer tables that many shapes share, in one safetensors file, known by their content.

::

    ModelPack(method, layout, arrays, notes)  -- pack_model -->  bytes of a .sdfm file  -- unpack_model -->  ModelPack
                  |
                  `-- digest: SHA-256 of everything that decides what is decoded; the first 8 bytes name the pack

SPEC.md has the format. Never pickle: whoever reads a pack runs nothing of it.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from .errors import CorruptPackError, PackMethodError, PackVersionError
from .files import PathLike, write_atomic
from .header import PACK_HASH_BYTES
from .kinds import has_control_characters
from .limits import DEFAULT, Limits

# Part of the format, never change.
PACK_VERSION = 1
METADATA_KEY = "sdfz"
MAX_HEADER_BYTES = 1 << 20
MAX_DIMENSIONS = 8
MAX_LAYOUT = (1 << 16) - 1
NOTES = ("corpus", "licences", "commit", "command", "log")
# Names of dtypes in safetensors and in digests.
DTYPES = {
    "F16": "<f2",
    "F32": "<f4",
    "I8": "|i1",
    "I16": "<i2",
    "I32": "<i4",
    "U8": "|u1",
    "U16": "<u2",
    "U32": "<u4",
}
_NAMES = {np.dtype(spelling): name for name, spelling in DTYPES.items()}
_WORD = re.compile(r"[a-z][a-z0-9_.]{0,63}")
_LENGTH_BYTES = 8  # of the safetensors header, before it

PACK_SUFFIX = ".sdfm"


@dataclass(frozen=True, eq=False)
class ModelPack:
    """What a method's decoder shares between shapes.

    Parameters
    ----------
    method : str
        Name of the method whose files may need it.
    layout : int
        What the arrays are, 1 to 65535: the method's own number.
    arrays : mapping of str to array
        float16, float32 or integers of 8, 16 or 32 bits, by names of letters, digits, ``_`` and ``.``; copied.
    notes : mapping of str to str
        Where it comes from, for people: corpus, licences, commit, command, log. They do not count for the digest.

    Raises
    ------
    ValueError
        A name, dtype or shape is not one of the format, or a number is not finite.
    """

    method: str
    layout: int
    arrays: Mapping[str, npt.NDArray[Any]]
    notes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not _WORD.fullmatch(self.method):
            raise ValueError(f"method {self.method!r} is not a name")
        if not 1 <= self.layout <= MAX_LAYOUT:
            raise ValueError(f"layout {self.layout} is not in 1..{MAX_LAYOUT}")
        arrays = {name: _frozen(name, self.arrays[name]) for name in sorted(self.arrays)}
        if not arrays:
            raise ValueError("there are no arrays")
        for name, text in self.notes.items():
            _check_note(name, text)
        object.__setattr__(self, "arrays", MappingProxyType(arrays))
        object.__setattr__(self, "notes", MappingProxyType(dict(sorted(self.notes.items()))))

    @cached_property
    def digest(self) -> bytes:
        """32 bytes: SHA-256 of what decides decoding, whatever the order in the file and whatever the notes say."""
        found = hashlib.sha256(f"sdfz pack {PACK_VERSION}\n{self.method} {self.layout}\n".encode())
        for name, array in self.arrays.items():
            shape = " ".join(map(str, array.shape))
            found.update(f"{name} {_NAMES[array.dtype]} {shape}\n".encode())
            found.update(array.tobytes())
        return found.digest()

    @property
    def short(self) -> bytes:
        """What a .sdfz file names the pack by: the first 8 bytes of the digest."""
        return self.digest[:PACK_HASH_BYTES]

    def check_layout(self, known: int) -> None:
        """Refuse a pack whose arrays are not those that a decoder knows.

        Raises
        ------
        PackMethodError
            It has another layout than `known`.
        """
        if self.layout != known:
            name = self.short.hex()
            raise PackMethodError(f"model pack {name}: layout {self.layout} is unknown here, known is {known}")

    @property
    def n_values(self) -> int:
        """Numbers in all arrays."""
        return sum(array.size for array in self.arrays.values())


def pack_model(pack: ModelPack, *, limits: Limits = DEFAULT) -> bytes:
    """Bytes of a .sdfm file; the same pack gives the same bytes.

    Raises
    ------
    LimitError
        The limits would refuse the file.
    """
    described = {
        "version": PACK_VERSION,
        "method": pack.method,
        "layout": pack.layout,
        "sha256": pack.digest.hex(),
        "notes": dict(pack.notes),
    }
    # One entry: safetensors writes several in an order that changes from run to run.
    metadata = {METADATA_KEY: json.dumps(described, sort_keys=True, ensure_ascii=False)}
    limits.check("max_pack_arrays", len(pack.arrays), "arrays in the pack")
    packed = safetensors.numpy.save(dict(pack.arrays), metadata)
    limits.check("max_pack_bytes", len(packed), "bytes in the pack")
    return packed


def unpack_model(data: bytes, *, limits: Limits = DEFAULT) -> ModelPack:
    """The pack in the bytes of a .sdfm file, everything checked.

    Raises
    ------
    CorruptPackError
        Not a whole and valid pack, or its content does not have the hash that it states.
    PackVersionError
        Written by a newer sdfz.
    LimitError
        Larger than the limits allow.
    """
    limits.check("max_pack_bytes", len(data), "bytes in the pack")
    described, names = _described(data)
    limits.check("max_pack_arrays", len(names), "arrays in the pack")
    try:
        stored = safetensors.deserialize(data)
    except safetensors.SafetensorError as error:
        raise CorruptPackError(f"not a model pack: {error}") from None
    try:
        arrays = {name: _array(name, **fields) for name, fields in stored}
        pack = ModelPack(described["method"], described["layout"], arrays, described["notes"])
    except (ValueError, TypeError, AttributeError) as error:
        raise CorruptPackError(f"model pack: {error}") from None
    if pack.digest.hex() != described["sha256"]:
        raise CorruptPackError(
            f"model pack: states hash {described['sha256'][:16]}, its content has {pack.short.hex()}"
        )
    return pack


def read_model(path: PathLike, *, limits: Limits = DEFAULT) -> ModelPack:
    """The pack in a .sdfm file; as `unpack_model`, and OSError where there is no such file."""
    with open(path, "rb") as file:
        # One more than allowed is enough to know, and a pack's limit is not that of a shape's file.
        data = file.read(limits.max_pack_bytes + 1)
    return unpack_model(data, limits=limits)


def write_model(path: PathLike, pack: ModelPack) -> None:
    """Write a .sdfm file, complete or not at all."""
    write_atomic(path, pack_model(pack))


def stated_hash(path: PathLike) -> bytes | None:
    """The hash that a .sdfm file says it has, from its first bytes, unverified; None where it says none.

    Raises
    ------
    OSError
        There is no such file, or it cannot be read.
    """
    with open(path, "rb") as file:
        start = file.read(_LENGTH_BYTES)
        length = int.from_bytes(start, "little")
        start += file.read(length) if length <= MAX_HEADER_BYTES else b""
    try:
        return bytes.fromhex(_described(start)[0]["sha256"])[:PACK_HASH_BYTES]
    except (CorruptPackError, PackVersionError):
        return None


def _described(data: bytes) -> tuple[dict[str, Any], list[str]]:
    """What the header's metadata say of the pack, types checked, and the names of the arrays it lists."""
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > min(MAX_HEADER_BYTES, len(data) - _LENGTH_BYTES):
        raise CorruptPackError(
            f"not a model pack: a header of {length} bytes in {len(data)}, allowed {MAX_HEADER_BYTES}"
        )
    try:
        header = json.loads(data[_LENGTH_BYTES : _LENGTH_BYTES + length])
        described = json.loads(header["__metadata__"][METADATA_KEY])
        version = described["version"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise CorruptPackError(f"not a model pack: no metadata {METADATA_KEY!r} in its header") from None
    if version != PACK_VERSION:
        raise PackVersionError(f"the model pack has version {version!r}; this sdfz reads version {PACK_VERSION}")
    expected = {"version": int, "method": str, "layout": int, "sha256": str, "notes": dict}
    if set(described) != set(expected) or any(type(described[key]) is not kind for key, kind in expected.items()):
        raise CorruptPackError("model pack: its metadata are not those of the format")
    if not re.fullmatch("[0-9a-f]{64}", described["sha256"]):
        raise CorruptPackError("model pack: its hash is not one")
    return described, [name for name in header if name != "__metadata__"]


def _array(name: str, dtype: str, shape: list[int], data: bytearray) -> npt.NDArray[Any]:
    if dtype not in DTYPES:
        raise ValueError(f"array {name}: dtype {dtype} is not one of {', '.join(DTYPES)}")
    if len(shape) > MAX_DIMENSIONS or not all(shape):
        raise ValueError(f"array {name}: shape {shape} is not allowed")
    return np.frombuffer(data, DTYPES[dtype]).reshape(shape)


def _frozen(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """A copy that nobody can change, in the byte order of the format."""
    little = np.dtype(array.dtype).newbyteorder("<")
    if not _WORD.fullmatch(name):
        raise ValueError(f"array {name!r}: not a name")
    if little not in _NAMES:
        raise ValueError(f"array {name}: dtype {array.dtype} is not one of {', '.join(DTYPES)}")
    if array.ndim > MAX_DIMENSIONS or not math.prod(array.shape):
        raise ValueError(f"array {name}: shape {list(array.shape)} is not allowed")
    if not np.isfinite(array).all():
        raise ValueError(f"array {name}: a number is not finite")
    copy = np.array(array, little, order="C")
    copy.flags.writeable = False
    return copy


def _check_note(name: str, text: str) -> None:
    if name not in NOTES:
        raise ValueError(f"note {name!r} is not one of {', '.join(NOTES)}")
    if not isinstance(text, str) or has_control_characters(text.replace("\n", "")):
        raise ValueError(f"note {name}: not a text without control characters")
