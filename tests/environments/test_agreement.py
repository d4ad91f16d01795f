"""Ranges that exclude each other are found, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envkit.api import EnvError
from envkit.environments.agreement import Claim, check_agreement


def check(*texts: str) -> None:
    check_agreement([Claim(f"p{number}", Requirement(text)) for number, text in enumerate(texts)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("t>=5", "t<5"),
        ("t==1.2.3", "t==1.2.4"),
        ("t==1.2.*", "t>=1.3"),
        ("t>2,<3", "t>=3"),
        ("t!=1.0", "t==1.0"),
        ("t~=1.4", "t>=2"),
    ],
)
def test_ranges_without_a_common_version_name_both_who_ask(one: str, other: str) -> None:
    with pytest.raises(EnvError, match=r"p0 asks for t.*, and p1 for t.*: no version of t is both"):
        check(one, other)


@pytest.mark.parametrize(
    "texts",
    [
        ("t>=5", "t<6", "t!=5.1"),
        ("t>1.0", "t<1.1"),
        ("t==1.*", "t>=1.9"),
        ("t==2.0rc1", "t>=2.0rc1"),
        ("t<1", "u>=1"),
        ("t>=1!0", "t<2!0"),
        ("t===1.0+own", "t"),
    ],
)
def test_ranges_with_a_common_version_pass(texts: tuple[str, ...]) -> None:
    check(*texts)


versions = st.lists(st.integers(0, 4), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
ranges = st.lists(st.tuples(st.sampled_from(["==", ">=", "<=", ">", "<", "!="]), versions), max_size=3).map(
    lambda pairs: ",".join(f"{operator}{version}" for operator, version in pairs)
)


@given(ranges, ranges, versions)
def test_ranges_that_hold_a_version_both_are_never_said_to_disagree(
    one: str, other: str, version: str
) -> None:
    if SpecifierSet(one).contains(version) and SpecifierSet(other).contains(version):
        check(f"t{one}", f"t{other}")
