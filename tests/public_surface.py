"""What others build on, read from the source by its grammar: no module is imported, so that torch need not be here."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
# Modules whose `__all__` says what is public, and packages of whose modules every name without an underscore is.
LISTED = ("envkit.api", "envkit.api.facts", "envkit.api.records", "envkit.testing")
OPEN = ("envkit.data", "envkit.finetune")
MODULES = (
    "envkit.api.errors",
    "envkit.api.events",
    "envkit.api.hooks",
    "envkit.api.options",
)
Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True, kw_only=True)
class PublicName:
    """A name that others use, where it is defined, and its definition; None for a constant.

    ``values`` are those that a type of literals allows.
    """

    name: str
    module: str
    node: Definition | None
    kind: str = "constant"
    values: tuple[object, ...] = ()

    @property
    def docstring(self) -> str:
        """Return what it says of itself, empty where it says nothing."""
        return (ast.get_docstring(self.node) or "") if self.node is not None else ""


def file_of(module: str) -> Path:
    """Return the file of a module of envkit."""
    path = ROOT.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


@cache
def tree_of(module: str) -> ast.Module:
    """Return a module's source by its grammar."""
    return ast.parse(file_of(module).read_text(encoding="utf-8"))


def modules_below(package: str) -> list[str]:
    """Return the modules of a package, those of its packages too; none with an underscore."""
    folder = file_of(package).parent
    found = []
    for file in sorted(folder.rglob("*.py")):
        parts = file.relative_to(folder).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        if parts and not any(part.startswith("_") for part in parts):
            found.append(".".join((package, *parts)))
    return found


def public_names() -> list[PublicName]:
    """Return all public names, sorted; of one that two modules offer, each."""
    found = {each.name: each for module in MODULES for each in names_of(module)}
    for package in LISTED:
        found |= {each.name: each for each in _listed(package)}
    for package in OPEN:
        for module in modules_below(package):
            found |= {each.name: each for each in names_of(module)}
    return [found[name] for name in sorted(found)]


def names_of(module: str) -> list[PublicName]:
    """Return the names without an underscore that a module itself defines."""
    found = []
    for node in tree_of(module).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            found.append(_defined(f"{module}.{node.name}", module, node))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [target.id for target in targets if isinstance(target, ast.Name)]
            values = _literals(node.value)
            found += [
                PublicName(name=f"{module}.{name}", module=module, node=None, values=values) for name in names
            ]
    return [each for each in found if not each.name.rpartition(".")[2].startswith("_")]


def _listed(package: str) -> Iterator[PublicName]:
    origins = imports_of(package)
    for name in _all_of(package):
        module = origins.get(name, package)
        known = {each.name.rpartition(".")[2]: each for each in names_of(module)}
        if name not in known:
            raise LookupError(f"{package}.{name} is in __all__, but {module} does not define it")
        yield replace(known[name], name=f"{package}.{name}")


def _all_of(package: str) -> list[str]:
    for node in tree_of(package).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [str(each) for each in ast.literal_eval(node.value)]
    raise LookupError(f"{package} has no __all__")


@cache
def imports_of(module: str) -> dict[str, str]:
    """Return the module that each name is from which a module imports."""
    return {
        alias.asname or alias.name: node.module
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def _literals(node: ast.expr | None) -> tuple[object, ...]:
    if not isinstance(node, ast.Subscript) or ast.unparse(node.value) != "Literal":
        return ()
    given = ast.literal_eval(node.slice)
    return given if isinstance(given, tuple) else (given,)


def _defined(name: str, module: str, node: Definition) -> PublicName:
    kind = "class" if isinstance(node, ast.ClassDef) else "function"
    return PublicName(name=name, module=module, node=node, kind=kind)


def methods_of(node: ast.ClassDef) -> list[ast.FunctionDef]:
    """Return the public methods that a class defines; its constructor among them."""
    return [
        each
        for each in node.body
        if isinstance(each, ast.FunctionDef) and (each.name == "__init__" or not each.name.startswith("_"))
    ]


def fields_of(node: ast.ClassDef) -> dict[str, tuple[str, str | None]]:
    """Return the annotated public fields of a class: type, and the default as it is written, None where there is none."""
    return {
        each.target.id: (type_text(each.annotation), _written(each.value))
        for each in node.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and not each.target.id.startswith("_")
    }


def parameters_of(node: ast.FunctionDef) -> dict[str, tuple[str, str | None]]:
    """Return the parameters of a function, those by position first and in their order.

    Each with ``positional``, ``keyword`` or ``several`` and its type, and with its default as it is written, None
    where there is none.
    """
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(plain) - len(arguments.defaults)) + [*map(_written, arguments.defaults)]
    found = {
        each.arg: (f"positional {_annotation(each)}", default)
        for index, (each, default) in enumerate(zip(plain, defaults, strict=True))
        if not (index == 0 and each.arg in ("self", "cls"))
    }
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        found[each.arg] = (f"keyword {_annotation(each)}", _written(default))
    for mark, several in (("*", arguments.vararg), ("**", arguments.kwarg)):
        if several is not None:
            found[f"{mark}{several.arg}"] = (f"several {_annotation(several)}", "()" if mark == "*" else "{}")
    return found


def is_made_by_position(node: ast.ClassDef) -> bool:
    """Tell whether the fields of a class are its constructor's arguments in their order, not only by their names."""
    made = [each for each in node.decorator_list if ast.unparse(each).partition("(")[0] == "dataclass"]
    words = [*node.keywords, *(word for each in made if isinstance(each, ast.Call) for word in each.keywords)]
    is_struct = any(ast.unparse(base) in ("Struct", "msgspec.Struct", "NamedTuple") for base in node.bases)
    return (bool(made) or is_struct) and all(ast.unparse(word) != "kw_only=True" for word in words)


def type_text(node: ast.expr | None) -> str:
    """Return an annotation without what only describes it: the help text and bounds of an option are no type."""
    if node is None:
        return "any"
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Annotated":
        first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) else node.slice
        return type_text(first)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return f"{type_text(node.left)} | {type_text(node.right)}"
    return ast.unparse(node)


def _written(default: ast.expr | None) -> str | None:
    return None if default is None else ast.unparse(default)


def _annotation(argument: ast.arg) -> str:
    return type_text(argument.annotation)


def api_lines() -> dict[str, str]:
    """Return the type of every public name, field, method and parameter, of every hook and event.

    Of what is given in a call also its default and, where it can be given without its name, its position.
    """
    found: dict[str, str] = {}
    for public in public_names():
        found |= lines_of(public)
    for public in names_of("envkit.api.hooks"):
        if isinstance(public.node, ast.FunctionDef) and public.node.name.startswith("envkit_"):
            found |= _hook_lines(public.node)
    for public in names_of("envkit.api.events"):
        if isinstance(public.node, ast.ClassDef) and (tag := _tag_of(public.node)):
            found[f"event {tag}"] = public.node.name
            found |= {f"event {tag}: {name}": text for name, (text, _) in fields_of(public.node).items()}
    return found


def lines_of(public: PublicName) -> dict[str, str]:
    """Return the lines of one public name."""
    found = {f"name {public.name}": _kind_of(public)}
    if isinstance(public.node, ast.ClassDef):
        return found | _class_lines(public.name, public.node)
    if public.node is not None:
        return found | _function_lines(public.name, public.node)
    return found | {f"value {public.name} {value!r}": "literal" for value in public.values}


def optional(kind: str, *, has_default: bool) -> str:
    """Return the type of what need not be given so that this can be seen."""
    return f"{kind}, optional" if has_default else kind


def _kind_of(public: PublicName) -> str:
    if isinstance(public.node, ast.ClassDef):
        bases = [ast.unparse(base) for base in public.node.bases]
        return f"class({', '.join(bases)})"
    return public.kind


def _class_lines(name: str, node: ast.ClassDef) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, (each, (kind, default)) in enumerate(fields_of(node).items(), start=1):
        found[f"field {name}.{each}"] = optional(kind, has_default=default is not None)
        if default is not None:
            found[f"default {name}.{each}"] = default
        if is_made_by_position(node):
            found[f"position {name}.{each}"] = str(number)
    for method in methods_of(node):
        is_property = any(ast.unparse(each).endswith("property") for each in method.decorator_list)
        if is_property:
            found[f"field {name}.{method.name}"] = f"{type_text(method.returns)}, computed"
        else:
            found |= _function_lines(f"{name}.{method.name}", method)
    return found


def _function_lines(name: str, node: ast.FunctionDef) -> dict[str, str]:
    found = {f"call {name}()": type_text(node.returns)}
    for number, (each, (kind, default)) in enumerate(parameters_of(node).items(), start=1):
        found[f"argument {name}({each})"] = optional(kind, has_default=default is not None)
        if default is not None and not kind.startswith("several"):
            found[f"default {name}({each})"] = default
        if kind.startswith("positional"):
            found[f"position {name}({each})"] = str(number)
    return found


def _hook_lines(node: ast.FunctionDef) -> dict[str, str]:
    found = {f"hook {node.name}": type_text(node.returns)}
    return found | {f"hook {node.name}({each})": kind for each, (kind, _) in parameters_of(node).items()}


def _tag_of(node: ast.ClassDef) -> str:
    tags = [word.value for word in node.keywords if word.arg == "tag"]
    return str(ast.literal_eval(tags[0])) if tags else ""
