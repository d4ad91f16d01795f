"""Pages lead to each other, on the site and on a code host, and to no other host for what they are shown with."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

import pytest
from docs.followed import read_blocks
from small_distributions import SmallDistribution

from envkit.cli import COMMANDS
from envkit.registry.entries import entries_of

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(file for file in DOCS.rglob("*.md"))
OTHERS = [ROOT / "README.md", *sorted((ROOT / "plugins").glob("*/README.md"))]
_LINK = re.compile(r"(?<!\!)\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", [*PAGES, *OTHERS], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_a_page_lead_to_what_is_there(page: Path) -> None:
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    gone = []
    for link in _LINK.findall(text):
        address, _, anchor = link.partition("#")
        if address.startswith(("http:", "https:", "mailto:")):
            continue
        target = (page.parent / address).resolve() if address else page
        if not target.exists() or (anchor and anchor not in anchors_of(target)):
            gone.append(link)
    assert gone == []


def anchors_of(page: Path) -> set[str]:
    """Return what links to a page may end with: its headings, as code hosts name them, and its own marks."""
    text = page.read_text(encoding="utf-8")
    headings = re.findall(r"^#{1,6} (.+)$", _FENCE.sub("", text), re.MULTILINE)
    plain = {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}
    return plain | set(re.findall(r'<a id="([^"]+)"', text))


def test_site_has_every_page_in_its_navigation() -> None:
    settings = (DOCS / "site" / "mkdocs.yml").read_text(encoding="utf-8")
    navigation = set(re.findall(r": ([\w/.-]+\.md)$", settings, re.MULTILINE))
    # README in Chinese is for code hosts; the site has a first page of its own.
    there = {str(page.relative_to(DOCS)) for page in PAGES} - {"README.zh.md"}
    assert navigation == there


def test_site_asks_no_other_host_for_fonts_or_scripts() -> None:
    settings = (DOCS / "site" / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings
    assert not re.search(r"https?://", settings)
    assert "url(" not in (DOCS / "style.css").read_text(encoding="utf-8")


def test_first_pages_in_both_languages_show_the_same_commands() -> None:
    english, chinese = ((DOCS / name).read_text(encoding="utf-8") for name in ("index.md", "zh/index.md"))
    rows = re.findall(
        r"`(envkit [^`]+)`", re.search(r"^\| you have.*?\n\n", english, re.MULTILINE | re.DOTALL)[0]
    )
    assert [row for row in rows if f"`{row}`" not in chinese] == []
    assert next(read_blocks(DOCS / "index.md")).text == next(read_blocks(DOCS / "zh" / "index.md")).text


def test_readme_in_chinese_names_every_command() -> None:
    text = (DOCS / "README.zh.md").read_text(encoding="utf-8")
    assert [name for name in COMMANDS if f"envkit {name}" not in text] == []


def test_package_of_a_task_and_an_extension_is_found_as_both(tmp_path: Path) -> None:
    (shown,) = [
        block.text for block in read_blocks(DOCS / "other-kinds.md") if not block.title and "[" in block.text
    ]
    groups = tomllib.loads(shown)["project"]["entry-points"]
    lines = {
        group: tuple(f"{name} = {module}" for name, module in each.items()) for group, each in groups.items()
    }
    dist = SmallDistribution(name="envkit-mood", entries=lines)
    dist.install(tmp_path)
    entries = entries_of(next(iter(distributions(path=[str(tmp_path)]))))
    assert {(each.kind, each.name, each.line_fault) for each in entries} == {
        ("task", "mood", None),
        ("extension", "mood-machine", None),
    }


def test_listings_of_packages_are_what_stands_in_them() -> None:
    blocks = [block for block in read_blocks(DOCS / "other-kinds.md") if block.title]
    assert len(blocks) >= 4
    for block in blocks:
        file = ROOT / block.title.removesuffix(" (part)")
        assert block.text in file.read_text(encoding="utf-8"), f"other-kinds.md:{block.line}"
