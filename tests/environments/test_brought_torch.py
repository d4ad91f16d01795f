"""torch that nobody asks for and a package brings along is chosen, named, kept and proved all the same."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.stored import record_of, wanted
from fake_torch import SOURCE

from envkit.api import MachineError
from envkit.cli.env.keeping import plan_keeping, why_stale
from envkit.environments.brought_torch import plan_with_torch
from envkit.environments.lockfile.make import make_lock
from envkit.environments.make import make_environment
from envkit.environments.records import EnvSpec, WheelPackage
from envkit.environments.resolve import resolve_wheels
from envkit.environments.store import find_stored
from envkit.environments.wheels import remake_wheel
from envkit.machine import Gpu, Nvidia, read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.plan import Plan
    from envkit.environments.planning import Planning

FACTS = msgspec.structs.replace(read_facts(), nvidia=Nvidia())
# No CUDA that torch was ever built for runs with such a driver.
GPU = Gpu(index=0, name="NVIDIA A10", compute_capability="8.6")
OLD_DRIVER = msgspec.structs.replace(FACTS, nvidia=Nvidia(driver_version="390.10", gpus=(GPU,)))
RISC = msgspec.structs.replace(FACTS, platform=msgspec.structs.replace(FACTS.platform, machine="riscv64"))


@pytest.fixture
def links(write: Any, tmp_path: Path, find_links: Path) -> str:
    """Return folders with three torches, of which the newest is CUDA's, and packages that need one."""
    folder = tmp_path / "links"
    folder.mkdir()
    for version in ("2.8.0+cpu", "2.9.0+cpu", "2.10.0"):
        files = {"torch/__init__.py": SOURCE.replace("2.8.0", version)}
        remake_wheel(write(tmp_path / version, "torch", version=version, files=files), folder=folder)
    for name, needed in {"newest": ">=2.6", "older": "<2.9", "only-cuda": "==2.10.0"}.items():
        remake_wheel(write(tmp_path / name, name, headers=(f"Requires-Dist: torch{needed}",)), folder=folder)
    return f"{folder} {find_links}"


@pytest.fixture
def surroundings(planning: Any, offline: dict[str, str], links: str) -> Callable[..., Planning]:
    def make(**changes: Any) -> Planning:
        given = {"facts": FACTS, "environ": {**offline, "PIP_FIND_LINKS": links}}
        return planning(**{**given, **changes})  # type: ignore[no-any-return]

    return make


@pytest.fixture
def plan(surroundings: Callable[..., Planning], told: Any) -> Callable[..., Plan]:
    def make(*packages: str, facts: Any = FACTS, wheels: Any = (), **spec: Any) -> Plan:
        return plan_with_torch(
            "mine",
            EnvSpec(packages=packages, **spec),
            planning=surroundings(facts=facts),
            progress=told,
            wheels=wheels,
        )

    return make


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="variants of torch are named by Linux")
@pytest.mark.parametrize(
    ("package", "chosen"),
    [
        ("newest", "2.9.0+cpu"),
        pytest.param("older", "2.8.0+cpu", marks=pytest.mark.slow),
        ("only-cuda", "2.10.0"),
    ],
)
def test_torch_that_a_package_brings_is_the_build_that_fits_both(
    plan: Any, surroundings: Any, package: str, chosen: str
) -> None:
    found = plan(package)
    assert found.torch.version == chosen
    assert found.requirements == (found.torch.requirement, package)
    assert found.reasons[1].startswith(f"torch {chosen}: ")
    assert found.spec.torch == ""
    wheels = {each.name: each.version for each in resolve_wheels(found, planning=surroundings())}
    assert wheels == {"torch": chosen, package: "1.0"}


def test_torch_that_the_driver_does_not_run_is_passed_over(plan: Any) -> None:
    assert plan("newest", facts=OLD_DRIVER).torch.version == "2.9.0+cpu"
    needed = plan("only-cuda", facts=OLD_DRIVER).torch
    assert (needed.version, needed.source) == ("2.10.0+cpu", "torch index")


def test_machine_for_which_there_is_no_torch_is_refused_only_what_needs_one(
    plan: Any, planning: Any, told: Any
) -> None:
    given = planning(facts=RISC)
    found = plan_with_torch("mine", EnvSpec(packages=("tiny",)), planning=given, progress=told)
    assert (found.torch, found.requirements) == (None, ("tiny",))
    with pytest.raises(MachineError, match="no torch build fits"):
        plan_with_torch("mine", EnvSpec(torch="auto"), planning=given, progress=told)


def test_torch_from_an_address_that_the_user_names_is_left_as_it_is(plan: Any, tmp_path: Path) -> None:
    wheel = tmp_path / "links/torch-2.8.0+cpu-py3-none-any.whl"
    named = plan("newest", f"torch @ {wheel.as_uri()}")
    assert (named.torch, named.requirements) == (None, ("newest", f"torch @ {wheel.as_uri()}"))


def test_nothing_is_resolved_where_a_pylock_names_every_file(plan: Any, told: Any, tmp_path: Path) -> None:
    wheel = WheelPackage(
        name="elsewhere", version="1.0", url="https://h.invalid/e.whl", sha256="0" * 64, source="index"
    )
    found = plan("elsewhere==1.0", wheels=(wheel,))
    assert found.torch is None
    assert "resolving packages" not in told.steps


def test_torch_that_came_along_is_kept_by_a_change_and_goes_where_nothing_needs_it(
    surroundings: Any, told: Any, offline: dict[str, str], tmp_path: Path
) -> None:
    given = surroundings()
    older = plan_with_torch("mine", EnvSpec(packages=("older",)), planning=given, progress=told)
    stored = record_of(wanted(name="mine"), generation=1)
    record = msgspec.structs.replace(
        stored,
        python=FACTS.python.version,
        spec=older.spec,
        torch=older.torch,
        installed={"torch": "2.8.0+cpu", "older": "1.0"},
        reasons=older.reasons,
    )

    def version_for(*packages: str) -> str | None:
        spec = EnvSpec(packages=packages)
        torch = plan_keeping("mine", spec, record, planning=given, progress=told).torch
        return None if torch is None else torch.version

    assert version_for("newest") == "2.8.0+cpu"
    assert version_for("only-cuda") == "2.10.0"
    assert version_for("tiny") is None


def test_lock_holds_the_torch_that_a_package_brings(surroundings: Any, told: Any) -> None:
    lock = make_lock(EnvSpec(packages=("newest",)), planning=surroundings(), progress=told)
    assert lock.machines[0].torch is not None
    assert lock.machines[0].torch.version == "2.9.0+cpu"
    assert "torch==2.9.0+cpu" in lock.machines[0].asked


@pytest.mark.slow
def test_environment_with_a_torch_that_came_along_is_proved_recorded_and_fits(
    plan: Any, surroundings: Any, told: Any
) -> None:
    given = surroundings()
    made = make_environment(plan("newest"), planning=given, progress=told)
    assert (made.record.proof.torch, made.record.torch.version) == ("2.9.0+cpu", "2.9.0+cpu")
    assert any(text.startswith("torch 2.9.0+cpu: ") for text in told.said)
    stored = find_stored(given.home, "mine")
    assert why_stale(stored, planning=given) is None
    again = plan_keeping("mine", stored.record.spec, stored.record, planning=given, progress=told)
    assert not make_environment(again, planning=given, progress=told, is_change=True).created
