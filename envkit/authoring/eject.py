"""Copy an installed plugin as the package of a new one, under a new name."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import PluginError
from envkit.authoring.names import choose_names
from envkit.authoring.origin import licence_files, read_origin
from envkit.authoring.renaming import OldNames, Renaming, defined_classes
from envkit.authoring.skeleton import DEFAULT_PYTHON, MadePlugin, Metadata, one_line, render_file
from envkit.authoring.whole_folder import write_folder
from envkit.registry import find_task, find_tasks, report_hint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from envkit.authoring.names import PluginNames
    from envkit.authoring.origin import Origin
    from envkit.registry import TaskEntry

_SCRIPT = re.compile(rb"(?<![\w/.])scripts/\w+\.py")
_RENAMED = frozenset({".py", ".pyi", ".md", ".rst"})
_CONTRACT = Path("contract.py")
_CONTRACT_TEST = Path("tests", "test_contract.py")
_TASK_TEST = Path("tests", "test_task.py")
_FROM_SKELETON = ("pyproject.toml", "tox.ini", ".gitignore", ".github/workflows/ci.yml")
# What comes with envkit and its extra `finetune`, or is the package's own.
_THERE = frozenset({"conftest", "envkit", "msgspec", "numpy", "packaging", "peft", "pytest", "safetensors"})
_THERE_TOO = frozenset({"tokenizers", "torch", "transformers"})


def eject_plugin(
    task: str, name: str, folder: Path, *, summary: str | None = None, author: str | None = None
) -> MadePlugin:
    """Copy the plugin of ``task`` as the package of the task ``name`` into ``folder``, which must not be there.

    Taken are its package and, where it was installed from a source tree, its tests and scripts; the plugin is
    not imported. ``summary`` and ``author`` are the old plugin's where they are None. Raises: UsageError for
    names that cannot be used and for a folder that is there, PluginError for a plugin that cannot be copied,
    EnvkitError where the folder cannot be written.
    """
    entry = find_task(task)
    names = choose_names(name, tasks=find_tasks())
    origin = read_origin(entry)
    rename = _renaming(entry, origin, names)
    package = Path("src", names.module)
    files = {package / file: content for file, content in origin.package.items()} | origin.beside
    files = {
        Path(rename(str(file))): _renamed(content, rename) if file.suffix in _RENAMED else content
        for file, content in files.items()
    }
    metadata = _metadata(entry, origin, files, summary=summary, author=author)
    files |= {Path(file): render_file(file, names, metadata) for file in _FROM_SKELETON}
    if _CONTRACT in origin.package and _CONTRACT_TEST not in files:
        files[_CONTRACT_TEST] = render_file(str(_CONTRACT_TEST), names, metadata)
    if not any(file.parts[0] == "tests" and file != _CONTRACT_TEST for file in files):
        # pytest without a test to run fails.
        files[_TASK_TEST] = render_file(str(_TASK_TEST), names, metadata, folder="copied_plugin")
    readme = Path("README.md")
    told = _without_missing(files.get(readme, f"# {names.distribution}\n".encode()), files)
    files[readme] = _with_origin(told, entry)
    write_folder(folder, files)
    return MadePlugin(folder=folder, files=tuple(sorted(files)), names=names)


def _renaming(entry: TaskEntry, origin: Origin, names: PluginNames) -> Renaming:
    try:
        sources = [content.decode() for file, content in origin.package.items() if file.suffix == ".py"]
        classes = defined_classes(sources)
    except (SyntaxError, ValueError) as error:
        raise PluginError(
            f"{entry} cannot be copied: its code cannot be read: {error}", hint=report_hint(entry)
        ) from error
    old = OldNames(task=entry.name, distribution=entry.plugin, module=origin.module, classes=classes)
    return Renaming(old, names)


def _renamed(content: bytes, rename: Renaming) -> bytes:
    return rename(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _metadata(
    entry: TaskEntry,
    origin: Origin,
    files: Mapping[Path, bytes],
    *,
    summary: str | None,
    author: str | None,
) -> Metadata:
    tests = [content for file, content in files.items() if file.parts[0] == "tests" and file.suffix == ".py"]
    return Metadata(
        summary=one_line(summary or entry.summary),
        author=one_line(author or _told(entry, "Author") or _told(entry, "Author-email") or entry.plugin),
        licence=one_line(_told(entry, "License-Expression")),
        licence_files=licence_files(origin.beside),
        python=entry.requires_python or DEFAULT_PYTHON,
        dependencies=origin.dependencies,
        extras=origin.extras,
        test_packages=("pytest>=8.3", *needed_by(tests)),
        typed=("src",),  # who wrote the tests may not have checked their types
    )


def needed_by(tests: Iterable[bytes]) -> list[str]:
    """Return the distributions that these modules import beyond what a plugin's extras bring."""
    imported: set[str] = set()
    for content in tests:
        for node in ast.walk(ast.parse(content)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                imported.add(node.module.partition(".")[0])
    others = {
        name
        for name in imported - _THERE - _THERE_TOO - sys.stdlib_module_names
        if not name.startswith("envkit_")
    }
    known = packages_distributions() if others else {}
    return sorted({known.get(name, [name.replace("_", "-")])[0] for name in others})


def _told(entry: TaskEntry, field: str) -> str:
    return str((entry.distribution.metadata.get_all(field) or [""])[0])


def _without_missing(readme: bytes, files: Mapping[Path, bytes]) -> bytes:
    """Return a README without the paragraphs that name scripts that were not copied, nor headings left bare."""
    kept: list[bytes] = []
    for part in readme.split(b"\n\n"):
        if any(Path(name.decode()) not in files for name in _SCRIPT.findall(part)):
            if kept and kept[-1].lstrip().startswith(b"#"):
                kept.pop()
            continue
        kept.append(part)
    return b"\n\n".join(kept)


def _with_origin(readme: bytes, entry: TaskEntry) -> bytes:
    licence = _told(entry, "License-Expression")
    terms = f", which is licensed under {licence}" if licence else ""
    return readme.rstrip(b"\n") + f"\n\n## Origin\n\nMade from {entry}{terms}.\n".encode()
