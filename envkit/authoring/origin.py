"""Read an installed plugin as a package that can be copied: its source tree, or its installed files."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envkit.api import PluginError
from envkit.authoring.extra_markers import split_by_extra
from envkit.registry import report_hint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from envkit.registry import TaskEntry

_IN_TREE = ("tests", "scripts")  # folders beside the package that belong to it
_LICENCES = re.compile(r"(licen[cs]e|copying|notice)\b.*", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Origin:
    """A plugin to copy: the module that is its package, and its files by their paths in the copy.

    ``package`` are those of the package, by their paths in it; ``beside`` tests, scripts, licences and the
    README. ``dependencies`` and ``extras`` are requirements.
    """

    module: str
    package: dict[Path, bytes]
    beside: dict[Path, bytes]
    dependencies: list[str]
    extras: dict[str, list[str]]


def read_origin(entry: TaskEntry) -> Origin:
    """Read the files of an installed plugin; none of its code runs. Raises: PluginError."""
    module = entry.entry_point.module.partition(".")[0]
    package_dir = _package_dir(entry, module)
    tree = _source_tree(entry, package_dir)
    beside = _installed_texts(entry) if tree is None else _tree_texts(tree)
    needed = None if tree is None else _tree_requirements(tree)
    dependencies, extras = needed or split_by_extra(entry.distribution.requires or [])
    return Origin(
        module=module,
        package={file.relative_to(package_dir): file.read_bytes() for file in _files(package_dir)},
        beside=beside,
        dependencies=dependencies,
        extras=extras,
    )


def licence_files(files: dict[Path, bytes]) -> list[str]:
    """Return the names of the files, at the top, that say under which terms it may be copied."""
    return sorted(str(file) for file in files if len(file.parts) == 1 and _LICENCES.fullmatch(file.name))


def _package_dir(entry: TaskEntry, module: str) -> Path:
    installed = Path(str(entry.distribution.locate_file(module)))
    if installed.is_dir():
        return installed
    spec = importlib.util.find_spec(module)  # of an editable install
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    if len(places) != 1:
        found = "one file" if spec is not None else "not here"
        raise PluginError(
            f"{entry} cannot be copied: its code {module} is {found}, not a package in a folder",
            hint=report_hint(entry),
        )
    return Path(places[0])


def _source_tree(entry: TaskEntry, package_dir: Path) -> Path | None:
    """Return the folder of an editable install that the package lies in; None where it was installed whole."""
    text = entry.distribution.read_text("direct_url.json")
    url = json.loads(text) if text else {}
    if not url.get("dir_info", {}).get("editable"):
        return None
    tree = Path(unquote(urlsplit(url["url"]).path))
    return tree if package_dir.resolve().is_relative_to(tree.resolve()) else None


def _tree_texts(tree: Path) -> dict[Path, bytes]:
    tops = [file for file in sorted(tree.iterdir()) if file.is_file()]
    kept = [file for file in tops if file.name == "README.md" or _LICENCES.fullmatch(file.name)]
    kept += [file for name in _IN_TREE for file in _files(tree / name)]
    return {file.relative_to(tree): file.read_bytes() for file in kept}


def _tree_requirements(tree: Path) -> tuple[list[str], dict[str, list[str]]] | None:
    """Return what a source tree says that it needs, which may be newer than what was noted when it was installed."""
    try:
        project = tomllib.loads((tree / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    except (OSError, KeyError, ValueError):
        return None
    if {"dependencies", "optional-dependencies"} & set(project.get("dynamic", ())):
        return None
    return project.get("dependencies", []), project.get("optional-dependencies", {})


def _installed_texts(entry: TaskEntry) -> dict[Path, bytes]:
    """Return the licences and the README as the installer has kept them; tests are not installed."""
    kept: dict[Path, bytes] = {}
    for file in entry.distribution.files or ():
        if ".dist-info" in file.parts[0] and _LICENCES.fullmatch(file.name):
            kept[Path(file.name)] = Path(str(file.locate())).read_bytes()
    text = entry.distribution.metadata.get_payload()  # type: ignore[attr-defined]  # an email.message.Message
    if isinstance(text, str) and text.strip():
        kept[Path("README.md")] = f"{text.strip()}\n".encode("utf-8", "replace")
    return kept


def _files(folder: Path) -> Iterator[Path]:
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not {"__pycache__"} & set(file.parts) and file.suffix != ".pyc":
            yield file
