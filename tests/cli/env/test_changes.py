"""What of an environment's packages a plan changes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.stored import ENVKIT, FACTS, PLUGIN, record_of, wanted

from envkit.api import Base, BasePackage
from envkit.cli.env.changes import compare_packages
from envkit.environments.plan import Plan
from envkit.environments.records import EnvRecord, EnvSpec, HostPackage, WheelPackage

if TYPE_CHECKING:
    from pathlib import Path

OLD = Base(
    backend="conda",
    python="3.11.7",
    packages=(
        BasePackage(name="python", version="3.11.7", build="h0"),
        BasePackage(name="zlib", version="1.2", build="h0"),
    ),
)


def planned(base: Base, *, envkit: HostPackage = ENVKIT) -> Plan:
    return Plan(
        name="e",
        spec=EnvSpec(),
        base=base,
        requirements=(),
        distributions=(),
        unresolved=(),
        torch=None,
        plugins=(PLUGIN,),
        envkit=envkit,
        facts=FACTS,
    )


def recorded(base: Base, installed: dict[str, str]) -> EnvRecord:
    record = record_of(wanted(), generation=1)
    return msgspec.structs.replace(record, backend=base.backend, base=base, installed=installed)


@pytest.mark.parametrize(
    ("installed", "wheels", "changes"),
    [
        ({"tiny": "1.5"}, {"tiny": "1.5"}, []),
        ({}, {"tiny": "1.5"}, [("add", "tiny", "", "1.5")]),
        ({"tiny": "1.5"}, {}, [("remove", "tiny", "1.5", "")]),
        ({"tiny": "1.5", "b": "1"}, {"tiny": "1.6", "b": "1"}, [("change", "tiny", "1.5", "1.6")]),
    ],
)
def test_packages_are_compared_by_name(
    tmp_path: Path, installed: dict[str, str], wheels: dict[str, str], changes: list[Any]
) -> None:
    found = compare_packages(
        recorded(OLD, installed),
        tmp_path,
        plan=planned(OLD),
        wheels=[WheelPackage(name=name, version=version) for name, version in wheels.items()],
    )
    assert [(each.kind, each.name, each.old, each.new) for each in found] == changes


@pytest.mark.parametrize(
    ("base", "changes"),
    [
        (OLD, []),
        (Base(backend="conda", python="3.12.1", packages=OLD.packages[1:]), [("python", "3.11.7", "3.12.1")]),
        (
            Base(backend="conda", python="3.11.7", packages=(*OLD.packages[:1],)),
            [("zlib", "1.2", "")],
        ),
        (
            Base(
                backend="conda",
                python="3.11.7",
                packages=(OLD.packages[0], BasePackage(name="zlib", version="1.2", build="h1")),
            ),
            [("zlib", "1.2 h0", "1.2 h1")],
        ),
        (
            Base(backend="venv", python="3.11", interpreter="/usr/bin/python3"),
            [("kind of environment", "conda", "venv"), ("zlib", "1.2", "")],
        ),
    ],
)
def test_bases_are_compared_by_version_and_build(tmp_path: Path, base: Base, changes: list[Any]) -> None:
    found = compare_packages(recorded(OLD, {}), tmp_path, plan=planned(base), wheels=())
    assert [(each.name, each.old, each.new) for each in found] == changes
    assert {each.of for each in found} <= {"base"}


def test_what_conda_brought_for_python_is_of_the_base(tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    file = "lib/python3.11/site-packages/Py_Zlib-1.2.dist-info/METADATA"
    (tmp_path / "conda-meta/zlib-1.2-h0.json").write_text(f'{{"files": ["{file}"]}}')
    assert compare_packages(recorded(OLD, {"py-zlib": "1.2"}), tmp_path, plan=planned(OLD), wheels=()) == ()


def test_host_package_of_the_same_version_whose_code_changed_is_named(tmp_path: Path) -> None:
    edited = HostPackage(name=ENVKIT.name, version=ENVKIT.version, digest="edited")
    (change,) = compare_packages(
        recorded(OLD, {"envkit-ml": "0.1.0"}),
        tmp_path,
        plan=planned(OLD, envkit=edited),
        wheels=[WheelPackage(name="envkit-ml", version="0.1.0", source="host")],
    )
    assert (change.name, change.kind, change.is_host) == ("envkit-ml", "change", True)
