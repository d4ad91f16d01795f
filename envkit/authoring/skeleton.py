"""Make the package of a new plugin from the skeleton: a whole, working task for its author to change."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from envkit.api import UsageError
from envkit.api.versions import API_VERSION, version_text
from envkit.authoring.host_versions import compatible_versions
from envkit.authoring.names import PluginNames, choose_names
from envkit.authoring.whole_folder import check_free, write_folder
from envkit.registry import find_tasks
from envkit.templates import templates_dir

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from jinja2 import Environment

LICENCES = ("Apache-2.0", "MIT", "BSD-3-Clause")
DEFAULT_PYTHON = ">=3.11"
_SUFFIX = ".jinja"
_FIRST_PYTHON = 11  # of 3: what envkit itself asks for
_LAST_PYTHON = 40
_LICENCE = "LICENSE"
# What Markdown reads as more than itself anywhere, and what only at the beginning of a line.
_ACTIVE = frozenset("\\`*_[]<>!|&~$")
_ACTIVE_AT_BEGINNING = frozenset("+-=.)#")


@dataclass(frozen=True, kw_only=True)
class MadePlugin:
    """The package that was made: where, under which names, and its files by their paths in the folder."""

    folder: Path
    files: tuple[Path, ...]
    names: PluginNames


@dataclass(frozen=True, kw_only=True)
class Metadata:
    """What the package says of itself; ``dependencies`` and ``extras`` are requirements as pip reads them.

    ``licence`` is an SPDX expression, empty where none is known; ``test_packages`` is what its tests need
    besides, ``typed`` the folders whose types are checked.
    """

    summary: str
    author: str
    licence: str
    python: str
    dependencies: Sequence[str]
    extras: Mapping[str, Sequence[str]] = field(default_factory=dict)
    licence_files: Sequence[str] = (_LICENCE,)
    test_packages: Sequence[str] = ("pytest>=8.3",)
    typed: Sequence[str] = ("src", "tests")

    @property
    def lowest_python(self) -> str:
        """Return the lowest Python that is allowed, as in ``3.11``. Raises: UsageError where there is none."""
        try:
            allowed = SpecifierSet(self.python)
        except InvalidSpecifier:
            raise UsageError(
                f"{self.python!r} is no range of Pythons", hint=f"As in: --python '{DEFAULT_PYTHON}'"
            ) from None
        for minor in range(_LAST_PYTHON):
            if allowed.contains(f"3.{minor}.99") and minor >= _FIRST_PYTHON:
                return f"3.{minor}"
            if allowed.contains(f"3.{minor}.99"):
                break
        raise UsageError(
            f"envkit runs on Python 3.{_FIRST_PYTHON} and above, and {self.python!r} is another range",
            hint=f"As in: --python '{DEFAULT_PYTHON}'",
        )


def make_plugin(
    name: str,
    folder: Path,
    *,
    summary: str,
    author: str,
    licence: str = LICENCES[0],
    python: str = DEFAULT_PYTHON,
) -> MadePlugin:
    """Make the package of a new task in ``folder``, which must not be there yet.

    ``summary`` and ``author`` may be any text; their line breaks become blanks. ``licence`` is one of LICENCES,
    ``python`` a range as in ``>=3.11``. Raises: UsageError for names and values that cannot be used and for a
    folder that is there, EnvkitError where it cannot be written.
    """
    names = choose_names(name, tasks=find_tasks())
    metadata = Metadata(
        summary=one_line(summary) or f"The task {names.task}",
        author=one_line(author) or f"The authors of {names.distribution}",
        licence=licence,
        python=python,
        dependencies=[f"envkit-ml{compatible_versions()}"],
        extras={
            "train": [f"envkit-ml[finetune]{compatible_versions()}"],
            "predict": [f"envkit-ml[predict]{compatible_versions()}"],
        },
    )
    files = render_skeleton(names, metadata)
    write_folder(folder, files)
    return MadePlugin(folder=folder, files=tuple(sorted(files)), names=names)


def check_place(name: str, folder: Path | None) -> PluginNames:
    """Return the names of a new plugin for which there is room: in ``folder``, or in one of its own name here.

    Raises: UsageError.
    """
    names = choose_names(name, tasks=find_tasks())
    check_free(folder or Path(names.distribution))
    return names


def render_skeleton(names: PluginNames, metadata: Metadata) -> dict[Path, bytes]:
    """Return the files of the skeleton by their paths in the package. Raises: UsageError."""
    if metadata.licence not in LICENCES:
        raise UsageError(
            f"there is no text of the licence {metadata.licence!r} here",
            hint=f"Give one of: {', '.join(LICENCES)}; another is put into its place by hand",
        )
    root = skeleton_dir()
    values = _values(names, metadata)
    environment = _environment(root)
    files: dict[Path, bytes] = {}
    for file in sorted(root.rglob("*")):
        place = file.relative_to(root)
        if file.is_dir() or "__pycache__" in place.parts:
            continue
        target = _target(place, names, metadata)
        if target is not None and place.suffix == _SUFFIX:
            files[target] = environment.get_template(place.as_posix()).render(values).encode()
        elif target is not None:
            files[target] = file.read_bytes()
    return files


def render_file(template: str, names: PluginNames, metadata: Metadata, *, folder: str = "plugin") -> bytes:
    """Return one file of the skeleton, or of another folder of templates, named there without their suffix."""
    environment = _environment(templates_dir() / folder)
    return environment.get_template(template + _SUFFIX).render(_values(names, metadata)).encode()


def skeleton_dir() -> Path:
    """Return the folder of the skeleton. Raises: EnvkitError where this installation has none."""
    return templates_dir() / "plugin"


def one_line(text: str) -> str:
    """Return a text in one line, without control characters and halves of characters."""
    plain = (" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
    return " ".join("".join(plain).encode("utf-8", "replace").decode("utf-8").split())


def quote_toml(text: str) -> str:
    """Return a text as a string of TOML; in one line, JSON writes the same."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def quote_toml_list(texts: Sequence[str]) -> str:
    """Return texts as an array of TOML."""
    return f"[{', '.join(map(quote_toml, texts))}]"


def escape_markdown(text: str) -> str:
    """Return a text as Markdown that shows just it."""
    return "".join(
        f"\\{letter}" if _is_active(text, number) else letter for number, letter in enumerate(text)
    )


def _is_active(text: str, number: int) -> bool:
    if text[number] in _ACTIVE_AT_BEGINNING:
        return not text[:number].strip("0123456789#=-+ ")  # a list, a heading or a line
    return text[number] in _ACTIVE


def _target(place: Path, names: PluginNames, metadata: Metadata) -> Path | None:
    """Return where a file of the skeleton comes to lie in the package; None for the text of another licence."""
    name = place.name.removesuffix(_SUFFIX)
    if name.startswith(f"{_LICENCE}."):
        return Path(_LICENCE) if name == f"{_LICENCE}.{metadata.licence}" else None
    return Path(*(names.module if part == "package" else part for part in place.parent.parts), name)


def _values(names: PluginNames, metadata: Metadata) -> dict[str, Any]:
    return {
        "task": names.task,
        "dist": names.distribution,
        "module": names.module,
        "prefix": names.class_prefix,
        "variable": names.variable_prefix,
        "api_version": version_text(API_VERSION),
        "lowest_python": metadata.lowest_python,
        "metadata": metadata,
    }


def _environment(folder: Path) -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        autoescape=False,  # every file has a language of its own; values pass through `toml` or `markdown`
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        # Python, TOML and workflows have the usual ones in themselves.
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        comment_start_string="<#",
        comment_end_string="#>",
    )
    environment.filters |= {
        "markdown": escape_markdown,
        "toml": quote_toml,
        "toml_list": quote_toml_list,
    }
    return environment
