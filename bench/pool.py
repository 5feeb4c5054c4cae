"""Groups of rate points in processes of their own: a crash, a lack of memory or of time ends one group and no more."""

from __future__ import annotations

import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from ..codec.threads import n_cores
from .rows import Row
from .worker import Group, Measuring, run_group

# Read by the libraries that have thread pools when they are first imported.
_THREAD_COUNTS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "IGL_NUM_THREADS")

_GRACE_SECONDS = 5.0  # for a process that has sent everything to leave by itself


def run_groups(groups: Sequence[Group], measuring: Measuring, *, jobs: int, timeout: float) -> Iterator[Row]:
    """The rows of groups, as they come.

    Parameters
    ----------
    groups : sequence of Group
        Started in this order.
    measuring : Measuring
    jobs : int
        Processes at a time; each gets its share of the cores.
    timeout : float
        Seconds after which a group is ended; its points without a row have failed.

    Yields
    ------
    Row
        One for each point, or one for a group of a codec that cannot run.
    """
    waiting, running = deque(groups), list[_Running]()
    with _environment(threads=max(1, n_cores() // jobs)):
        try:
            while waiting or running:
                while waiting and len(running) < jobs:
                    running.append(_Running(waiting.popleft(), measuring, timeout))
                pause = max(0.0, min(each.deadline for each in running) - time.monotonic())
                wait([each.connection for each in running], pause)
                for each in running:
                    yield from each.collect()
                running = [each for each in running if not each.is_over]
        finally:  # an interrupt, or a consumer that has had enough
            for each in running:
                each.end()


@dataclass
class _Running:
    """A group at work."""

    group: Group
    measuring: Measuring
    timeout: float
    is_over: bool = False
    deadline: float = field(init=False)
    connection: Connection = field(init=False)
    _process: SpawnProcess = field(init=False)
    _left: dict[str, None] = field(init=False)

    def __post_init__(self) -> None:
        context = get_context("spawn")
        self._left = {point.name: None for point in self.group.points}
        self.connection, theirs = context.Pipe(duplex=False)
        self._process = context.Process(target=run_group, args=(self.group, self.measuring, theirs))
        self._process.start()
        theirs.close()  # ours is then told when the process is gone
        self.deadline = time.monotonic() + self.timeout

    def collect(self) -> Iterator[Row]:
        """Rows that have arrived; when the process is over, or out of time, also those of the points it left out."""
        try:
            while self.connection.poll():
                row = self.connection.recv()
                if not row.point:  # one row for all that is left
                    self._left.clear()
                self._left.pop(row.point, None)
                yield row
        except (EOFError, OSError):
            self._process.join(_GRACE_SECONDS)
            yield from self._finish(_exit_reason(self._process.exitcode))
        else:
            if time.monotonic() > self.deadline:
                yield from self._finish(f"not done after {self.timeout:g} s")

    def _finish(self, reason: str) -> Iterator[Row]:
        self.end()
        left = tuple(point for point in self.group.points if point.name in self._left)
        yield from self.group.failed(left, reason, self.measuring.machine)

    def end(self) -> None:
        """End the process, if it is still there, with all that it started."""
        self.is_over = True
        if self._process.is_alive() and self._process.pid is not None:
            # It leads a group of processes from its first line on; before that it is alone.
            with suppress(OSError, AttributeError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
        self._process.join()
        self.connection.close()


def _exit_reason(code: int | None) -> str:
    if code is not None and code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"


@contextmanager
def _environment(threads: int) -> Iterator[None]:
    """Variables that the processes started meanwhile inherit: so many threads each, and none that spins while idle."""
    wanted = {**dict.fromkeys(_THREAD_COUNTS, str(threads)), "OMP_WAIT_POLICY": "PASSIVE"}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
