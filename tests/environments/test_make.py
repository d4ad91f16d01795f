"""Real venvs by the real uv, offline and without torch: planned, resolved, made, proved, changed."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from conda_channel import MINOR, PYTHON, Package, build_channel, python_package, require_conda
from fake_torch import SOURCE

from envkit.api import EnvError, UsageError
from envkit.environments.disk_space import estimate_sizes
from envkit.environments.drift import find_missing, why_unplanned
from envkit.environments.make import make_environment
from envkit.environments.plan import plan_environment
from envkit.environments.records import EnvSpec, WheelPackage
from envkit.environments.resolve import resolve_wheels
from envkit.environments.store import envs_dir, find_stored, list_environments
from envkit.environments.wheels import remake_wheel
from envkit.machine import FoundInterpreter, Nvidia, read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conda_channel import LocalChannel

    from envkit.environments.plan import Plan
    from envkit.environments.records import Environment
    from envkit.registry import TaskEntry

FACTS = read_facts()
TRAIN = ("Requires-Dist: envkit-ml", "Provides-Extra: train", "Requires-Dist: tiny; extra == 'train'")


@pytest.fixture
def echo(install: Any, entry_of: Any) -> TaskEntry:
    return entry_of(  # type: ignore[no-any-return]
        install(
            "envkit-echo",
            headers=TRAIN,
            files={"echo/__init__.py": "", "echo/plugin.py": ""},
            entry_points="[envkit.tasks]\necho = echo.plugin\n",
        )
    )


@pytest.fixture
def plan(planning: Any, told: Any, echo: TaskEntry) -> Callable[..., Plan]:
    def make(name: str = "mine", *, prefer: Any = None, facts: Any = FACTS, **spec: Any) -> Plan:
        given = planning(echo, facts=facts)
        return plan_environment(name, EnvSpec(**spec), planning=given, progress=told, prefer=prefer)

    return make


@pytest.fixture
def make(planning: Any, told: Any, echo: TaskEntry) -> Callable[..., Environment]:
    def call(plan: Plan, *, is_change: bool = False, **changes: Any) -> Environment:
        given = planning(echo, **changes)
        return make_environment(plan, planning=given, progress=told, is_change=is_change)

    return call


def run_python(environment: Environment, code: str) -> str:
    cmd = [str(environment.python), "-I", "-c", code]
    return subprocess.run(cmd, capture_output=True, text=True, check=True).stdout.strip()


def test_plan_writes_nothing_and_says_why(plan: Any, tmp_path: Path) -> None:
    found = plan(tasks=("echo",), packages=("./own.whl",))
    assert not (tmp_path / "home").exists()
    assert found.base.python == FACTS.python.version
    assert [dist.metadata["Name"] for dist in found.distributions] == ["envkit-ml", "envkit-echo"]
    assert found.requirements[-2:] == ("tiny", found.spec.packages[0])
    assert found.spec.packages[0].endswith("/own.whl")
    assert found.reasons[0] == f"Python {FACTS.python.version}: the running one's version"
    with pytest.raises(UsageError):
        plan("../elsewhere")


def test_plan_passes_over_pythons_that_do_not_start_and_names_them_where_no_other_fits(
    plan: Any, tmp_path: Path
) -> None:
    scripts = {"3.29": "echo gone >&2; exit 127", "3.28": "echo 3.28.1"}
    for version, line in scripts.items():
        (tmp_path / f"python{version}").write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / f"python{version}").chmod(0o755)
    dead, living = (FoundInterpreter(path=f"{tmp_path}/python{minor}", version=minor) for minor in scripts)

    def on(*found: FoundInterpreter) -> Any:
        return msgspec.structs.replace(FACTS, interpreters=found)

    base = plan(python=">=3.20", facts=on(dead, living)).base
    assert (base.python, base.interpreter) == ("3.28.1", living.path)
    with pytest.raises(EnvError, match=r"python3\.29, which does not start \(gone\)"):
        plan(python=">=3.20", facts=on(dead))
    with pytest.raises(EnvError) as caught:
        plan(python=">=3.28.5", facts=on(dead, living))
    assert "does not start (gone)" in caught.value.message
    assert f"here is 3.28.1 ({living.path})" in caught.value.message


def test_plain_plan_has_no_envkit_in_it(plan: Any) -> None:
    found = plan(packages=("tiny",))
    assert (found.envkit, found.plugins, found.distributions) == (None, (), ())


def test_resolution_names_every_package_with_file_size_and_hash(
    plan: Any, planning: Any, find_links: Path
) -> None:
    found = {each.name: each for each in resolve_wheels(plan(tasks=("echo",)), planning=planning())}
    assert set(found) == {"envkit-ml", "envkit-echo", "tiny", "pluggy", "msgspec"}
    tiny = found["tiny"]
    wheel = find_links / "tiny-1.5-py3-none-any.whl"
    assert (tiny.version, tiny.source, tiny.size) == ("1.5", "find-links", wheel.stat().st_size)
    assert (tiny.url, len(tiny.sha256)) == (wheel.as_uri(), 64)
    assert (found["envkit-echo"].source, found["envkit-echo"].url) == ("host", "")
    sizes = estimate_sizes(plan(tasks=("echo",)), list(found.values()))
    assert (sizes.download, sizes.unknown) == (0, 0)
    assert sizes.disk > wheel.stat().st_size


def test_resolution_keeps_preferred_versions_where_they_fit(
    plan: Any, planning: Any, write: Any, tmp_path: Path, offline: dict[str, str]
) -> None:
    for version in ("1.5", "2.0"):
        remake_wheel(write(tmp_path / version, "tiny", version=version), folder=tmp_path)
    given = planning(environ={**offline, "PIP_FIND_LINKS": str(tmp_path)})
    versions = [
        resolve_wheels(plan(packages=(text,)), planning=given, prefer=prefer)[0].version
        for text, prefer in (("tiny", {}), ("tiny", {"tiny": "1.5"}), ("tiny>=2", {"tiny": "1.5"}))
    ]
    assert versions == ["2.0", "1.5", "2.0"]


@pytest.mark.slow
def test_environment_is_made_proved_and_taken_again(plan: Any, make: Any, tmp_path: Path) -> None:
    planned = plan(tasks=("echo",))
    made = make(planned)
    record = made.record
    assert (made.created, made.kind, record.generation) == (True, "venv", 1)
    assert made.prefix == envs_dir(tmp_path / "home") / ".made" / "mine-1"
    assert (record.proof.python, record.proof.tasks) == (FACTS.python.version, ("echo",))
    assert (record.spec.tasks, record.base.backend) == (("echo",), "venv")
    assert set(record.installed) == {"envkit-ml", "envkit-echo", "tiny", "pluggy", "msgspec"}
    assert run_python(made, "import envkit_echo, tiny; print(tiny.VERSION)") == "1.5"
    again = make(planned)
    assert (again.created, again.prefix) == (False, made.prefix)
    assert make(planned, is_change=True).created is False


@pytest.mark.slow
def test_work_meanwhile_comes_before_the_record_and_its_failure_leaves_nothing(
    plan: Any, planning: Any, echo: TaskEntry, tmp_path: Path, told: Any
) -> None:
    home, seen = tmp_path / "home", []

    def look() -> None:
        seen.append((*(each.name for each in list_environments(home)), told.steps[-1]))
        if len(seen) == 1:
            raise EnvError("no more")

    def call() -> Environment:
        given = planning(echo)
        return make_environment(plan(packages=("tiny",)), planning=given, progress=told, meanwhile=look)

    with pytest.raises(EnvError, match="no more"):
        call()
    assert not list((envs_dir(home) / ".made").iterdir())
    assert call().created and not call().created
    assert seen == [("proving it",), ("proving it",)]


@pytest.mark.slow
def test_plain_environment_is_checked_for_what_its_packages_lack(
    plan: Any, make: Any, planning: Any, write: Any, tmp_path: Path, offline: dict[str, str], told: Any
) -> None:
    wants = write(tmp_path / "w", "wants", headers=("Requires-Dist: absent>=3",))
    remake_wheel(wants, folder=tmp_path)
    environ = {**offline, "PIP_FIND_LINKS": f"{tmp_path} {offline['PIP_FIND_LINKS']}"}
    assert make(plan("whole", packages=("tiny",))).record.installed == {"tiny": "1.5"}
    locked = replace(
        plan("torn", packages=("wants",)),
        locked=resolve_wheels(
            replace(plan(), requirements=(), unresolved=("wants",)), planning=planning(environ=environ)
        ),
    )
    with pytest.raises(EnvError, match="wants requires `absent>=3`"):
        make(locked, environ=environ)
    assert [each.name for each in list_environments(tmp_path / "home")] == ["whole"]


@pytest.mark.slow
def test_locked_packages_are_installed_with_their_hashes_or_refused_by_name(
    plan: Any, make: Any, planning: Any, told: Any
) -> None:
    planned = plan(tasks=("echo",))
    wheels = resolve_wheels(planned, planning=planning())
    made = make(replace(planned, locked=wheels, lock="1"))
    assert made.record.lock == "1"
    assert made.record.installed == {wheel.name: wheel.version for wheel in wheels}
    made.release()
    tampered = tuple(
        msgspec.structs.replace(wheel, sha256="0" * 64) if wheel.name == "tiny" else wheel for wheel in wheels
    )
    with pytest.raises(EnvError, match=r"tiny==1\.5 does not fit its hash: expected sha256 0{64}, got"):
        make(replace(planned, locked=tampered, lock="2"))
    assert find_stored(planning().home, "mine").record.lock == "1"


@pytest.mark.slow
def test_change_that_fails_leaves_what_was_there(plan: Any, make: Any, tmp_path: Path, told: Any) -> None:
    made = make(plan(packages=("tiny",)))
    with pytest.raises(EnvError):
        make(plan(packages=("tiny", "absent")), is_change=True)
    assert "mine is made anew: it lacks absent" in told.said
    stored = find_stored(tmp_path / "home", "mine")
    assert (stored.record.generation, stored.prefix) == (1, made.prefix)
    changed = make(plan(tasks=("echo",), packages=("tiny",)), is_change=True)
    assert (changed.record.generation, changed.record.spec.tasks) == (2, ("echo",))


@pytest.mark.slow
def test_environment_that_is_there_differs_in_words(plan: Any, make: Any) -> None:
    made = make(plan(packages=("tiny",)))
    record = made.record

    def why(planned: Plan, *, is_change: bool = False) -> str | None:
        return why_unplanned(made.prefix, record, planned, is_change=is_change)

    same = plan(packages=("tiny",))
    assert why(same) is None
    assert why(same, is_change=True) is None
    assert why(plan(packages=("tiny>=2",))) == "it lacks tiny>=2"
    assert why(plan(packages=("tiny>=1",))) is None
    assert why(plan(packages=("tiny>=1",)), is_change=True) == "what is asked for has changed"
    assert why(plan(packages=("other; python_version < '3'",))) is None
    assert why(plan(tasks=("echo",))) == "it lacks envkit-ml"
    assert why(replace(same, lock="1")) == "it was not made from the lock"
    assert str(why(plan(torch="2.8.0"))).startswith("it was made for no torch")
    other = msgspec.structs.replace(same.base, backend="conda")
    assert why(replace(same, base=other)) == "it is of the kind venv"
    elsewhere = msgspec.structs.replace(same.base, interpreter="/another/venv/bin/python")
    assert why(replace(same, base=elsewhere), is_change=True) is None
    newer = msgspec.structs.replace(same.base, python=f"{same.base.python}9")
    assert why(replace(same, base=newer), is_change=True) == "its base has changed"
    gone = next(made.prefix.glob("lib/*/site-packages/tiny-1.5.dist-info"))
    gone.rename(gone.with_name("tiny-2.0.dist-info"))
    assert why(same) == "packages in it were changed: tiny"


def test_what_was_to_be_installed_and_is_not_is_named(plan: Any, make: Any) -> None:
    record = make(plan(packages=("tiny",))).record
    assert find_missing(record, plan(packages=("tiny", "other; python_version < '3'"))) == []
    assert find_missing(record, plan(packages=("tiny>=2", "absent"))) == ["tiny>=2", "absent"]
    assert find_missing(record, plan(tasks=("echo",)))[-2:] == ["envkit-ml", "envkit-echo"]
    locked = (WheelPackage(name="tiny", version="1.5"), WheelPackage(name="absent", version="1"))
    assert find_missing(record, replace(plan(packages=("tiny",)), locked=locked)) == ["absent"]


@pytest.mark.slow
def test_conda_prefix_holds_base_and_wheels(
    plan: Any, make: Any, conda_channel: LocalChannel, tmp_path: Path
) -> None:
    planned = plan(
        backend="conda",
        tasks=("echo",),
        channels=(conda_channel.url,),
        base_packages=("built-module",),
        python=PYTHON,
    )
    assert {package.name for package in planned.base.packages} == {"python", "built-module", "wordlist"}
    made = make(planned)
    assert (made.kind, made.record.python, made.record.proof.tasks) == ("conda", PYTHON, ("echo",))
    assert run_python(made, "import built_module, tiny; print(tiny.VERSION)") == "1.5"
    assert make(planned).created is False


@pytest.mark.slow
def test_torch_from_conda_serves_the_wheels_that_ask_for_it(
    plan: Any,
    make: Any,
    planning: Any,
    write: Any,
    tmp_path: Path,
    offline: dict[str, str],
) -> None:
    require_conda()
    site = f"lib/python{MINOR}/site-packages"
    torch = Package(
        name="pytorch",
        version="2.8.0",
        build="cpu_generic_py_0",
        depends=("python",),
        files={
            f"{site}/torch.py": SOURCE.encode(),
            f"{site}/torch-2.8.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: torch\nVersion: 2.8.0\n",
            f"{site}/torch-2.8.0.dist-info/INSTALLER": b"conda\n",
        },
    )
    channel = build_channel(tmp_path / "channel", [(python_package(), ".conda"), (torch, ".conda")])
    remake_wheel(write(tmp_path / "w", "wants", headers=("Requires-Dist: torch>=2.6",)), folder=tmp_path)
    environ = {**offline, "PIP_FIND_LINKS": f"{tmp_path} {offline['PIP_FIND_LINKS']}"}
    facts = msgspec.structs.replace(FACTS, nvidia=Nvidia())
    planned = plan(
        backend="conda",
        torch="2.8.0",
        torch_from="conda",
        channels=(channel.url,),
        packages=("wants",),
        facts=facts,
    )
    assert planned.requirements == ("wants",)
    assert "pytorch" in {package.name for package in planned.base.packages}
    given = planning(facts=facts, environ=environ)
    assert [each.name for each in resolve_wheels(planned, planning=given)] == ["wants"]
    made = make(planned, environ=environ)
    assert made.record.proof.torch == "2.8.0"
    assert (made.record.installed["torch"], made.record.installed["wants"]) == ("2.8.0", "1.0")


@pytest.mark.slow
def test_constraints_hold_for_what_is_resolved(
    plan: Any, make: Any, write: Any, tmp_path: Path, offline: dict[str, str]
) -> None:
    for version in ("1.5", "2.0"):
        remake_wheel(write(tmp_path / version, "tiny", version=version), folder=tmp_path)
    made = make(
        plan(packages=("tiny",), constraints=("tiny==1.5",)),
        environ={**offline, "PIP_FIND_LINKS": str(tmp_path)},
    )
    assert made.record.installed == {"tiny": "1.5"}


def test_environment_for_another_kind_of_machine_is_not_made_here(
    plan: Any, make: Any, planning: Any, tmp_path: Path
) -> None:
    other = msgspec.structs.replace(
        FACTS, platform=msgspec.structs.replace(FACTS.platform, machine="riscv64")
    )
    with pytest.raises(EnvError, match=r"is for .* on riscv64, and this machine is") as caught:
        make(replace(plan(), facts=other))
    assert "envkit lock" in str(caught.value.hint)
    assert not envs_dir(tmp_path / "home").exists()
