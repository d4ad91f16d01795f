"""The machine's files below one root, and the list of what could not be read."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from envkit.api.facts import Unread

if TYPE_CHECKING:
    from pathlib import Path


class Files:
    """Read small files of the kernel by their absolute paths, below ``root``.

    A file that is not there is an answer; one that is there and cannot be read is noted in ``unread``, under
    ``part``, the field of MachineFacts that is being read.
    """

    def __init__(self, root: Path, *, part: str = "") -> None:
        self._root = os.fspath(root)
        self._part = part
        self._unread: list[Unread] = []

    @property
    def unread(self) -> tuple[Unread, ...]:
        """Return what has been noted so far."""
        return tuple(self._unread)

    def note(self, what: str, why: str) -> None:
        """Note that something could not be read."""
        self._unread.append(Unread(what=what, why=why, part=self._part))

    def locate(self, path: str) -> str:
        """Return where this absolute path lies below the root."""
        return os.path.join(self._root, path.lstrip("/"))  # noqa: PTH118  # hundreds of calls in a start

    def exists(self, path: str) -> bool:
        """Tell whether there is a file or folder."""
        return os.path.exists(self.locate(path))  # noqa: PTH110

    def text(self, path: str, *, limit: int = 1 << 20) -> str | None:
        """Return the first ``limit`` bytes as text, or None."""
        try:
            return _read(self.locate(path), limit).decode("utf-8", "replace")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            self.note(path, error.strerror or str(error))
            return None

    def names(self, folder: str) -> list[str]:
        """Return the names in a folder, sorted; none where it is missing."""
        try:
            return sorted(os.listdir(self.locate(folder)))  # noqa: PTH208
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            self.note(folder, error.strerror or str(error))
            return []


def _read(path: str, limit: int) -> bytes:
    # Without O_NONBLOCK a pipe that nobody writes to is waited for as it is opened.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if stat.S_ISFIFO(os.fstat(descriptor).st_mode):
            raise OSError("a pipe is no file")
        content = b""
        # The kernel hands its own files out by the page.
        while len(content) < limit and (more := os.read(descriptor, limit - len(content))):
            content += more
        return content
    finally:
        os.close(descriptor)
