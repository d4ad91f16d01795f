"""What an author's code writes to standard error where it is looked at: beginning and line are kept, the rest is not."""

from __future__ import annotations

import io
import sys
from typing import BinaryIO

from envkit.registry import output_aside


class Overheard(io.TextIOBase):
    """Standard error of code of a package; ``place`` is the line of the package's that wrote first, if one did."""

    encoding = "utf-8"

    def __init__(self, package: str) -> None:
        self.beginning = ""
        self.place = ""
        self._package = package

    @property
    def buffer(self) -> BinaryIO:
        """Return where bytes go, as of every standard error."""
        return sys.__stderr__.buffer  # type: ignore[union-attr, return-value]  # the process has one

    def fileno(self) -> int:
        """Return the descriptor of standard error, for who writes to that (``faulthandler.enable()``)."""
        return sys.__stderr__.fileno()  # type: ignore[union-attr]  # the process has one

    def reconfigure(self, **_: object) -> None:
        """Take what a text stream takes; nothing here is encoded."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        # What is printed is led here, and is remarked as that.
        if sys._getframe(1).f_globals.get("__name__") == output_aside.__name__:
            return len(text)
        if not self.beginning.strip():
            self.place = output_aside.current_line(self._package)
        if len(self.beginning) <= output_aside.MOST_KEPT:
            self.beginning += text[: output_aside.MOST_KEPT]
        return len(text)
