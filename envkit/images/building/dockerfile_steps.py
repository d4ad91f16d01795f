"""Count the steps of a Dockerfile as BuildKit does, which tells no total over its stages."""

from __future__ import annotations

import re

# Source: buildkit, frontend/dockerfile/dockerfile2llb/convert.go: what `[stage 2/7]` counts.
_COUNTED = ("RUN", "COPY", "ADD", "WORKDIR")
_FROM = re.compile(r"FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?", re.IGNORECASE)


def count_steps(dockerfile: str) -> int:
    """Return how many steps the instructions make.

    An image that several stages begin from counts once; FROM of an earlier stage, or of ``scratch``, does not.
    """
    total, begun = 0, {"scratch"}
    for line in instructions(dockerfile):
        word = line.split(None, 1)[0].upper()
        if word in _COUNTED:
            total += 1
        elif found := _FROM.match(line):
            total += found[1].lower() not in begun
            begun |= {name.lower() for name in found.groups() if name}
    return total


def instructions(dockerfile: str) -> list[str]:
    """Return the instructions, each on one line, without comments."""
    found: list[str] = []
    open_line = ""
    for raw in dockerfile.splitlines():
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        open_line += line.removesuffix("\\")
        if not line.endswith("\\"):
            found.append(open_line)
            open_line = ""
    return [*found, open_line] if open_line else found
