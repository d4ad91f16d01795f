"""Why a package's own backend builds no wheel of it: the field that nobody takes, else the backend's last words."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from msgspec.structs import replace

from envkit.api.checks import Finding
from envkit.authoring.check_promises import BUILDS
from envkit.authoring.project_table import FILE, judge_project, line_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from envkit.api import EnvError

_FRAME = re.compile(r'(?P<indent>\s*)File "(?P<file>[^"]+)", line (?P<line>\d+)')
# What uv says around them.
_OF_UV = re.compile(
    r"\s*(error: Failed to build|cause: (The build backend|Call to)|hint: Build failures|Building \w[\w ]*\.\.\.$)"
)
_TOML_LINE = re.compile(r"TOML parse error at line (?P<line>\d+)")
_FIELD = re.compile(r"\bproject\.(?P<name>[a-z][a-z-]*)")


def explain_build(error: EnvError, folder: Path) -> list[Finding]:
    """Return what is wrong with a source folder of which no wheel could be built."""
    first, *more = error.message.splitlines()
    found = [replace(finding, id=BUILDS) for finding in judge_project(folder)]
    if more and found:  # a backend stops at the first, and may mean another
        told = f"what the backend says: {_last_words(more)[0]}"
        return [replace(found[0], evidence=(*found[0].evidence, told)), *found[1:]]
    if not more:  # there is no backend to speak
        summary = f"no wheel could be built: {first}"
        return [Finding(severity="error", id=BUILDS, summary=summary, fix=error.hint), *found]
    said = _last_words(more)
    place = _place(more, said, folder)
    return [
        Finding(
            severity="error",
            id=BUILDS,
            summary=f"its own backend builds no wheel: {said[0]}",
            evidence=(*([place] if place else []), *said[1:]),
            fix=f"Mend it; to see all that the backend says: python -m uv build --wheel {shlex.quote(str(folder))}",
        )
    ]


def _last_words(lines: Sequence[str]) -> list[str]:
    """Return what is said below a traceback and above uv's own words, all lines where there is no such part."""
    frames = [(number, found["indent"]) for number, line in enumerate(lines) if (found := _FRAME.match(line))]
    said = list(lines)
    if frames:
        last, indent = frames[-1]
        below = (n for n in range(last + 1, len(lines)) if not lines[n].startswith(indent))
        said = list(lines[next(below, last + 1) :])
    own = [line.strip() for line in said if not _OF_UV.match(line)]
    return own or [line.strip() for line in lines]


def _place(lines: Sequence[str], said: Sequence[str], folder: Path) -> str:
    """Return the line of the package's own that is to blame: of its build script, or of the field that is named."""
    root = folder.resolve()
    for line in reversed(lines):
        frame = _FRAME.match(line)
        place = (folder / frame["file"]).resolve() if frame else root
        if frame and root in place.parents and place.is_file():  # `<string>` is none
            return f"{place}:{frame['line']}"
    file = root / FILE
    if at := _TOML_LINE.search(" ".join(lines)):
        return f"{file}:{at['line']}"
    if (named := _FIELD.search(" ".join(said))) and file.is_file():
        return f"{file}:{line_of(file.read_text(encoding='utf-8').splitlines(), named['name'])}"
    return ""
