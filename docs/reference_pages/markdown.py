"""Write Markdown: headings, tables, code, and docstrings as paragraphs."""

from __future__ import annotations

import html
import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reference_pages.source import Field, Name

NOTICE = "<!-- Made by docs/make_reference.py from the code: change it there. -->"
WIDTH = 116
JSON_WIDTH = 92


def page(title: str, introduction: str, *parts: str) -> str:
    """Return a whole page; the introduction is Markdown."""
    return "\n\n".join([NOTICE, f"# {title}", introduction.strip(), *filter(None, parts)]) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; empty for no rows."""
    lines = [_row(row) for row in rows]
    return "\n".join([_row(head), "|---" * len(head) + "|", *lines]) if lines else ""


def _row(cells: Sequence[str]) -> str:
    return re.sub(" +", " ", f"| {' | '.join(_cell(cell) for cell in cells)} |")


def _cell(text: str) -> str:
    """Return a text for a cell, which a bar would end, within code as well; a backslash before it would be shown there."""
    marked = re.sub(r"`([^`]*\|[^`]*)`", lambda found: f"<code>{html.escape(found[1])}</code>", text)
    return marked.replace("|", "&#124;").replace("\n", " ")


def code(text: str, *, language: str = "python") -> str:
    """Return a block of code."""
    return f"```{language}\n{text.rstrip()}\n```"


def literal(text: str) -> str:
    """Return a piece of code within a line; empty for none."""
    return f"`{text}`" if text else ""


def prose(docstring: str) -> str:
    """Return a docstring as Markdown: code in single quotes, what it raises in a paragraph of its own."""
    paragraphs = []
    for paragraph in docstring.split("\n\n"):
        if paragraph.startswith("    "):
            paragraphs.append(code(textwrap.dedent(paragraph), language="text"))
            continue
        flowing = re.sub(r"``(.+?)``", r"`\1`", " ".join(paragraph.split()))
        flowing = re.sub(r"\s*(?<!`)::$", lambda mark: "" if mark.start() == 0 else ":", flowing)
        flowing = re.sub(r"(?<![`\w])(\w+)\*\*", r"\1\\*\\*", flowing)
        said, mark, raised = flowing.partition("Raises: ")
        paragraphs += [fill(said)] if said.strip() else []
        paragraphs += [fill(f"**Raises:** {raised}")] if mark else []
    return "\n\n".join(paragraphs)


def slug(heading: str) -> str:
    """Return what a link to a heading ends with, the same on the site and on code hosts."""
    return re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-")


def json_block(value: Any) -> str:
    """Return a block of JSON in which what fits into a line stands in one."""
    return code(_json(value, indent=""), language="json")


def _json(value: Any, *, indent: str) -> str:
    line = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(indent) + len(line) <= JSON_WIDTH:
        return line
    inner = indent + "  "
    if isinstance(value, dict):
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {_json(each, indent=inner)}"
            for key, each in value.items()
        ]
        return "{\n" + ",\n".join(inner + part for part in parts) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inner + _json(each, indent=inner) for each in value) + f"\n{indent}]"


def fill(text: str) -> str:
    """Return a text in lines; no line begins with what Markdown takes for a list."""
    lines = textwrap.fill(text.strip(), WIDTH, break_long_words=False, break_on_hyphens=False)
    return re.sub(r"\n([-+*#>] )", r" \1", lines)


def field_table(fields: Sequence[Field]) -> str:
    """Return the fields of a record with their types and defaults."""
    return table(
        ("field", "type", "default"),
        [(literal(one.name), literal(one.type), literal(one.default or "")) for one in fields],
    )


def entry(name: Name, *, level: int = 3) -> str:
    """Return all that is said of a name: heading, signature, text, fields, methods."""
    parts = [f"{'#' * level} {name.name}"]
    if name.kind in ("function", "constant"):
        parts += [code(name.signature), prose(name.text)]
    else:
        parts += [code(name.signature), prose(name.text), field_table(name.fields)]
        parts += [f"{code(method.signature)}\n\n{prose(method.text)}".rstrip() for method in name.methods]
    return "\n\n".join(filter(None, parts))
