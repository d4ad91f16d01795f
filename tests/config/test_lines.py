"""Where a key stands, in every way that TOML has to write one."""

from __future__ import annotations

import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from envkit.config.lines import key_lines


@pytest.mark.parametrize(
    ("text", "keys", "line"),
    [
        ("a = 1\n", ("a",), 1),
        ("# why\n\na = 1 # so\n", ("a",), 3),
        ("[t]\n\na = 1\n", ("t", "a"), 3),
        ("[t]\n\na = 1\n", ("t",), 1),
        ("[t.u]\na = 1\n[t.v]\na = 2\n", ("t", "v", "a"), 4),
        ("t.u.a = 1\n", ("t", "u", "a"), 1),
        ("x = 1\nt = { u = { a = 1 } }\n", ("t", "u", "a"), 2),
        ("a = [\n  1,\n  2, # [t]\n]\nb = 1\n", ("b",), 5),
        ('a = """\n[t]\nb = 2\n"""\n[t]\nb = 1\n', ("t", "b"), 6),
        ('"a b"."c.d" = 1\n', ("a b", "c.d"), 1),
        ("[[t]]\na = 1\n[[t]]\na = 2\n", ("t", "a"), 2),
        ("a = 1\r\n\r\n[t]\r\nb = 1\r\n", ("t", "b"), 4),
        ("a = 1", ("a",), 1),
    ],
)
def test_key_lines_finds_a_key_however_it_is_written(text: str, keys: tuple[str, ...], line: int) -> None:
    tomllib.loads(text)
    assert key_lines(text)[keys] == line


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)
values = st.one_of(st.integers(-9, 9), st.text(max_size=8), st.lists(st.text(max_size=4), max_size=3))


@pytest.mark.slow
@given(st.dictionaries(names, st.dictionaries(names, values, max_size=4), max_size=4))
def test_key_lines_knows_every_key_of_a_document(content: dict[str, dict[str, object]]) -> None:
    text = tomlkit.dumps(content)
    found = key_lines(text)
    lines = text.split("\n")

    for table, values in content.items():
        assert (table,) in found
        for key in values:
            assert "=" in lines[found[table, key] - 1]
