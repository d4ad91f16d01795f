"""Read modules as text: names, signatures, fields and docstrings, whatever a module would import."""

from __future__ import annotations

import ast
import inspect
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[2]
_PROPERTIES = ("property", "cached_property")


@dataclass(frozen=True, kw_only=True)
class Field:
    """A field of a record, as it is written: type and default are text, the default None where there is none."""

    name: str
    type: str
    default: str | None = None


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name of a module. ``signature`` is what stands in front of a function's or a class's body."""

    name: str
    module: str
    kind: Literal["function", "class", "constant", "property"]
    signature: str
    text: str = ""
    fields: tuple[Field, ...] = ()
    methods: tuple[Name, ...] = ()


@cache
def read_module(module: str) -> dict[str, Name]:
    """Return the public names that a module defines, in their order."""
    text = find_file(module).read_text(encoding="utf-8")
    found = (
        name for statement in ast.parse(text).body if (name := _read(statement, module, text)) is not None
    )
    return {name.name: name for name in found if not name.name.startswith("_")}


def find_file(module: str) -> Path:
    """Return the file of a module of the project."""
    file = ROOT.joinpath(*module.split("."))
    return file / "__init__.py" if file.is_dir() else file.with_suffix(".py")


@cache
def read_imports(module: str) -> dict[str, tuple[str, str]]:
    """Return where a module has its names from: module and name there, by the name here."""
    return find_imports(ast.parse(find_file(module).read_text(encoding="utf-8")))


def find_imports(tree: ast.AST) -> dict[str, tuple[str, str]]:
    """Return what a tree imports by name, wherever in it."""
    return {
        each.asname or each.name: (node.module, each.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0
        for each in node.names
    }


@cache
def read_all(module: str) -> tuple[str, ...]:
    """Return ``__all__`` of a module, empty where it has none."""
    tree = ast.parse(find_file(module).read_text(encoding="utf-8"))
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and _targets(statement) == ["__all__"]:
            return tuple(ast.literal_eval(statement.value))
    return ()


def find_name(module: str, name: str) -> Name:
    """Return a name that a module defines or hands on from another. Raises: KeyError."""
    if name in (here := read_module(module)):
        return here[name]
    origin, original = read_imports(module)[name]
    return find_name(origin, original)


def _read(statement: ast.stmt, module: str, text: str) -> Name | None:
    if isinstance(statement, ast.FunctionDef):
        return _function(statement, module)
    if isinstance(statement, ast.ClassDef):
        return _class(statement, module)
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return _constant(statement.target.id, statement, module, text)
    if isinstance(statement, ast.Assign) and len(_targets(statement)) == 1:
        return _constant(_targets(statement)[0], statement, module, text)
    return None


def _targets(statement: ast.Assign) -> list[str]:
    return [target.id for target in statement.targets if isinstance(target, ast.Name)]


def _constant(name: str, statement: ast.stmt, module: str, text: str) -> Name:
    written = ast.get_source_segment(text, statement) or ""
    return Name(name=name, module=module, kind="constant", signature=written)


def _function(node: ast.FunctionDef, module: str) -> Name:
    marks = [ast.unparse(mark) for mark in node.decorator_list]
    before = [f"@{mark}" for mark in marks if mark in ("classmethod", "staticmethod", *_PROPERTIES)]
    result = "" if node.returns is None else f" -> {_plain(node.returns)}"
    head = f"def {node.name}({', '.join(_arguments(node.args))}){result}"
    if len(head) > 100:
        arguments = ",\n    ".join(_arguments(node.args))
        head = f"def {node.name}(\n    {arguments},\n){result}"
    is_property = any(mark in _PROPERTIES for mark in marks)
    return Name(
        name=node.name,
        module=module,
        kind="property" if is_property else "function",
        signature="\n".join([*before, head]),
        text=_docstring(node),
    )


def _class(node: ast.ClassDef, module: str) -> Name:
    fields, methods = [], []
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            fields.append(
                Field(
                    name=statement.target.id,
                    type=_plain(statement.annotation),
                    default=_default(statement.value),
                )
            )
        elif isinstance(statement, ast.FunctionDef) and (
            not statement.name.startswith("_") or statement.name in ("__init__", "__call__")
        ):
            methods.append(_function(statement, module))
    bases = [ast.unparse(base) for base in node.bases]
    return Name(
        name=node.name,
        module=module,
        kind="class",
        signature=f"class {node.name}({', '.join(bases)})" if bases else f"class {node.name}",
        text=_docstring(node),
        fields=tuple(field for field in fields if not field.name.startswith("_")),
        methods=tuple(methods),
    )


def _docstring(node: ast.FunctionDef | ast.ClassDef) -> str:
    return inspect.cleandoc(ast.get_docstring(node) or "")


def _arguments(arguments: ast.arguments) -> list[str]:
    """Return the arguments of a function as they are written, without self."""
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [None] * (len(plain) - len(arguments.defaults)) + list(
        arguments.defaults
    )
    parts = [_argument(one, default) for one, default in zip(plain, defaults, strict=True)]
    if plain and plain[0].arg in ("self", "cls") and plain[0].annotation is None:
        del parts[0]
    if arguments.vararg is not None:
        parts.append(f"*{_argument(arguments.vararg, None)}")
    elif arguments.kwonlyargs:
        parts.append("*")
    parts += [
        _argument(one, default)
        for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    ]
    if arguments.kwarg is not None:
        parts.append(f"**{_argument(arguments.kwarg, None)}")
    return parts


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    typed = argument.arg if argument.annotation is None else f"{argument.arg}: {_plain(argument.annotation)}"
    if default is None:
        return typed
    return f"{typed} = {ast.unparse(default)}" if argument.annotation else f"{typed}={ast.unparse(default)}"


def _plain(annotation: ast.expr) -> str:
    """Return a type as a reader wants it: of ``Annotated[int, Meta(…)]`` the ``int``."""

    class Bare(ast.NodeTransformer):
        def visit_Subscript(self, node: ast.Subscript) -> Any:
            if ast.unparse(node.value) == "Annotated" and isinstance(node.slice, ast.Tuple):
                return self.visit(node.slice.elts[0])
            return self.generic_visit(node)

    shown = ast.unparse(Bare().visit(ast.parse(ast.unparse(annotation), mode="eval")))
    return shown.replace("'", '"')


def _default(value: ast.expr | None) -> str | None:
    if value is None:
        return None
    if isinstance(value, ast.Call) and ast.unparse(value.func) == "field":
        made = {word.arg: ast.unparse(word.value) for word in value.keywords}
        factory = next((word.value for word in value.keywords if word.arg == "default_factory"), None)
        if isinstance(factory, ast.Lambda):
            return ast.unparse(factory.body).replace("'", '"')
        if "default_factory" in made:
            return {"dict": "{}", "list": "[]", "tuple": "()"}.get(
                made["default_factory"], f"{made['default_factory']}()"
            )
        return made.get("default")
    return ast.unparse(value).replace("'", '"')
