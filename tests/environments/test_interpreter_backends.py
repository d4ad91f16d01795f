"""Which backends are given the interpreters of this machine: those that say so, whoever wrote them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from packaging.specifiers import SpecifierSet

from envkit.environments.order import choose
from envkit.environments.records import EnvSpec

if TYPE_CHECKING:
    from collections.abc import Callable

    from envkit.environments.planning import Planning


@dataclass(frozen=True)
class Named:
    """As much of a backend as a choice looks at."""

    name: str


@dataclass(frozen=True)
class Local(Named):
    """One that says that it uses interpreters, or that it does not."""

    uses_interpreters: bool


@pytest.mark.parametrize(
    ("backend", "is_given"),
    [(Local("by-others", True), True), (Local("by-others", False), False), (Named("by-others"), False)],
)
def test_choice_for_a_backend_of_others_gives_interpreters_to_one_that_uses_them(
    planning: Callable[..., Planning], backend: Any, is_given: bool
) -> None:
    surroundings = planning(find_backend={"by-others": backend}.__getitem__)
    choice = choose(EnvSpec(backend="by-others"), planning=surroundings)
    usual = choose(EnvSpec(), planning=surroundings)
    assert choice.pythons == (usual.pythons if is_given else ())
    assert usual.pythons and choice.python_range == SpecifierSet(
        f"=={'.'.join(usual.version.split('.')[:2])}.*"
    )
