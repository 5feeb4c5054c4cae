"""Programs that are not ours: found on PATH, run on files in a temporary folder."""

from __future__ import annotations

import shutil
import struct
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from .contract import FloatArray, Mesh, Unavailable

_SECONDS = 900.0
_FRAME = struct.Struct("<4f")


class ProgramError(Exception):
    """A program failed; the text is its name and the last it had to say."""


def find(program: str) -> str:
    """Path of a program.

    Raises
    ------
    Unavailable
        It is not on PATH.
    """
    found = shutil.which(program)
    if found is None:
        raise Unavailable(f"the program {program} is not on PATH")
    return found


def run(program: str, *arguments: str, seconds: float = _SECONDS) -> str:
    """What a program prints, standard error after standard output.

    Raises
    ------
    Unavailable
        It is not on PATH.
    ProgramError
        It ends with an error, or not within `seconds`.
    """
    code, said = _finished(program, arguments, seconds)
    if code:
        raise ProgramError(f"{program}: exit code {code}: {_last_line(said)}")
    return said


def help_of(program: str, option: str) -> str:
    """What a program prints for an option like --help, after which some end as if it were an error.

    Raises
    ------
    Unavailable, ProgramError
        As `run`, but any exit code will do.
    """
    return _finished(program, (option,), _SECONDS)[1]


def _finished(program: str, arguments: tuple[str, ...], seconds: float) -> tuple[int, str]:
    command = [find(program), *arguments]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as error:
        raise ProgramError(f"{program} took more than {seconds:g} s") from error
    return done.returncode, (done.stdout + done.stderr).decode(errors="replace")


def _last_line(said: str) -> str:
    return said.strip().rpartition("\n")[2] or "it says nothing"


def convert(program: str, content: bytes, names: tuple[str, str], arguments: list[str]) -> bytes:
    """What a program makes of a file.

    Parameters
    ----------
    program : str
    content : bytes
        Of the file that it reads.
    names : (str, str)
        Of the files that it reads and writes.
    arguments : list of str
        In which {source} and {target} stand for the paths of those files.

    Raises
    ------
    Unavailable, ProgramError
        As `run`; also if there is no file afterwards.
    """
    with TemporaryDirectory() as folder:
        source, target = (Path(folder, name) for name in names)
        source.write_bytes(content)
        paths = {"source": str(source), "target": str(target)}
        said = run(program, *(argument.format_map(paths) for argument in arguments))
        if not target.exists():
            raise ProgramError(f"{program} wrote no {target.name}: {_last_line(said)}")
        return target.read_bytes()


@dataclass(frozen=True, eq=False)
class Cube:
    """The cube around a mesh as the integer codecs see it: `size` units along its longest side.

    Their streams hold integers only, so the 16 bytes of `pack` go in front of them.
    """

    lower: FloatArray
    unit: float

    @classmethod
    def around(cls, mesh: Mesh, size: int) -> Cube:
        used = mesh.vertices[np.unique(mesh.faces)]
        lower = used.min(axis=0).astype(np.float32).astype(np.float64)
        unit = float(np.nextafter(np.float32((used - lower).max() / size), np.float32(np.inf)))
        return cls(lower, unit)

    @classmethod
    def unpack(cls, data: bytes) -> tuple[Cube, bytes]:
        """The cube, and the bytes after it."""
        x, y, z, unit = _FRAME.unpack_from(data)
        return cls(np.array([x, y, z]), unit), data[_FRAME.size :]

    def pack(self) -> bytes:
        return _FRAME.pack(*self.lower, self.unit)

    def inside(self, points: FloatArray) -> FloatArray:
        """Points in units of the cube."""
        return (points - self.lower) / self.unit

    def outside(self, points: FloatArray) -> FloatArray:
        """Points in units of the mesh."""
        return points * self.unit + self.lower


def options(values: Mapping[str, Any]) -> list[str]:
    """--name=value for each, as the programs of the MPEG groups want them."""
    return [f"--{name}={value}" for name, value in values.items()]
