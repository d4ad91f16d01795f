"""What pyproject.toml says of a package, held against what every build backend asks for: each field with its line.

Fields and forms: packaging.python.org, "pyproject.toml specification".
"""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.api.checks import Finding

if TYPE_CHECKING:
    from pathlib import Path

FILE = "pyproject.toml"
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_AT_LINE = re.compile(r"(?P<what>.*) \(at line (?P<line>\d+), column \d+\)")
_LICENCE = "Apache-2.0"
# Yields what is wrong in a field's value, and nothing where it is good; the folder is that of the file.
_Judge = Callable[[Any, "Path"], Iterator[Any]]


@dataclass(frozen=True)
class _Field:
    expected: str
    example: str
    judge: _Judge


def judge_project(folder: Path) -> Iterator[Finding]:
    """Yield a finding for each field of the folder's pyproject.toml that no backend takes."""
    file = folder / FILE
    try:
        text = file.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except FileNotFoundError:
        return  # setup.py says it all
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        found = _AT_LINE.fullmatch(str(error))
        yield Finding(
            severity="error",
            summary=f"{FILE} cannot be read: {found['what'] if found else error}",
            evidence=(f"{file}:{found['line']}" if found else str(file),),
            fix=f"Mend that line of {FILE}",
        )
        return
    project = table.get("project")
    if not isinstance(project, dict):
        return  # older backends have tables of their own
    lines = text.splitlines()
    dynamic = project.get("dynamic", [])
    dynamic = dynamic if isinstance(dynamic, list) else []
    for name in ("name", "version"):
        if name not in project and (name == "name" or name not in dynamic):
            yield _finding(
                f"[project] has no {name}", f"{file}:{line_of(lines, name)}", _FIELDS[name].example
            )
    for name, value in project.items():
        place = f"{file}:{line_of(lines, name)}"
        if name not in _FIELDS:
            yield _unknown(name, place)
            continue
        if name in dynamic:
            yield _finding(
                f"{name} is given, and stands in dynamic too",
                place,
                f"{_FIELDS[name].example}, not in dynamic",
            )
        for bad in _FIELDS[name].judge(value, folder):
            example = licence_example(bad) if name == "license" else _FIELDS[name].example
            summary = f"{name} = {_shown(bad)} in [project], expected {_FIELDS[name].expected}"
            yield _finding(summary, place, example)


def line_of(lines: list[str], name: str) -> int:
    """Return the line of [project] that sets a field, or opens its table; where none does, that of [project]."""
    start = next((number for number, line in enumerate(lines, 1) if line.strip() == "[project]"), 1)
    for number, line in enumerate(lines[start:], start + 1):
        if line.startswith("["):
            break
        if re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=.]", line):
            return number
    opens = re.compile(rf"\s*\[+\s*project\.[\"']?{re.escape(name)}[\"']?\s*[\].]")
    return next((number for number, line in enumerate(lines, 1) if opens.match(line)), start)


def near_licence(text: object) -> str:
    """Return the SPDX expression that is most likely meant; one that is often taken where none can be told."""
    words = re.sub(r"(?i)\b(the|gnu|licen[cs]e|version)\b|,", " ", str(text)).split()
    plain = re.sub(r"(?i)([a-z])-?v?(\d)", r"\1-\2", "-".join(words))  # GPLv3, Apache2
    for end in ("-only", ".0-only", "", ".0"):
        try:
            return str(canonicalize_license_expression(f"{plain}{end}"))
        except InvalidLicenseExpression:
            continue
    return _LICENCE


def licence_example(text: object) -> str:
    """Return the line that names a licence as programs read it."""
    return f'license = "{near_licence(text)}", or another of https://spdx.org/licenses'


def _unknown(name: str, place: str) -> Finding:
    near = difflib.get_close_matches(name.replace("_", "-").replace("licence", "license"), _FIELDS, n=1)
    meant = f"; is {near[0]} meant?" if near else ""
    example = _FIELDS[near[0]].example if near else "fields of your own stand in [tool.…]"
    return _finding(f"[project] has a field {name}, which nobody knows{meant}", place, example)


def _finding(summary: str, place: str, example: str) -> Finding:
    return Finding(severity="error", summary=summary, evidence=(place,), fix=f"In {FILE}: {example}")


def _shown(value: Any) -> str:
    """Return a value much as TOML has it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _unless(read: Callable[[str], object], *errors: type[Exception]) -> _Judge:
    def judge(value: Any, folder: Path) -> Iterator[Any]:
        if not isinstance(value, str):
            yield value
            return
        try:
            read(value)
        except errors:
            yield value

    return judge


def _text(value: Any, folder: Path) -> Iterator[Any]:
    if not isinstance(value, str):
        yield value


def _line(value: Any, folder: Path) -> Iterator[Any]:
    if not isinstance(value, str) or "\n" in value:
        yield value


def _name(value: Any, folder: Path) -> Iterator[Any]:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        yield value


def _file_or_table(value: Any, folder: Path, *, is_text_ok: bool) -> Iterator[Any]:
    """Take a file that is there, or a table that names one, or has the text itself."""
    if isinstance(value, dict):
        named, text = value.get("file"), value.get("text")
        if (named is None) == (text is None) or (named is None and not isinstance(text, str)):
            yield value
            return
        if named is None:
            return
    else:
        named = value
        if not is_text_ok:
            yield value
            return
    if not isinstance(named, str) or not (folder / named).is_file():
        yield value


def _licence(value: Any, folder: Path) -> Iterator[Any]:
    if isinstance(value, str):
        yield from _unless(canonicalize_license_expression, InvalidLicenseExpression)(value, folder)
    else:
        yield from _file_or_table(value, folder, is_text_ok=False)


def _pattern(value: Any, folder: Path) -> Iterator[Any]:
    try:
        if not isinstance(value, str) or not any(folder.glob(value)):
            yield value
    except (ValueError, NotImplementedError):  # an absolute one
        yield value


def _person(value: Any, folder: Path) -> Iterator[Any]:
    if (
        not isinstance(value, dict)
        or not value
        or not {*value} <= {"name", "email"}
        or not all(isinstance(text, str) for text in value.values())
        or "@" not in value.get("email", "@")
    ):
        yield value


def _each(value: Any, folder: Path, *, judge: _Judge) -> Iterator[Any]:
    if not isinstance(value, list):
        yield value
        return
    for part in value:
        yield from judge(part, folder)


def _each_named(value: Any, folder: Path, *, judge: _Judge) -> Iterator[Any]:
    if not isinstance(value, dict):
        yield value
        return
    for name, part in value.items():
        yield from ({name: bad} for bad in judge(part, folder))


_requirement = _unless(Requirement, InvalidRequirement)
_texts = partial(_each, judge=_text)
_named_texts = partial(_each_named, judge=_text)
_people = _Field(
    "tables of name and email",
    'authors = [{ name = "Ada", email = "ada@example.org" }]',
    partial(_each, judge=_person),
)
_script = _Field("a function of a module, as text", 'mood = "envkit_mood.cli:main"', _named_texts)
_FIELDS = {
    "name": _Field("letters, digits and . _ - between them", 'name = "envkit-mood"', _name),
    "version": _Field('a version such as "0.1.0"', 'version = "0.1.0"', _unless(Version, InvalidVersion)),
    "description": _Field("text of one line", 'description = "What it is for"', _line),
    "readme": _Field(
        'a file that is there, such as "README.md"', 'readme = "README.md"', partial(_file_or_table, is_text_ok=True)
    ),
    "requires-python": _Field(
        'a range such as ">=3.11"', 'requires-python = ">=3.11"', _unless(SpecifierSet, InvalidSpecifier)
    ),
    "license": _Field(f'an SPDX expression such as "{_LICENCE}"', f'license = "{_LICENCE}"', _licence),
    "license-files": _Field(
        'names of files that are there, such as ["LICENSE"]', 'license-files = ["LICENSE"]', partial(_each, judge=_pattern)
    ),
    "authors": _people,
    "maintainers": _people,
    "keywords": _Field("a list of texts", 'keywords = ["nlp"]', _texts),
    "classifiers": _Field("a list of texts", 'classifiers = ["Typing :: Typed"]', _texts),
    "urls": _Field("names with addresses", 'urls = { Issues = "https://…/issues" }', _named_texts),
    "scripts": _script,
    "gui-scripts": _script,
    "entry-points": _Field(
        "groups of names with modules",
        '[project.entry-points."envkit.tasks"]: mood = "envkit_mood.plugin"',
        partial(_each_named, judge=_named_texts),
    ),
    "dependencies": _Field(
        'requirements such as "envkit-ml>=0.1,<0.2"',
        'dependencies = ["envkit-ml>=0.1,<0.2"]',
        partial(_each, judge=_requirement),
    ),
    "optional-dependencies": _Field(
        "names with lists of requirements",
        '[project.optional-dependencies]: train = ["envkit-ml[finetune]>=0.1,<0.2"]',
        partial(_each_named, judge=partial(_each, judge=_requirement)),
    ),
    "dynamic": _Field("a list of names of fields", 'dynamic = ["version"]', _texts),
    "import-names": _Field("a list of texts", 'import-names = ["envkit_mood"]', _texts),
    "import-namespaces": _Field("a list of texts", 'import-namespaces = ["mood"]', _texts),
}  # fmt: skip
