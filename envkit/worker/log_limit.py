"""Keep the log of a run from filling the disk: of a flood its beginning and its end are kept."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOG_BYTES = 64 * 1024 * 1024
KEPT_BYTES = 1024 * 1024  # of the beginning, and of the end
_PAUSE = 0.25  # seconds between looks; a disk takes some hundred megabytes meanwhile


@dataclass(frozen=True, kw_only=True)
class LogLimit:
    """A log that this process prints to. What earlier workers wrote, up to byte ``start``, is always kept.

    ``on_cut`` is called with the number of bytes that were left out, each time.
    """

    file: Path
    start: int
    on_cut: Callable[[int], None]
    most: int = LOG_BYTES
    kept: int = KEPT_BYTES
    descriptor: int = 1

    def watch(self, *, sleep: Callable[[float], None] = time.sleep) -> None:
        """Look from now on, if it is this log that is printed to: a person who started the worker owns theirs."""
        if self._is_ours():
            threading.Thread(target=self._look, args=(sleep,), name="envkit-log-limit", daemon=True).start()

    def cut(self) -> int:
        """Leave out the middle of a log that has grown too long; return how many bytes. Raises: OSError."""
        size = os.fstat(self.descriptor).st_size
        if size - self.start <= self.most:
            return 0
        head = self.start + self.kept
        with self.file.open("r+b") as log:
            log.seek(size - self.kept)
            tail = log.read(self.kept)
            # From the beginning of a line on; a log of progress bars may be one line, and its end is what counts.
            begins = tail.find(b"\n", 0, self.kept // 2) + 1
            tail = tail[begins:]
            log.truncate(head)
        left_out = size - head - len(tail)
        note = f"\n[envkit: {left_out:,} bytes were left out here: the log had grown too long]\n"
        os.write(self.descriptor, note.encode("ascii") + tail)
        return left_out

    def _is_ours(self) -> bool:
        try:
            mine, theirs = os.fstat(self.descriptor), self.file.stat()
            flags = fcntl.fcntl(self.descriptor, fcntl.F_GETFL)
        except OSError:
            return False
        # Without O_APPEND, what is written after a cut would stand behind a hole as long as what was left out.
        return (mine.st_dev, mine.st_ino) == (theirs.st_dev, theirs.st_ino) and bool(flags & os.O_APPEND)

    def _look(self, sleep: Callable[[float], None]) -> None:
        while True:
            sleep(_PAUSE)
            try:
                left_out = self.cut()
            except OSError:  # the folder is gone, and the log with it
                return
            if left_out:
                self.on_cut(left_out)
