"""uv's record of a tool: what it was installed with, and the words that install all of it again.

Source: uv 0.13.9, ``uv-receipt.toml`` as it writes it, and ``uv tool install --help``.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from envkit.api import EnvError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Named(Protocol):
    """What uv is given beside a tool."""

    @property
    def text(self) -> str:
        """Return the requirement, or the folder of what is editable."""

    @property
    def is_editable(self) -> bool:
        """Tell whether it is installed by its path."""


@dataclass(frozen=True, kw_only=True)
class ToolRequirement:
    """One package that a tool was installed with: ``text`` is what uv is given for it."""

    name: str
    text: str
    is_editable: bool = False


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What a tool was installed with. ``options`` are tables of a ``uv.toml``."""

    main: ToolRequirement
    others: tuple[ToolRequirement, ...]
    python: str | None
    constraints: tuple[str, ...]
    overrides: tuple[str, ...]
    options: str
    commands_from: tuple[str, ...]
    bin_dir: Path | None

    def find(self, name: str) -> ToolRequirement | None:
        """Return what was installed beside the tool under this name, None for what only came along."""
        return next((each for each in self.others if each.name == name), None)

    def install_words(
        self, kept: Iterable[Named], added: Iterable[Named] = (), *, flags: Iterable[str] = ()
    ) -> list[str]:
        """Return the words of ``uv tool install`` for the tool with these: any other is taken away."""
        main = ["--editable", self.main.text] if self.main.is_editable else [self.main.text]
        words = [*main, *flags]
        if self.python is not None:
            words += ["--python", self.python]
        for each in (*kept, *added):
            words += ["--with-editable" if each.is_editable else "--with", each.text]
        for name in self.commands_from:
            words += ["--with-executables-from", name]
        return words


def read_receipt(file: Path) -> Receipt:
    """Return uv's record of a tool's environment. Raises: EnvError for one that cannot be read."""
    try:
        tool = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]
        # The first is the tool itself.
        main, *others = [_read_requirement(each) for each in tool["requirements"]]
        commands = tool.get("entrypoints", [])
        sources = dict.fromkeys(each.get("from", main.name) for each in commands)
        bin_dirs = [Path(each["install-path"]).parent for each in commands if "install-path" in each]
        return Receipt(
            main=main,
            others=tuple(others),
            python=tool.get("python"),
            constraints=tuple(_read_requirement(each).text for each in tool.get("constraints", [])),
            overrides=tuple(_read_requirement(each).text for each in tool.get("overrides", [])),
            options=_tables(tool.get("options", {})),
            commands_from=tuple(name for name in sources if canonicalize_name(name) != main.name),
            bin_dir=bin_dirs[0] if bin_dirs else None,
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise EnvError(
            f"{file}: uv's record of this tool cannot be read: {error}",
            hint="Have it made anew: uv tool install --reinstall envkit-ml",
        ) from error


def _read_requirement(entry: Any) -> ToolRequirement:
    """Return an entry of the receipt as uv takes it on its command line. Raises: KeyError, TypeError."""
    if isinstance(entry, str):
        return ToolRequirement(name=canonicalize_name(Requirement(entry).name), text=entry)
    name = canonicalize_name(entry["name"])
    extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
    marker = f" ; {entry['marker']}" if entry.get("marker") else ""
    if "editable" in entry:
        return ToolRequirement(name=name, text=entry["editable"] + extras, is_editable=True)
    if place := entry.get("path") or entry.get("directory"):
        return ToolRequirement(name=name, text=f"{name}{extras} @ {Path(place).as_uri()}{marker}")
    if "git" in entry:
        return ToolRequirement(name=name, text=f"{name}{extras} @ {_git_address(entry)}{marker}")
    if "url" in entry:
        return ToolRequirement(name=name, text=f"{name}{extras} @ {entry['url']}{marker}")
    return ToolRequirement(name=name, text=f"{name}{extras}{entry.get('specifier', '')}{marker}")


def _git_address(entry: dict[str, Any]) -> str:
    """Return an address such as ``git+https://host/x?rev=main#commit`` in the form of a requirement."""
    address = str(entry["git"]).partition("#")[0]
    folder = re.search(r"[?&]subdirectory=([^&]+)", address)
    named = re.search(r"[?&](?:rev|tag|branch)=([^&]+)", address)
    place = address.partition("?")[0]
    return f"git+{place}{'@' + named[1] if named else ''}{'#subdirectory=' + folder[1] if folder else ''}"


def _tables(options: dict[str, Any]) -> str:
    """Return settings as TOML. uv adds what its variables say to its lists, so that they would grow each time."""
    import tomlkit

    lists = {key: value for key, value in options.items() if isinstance(value, list)}
    once = {
        key: [each for number, each in enumerate(value) if each not in value[:number]]
        for key, value in lists.items()
    }
    merged = {**options, **once}
    # What stands below a table's header would belong to the table.
    return tomlkit.dumps(dict(sorted(merged.items(), key=lambda pair: _has_tables(pair[1]))))


def _has_tables(value: Any) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(each, dict) for each in value)
    )
