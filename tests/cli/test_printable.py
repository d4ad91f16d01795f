"""Text of others on a screen."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from envkit.api.checks import Check, Finding
from envkit.cli.doctor_screen import Screen
from envkit.cli.printable import printable, printable_lines
from envkit.cli.render import print_pairs, print_table

FORGED = "NV\x1b]0;pwn\x07\x1b[2J\x9b1m\b\u202eX\nerror  it.is: forged"
SPELLED = "NV\\x1b]0;pwn\\x07\\x1b[2J\\x9b1m\\x08\\u202eX\\nerror  it.is: forged"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (FORGED, SPELLED),
        ("北京\u3000é 😀", "北京\u3000é 😀"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\r\nb\tc\u2028d\x7f", "a\\r\\nb\\tc\\u2028d\\x7f"),
        ("\udcff", "\\udcff"),
    ],
)
def test_printable_spells_out_what_a_terminal_obeys(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_printable_lines_keeps_lines_and_tabs() -> None:
    assert printable_lines("a\n\tb\x1b[2J\r\n") == "a\n\tb\\x1b[2J\\r\n"


@settings(max_examples=50)
@given(st.text())
def test_printable_is_one_line_and_stays_as_it_is(text: str) -> None:
    once = printable(text)
    assert len(once.splitlines()) <= 1
    assert printable(once) == once
    once.encode()


def test_pairs_and_tables_show_no_control_character(capsys: pytest.CaptureFixture[str]) -> None:
    print_pairs([("GPU", FORGED), (FORGED, "")])
    print_table(("A", FORGED), [(FORGED, FORGED)])

    printed = capsys.readouterr().out
    assert len(printed.splitlines()) == 4
    assert printed.count(SPELLED) == 5
    assert printable_lines(printed) == printed


@pytest.mark.parametrize("is_verbose", [True, False])
def test_doctor_screen_shows_no_control_character_of_a_finding(
    capsys: pytest.CaptureFixture[str], is_verbose: bool
) -> None:
    check = Check(id="acme.x", summary=FORGED, run=lambda context: ())
    finding = Finding(
        id="acme.x", severity="warn", summary=FORGED, evidence=(FORGED,), fix=FORGED, link=f"https://{FORGED}"
    )
    screen = Screen(is_verbose=is_verbose)

    screen.add(check, (finding,))
    screen.wait_for(Check(id="disk.home", summary="", run=lambda context: ()))

    printed = capsys.readouterr().out
    assert SPELLED in printed
    assert printable_lines(printed) == printed
    assert not any(line.startswith("error") for line in printed.splitlines())
