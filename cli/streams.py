"""Which input goes to which output; stdin, stdout and what may be overwritten."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import click

from .errors import CliError

STREAM = "-"


@dataclass(frozen=True)
class Job:
    """One input and where its result goes.

    Attributes
    ----------
    source, target : str
        Paths, or `STREAM` for stdin and stdout.
    """

    source: str
    target: str

    @property
    def name(self) -> str:
        """The input's name in messages."""
        return source_name(self.source)

    @property
    def target_name(self) -> str:
        """The output's name in messages."""
        return "stdout" if self.target == STREAM else self.target


def source_name(source: str) -> str:
    """An input's name in messages."""
    return "stdin" if source == STREAM else source


def plan(inputs: Sequence[str], output: str | None, suffix: str) -> list[Job]:
    """The jobs that INPUT... and -o mean.

    Parameters
    ----------
    inputs : sequence of str
        Paths, or `STREAM` alone.
    output : str or None
        A file, a directory (an existing one, or anything that ends in a slash) or `STREAM`. None puts each result
        beside its input, and that of stdin on stdout.
    suffix : str
        Of the names chosen here, with the dot.

    Returns
    -------
    jobs : list of Job
        One an input, in order.

    Raises
    ------
    click.UsageError
        Several inputs for one file, stdin beside other inputs, two inputs for one name.
    CliError
        The output directory does not exist.
    """
    if STREAM in inputs and len(inputs) > 1:
        raise click.UsageError("'-' (stdin) cannot be combined with other inputs.")
    into_directory = output is not None and output != STREAM and (output.endswith(_SEPARATORS) or os.path.isdir(output))
    if len(inputs) > 1 and output is not None and not into_directory:
        raise click.UsageError(f"several inputs need a directory: '{output}' is not one (-o DIR/).")
    if into_directory and inputs[0] == STREAM:
        raise click.UsageError("stdin has no name to use in a directory; give -o a file.")
    if output is None:
        jobs = [Job(source, _beside(source, suffix)) for source in inputs]
    elif into_directory:
        jobs = [Job(source, os.path.join(output, _stem(source) + suffix)) for source in inputs]
    else:
        jobs = [Job(source, output) for source in inputs]
    _refuse_collisions(jobs)
    directories = {os.path.dirname(job.target) or "." for job in jobs if job.target != STREAM}
    if output is not None:
        for directory in sorted(directories):
            if not os.path.isdir(directory):
                raise CliError(f"output directory does not exist: {directory}")
    return jobs


def check_target(job: Job, *, force: bool, binary: bool = True) -> None:
    """Refuse a target that must not be written, before any work is done for it.

    Parameters
    ----------
    job : Job
        The target may be a file, which must not exist unless `force`, something like /dev/null, or stdout.
    force : bool
        Overwrite an existing file.
    binary : bool
        Whether the result would garble a terminal.

    Raises
    ------
    click.UsageError
        The target is stdout, which is a terminal.
    CliError
        The target exists, is a directory, or is the input itself.
    """
    if job.target == STREAM:
        if binary and sys.stdout.buffer.isatty():
            raise click.UsageError("refusing to write binary data to a terminal; redirect stdout or give -o a file.")
        return
    if not os.path.lexists(job.target):
        return
    if os.path.isdir(job.target):
        raise CliError(f"{job.target} is a directory")
    if job.source != STREAM and os.path.exists(job.source) and os.path.samefile(job.source, job.target):
        raise CliError(f"{job.target} is the input itself; give -o another name")
    if not force and not _is_special(job.target):
        raise CliError(f"{job.target} exists; -f overwrites it")


def read_source(source: str) -> bytes:
    """All bytes of a .sdfz file or of stdin, within the limits for one file.

    Raises
    ------
    LimitError
        The source holds more.
    OSError
        It cannot be read.
    """
    from ..formats.files import read_bytes

    return read_bytes(stdin() if source == STREAM else source)


def stdin() -> BinaryIO:
    """Binary stdin; a usage error when it is a terminal, where nothing would ever come."""
    stream = sys.stdin.buffer
    if stream.isatty():
        raise click.UsageError("stdin is a terminal; redirect a file or a pipe into it.")
    return stream


def write_target(job: Job, data: bytes) -> None:
    """Write the result: a file appears whole or not at all, a stream is flushed."""
    from ..formats.files import write_atomic

    if job.target != STREAM:
        write_atomic(job.target, data)
    else:
        stream = sys.stdout.buffer
        stream.write(data)
        stream.flush()


def _stem(source: str) -> str:
    return os.path.splitext(os.path.basename(source))[0]


def _beside(source: str, suffix: str) -> str:
    return STREAM if source == STREAM else os.path.splitext(source)[0] + suffix


def _refuse_collisions(jobs: Sequence[Job]) -> None:
    taken: dict[str, Job] = {}
    for job in jobs:
        other = taken.setdefault(os.path.realpath(job.target), job)
        if other is not job and job.target != STREAM:
            raise click.UsageError(f"'{other.source}' and '{job.source}' would both become '{job.target}'.")


def _is_special(path: str) -> bool:
    # /dev/null, a pipe, a terminal: written in place. Renaming a file over it would replace the device itself.
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except OSError:
        return False


_SEPARATORS = tuple(separator for separator in (os.sep, os.altsep) if separator)
