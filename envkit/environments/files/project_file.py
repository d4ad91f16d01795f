"""``pyproject.toml``: what the project needs, with ``[extra,group]`` behind the file's name for more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from envkit.environments.files.request import FileRequest, file_error, read_text
from envkit.environments.files.requirement_lines import Line, place_of, stand_alone
from envkit.environments.files.toml_lines import key_line, load_toml, string_line
from envkit.masking import mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from packaging.requirements import Requirement


def read_project_file(file: Path, *, choices: Sequence[str]) -> FileRequest:
    """Return what the project in this file needs; ``choices`` are extras and groups. Raises: ConfigError."""
    text = read_text(file)
    table = load_toml(text, file)
    project = table.get("project")
    if not isinstance(project, dict):
        project = {}
        if not choices:
            _check_not_poetry(table, text, file)
            raise file_error("there is no [project] table", file=file, hint="Name a requirements.txt instead")
    asked = [] if not project else _dependencies(project, text, file)
    for choice in choices:
        asked += _chosen(choice, table, project, text, file)
    own = canonicalize_name(str(project.get("name", "")))
    lines = [Line(each, file, string_line(text, each) or 1) for each in asked]
    packages = [_named(line) for line in lines]
    places = [place for each, line in zip(packages, lines, strict=True) for place in place_of(each, line)]
    packages = _without_self(packages, own, project, text, file)
    return FileRequest(
        python=_requires_python(project, text, file),
        packages=tuple(dict.fromkeys(packages)),
        notes=tuple(_notes(table, project, file)),
        places=tuple(places),
    )


def _check_not_poetry(table: Mapping[str, Any], text: str, file: Path) -> None:
    """Check that nothing stands where only Poetry reads it. Raises: ConfigError."""
    if "poetry" in _table(table, "tool", text, file):
        raise file_error(
            "the dependencies stand in [tool.poetry], which only Poetry reads",
            file=file,
            line=key_line(text, "[tool.poetry"),
            hint="Write them out: poetry export --output requirements.txt",
        )


def _dependencies(project: Mapping[str, Any], text: str, file: Path) -> list[str]:
    if "dependencies" in _strings(project.get("dynamic", []), "project.dynamic", text, file):
        raise file_error(
            "the dependencies are dynamic: only building the project tells them",
            file=file,
            line=key_line(text, "dynamic"),
            hint=f"Write them out: uv pip compile {file} --output-file requirements.txt",
        )
    return _strings(project.get("dependencies", []), "project.dependencies", text, file)


def _chosen(
    choice: str, table: Mapping[str, Any], project: Mapping[str, Any], text: str, file: Path
) -> list[str]:
    """Return the requirements of an extra or of a group of dependencies, whichever has this name."""
    name = canonicalize_name(choice)
    extras = {canonicalize_name(key): key for key in _table(project, "optional-dependencies", text, file)}
    groups = {canonicalize_name(key): key for key in _table(table, "dependency-groups", text, file)}
    if name in extras:
        found = project["optional-dependencies"][extras[name]]
        return _strings(found, f"the extra {choice}", text, file)
    if name in groups:
        return _group(groups[name], table["dependency-groups"], text, file)
    if not project:  # groups and extras may stand there too
        _check_not_poetry(table, text, file)
    known = ", ".join([*extras.values(), *groups.values()]) or "none"
    raise file_error(
        f"there is no extra and no dependency group {choice!r}", file=file, hint=f"Known: {known}"
    )


def _group(name: str, groups: Mapping[str, Any], text: str, file: Path) -> list[str]:
    from packaging.dependency_groups import resolve_dependency_groups

    try:
        return list(resolve_dependency_groups(groups, name))
    except (ExceptionGroup, LookupError, TypeError, ValueError) as error:
        first = error.exceptions[0] if isinstance(error, ExceptionGroup) else error
        raise file_error(
            f"the dependency group {name} cannot be read: {first}",
            file=file,
            line=key_line(text, name) or key_line(text, "[dependency-groups]"),
        ) from error


def _named(line: Line) -> str:
    """Return a requirement that stands alone. Raises: ConfigError, also where a path or an address has no name."""
    asked = stand_alone(line.text, line)
    if "://" in asked and " @ " not in asked:
        raise file_error(
            f"{mask_secrets(line.text)!r} has no name, which a project's dependencies need",
            file=line.file,
            line=line.number,
            hint=f"Write: NAME @ {mask_secrets(asked)}",
        )
    return asked


def _without_self(
    packages: Sequence[str], own: str, project: Mapping[str, Any], text: str, file: Path
) -> list[str]:
    """Return the packages with the project's name replaced by the extras of it that are asked for."""
    from packaging.requirements import Requirement

    found: list[str] = []
    # With each goes under which conditions its extra is asked for, each but once: extras may ask for each other.
    waiting: list[tuple[str, tuple[str, ...]]] = [(package, ()) for package in packages]
    seen = set()
    while waiting:
        package, conditions = waiting.pop(0)
        requirement = Requirement(package)
        marker = "" if requirement.marker is None else str(requirement.marker)
        conditions = tuple(dict.fromkeys(filter(None, (*conditions, marker))))
        if not own or canonicalize_name(requirement.name) != own:
            found.append(_under(requirement, conditions) if conditions else package)
        elif (package, conditions) not in seen:
            seen.add((package, conditions))
            for extra in sorted(requirement.extras):
                more = _chosen(extra, {}, project, text, file)
                waiting += [
                    (_named(Line(each, file, string_line(text, each) or 1)), conditions) for each in more
                ]
    return found


def _under(requirement: Requirement, conditions: Sequence[str]) -> str:
    """Return the requirement with a marker that holds where all of these do."""
    from packaging.markers import Marker

    joined = conditions[0] if len(conditions) == 1 else " and ".join(f"({each})" for each in conditions)
    requirement.marker = Marker(joined)
    return str(requirement)


def _requires_python(project: Mapping[str, Any], text: str, file: Path) -> str:
    given = str(project.get("requires-python", ""))
    try:
        return str(SpecifierSet(given)) and given
    except InvalidSpecifier as error:
        raise file_error(
            f"requires-python is no range: {given!r}",
            file=file,
            line=key_line(text, "requires-python"),
            hint="Expected as in: >=3.11",
        ) from error


def _strings(value: Any, what: str, text: str, file: Path) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise file_error(
            f"{what} is not a list of texts", file=file, line=key_line(text, what.rsplit(".")[-1].split()[-1])
        )
    return list(value)


def _table(within: Mapping[str, Any], key: str, text: str, file: Path) -> Mapping[str, Any]:
    value = within.get(key, {})
    if not isinstance(value, dict):
        raise file_error(f"{key} is not a table", file=file, line=key_line(text, key))
    return value


def _notes(table: Mapping[str, Any], project: Mapping[str, Any], file: Path) -> list[str]:
    notes = []
    if name := project.get("name"):
        where = file.absolute().parent.as_uri()
        notes.append(f"{name} itself is not installed, only what it needs: --with '{name} @ {where}' adds it")
    tool = table.get("tool", {})
    uv = tool.get("uv", {}) if isinstance(tool, dict) else {}
    if not isinstance(uv, dict):
        return notes
    for key in ("sources", "index", "constraint-dependencies", "override-dependencies"):
        if uv.get(key):
            names = f" ({', '.join(uv[key])})" if isinstance(uv[key], dict) else ""
            notes.append(f"{file}: [tool.uv] {key}{names} is passed over: only uv reads it")
    return notes
