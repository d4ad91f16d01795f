"""conda's ways to ask for a Python, as a version or as a range that everybody reads.

Source: conda's documentation, "Package match specifications".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet

_VERSION = re.compile(r"\d+(\.\d+)*")
_BRACKETS = re.compile(r"\[(.*)\]$")
_IN_BRACKETS = re.compile(r"version\s*=\s*['\"]?([^'\"\]]+)['\"]?")

# "3.11.*=*_cpython", "==3.11.7=h1_0" and ">=3.11,<3.12 *_cpython" pin the build behind a range, mostly for a kind of it.
_BUILD = re.compile(r"(?P<version>.*[\d*])\s*[=\s]\s*(?P<build>[A-Za-z0-9_*]+)")


@dataclass(frozen=True)
class CondaPython:
    """A version (``3.12``) or range of Python, empty for any, and whether one build is meant."""

    version: str
    is_exact_build: bool = False


def read_python(text: str) -> CondaPython | None:
    """Return what follows the name ``python`` in a package of conda's, None where it is no one range."""
    text = text.strip()
    if brackets := _BRACKETS.search(text):
        given = _IN_BRACKETS.search(brackets[1])
        rest = (text[: brackets.start()] + (f" {given[1]}" if given else "")).strip()
        inner = read_python(rest)
        return inner and CondaPython(inner.version, is_exact_build=True)
    if not text:
        return CondaPython("")
    # "=3.12.4=h1_0" and "3.12.4 h1_0" name a build, "=3.12" and "3.12.*" any of that version.
    exact = re.fullmatch(r"=?\s*(\d+(?:\.\d+)*)(?:=|\s+)([A-Za-z0-9_*]+)", text)
    if exact and not exact[2].startswith("="):
        return CondaPython(exact[1], is_exact_build=True)
    if pinned := _BUILD.fullmatch(text):
        inner = read_python(pinned["version"])
        return inner and CondaPython(inner.version, is_exact_build=True)
    clauses = [_clause(part.strip(), is_fuzzy=text.startswith("=")) for part in text.split(",")]
    if None in clauses:
        return None
    joined = ",".join(filter(None, clauses))
    try:
        SpecifierSet(joined)
    except InvalidSpecifier:
        return None
    alone = re.fullmatch(r"==(\d+\.\d+(?:\.\d+)?)\.\*", joined)
    return CondaPython(alone[1] if alone else joined)


def _clause(text: str, *, is_fuzzy: bool) -> str | None:
    if text in ("", "*"):
        return ""
    operator = re.match(r"==|=|>=|<=|!=|~=|>|<", text)
    version = text[operator.end() :].strip() if operator else text
    stars = version.endswith("*")
    version = version.removesuffix("*").removesuffix(".")
    if not _VERSION.fullmatch(version):
        return None
    sign = operator[0] if operator else "=="
    if sign == "=":
        return f"=={version}.*"
    if sign in ("==", "!="):
        return f"{sign}{version}{'.*' if stars else ''}"
    return f"{sign}{version}"
