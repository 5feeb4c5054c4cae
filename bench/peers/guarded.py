"""Calls into native code that may eat all memory or never return, in a child process that can be lost.

The child serves one call after another, so that its imports are paid for once. It ends itself: its address space is
limited, an alarm that nobody catches ends a call that takes too long, and so it outlives nobody who waits for it.
"""

from __future__ import annotations

import contextlib
import pickle
import signal
import subprocess
import sys
from importlib import import_module
from typing import Any

if sys.platform != "win32":
    import resource

DEFAULT_MEMORY = 6 << 30


class GuardError(Exception):
    """A guarded call came to nothing; the text says why."""


class Guard:
    """A child process for calls that cannot be trusted.

    Parameters
    ----------
    memory : int
        Most address space of the child, in bytes; less if this process has less.
    """

    def __init__(self, memory: int = DEFAULT_MEMORY) -> None:
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None

    def call(self, module: str, function: str, *arguments: Any, seconds: float) -> Any:
        """What a function of a module returns for these arguments, all of which can be pickled.

        Raises
        ------
        GuardError
            The function raised something, ran out of memory, took more than `seconds`, or took the process with it.
        """
        child = self.start()
        assert child.stdin is not None and child.stdout is not None
        try:
            pickle.dump((module, function, arguments, seconds), child.stdin, pickle.HIGHEST_PROTOCOL)
            child.stdin.flush()
            worked, result = pickle.load(child.stdout)
        except (OSError, EOFError, pickle.UnpicklingError) as error:
            raise GuardError(self._why_it_ended(seconds)) from error
        if not worked:
            raise GuardError(result)
        return result

    def start(self) -> subprocess.Popen[bytes]:
        """The child, begun if there is none: call it early and the imports are done when they are needed."""
        if self._child is None or self._child.poll() is not None:
            command = [sys.executable, "-m", __name__, str(self._memory)]
            self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        return self._child

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.kill()
            with contextlib.suppress(BrokenPipeError):  # what a lost child never read is still in the buffer
                self._child.communicate()
            self._child = None

    def _why_it_ended(self, seconds: float) -> str:
        assert self._child is not None
        code = self._child.wait()
        self.close()
        if code == -signal.SIGALRM:
            return f"took more than {seconds:g} s"
        return f"ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _serve(memory: int) -> None:
    """Answer calls from stdin until it is closed."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (memory if most == resource.RLIM_INFINITY else min(memory, most), most))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # the system ends the process: Python may not get a turn
    calls, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr  # what a library prints must not get between the answers
    while True:
        try:
            module, function, arguments, seconds = pickle.load(calls)
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, seconds)
        answer: tuple[bool, Any]
        try:
            answer = True, getattr(import_module(module), function)(*arguments)
        except Exception as error:  # whatever it is, it is the caller's to know
            answer = False, "out of memory" if isinstance(error, MemoryError) else f"{type(error).__name__}: {error}"
        signal.setitimer(signal.ITIMER_REAL, 0)
        pickle.dump(answer, answers, pickle.HIGHEST_PROTOCOL)
        answers.flush()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
