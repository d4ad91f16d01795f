"""Which names are public, and which of them the loops and readers of plugins are usually made of."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import TYPE_CHECKING

from reference_pages.source import ROOT, find_imports, find_name, read_all, read_imports, read_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reference_pages.source import Name

# Of these, the names in ``__all__`` are public, wherever they are defined.
WHOLE = ("envkit.api", "envkit.api.facts", "envkit.api.records", "envkit.testing")
# Of these, all names without an underscore in all modules are; plugins import them from the modules.
PARTS = ("envkit.data", "envkit.finetune")
PLUGINS = ("envkit_classification", "envkit_ner", "envkit_qa", "envkit_sentiment")
_TEMPLATE = re.compile(r"<<.*?>>|<%.*?%>|<#.*?#>")


@cache
def public_names(package: str) -> tuple[Name, ...]:
    """Return the public names of a package or of one of WHOLE, those of modules in the modules' order."""
    if package in WHOLE:
        return tuple(find_name(package, name) for name in read_all(package))
    return tuple(name for module in modules_of(package) for name in read_module(module).values())


@cache
def usual_names(package: str) -> tuple[Name, ...]:
    """Return the readers or parts that envkit's own plugins and the skeleton use, and the classes that these take or give."""
    direct = {name for name in _imported() if name[0].startswith(f"{package}.")}
    wanted = direct | set(_named_in(direct))
    return tuple(name for name in public_names(package) if (name.module, name.name) in wanted)


def modules_of(package: str) -> list[str]:
    """Return all modules of a package, sorted."""
    files = sorted(ROOT.joinpath(*package.split(".")).rglob("*.py"))
    modules = [file.relative_to(ROOT).with_suffix("").parts for file in files]
    return [".".join(parts) for parts in modules if not any(part.startswith("_") for part in parts)]


def _imported() -> Iterator[tuple[str, str]]:
    """Yield the readers and parts that plugins and the skeleton import, where they are defined."""
    sources = [file for name in PLUGINS for file in _source_dir(name).rglob("*.py")]
    sources += (ROOT / "templates" / "plugin" / "src").rglob("*.py.jinja")
    for file in sources:
        text = file.read_text(encoding="utf-8")
        plain = _TEMPLATE.sub("x", text) if file.suffix == ".jinja" else text
        for module, name in find_imports(ast.parse(plain)).values():
            if module.startswith(PARTS):
                there = find_name(module, name)
                yield there.module, there.name


def _source_dir(module: str) -> Path:
    return ROOT / "plugins" / module.replace("_", "-") / "src" / module


def _named_in(names: set[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield the classes that functions of these names take or return: whoever calls them meets those too."""
    for module, name in names:
        found = read_module(module)[name]
        if found.kind != "function":
            continue
        for word in set(re.findall(r"\b[A-Z]\w+", found.signature)):
            origin, original = read_imports(module).get(word, (module, word))
            if origin.startswith(PARTS) and read_module(origin).get(original, found).kind == "class":
                yield origin, original
