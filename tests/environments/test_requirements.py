"""What a plugin needs, from metadata alone."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import EnvError, PluginError
from envkit.environments.requirements import Needs, installed_for, missing, read_needs

if TYPE_CHECKING:
    from collections.abc import Callable

HOST_HEADERS = (
    "Requires-Python: >=3.11",
    "Requires-Dist: click>=8",
    "Requires-Dist: rich>=14; python_version >= '3.11'",
    "Requires-Dist: pluggy>=1.6",
    "Requires-Dist: msgspec>=0.20",
    "Provides-Extra: finetune",
    "Provides-Extra: more",
    "Requires-Dist: torch<3,>=2.6; extra == 'finetune'",
    "Requires-Dist: numpy>=1.26; extra == 'finetune'",
    "Requires-Dist: tomli; (python_version < '3.11') and extra == 'finetune'",
    "Requires-Dist: envkit-ml[finetune]; extra == 'more'",
    "Requires-Dist: peft; extra == 'more'",
    "Provides-Extra: parquet",
    "Requires-Dist: pyarrow>=17; extra == 'parquet'",
)


@pytest.fixture
def needs_of(install: Any, entry_of: Any) -> Callable[..., Needs]:
    def read(*headers: str, python: str = "3.12", host_extras: frozenset[str] = frozenset()) -> Needs:
        host = install("envkit-ml", version="0.1.0", headers=HOST_HEADERS)
        plugin = install("envkit-echo", headers=("Provides-Extra: train", *headers))
        return read_needs(
            entry_of(plugin), python=python, host_extras=host_extras, find_distribution=lambda name: host
        )

    return read


WORKER = ["msgspec>=0.20", "pluggy>=1.6"]


@pytest.mark.parametrize(
    ("headers", "python", "expected"),
    [
        ([], "3.12", WORKER),
        (["envkit-ml"], "3.12", WORKER),
        (["envkit-ml<0.2", "regex"], "3.12", [*WORKER, "regex"]),
        (["tiny; extra == 'train'"], "3.12", [*WORKER, "tiny"]),
        (["tiny; extra == 'other'"], "3.12", WORKER),
        (["envkit-ml[finetune]; extra == 'train'"], "3.12", [*WORKER, "numpy>=1.26", "torch<3,>=2.6"]),
        (["envkit-ml[More]; extra == 'train'"], "3.12", [*WORKER, "numpy>=1.26", "peft", "torch<3,>=2.6"]),
        (
            ["envkit-ml[finetune]; extra == 'train'", "torch!=2.7; extra == 'train'"],
            "3.12",
            [*WORKER, "numpy>=1.26", "torch!=2.7,<3,>=2.6"],
        ),
        (["x[a]>1; extra == 'train'", "X[b]<3"], "3.12", [*WORKER, "x[a,b]<3,>1"]),
        (["envkit-echo[deep]; extra == 'train'", "tiny; extra == 'deep'"], "3.12", [*WORKER, "tiny"]),
        (["envkit-echo[train]; extra == 'train'"], "3.12", WORKER),
        (["old; python_version < '3.12'"], "3.11", [*WORKER, "old"]),
        (["old; python_version < '3.12'"], "3.12", WORKER),
        (["old; python_full_version < '3.11.5'"], "3.11.4", [*WORKER, "old"]),
        (["old; python_full_version < '3.11.5'"], "3.11.7", WORKER),
    ],
)
def test_needs_follow_extras_of_envkit_and_plugin_only(
    needs_of: Any, headers: list[str], python: str, expected: list[str]
) -> None:
    deep = ["Provides-Extra: deep"] if any("deep" in h for h in headers) else []
    needs = needs_of(*deep, *(f"Requires-Dist: {h}" for h in headers), python=python)
    assert sorted(map(str, needs.requirements), key=str.lower) == sorted(expected, key=str.lower)


def test_needs_of_data_that_calls_for_an_extra_of_envkit_have_what_it_brings(needs_of: Any) -> None:
    needs = needs_of("Requires-Dist: tiny; extra == 'train'", host_extras=frozenset({"parquet"}))
    assert sorted(map(str, needs.requirements)) == [*WORKER, "pyarrow>=17", "tiny"]


def test_needs_torch_range_is_none_where_task_asks_for_none(needs_of: Any) -> None:
    assert needs_of().torch is None
    assert str(needs_of("Requires-Dist: envkit-ml[finetune]; extra == 'train'").torch) == "<3,>=2.6"


def test_needs_python_range_is_that_of_both(needs_of: Any) -> None:
    needs = needs_of("Requires-Python: <3.13")
    assert needs.requires_python.contains("3.12")
    assert not needs.requires_python.contains("3.10")
    assert not needs.requires_python.contains("3.13")


@pytest.mark.parametrize(
    ("requirement", "says"),
    [
        ("envkit-ml>=0.5", "envkit-ml here is 0.1.0"),
        ("envkit-ml[finetuning]", "no extra finetuning"),
        ("not a requirement", "is no requirement"),
    ],
)
def test_needs_metadata_that_cannot_be_obeyed_is_a_plugin_error(
    needs_of: Any, requirement: str, says: str
) -> None:
    with pytest.raises(PluginError, match=says) as caught:
        needs_of(f"Requires-Dist: {requirement}")
    assert "envkit-echo" in caught.value.message
    assert "envkit plugin install --upgrade envkit-echo" in (caught.value.hint or "")
    assert "pip install" not in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("installed", "lacking"),
    [
        ({"pluggy": "1.6.0", "msgspec": "0.20", "torch": "2.13.0+cpu", "numpy": "2.0"}, []),
        ({"pluggy": "1.6.0", "msgspec": "0.20", "torch": "2.5", "numpy": "2.0"}, ["torch<3,>=2.6"]),
        ({"pluggy": "1.6.0", "msgspec": "0.20", "torch": "2.14.0.dev1", "numpy": "2.0"}, []),
        ({"pluggy": "1.6.0", "msgspec": "broken", "torch": "2.6", "numpy": "2.0"}, ["msgspec>=0.20"]),
        ({}, ["msgspec>=0.20", "numpy>=1.26", "pluggy>=1.6", "torch<3,>=2.6"]),
    ],
)
def test_missing_lists_what_versions_do_not_meet(
    needs_of: Any, installed: dict[str, str], lacking: list[str]
) -> None:
    needs = needs_of("Requires-Dist: envkit-ml[finetune]; extra == 'train'")
    assert [str(r) for r in missing(needs, installed)] == lacking


def test_installed_for_reads_only_what_is_needed(needs_of: Any, install: Any) -> None:
    there = {"pluggy": install("pluggy", version="1.7")}

    def find(name: str) -> Distribution:
        if name not in there:
            raise PackageNotFoundError(name)
        return there[name]

    assert installed_for(needs_of(), find_distribution=find) == {"pluggy": "1.7"}


def test_needs_of_a_host_that_is_not_installed_say_how_to_install_it(install: Any, entry_of: Any) -> None:
    def find(name: str) -> Distribution:
        raise PackageNotFoundError(name)

    with pytest.raises(EnvError, match="is not installed") as caught:
        read_needs(entry_of(install("envkit-echo")), python="3.12", find_distribution=find)
    assert "pip install --editable ." in str(caught.value.hint)
