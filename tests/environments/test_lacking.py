"""What is lacking, as the command that adds it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envkit.environments.lacking import sync_command
from envkit.environments.records import EnvSpec
from envkit.environments.requirements import Needs


@pytest.mark.parametrize(
    ("extras", "installed", "python", "expected"),
    [
        ((), {}, ">=3.11", "envkit env sync mine --task ner"),
        (("parquet",), {}, ">=3.11", "envkit env sync mine --task ner --with 'pyarrow>=17'"),
        (("parquet",), {"pyarrow": "20"}, ">=3.11", "envkit env sync mine --task ner"),
        ((), {}, ">=3.13", "envkit run ner --env auto finds or makes one that fits"),
    ],
)
def test_what_an_environment_lacks_is_added_by_one_command(
    extras: tuple[str, ...], installed: dict[str, str], python: str, expected: str
) -> None:
    needs = Needs(
        plugin="envkit-ner",
        python="3.11.7",
        requirements=(Requirement("pyarrow>=17"),) if extras else (),
        torch=None,
        requires_python=SpecifierSet(python),
    )
    record: Any = SimpleNamespace(spec=EnvSpec(), installed=installed)
    assert sync_command("mine", needs, record, task="ner", host_extras=frozenset(extras)) == expected
