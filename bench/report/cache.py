"""Results that cost time, kept in a folder between reports under names that say what they are made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from ...formats.files import write_atomic


class Cache:
    """A folder of files named by the content that they were made from.

    Parameters
    ----------
    folder : Path or None
        Made when something is first stored. With None nothing is kept.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def get(self, key: str) -> bytes | None:
        """What was stored under a key, or None."""
        if self._folder is None:
            return None
        try:
            return (self._folder / key).read_bytes()
        except FileNotFoundError:
            return None

    def put(self, key: str, content: bytes) -> bytes:
        """Store content under a key, and give it back."""
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomic(self._folder / key, content)
        return content


def content_key(suffix: str, *parts: Any) -> str:
    """A file name that changes when one of the parts (anything that JSON can say) does."""
    text = json.dumps(parts, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:24] + suffix


def sources_digest(*names: str) -> str:
    """Eight hexadecimal digits that change when one of this package's modules does."""
    found = hashlib.sha256()
    for name in names:
        found.update(Path(__file__).with_name(f"{name}.py").read_bytes())
    return found.hexdigest()[:8]
