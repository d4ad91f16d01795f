"""What a plugin's metadata have to say: of its name and licence, of where it runs, and of whom to ask."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.api.checks import Finding
from envkit.authoring.name_checks import near_name
from envkit.authoring.project_table import licence_example
from envkit.registry import EXTENSIONS_GROUP, TASKS_GROUP
from envkit.registry.metadata import canonical, read_headers, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.authoring.check_subject import Subject

PREFIX = "envkit-"
_LONGEST_SUMMARY = 100  # letters: what a line of `envkit run --help` has room for
_SECTION = re.compile(r"^\s*\[(.+?)\]\s*$", re.MULTILINE)


def check_name(subject: Subject) -> Iterator[Finding]:
    """Look at the distribution's name, by which plugins are found on an index."""
    if not canonical(subject.name).startswith(PREFIX):
        yield Finding(
            severity="error",
            summary=f"the distribution is called {subject.name}, expected {PREFIX}{canonical(subject.name)}",
            evidence=(subject.place("name", "Name"),),
            fix=f'In pyproject.toml: name = "{PREFIX}{canonical(subject.name)}"',
        )


def check_version(subject: Subject) -> Iterator[Finding]:
    """Look at the version, which installers have to be able to compare."""
    text = subject.field("Version")
    try:
        Version(text)
    except InvalidVersion:
        yield Finding(
            severity="error",
            summary=f"{text!r} is no version that installers can compare",
            evidence=(subject.place("version", "Version"),),
            fix='In pyproject.toml: version = "0.1.0"',
        )


def check_summary(subject: Subject) -> Iterator[Finding]:
    """Look at the summary: it is the line by which ``envkit run --help`` tells what the task is."""
    text = subject.field("Summary")
    place = (subject.place("description", "Summary"),)
    task = next((entry.name for entry in subject.entries), subject.name)
    fix = f'In pyproject.toml: description = "…", which says in one line what {task} is for'
    if not text or text == "UNKNOWN":
        yield Finding(severity="error", summary="the metadata have no summary", evidence=place, fix=fix)
    elif len(text) > _LONGEST_SUMMARY or "\n" in text:
        yield Finding(
            severity="warn",
            summary=f"the summary has {len(text)} letters, a line of `envkit run --help` {_LONGEST_SUMMARY}",
            evidence=place,
            fix=fix,
        )


def check_licence(subject: Subject) -> Iterator[Finding]:
    """Look for a licence that programs can read."""
    expression, older = subject.field("License-Expression"), subject.field("License")
    classifiers = [text for text in subject.fields.get_all("Classifier") or () if "License ::" in str(text)]
    place = (subject.place("license", "License-Expression"),)
    fix = 'In pyproject.toml: license = "Apache-2.0"'
    if expression:
        try:
            canonicalize_license_expression(expression)
        except InvalidLicenseExpression as error:
            yield Finding(
                severity="error",
                summary=f'the licence is no SPDX expression such as "Apache-2.0": {error}',
                evidence=place,
                fix=f"In pyproject.toml: {licence_example(expression)}",
            )
    elif not older and not classifiers:
        yield Finding(
            severity="error",
            summary="no licence is named, so nobody else may use it",
            evidence=place,
            fix=fix,
        )
    else:
        yield Finding(
            severity="warn",
            summary="the licence is not named by an SPDX expression, so programs cannot read it",
            evidence=place,
            fix=fix,
        )


def check_licence_file(subject: Subject) -> Iterator[Finding]:
    """Look for the text of the licence in the wheel."""
    named = [str(name) for name in subject.fields.get_all("License-File") or ()]
    held = {"licenses", subject.info_name}
    lists = [str(file) for file in subject.distribution.files or ()]
    missing = [
        name
        for name in named
        if not any(file.endswith(f"/{name}") and held & set(file.split("/")[:-1]) for file in lists)
    ]
    if named and not missing:
        return
    what = f"the wheel lacks {missing[0]}" if named else "the text of the licence is not in the wheel"
    yield Finding(
        severity="error",
        summary=what,
        evidence=(subject.place("license-files", "License-File"),),
        fix='Put a file LICENSE beside pyproject.toml, and in it: license-files = ["LICENSE"]',
    )


def check_requires_python(subject: Subject) -> Iterator[Finding]:
    """Look for the range of Pythons."""
    text = subject.field("Requires-Python")
    place = (subject.place("requires-python", "Requires-Python"),)
    fix = 'In pyproject.toml: requires-python = ">=3.11"'
    try:
        pythons = SpecifierSet(text)
    except InvalidSpecifier:
        yield Finding(severity="error", summary=f"{text!r} is no range of Pythons", evidence=place, fix=fix)
        return
    if not text:
        yield Finding(
            severity="error", summary="the metadata name no range of Pythons", evidence=place, fix=fix
        )
    elif not any(pythons.contains(f"3.{minor}.1") for minor in range(11, 30)):
        yield Finding(
            severity="error",
            summary=f"it runs on Python {text}, and envkit on none of these",
            evidence=place,
            fix=fix,
        )


def check_entry_points(subject: Subject) -> Iterator[Finding]:
    """Look at the groups and lines by which envkit finds the plugin."""
    text = read_text(subject.distribution, "entry_points.txt") or ""
    groups = (TASKS_GROUP, EXTENSIONS_GROUP)
    place = (subject.place("entry-points", "Name"),)
    for group in dict.fromkeys(_SECTION.findall(text)):
        name = group.strip()
        near = difflib.get_close_matches(name, groups, n=1, cutoff=0.8)
        if name not in groups and (name.startswith("envkit.") or near):
            meant = near[0] if near else TASKS_GROUP
            yield Finding(
                severity="error",
                summary=f"envkit has no group of entry points {name!r}, so nothing in it is found",
                evidence=place,
                fix=f'In pyproject.toml: [project.entry-points."{meant}"]',
            )
    for entry in subject.entries:
        if entry.line_fault is not None:
            yield Finding(
                severity="error",
                summary=entry.line_fault,
                evidence=(subject.place(entry.name, "Name"),),
                fix=f'In pyproject.toml: {near_name(entry.name)} = "{_module_of(subject)}.plugin"',
            )
    if not subject.entries and not any(g.strip().startswith("envkit.") for g in _SECTION.findall(text)):
        yield Finding(
            severity="error",
            summary="it has no entry point of envkit's, so nothing in it is found",
            evidence=place,
            fix=f'In pyproject.toml, [project.entry-points."{TASKS_GROUP}"]: my-task = "{_module_of(subject)}.plugin"',
        )


def check_tracker(subject: Subject) -> Iterator[Finding]:
    """Look for the address that errors send users to."""
    if read_headers(subject.distribution).tracker is None:
        yield Finding(
            severity="info",
            summary="no address of an issue tracker: errors cannot say where to report them",
            evidence=(subject.place("urls", "Project-URL"),),
            fix='In pyproject.toml, [project.urls]: Issues = "https://…/issues"',
        )


def check_typed(subject: Subject) -> Iterator[Finding]:
    """Look for the file that tells type checkers to look at the package."""
    for folder in subject.package_dirs:
        if not (folder / "py.typed").is_file():
            shown = subject.shown(folder)
            yield Finding(
                severity="warn",
                summary=f"{folder.name} has no py.typed, so nobody's type checker looks at its types",
                evidence=(str(shown),),
                fix=f"Make it: touch {shown}/py.typed",
            )


def check_readme(subject: Subject) -> Iterator[Finding]:
    """Look for the long description, which an index shows."""
    payload = subject.fields.get_payload()
    text = str(payload).strip() if isinstance(payload, str) else ""
    if not text and not subject.field("Description"):
        yield Finding(
            severity="error",
            summary="there is no long description: its page on an index would be empty",
            evidence=(subject.place("readme", "Description-Content-Type"),),
            fix='In pyproject.toml: readme = "README.md"',
        )


def _module_of(subject: Subject) -> str:
    return canonical(subject.name).replace("-", "_")
