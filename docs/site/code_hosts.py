"""Show what pages say for code hosts right on the site: links out of docs/, and bars within the code of tables."""

from __future__ import annotations

import html
import posixpath
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.structure.pages import Page

_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)+[^)\s]+)\)")
_CODE_WITH_BAR = re.compile(r"`([^`\n]*\\\|[^`\n]*)`")


def on_page_markdown(markdown: str, *, page: Page, **_: Any) -> str:
    """Return the text of a page as the site's Markdown takes it."""
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))
    lines = (show_bars(line) if line.startswith("|") else line for line in markdown.split("\n"))
    return name_outside(folder, "\n".join(lines))


def name_outside(folder: str, markdown: str) -> str:
    """Return a text in which a link out of docs/ is its words, and the path in the repository."""

    def shown(link: re.Match[str]) -> str:
        words, address = link.groups()
        target = posixpath.normpath(posixpath.join(folder, address.partition("#")[0]))
        if target.startswith("docs/"):
            return link[0]
        return words if words.strip("`") == target else f"{words} (`{target}`)"

    return _LINK.sub(shown, markdown)


def show_bars(row: str) -> str:
    """Return a row of a table in which no backslash is seen before a bar in code."""

    def shown(found: re.Match[str]) -> str:
        text = html.escape(found[1].replace("\\|", "|")).replace("|", "&#124;")
        return f"<code>{text}</code>"

    return _CODE_WITH_BAR.sub(shown, row)
