"""Which lines of a lock are told to have changed."""

from __future__ import annotations

import pytest

from envkit.environments.lockfile.stale import changed_lines

LINE = '  {{ name = "{0}", version = "{1}", sha256 = "{2}" }},'
OLD = "\n".join(["version = 1", 'digest = "1"', "wheels = [", LINE.format("tiny", "1.0", "a" * 64), "]", ""])


def test_lines_that_are_alike_everywhere_are_not_told() -> None:
    new = OLD.replace("wheels = [", "\nasked = [\n]\n\nwheels = [")
    told = changed_lines(f"{OLD}\n[spec]\n]\n", f"{new}\n]\n[spec]\n")
    assert all(each.old != each.new for each in told)


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (OLD, []),
        (
            OLD.replace('"1.0"', '"1.1"').replace('digest = "1"', 'digest = "2"'),
            [(4, "tiny 1.0", "tiny 1.1")],
        ),
        (OLD.replace("a" * 64, "b" * 64), [(4, f"tiny 1.0, sha256 {'a' * 47}…", f"sha256 {'b' * 47}…")]),
        (OLD.replace("]\n", LINE.format("more", "2", "c") + "\n]\n"), [(4, "", "more 2")]),
        (OLD.replace(LINE.format("tiny", "1.0", "a" * 64) + "\n", ""), [(4, "tiny 1.0", "")]),
        (OLD.replace('digest = "1"', 'digest = "2"'), [(2, 'digest = "1"', 'digest = "2"')]),
    ],
)
def test_changed_lines_are_told_in_short(new: str, said: list[tuple[int, str, str]]) -> None:
    assert [(each.line, each.old, each.new) for each in changed_lines(OLD, new)] == said
