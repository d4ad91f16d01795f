"""Every public name says what it is for, and what it raises; the errors that it names exist."""

from __future__ import annotations

import ast
import builtins
import re
from functools import cache
from typing import TYPE_CHECKING

import pytest
from public_surface import imports_of, methods_of, names_of, public_names, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator

NAMES = [public for public in public_names() if public.node is not None]
# What stands behind "Raises:", up to the end of the paragraph.
_RAISES = re.compile(r"Raises: (.+?)(?:\n\s*\n|\Z)", re.DOTALL)
_ERROR = re.compile(r"\b(?:[a-z]+\.)*[A-Z]\w*(?:Error|Errors|Refused|Failed|Cancelled|Exit|Interrupt)\b")
# In these an annotation names tensors that come from torch or from the user, whose shape nothing here depends on.
_ANY_SHAPE = re.compile(
    r"\bscalar\b|\bany shape\b|\bshapes?\b|\[[^\]]*\]|\bby name\b|\ba sum\b|\bone number\b"
)


def documented() -> Iterator[tuple[str, str, ast.FunctionDef, str]]:
    """Yield every public function and method: name, module, definition, and docstring with that of its class."""
    for public in NAMES:
        if isinstance(public.node, ast.FunctionDef):
            yield public.name, public.module, public.node, public.docstring
        elif public.node is not None:
            for method in methods_of(public.node):
                own = ast.get_docstring(method) or ""
                text = f"{public.docstring}\n\n{own}" if method.name == "__init__" else own
                yield f"{public.name}.{method.name}", public.module, method, text


FUNCTIONS = list(documented())


def test_every_public_name_has_a_docstring_that_is_a_sentence() -> None:
    without = [public.name for public in NAMES if not public.docstring]
    without += [name for name, _, _, text in FUNCTIONS if not text.strip()]
    lines = {name: text.strip().splitlines()[0] for name, _, _, text in FUNCTIONS if text.strip()}
    no_sentence = [name for name, line in lines.items() if not (line[0].isupper() and len(line) > 10)]

    assert not without
    assert not no_sentence


@pytest.mark.parametrize("package", ["envkit.api", "envkit.data", "envkit.finetune", "envkit.testing"])
def test_errors_that_docstrings_name_exist(package: str) -> None:
    unknown = [
        f"{name}: {error}"
        for name, module, _, text in FUNCTIONS
        if name.startswith(f"{package}.")
        for part in _RAISES.findall(text)
        for error in _ERROR.findall(part)
        if not _is_known(error, module)
    ]

    assert not unknown


@pytest.mark.parametrize("package", ["envkit.api", "envkit.data", "envkit.finetune", "envkit.testing"])
def test_function_that_raises_says_what(package: str) -> None:
    unsaid = [
        f"{name}: {error}"
        for name, module, node, text in FUNCTIONS
        if name.startswith(f"{package}.")
        for error in sorted(_raised(node))
        if error.rpartition(".")[2] not in text and _is_known(error, module)
    ]

    assert not unsaid, "say it behind 'Raises:'"


def test_function_of_tensors_says_their_shape() -> None:
    unsaid = [
        name for name, _, node, text in FUNCTIONS if _takes_tensors(node) and not _ANY_SHAPE.search(text)
    ]

    assert not unsaid, "say it as in [rows, pieces]"


def _raised(node: ast.FunctionDef) -> set[str]:
    """Return what the function itself raises, not what functions in it do nor what it catches itself."""
    found = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Raise) and each.exc is not None:
            raised = each.exc.func if isinstance(each.exc, ast.Call) else each.exc
            if ast.unparse(raised)[:1].isupper() or "." in ast.unparse(raised):
                found.add(ast.unparse(raised))
    return found


def _takes_tensors(node: ast.FunctionDef) -> bool:
    plain = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    annotations = [ast.unparse(each.annotation) for each in plain if each.annotation is not None]
    annotations += [ast.unparse(node.returns)] if node.returns is not None else []
    return any(re.search(r"\bTensor\b", text) and "Callable" not in text for text in annotations)


@cache
def _errors() -> frozenset[str]:
    return frozenset(public.name.rpartition(".")[2] for public in names_of("envkit.api.errors"))


def _is_known(error: str, module: str) -> bool:
    """Tell whether this names an error: Python's, envkit's, or one that the module defines or imports."""
    first, _, rest = error.partition(".")
    if not rest:
        found = getattr(builtins, error, None)
        if isinstance(found, type) and issubclass(found, BaseException):
            return True
    own = {each.name for each in tree_of(module).body if isinstance(each, ast.ClassDef)}
    if error in _errors() | own or error in imports_of(module):
        return True
    # A name of a library's, as in msgspec.ValidationError: the library is one of those that envkit asks for.
    return bool(rest) and first in ("msgspec", "click", "json", "subprocess", "torch", "tomllib")
