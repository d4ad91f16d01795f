"""``environment.yml``, conda's own: Python and channels, conda packages, and requirements under ``pip:``.

Source: conda's documentation, "Managing environments: creating an environment file manually".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from envkit.api import EnvError, UsageError
from envkit.environments.files.addresses import has_secret
from envkit.environments.files.conda_python import read_python
from envkit.environments.files.request import FileRequest, Place, file_error, read_text
from envkit.environments.files.requirement_lines import Line, join_lines
from envkit.environments.files.requirements_file import read_lines
from envkit.masking import mask_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_VARIABLE = re.compile(r"\$(\w+|\{\w+\})")
_TOKEN = re.compile(r"/t/(?!\$)[^/]+")
_SPEC = re.compile(r"(?:(?P<channel>\S+?)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)\s*(?P<rest>.*)")
_KEYS = frozenset({"name", "channels", "dependencies", "prefix", "variables"})
# ``platforms`` and other tools' keys are further from each of them than a slip of the finger.
_SLIP = 0.8


@dataclass
class _Gathered:
    file: Path
    environ: Mapping[str, str]
    python: str = ""
    name: str = ""
    channels: list[str] = field(default_factory=list)
    conda: list[tuple[str, str, int]] = field(default_factory=list)  # name, text, line
    pip: list[Line] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read_conda_file(
    file: Path, *, backend: str | None, environ: Mapping[str, str], package_index: str | None = None
) -> FileRequest:
    """Return what an environment.yml asks for.

    Raises: ConfigError with file and line; UsageError where the backend ``venv`` would need conda packages;
    EnvError where there is no PyYAML.
    """
    root = _compose(file)
    gathered = _Gathered(file, environ)
    for key, value in _pairs(root, file, what="the file"):
        _read_key(key.value, value, gathered, key_line=key.start_mark.line + 1)
    if backend == "venv":
        _leave_conda(gathered)
    requested = read_lines(gathered.pip, environ=environ, package_index=package_index)
    return replace(
        requested,
        python=gathered.python,
        name=gathered.name,
        channels=tuple(gathered.channels),
        base_packages=tuple(text for _, text, _ in gathered.conda),
        notes=(*gathered.notes, *requested.notes),
        places=(*(Place(name, file, line) for name, _, line in gathered.conda), *requested.places),
    )


def _compose(file: Path) -> Any:
    try:
        import yaml  # of the extra `conda`: no other format needs it
    except ModuleNotFoundError as error:
        from envkit.owner import install_command  # for an error alone

        raise EnvError(
            f"{file}: reading YAML takes PyYAML, which is not installed",
            hint=f"Install it: {install_command('envkit-ml[conda]')}",
        ) from error
    text = read_text(file)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise file_error(
            f"this is no YAML: {error.problem or error.context}",
            file=file,
            line=mark.line + 1 if mark else None,
            hint="Quote values with ': ' or '{' in them; indent with spaces alone",
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise file_error(f"this is no YAML: {str(error).splitlines()[0]}", file=file) from error
    if root is None:
        raise file_error("the file is empty", file=file, hint="Expected at least: dependencies: [python]")
    return root


def _read_key(key: str, value: Any, gathered: _Gathered, *, key_line: int) -> None:
    file, line = gathered.file, value.start_mark.line + 1
    if key in _KEYS and _is_nothing(value):
        return
    if key == "name":
        gathered.name = _scalar(value, file, what="name")
    elif key == "channels":
        gathered.channels += [_channel(node, gathered) for node in _items(value, file, what="channels")]
        gathered.channels[:] = [c for c in gathered.channels if c != "nodefaults"]  # nothing is added anyway
    elif key == "dependencies":
        for node in _items(value, file, what="dependencies"):
            _read_dependency(node, gathered)
    elif key == "prefix":
        gathered.notes.append(
            f"{file}:{line}: prefix is passed over: environments lie where envkit keeps them"
        )
    elif key == "variables":
        names = ", ".join(name.value for name, _ in _pairs(value, file, what="variables")) or "none"
        gathered.notes.append(f"{file}:{line}: variables are passed over, set them in the shell: {names}")
    else:
        known = ", ".join(sorted(_KEYS))
        if near := get_close_matches(key.lower(), _KEYS, n=1, cutoff=_SLIP):
            raise file_error(
                f"there is no key {key!r}",
                file=file,
                line=key_line,
                hint=f"Did you mean {near[0]!r}? Known: {known}",
            )
        gathered.notes.append(f"{file}:{line}: {key} is passed over, as conda does; known: {known}")


def _read_dependency(node: Any, gathered: _Gathered) -> None:
    import yaml

    if isinstance(node, yaml.MappingNode):
        _read_pip(node, gathered)
        return
    file, line = gathered.file, node.start_mark.line + 1
    text = _scalar(node, file, what="a package").strip()
    if "://" in text and "::" not in text:
        _add_address(text, line, gathered)
        return
    found = _SPEC.fullmatch(text)
    if found is None:
        raise file_error(
            f"{text!r} is no conda package", file=file, line=line, hint="Expected as in: numpy>=1.26,<3"
        )
    if found["channel"] and _is_secret(found["channel"]):
        raise _secret(file, line)
    name = found["name"].lower()
    if name == "python":
        is_all = _read_python(text, found["rest"], line, gathered)
        if is_all and found["channel"] is None:
            return
    gathered.conda.append((name, text, line))


def _read_pip(node: Any, gathered: _Gathered) -> None:
    file, line = gathered.file, node.start_mark.line + 1
    for key, value in _pairs(node, file, what="a dependency"):
        if key.value != "pip":
            raise file_error(
                f"{key.value!r} cannot stand here", file=file, line=line, hint="Expected a package or pip:"
            )
        for item in _items(value, file, what="pip"):
            lines = _scalar(item, file, what="a requirement").splitlines()
            gathered.pip += join_lines(lines, file=file, first=item.start_mark.line + 1)


def _read_python(text: str, rest: str, line: int, gathered: _Gathered) -> bool:
    """Take the Python over and return whether its version says all. Raises: ConfigError."""
    python = read_python(rest)
    if python is None:
        raise file_error(
            f"{text!r} is no range of Pythons that envkit can obey",
            file=gathered.file,
            line=line,
            hint="Expected as in: python=3.12, or python>=3.11,<3.14",
        )
    if python.version and gathered.python and python.version != gathered.python:
        raise file_error(
            f"{text!r} is the second Python, after {gathered.python}",
            file=gathered.file,
            line=line,
            hint="Keep one of them; a range is one: python>=3.11,<3.14",
        )
    gathered.python = python.version or gathered.python
    return not python.is_exact_build


def _add_address(text: str, line: int, gathered: _Gathered) -> None:
    if _is_secret(text):
        raise _secret(gathered.file, line)
    gathered.conda.append((text.rsplit("/", 1)[-1], text, line))


def _leave_conda(gathered: _Gathered) -> None:
    """Drop what a venv needs not. Raises: UsageError where it is more than Python and pip."""
    lacking = [(text, line) for name, text, line in gathered.conda if name not in ("python", "pip")]
    if lacking:
        raise UsageError(
            f"{gathered.file}:{lacking[0][1]}: a venv has no conda packages but python and pip; "
            f"asked for: {', '.join(text for text, _ in lacking)}",
            hint="Add --backend conda, or move those that the package index has under pip:",
        )
    if gathered.channels:
        gathered.notes.append(f"{gathered.file}: channels are passed over: a venv takes nothing from them")
    gathered.channels.clear()
    gathered.conda.clear()


def _channel(node: Any, gathered: _Gathered) -> str:
    text = _scalar(node, gathered.file, what="a channel").strip()
    if _is_secret(text):
        raise _secret(gathered.file, node.start_mark.line + 1)
    # conda replaces variables in channels too; what they hold may be a password, which stays out of records.
    expanded = _VARIABLE.sub(lambda found: gathered.environ.get(found[1].strip("{}"), found[0]), text)
    if _is_secret(expanded):
        raise _secret(gathered.file, node.start_mark.line + 1)
    return expanded


def _is_secret(text: str) -> bool:
    is_unread = "://" not in text and mask_address(text) != text
    return is_unread or has_secret(text) or bool(_TOKEN.search(text))


def _secret(file: Path, line: int) -> Exception:
    return file_error(
        "the channel's address holds a password or token, which would stand in records",
        file=file,
        line=line,
        hint="Keep it in .condarc (channel_alias or custom_channels) or ~/.netrc, and name the channel here",
    )


def _pairs(node: Any, file: Path, *, what: str) -> Iterator[tuple[Any, Any]]:
    import yaml

    if not isinstance(node, yaml.MappingNode):
        raise file_error(
            f"{what} is not a table of keys",
            file=file,
            line=node.start_mark.line + 1,
            hint="Expected key: value",
        )
    yield from node.value


def _items(node: Any, file: Path, *, what: str) -> list[Any]:
    import yaml

    if _is_nothing(node):
        return []
    if not isinstance(node, yaml.SequenceNode):
        raise file_error(
            f"{what} is not a list",
            file=file,
            line=node.start_mark.line + 1,
            hint="Expected lines with - before",
        )
    return list(node.value)


def _is_nothing(node: Any) -> bool:
    """Tell whether nothing stands after a colon, in whichever way YAML writes that: ``null``, ``~`` or not at all."""
    import yaml

    return isinstance(node, yaml.ScalarNode) and (node.tag == "tag:yaml.org,2002:null" or node.value == "")


def _scalar(node: Any, file: Path, *, what: str) -> str:
    import yaml

    if not isinstance(node, yaml.ScalarNode):
        raise file_error(f"{what} is not a text", file=file, line=node.start_mark.line + 1)
    return str(node.value)
