"""What a distribution needs itself and what with each extra, told from the markers of its requirements."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement

from envkit.authoring.extra_markers import split_by_extra


@pytest.mark.parametrize(
    ("line", "plain", "extras"),
    [
        ("foo", ["foo"], {}),
        ("foo (>=1.2) ; extra == 'x'", [], {"x": ["foo>=1.2"]}),
        (
            'foo>=1; extra == "x" and python_version < "3.12"',
            [],
            {"x": ['foo>=1; python_version < "3.12"']},
        ),
        (
            'foo>=1; python_version < "3.12" and extra == "x"',
            [],
            {"x": ['foo>=1; python_version < "3.12"']},
        ),
        ("foo; 'a_B' == extra", [], {"a-b": ["foo"]}),
        ('foo; extra == "a" or extra == "b"', [], {"a": ["foo"], "b": ["foo"]}),
        (
            'foo; (os_name == "nt" or os_name == "posix") and extra == "x"',
            [],
            {"x": ['foo; os_name == "nt" or os_name == "posix"']},
        ),
        ('foo; os_name == "nt" or extra == "x"', ['foo; os_name == "nt"'], {"x": ["foo"]}),
        ('foo; os_name == "extra"', ['foo; os_name == "extra"'], {}),
        (
            'foo[y] @ https://host/f.zip ; extra == "x" and os_name == "nt"',
            [],
            {"x": ['foo[y] @ https://host/f.zip ; os_name == "nt"']},
        ),
        ("no requirement", ["no requirement"], {}),
    ],
)
def test_requirement_goes_to_the_extras_that_its_marker_names(
    line: str, plain: list[str], extras: dict[str, list[str]]
) -> None:
    assert split_by_extra([line]) == (plain, extras)


_COMPARISONS = st.sampled_from(
    ['extra == "a"', '"b" == extra', 'os_name == "nt"', 'python_version < "3.12"', 'sys_platform == "or"']
)
_MARKERS = st.recursive(
    _COMPARISONS,
    lambda inner: (
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner)
        | st.builds("{} {} {}".format, inner, st.sampled_from(["and", "or"]), inner)
    ),
    max_leaves=6,
)


@given(
    marker=_MARKERS,
    extra=st.sampled_from(["", "a", "b"]),
    os_name=st.sampled_from(["nt", "posix"]),
    python=st.sampled_from(["3.11", "3.12"]),
)
def test_what_is_taken_apart_asks_for_the_same_as_before(
    marker: str, extra: str, os_name: str, python: str
) -> None:
    environment = {"os_name": os_name, "python_version": python, "sys_platform": "or"}
    plain, extras = split_by_extra([f"foo; {marker}"])

    def holds(line: str) -> bool:
        found = Requirement(line).marker
        return found is None or found.evaluate({**environment, "extra": extra})

    assert any(holds(line) for line in [*plain, *extras.get(extra, [])]) == holds(f"foo; {marker}")
