"""The reference says what the code says, all of it, and its examples fit."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import make_reference
import msgspec
import pytest
from public_surface import public_names
from reference_pages import commands, events, exit_codes, findings, hooks, json_output
from reference_pages.markdown import json_block, prose, slug, table
from reference_pages.source import find_name

from envkit.api import EnvkitError
from envkit.api.events import AnyEvent, decode_event, encode_event
from envkit.registry import EXTENSION_HOOKS, TASK_HOOKS

if TYPE_CHECKING:
    from public_surface import PublicName

DOCS = Path(__file__).parents[2] / "docs"


@cache
def read_reference() -> dict[str, str]:
    return {page.name: page.read_text(encoding="utf-8") for page in (DOCS / "reference").glob("*.md")}


@pytest.mark.slow
def test_pages_of_the_reference_are_those_that_the_code_makes() -> None:
    assert make_reference.stale_pages() == [], "renew them: python docs/make_reference.py"


def test_stale_missing_and_needless_pages_are_named(tmp_path: Path) -> None:
    pages = {name: name.upper for name in ("hooks.md", "events.md", "json.md")}
    make_reference.write_pages(tmp_path, pages=pages)
    (tmp_path / "hooks.md").write_text("old")
    (tmp_path / "events.md").unlink()
    (tmp_path / "gone.md").write_text("left over")
    assert make_reference.stale_pages(tmp_path, pages=pages) == ["events.md", "gone.md", "hooks.md"]
    make_reference.write_pages(tmp_path, pages=pages)
    assert make_reference.stale_pages(tmp_path, pages=pages) == []


@cache
def read_sections() -> dict[str, list[str]]:
    """Return what stands below the headings of all pages, by the heading; a heading may be there several times."""
    found: dict[str, list[str]] = {}
    for text in read_reference().values():
        for section in re.split(r"^#{2,3} ", text, flags=re.MULTILINE)[1:]:
            heading, _, body = section.partition("\n")
            found.setdefault(heading, []).append(body)
    return found


def is_told(public: PublicName) -> bool:
    """Tell whether a name has a heading, a kind of event that of its tag, with all that its docstring says below it."""
    name = public.name.rpartition(".")[2]
    bodies = read_sections().get(name, []) + read_sections().get(name.lower(), [])
    return any(prose(public.docstring) in body for body in bodies)


@pytest.mark.slow
def test_every_public_name_is_in_the_reference_with_all_its_docstring() -> None:
    missing = [public.name for public in public_names() if not is_told(public)]
    assert missing == []
    assert len(public_names()) > 400


def test_every_hook_and_every_event_is_described() -> None:
    assert set(hooks.notes()) == {*TASK_HOOKS, *EXTENSION_HOOKS}
    assert {type(each) for each in events.examples()} == set(get_args(AnyEvent))


@pytest.mark.parametrize("event", events.examples(), ids=lambda event: type(event).__name__)
def test_example_of_an_event_is_read_as_it_is_written(event: AnyEvent) -> None:
    assert decode_event(encode_event(event)) == event


def test_every_exit_code_of_an_error_has_a_meaning() -> None:
    kinds = [EnvkitError, *EnvkitError.__subclasses__()]
    assert {kind.exit_code for kind in kinds} <= exit_codes.codes().keys()


def test_every_command_that_prints_json_has_its_record() -> None:
    printing = {" ".join(path) for path, each in commands.all_commands() if commands.has_json(each)}
    assert printing == set(json_output.OUTPUTS)


@pytest.mark.parametrize("words", json_output.shown_commands())
def test_example_of_a_command_fits_its_record(words: str) -> None:
    whole = json_output.read_example(words)
    assert msgspec.convert(whole, json_output.OUTPUTS[words].type) is not None
    assert json_block(whole) in read_reference()["json.md"]


def test_examples_are_of_commands_alone() -> None:
    shown = {json_output.example_file(words) for words in json_output.shown_commands()}
    assert set((DOCS / "examples").iterdir()) == shown


def test_example_with_a_field_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text('{"id": "a", "folder": "b", "report": "c", "size": 1, "sizes": 1}')
    with pytest.raises(ValueError, match=r"there is no field data\.sizes"):
        json_output.read_example("report", folder=tmp_path)
    (tmp_path / "report.json").write_text('{"id": "a", "folder": "b", "report": "c", "size": "1"}')
    with pytest.raises(ValueError, match="Expected `int`"):
        json_output.read_example("report", folder=tmp_path)


def test_every_finding_of_the_doctor_is_explained_on_its_page() -> None:
    page = (DOCS / "doctor.md").read_text(encoding="utf-8")
    anchors = set(re.findall(r'<a id="([^"]+)"', page))
    assert [each for each in findings.check_ids() if each.replace(".", "-") not in anchors] == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Say ``this``.", "Say `this`."),
        ("Do it. Raises: DataError.", "Do it.\n\n**Raises:** DataError."),
        ("One\nparagraph.\n\nAnother.", "One paragraph.\n\nAnother."),
        ("It is so::\n\n    a = 1", "It is so:\n\n```text\na = 1\n```"),
        ("Gone through.\n\n::\n\n    a = 1", "Gone through.\n\n```text\na = 1\n```"),
    ],
)
def test_docstring_becomes_markdown(text: str, expected: str) -> None:
    assert prose(text) == expected


def test_cells_of_a_table_keep_their_bars() -> None:
    cells = ("x | y", "`int | None`", "")
    row = "| x &#124; y | <code>int &#124; None</code> | |"
    assert table(("a", "b", "c"), [cells]) == f"| a | b | c |\n|---|---|---|\n{row}"
    assert table(("a",), []) == ""


def test_slug_is_what_code_hosts_make_of_a_heading() -> None:
    assert slug("envkit run TASK") == "envkit-run-task"


def test_signature_is_shown_without_self_and_without_help_texts() -> None:
    options = {field.name: field for field in find_name("envkit.api", "Options").fields}
    assert (options["seed"].type, options["seed"].default) == ("int", "42")
    made = {field.name: field.default for field in find_name("envkit.testing", "DoctorTrials").fields}
    assert made["machines"] == "sample_machines()"
    methods = {method.name: method.signature for method in find_name("envkit.api", "Reporter").methods}
    assert methods["plan"] == "def plan(*, steps: int, epochs: float) -> None"
