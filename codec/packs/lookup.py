"""Find the model pack that a file names, by its hash, and load it once.

::

    --pack FILE  >  $SDFZ_PACKS  >  ~/.cache/sdfz/packs  >  bundled with sdfz

A folder's packs are told by what their headers state; only the one that is wanted is read and verified.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ...formats.errors import CorruptPackError, MissingPackError, PackMethodError, PackVersionError
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import PACK_SUFFIX, ModelPack, read_model, stated_hash

logger = logging.getLogger(__name__)

ENVIRONMENT = "SDFZ_PACKS"
BUNDLED = Path(__file__).parent
_LOADED_AT_ONCE = 8


@dataclass(frozen=True)
class PackSearch:
    """Where packs are looked for, first to last.

    Parameters
    ----------
    files : sequence of path
        Packs that were named, as by ``--pack``.
    folders : sequence of path
        Folders of packs; a file among them is a pack. By default those of $SDFZ_PACKS, the cache and the bundled ones.
    """

    files: Sequence[str | os.PathLike[str]] = ()
    folders: Sequence[str | os.PathLike[str]] | None = None

    def places(self) -> list[Path]:
        """Files and folders in the order in which they are looked into, whether they are there or not."""
        folders = default_folders() if self.folders is None else self.folders
        return [*map(Path, self.files), *map(Path, folders)]

    def paths(self) -> Iterator[Path]:
        """Files of packs in the order in which they are considered; those that were named must be there.

        Raises
        ------
        OSError
            A file that was named is not there.
        """
        for file in self.files:
            os.stat(file)
            yield Path(file)
        for place in self.places()[len(self.files) :]:
            if place.is_file():
                yield place
            elif place.is_dir():
                yield from sorted(path for path in place.glob(f"*{PACK_SUFFIX}") if path.is_file())

    def where(self, short: bytes) -> Path | None:
        """The first file that states a hash, unverified; None where there is none."""
        return next((path for path in self.paths() if self._may_hold(path, short)), None)

    def find(self, short: bytes, method: str, *, limits: Limits = DEFAULT) -> ModelPack:
        """The pack of a hash.

        Parameters
        ----------
        short : bytes
            First bytes of its digest, as in a file's header.
        method : str
            Whose pack it must be.
        limits : Limits

        Raises
        ------
        MissingPackError
            It is nowhere.
        CorruptPackError
            It is there, but damaged, and no whole copy is.
        PackMethodError
            It is another method's.
        OSError
            A file that was named is not there.
        """
        damaged: CorruptPackError | None = None
        for path in self.paths():
            if not self._may_hold(path, short):
                continue
            try:
                pack = load_pack(path, limits=limits)
            except CorruptPackError as error:
                logger.warning("%s", error)
                damaged = damaged or error
                continue
            if pack.short == short:
                return of_method(pack, method, path)
        raise damaged or self._missing(short)

    def named(self, method: str, *, limits: Limits = DEFAULT) -> ModelPack | None:
        """The first pack that was named, for an encoder; None where none was.

        Raises
        ------
        CorruptPackError, PackVersionError, PackMethodError, LimitError, OSError
            It cannot be used for the method, or it is not there.
        """
        if not self.files:
            return None
        return of_method(load_pack(self.files[0], limits=limits), method, self.files[0])

    def _may_hold(self, path: Path, short: bytes) -> bool:
        """Whether a file states the hash, or has it for a name, or was named and states nothing."""
        try:
            stated = stated_hash(path)
        except OSError:
            if path in map(Path, self.files):
                raise
            return False
        if stated is None:
            return path.stem == short.hex() or path in map(Path, self.files)
        return stated == short

    def _missing(self, short: bytes) -> MissingPackError:
        places = ", ".join(map(str, self.places())) or "nowhere: the search path is empty"
        return MissingPackError(f"needs model pack {short.hex()}, which is not there; looked in {places}")


def search_with(pack: str | os.PathLike[str] | None) -> PackSearch:
    """The search that looks into a pack that was named first, if one was."""
    return PackSearch(() if pack is None else (pack,))


def default_folders() -> list[Path]:
    """Folders of $SDFZ_PACKS, the cache, and the folder of the bundled packs."""
    listed = [Path(entry).expanduser() for entry in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if entry]
    return [*listed, cache_folder(), BUNDLED]


def cache_folder() -> Path:
    """Where ``sdfz pack add`` puts packs; it may not exist yet."""
    return Path("~/.cache/sdfz/packs").expanduser()


def load_pack(path: str | os.PathLike[str], *, limits: Limits = DEFAULT) -> ModelPack:
    """The pack in a file; read once and kept as long as the file stays the same.

    Raises
    ------
    CorruptPackError, PackVersionError, LimitError
        Its content; the message names the file.
    OSError
        It is not there or cannot be read.
    """
    status = os.stat(path)
    limits.check("max_pack_bytes", status.st_size, f"{path}: bytes in the pack")
    return _load(os.path.realpath(path), status.st_mtime_ns, status.st_size, limits)


@lru_cache(_LOADED_AT_ONCE)
def _load(path: str, changed_ns: int, n_bytes: int, limits: Limits) -> ModelPack:
    try:
        return read_model(path, limits=limits)
    except (CorruptPackError, PackVersionError) as error:
        raise type(error)(f"{path}: {error}") from None


def of_method(pack: ModelPack, method: str, source: object) -> ModelPack:
    """The pack, if it is of a method.

    Raises
    ------
    PackMethodError
        It is another method's.
    """
    if pack.method != method:
        raise PackMethodError(f"{source}: model pack {pack.short.hex()} is for {pack.method}, not for {method}")
    return pack
