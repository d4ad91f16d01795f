"""What is lacking, as the command that adds it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from envkit.environments.lacking import add_command, sync_command
from envkit.environments.records import EnvSpec
from envkit.environments.requirements import Needs
from envkit.machine import Nvidia, read_facts

if TYPE_CHECKING:
    from pathlib import Path

_HERE = read_facts()
FACTS = msgspec.structs.replace(
    _HERE,
    platform=msgspec.structs.replace(
        _HERE.platform, system="linux", machine="x86_64", libc="glibc", libc_version="2.39"
    ),
    nvidia=Nvidia(),
)


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


@pytest.mark.parametrize("platform", ["linux_x86_64", "manylinux_2_28_x86_64"])
def test_build_of_ones_own_is_added_as_its_file_which_pip_would_pass_over_by_its_version(
    planning: Any, offline: dict[str, str], tmp_path: Path, platform: str
) -> None:
    file = tmp_path / f"torch-2.8.0-cp311-cp311-{platform}.whl"
    file.touch()
    needs = Needs(
        plugin="envkit-ner",
        python="3.11.7",
        requirements=(Requirement("torch>=2.6"),),
        torch=SpecifierSet(">=2.6"),
        requires_python=SpecifierSet(">=3.11"),
    )
    given = planning(facts=FACTS, environ={**offline, "PIP_FIND_LINKS": str(tmp_path)})
    command = add_command(needs, {}, planning=given, task="ner", with_model=False)
    assert command.split()[-1] == (str(file) if platform.startswith("linux") else "torch===2.8.0")
