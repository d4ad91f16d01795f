"""A build's steps as lines of the screen: in words where envkit's own templates made them."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from envkit.cli import render

if TYPE_CHECKING:
    from envkit.cli.progress import RunScreen

_TITLE_WIDTH = 56  # of 80 columns, beside the number and the seconds
_INSTANT = 1.0  # seconds; naming an image that was there already takes less

# What the instructions of the templates in templates/docker do. Those of an author's own template stay as they are.
_WORDS = tuple(
    (re.compile(pattern), words)
    for pattern, words in (
        (r"FROM (?:base|packages) AS (\S+)", r"beginning the stage \1"),
        (r"FROM (?:--\S+ )?([^\s@]+).*", r"the base image \1"),
        (r"COPY ca/.*", "copying the certificates of your network"),
        (r"RUN for bundle in .*/opt/ca/bundle\.crt.*", "trusting the certificates of your network"),
        (r"COPY packages/uv\.txt .*", "copying the list of the installer"),
        (r"RUN .*-m venv .*/opt/uv .*", "installing the installer, uv"),
        (r"COPY packages/wheels/ .*", "copying wheels of this machine"),
        (r"COPY packages/pylock\.toml .*", "copying the list of packages"),
        (r"RUN .*/opt/uv/bin/uv pip install .*packages/pylock\.toml.*", "installing packages"),
        (r"COPY files/warm\.py .*", "copying the list of what a run imports"),
        (r"RUN .*files/warm\.py", "compiling what a run imports"),
        (r"RUN .*-m compileall .*", "compiling what a notebook imports"),
        (r"COPY host/ .*", "copying envkit"),
        (r"RUN .*/opt/uv/bin/uv pip install .*host/\*\.whl.*", "installing envkit"),
        (r"COPY plugins/ .*", "copying the plugins"),
        (r"RUN .*/opt/uv/bin/uv pip install .*plugins/\*\.whl.*", "installing the plugins"),
        (r"RUN \{ grep .*/etc/passwd.*", "making the user"),
        (r"COPY --from=packages .*", "taking over the packages"),
        (r"COPY --from=host .*", "taking over envkit"),
        (r"COPY --from=plugins .*", "taking over the plugins"),
        (r'COPY \["?model/.*', "copying the model"),
        (r'COPY \["?lock/.*', "copying the lock"),
        (r"RUN \[.*envkit\.worker\.image_proof.*", "proving the image"),
        (r"exporting to \S+.*", "writing the image"),
    )
)


def step_words(title: str) -> str:
    """Return what an instruction does; one that none of envkit's templates has is its own words."""
    for pattern, words in _WORDS:
        found = pattern.fullmatch(title)
        if found is not None:
            return found.expand(words)
    return title


def _is_base(title: str) -> bool:
    return title.startswith("FROM ")


class BuildLines:
    """A build's steps as lines that stay: the number, the seconds it took and what it did.

    Steps that a cache had are counted in one line, when a step that it had not is done or ``finish`` is called.
    """

    def __init__(self, view: RunScreen) -> None:
        self.view = view
        self.title = "building"
        self.cached = 0
        self.is_all_cached = True

    def step(self, number: int, total: int, title: str, is_cached: bool, seconds: float | None) -> None:
        """Show the step that runs, and keep the line of one that is done."""
        where = f"[{number}/{total}] " if total else ""
        words = textwrap.shorten(step_words(title), _TITLE_WIDTH, placeholder=" …")
        if seconds is None:
            # The part before a colon names the step, and the rest is how far it is: in a plain log, steps that
            # take no time, or that a cache may yet have, do not begin with lines of their own.
            self.title = f"{where}{words.replace(':', ' ')}"
            if self.is_all_cached or not title.startswith(("RUN ", "exporting ")):
                self.title = f"building: {self.title}"
            self.view.step(self.title)
        elif is_cached or (
            self.is_all_cached and seconds < _INSTANT and (number == total or _is_base(title))
        ):
            self.cached += 1
        else:
            self.is_all_cached = False
            self._say_cached()
            self.view.say(f"{where}{render.seconds_text(seconds):>6}  {words}")

    def line(self, text: str) -> None:
        """Show a line of the step beside it."""
        self.view.step(f"{self.title}{',' if self.title.startswith('building: ') else ':'} {text}")

    def say(self, text: str) -> None:
        """Keep the line."""
        self.view.say(text)

    def finish(self) -> None:
        """Keep what is not told yet."""
        if self.is_all_cached and self.cached:
            self.view.say("nothing is new: every step was cached")
        else:
            self._say_cached()
        self.cached = 0

    def _say_cached(self) -> None:
        if self.cached:
            self.view.say(f"{self.cached} step{'' if self.cached == 1 else 's'} cached")
        self.cached = 0
