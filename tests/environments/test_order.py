"""From what is wanted to Python, torch and needs, decided without a process."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.api import Base, EnvError, MachineError
from envkit.environments.order import automatic_name, choose
from envkit.environments.records import EnvRecord, EnvSpec, Proof
from envkit.machine import FoundInterpreter, Gpu, Interpreter, Nvidia, read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.registry import TaskEntry

TRAIN = ("Requires-Dist: envkit-ml", "Provides-Extra: train")
replace = msgspec.structs.replace
_HERE = read_facts()
_LINUX = replace(_HERE.platform, system="linux", machine="x86_64", libc="glibc", libc_version="2.39")
_RUNNING = Interpreter(path="/usr/bin/python3.11", version="3.11.7", implementation="cpython", is_64bit=True)
FACTS = replace(
    _HERE,
    platform=_LINUX,
    nvidia=Nvidia(),
    python=_RUNNING,
    interpreters=(
        FoundInterpreter(path="/usr/bin/python3.13", version="3.13"),
        FoundInterpreter(path="/usr/bin/python3.12", version="3.12"),
    ),
)
GPU = Gpu(index=0, name="NVIDIA A10", compute_capability="8.6")
GPU_FACTS = replace(FACTS, nvidia=Nvidia(driver_version="550.54.14", gpus=(GPU,)))


@pytest.fixture
def plugin(install: Any, entry_of: Any) -> Callable[..., TaskEntry]:
    def make(task: str, *headers: str) -> TaskEntry:
        return entry_of(install(f"envkit-{task}", headers=(*TRAIN, *headers)), task)  # type: ignore[no-any-return]

    return make


@pytest.mark.parametrize(
    ("python", "expected"),
    [("", "3.11.7"), ("3.12", "3.12"), (">=3.12", "3.13"), ("3.12.4", "3.12"), ("3.11.7", "3.11.7")],
)
def test_python_is_the_running_one_or_the_first_that_fits(planning: Any, python: str, expected: str) -> None:
    choice = choose(EnvSpec(python=python), planning=planning(facts=FACTS))
    assert choice.version == expected
    assert [path for path, _ in choice.pythons] == [f"/usr/bin/python{expected[:4]}"]


def test_python_that_is_not_there_names_those_that_are(planning: Any) -> None:
    with pytest.raises(EnvError, match=r"needs Python ==3\.10\.\*; on PATH there is 3\.11\.7, 3\.13, 3\.12"):
        choose(EnvSpec(python="3.10"), planning=planning(facts=FACTS))


@pytest.mark.parametrize(("python", "expected"), [("", "3.11"), (">=3.12", "3.14"), ("3.10", "3.10")])
def test_python_that_the_backend_brings_is_a_range_of_one_minor_version(
    planning: Any, python: str, expected: str
) -> None:
    choice = choose(EnvSpec(backend="conda", python=python), planning=planning(facts=FACTS))
    assert (choice.version, choice.pythons) == (expected, ())
    assert choice.python_range.contains(f"{expected}.3")
    assert not choice.python_range.contains("3.8.1")


@pytest.mark.parametrize(
    ("spec", "variant", "version"),
    [
        (EnvSpec(), None, ""),
        (EnvSpec(torch="auto"), "cpu", ""),
        (EnvSpec(torch="cpu"), "cpu", ""),
        (EnvSpec(torch="cu126"), "cu126", ""),
        (EnvSpec(torch="2.8.0"), "cpu", "2.8.0"),
        (EnvSpec(torch="2.8.0+cu126"), "cu126", "2.8.0"),
        (EnvSpec(packages=("torch<2.9,>=2.8",)), "cpu", "2.8.0"),
        (EnvSpec(packages=("torch @ https://host.example/torch.whl",)), None, ""),
    ],
)
def test_torch_is_as_asked(planning: Any, spec: EnvSpec, variant: str | None, version: str) -> None:
    torch = choose(spec, planning=planning(facts=FACTS)).torch
    assert (torch and torch.variant) == variant
    assert torch is None or torch.version.startswith(version)


def test_torch_of_a_task_fits_the_gpu_and_another_may_be_asked_for(planning: Any, plugin: Any) -> None:
    entry = plugin("echo", "Requires-Dist: torch>=2.6; extra == 'train'")
    given = planning(entry, facts=GPU_FACTS)
    found = choose(EnvSpec(tasks=("echo",)), planning=given).torch
    assert found is not None
    assert found.variant.startswith("cu")
    cpu = choose(EnvSpec(tasks=("echo",), torch="cpu"), planning=given).torch
    assert cpu is not None
    assert (cpu.variant, cpu.reason) == ("cpu", "The variant cpu was asked for.")


@pytest.mark.parametrize(
    ("torch", "message"),
    [("cu999", "torch has no variant cu999"), ("cu132", "comes nearest, but"), ("2.2.0", "meets torch")],
)
def test_torch_that_there_is_none_of_says_why(planning: Any, torch: str, message: str) -> None:
    with pytest.raises(MachineError, match=message):
        choose(EnvSpec(torch=torch), planning=planning(facts=GPU_FACTS))


def test_tasks_together_have_their_needs_merged(planning: Any, plugin: Any) -> None:
    one = plugin("one", "Requires-Dist: tiny>=1; extra == 'train'", "Requires-Python: >=3.12")
    two = plugin("two", "Requires-Dist: tiny<3; extra == 'train'", "Requires-Dist: other; extra == 'train'")
    choice = choose(
        EnvSpec(tasks=("one", "two"), packages=("mine",)), planning=planning(one, two, facts=FACTS)
    )
    assert {str(r) for r in choice.needs.requirements} >= {"tiny<3,>=1", "other"}
    assert (choice.version, choice.packages) == ("3.13", ("mine",))
    assert automatic_name(EnvSpec(backend="conda"), choice) == "one-two-py3.13-conda"


@pytest.mark.parametrize(
    ("theirs", "spec", "who"),
    [
        ("tiny>=2", EnvSpec(tasks=("one", "two")), r"envkit-one 1\.0 asks for tiny<2, and envkit-two 1\.0"),
        ("other", EnvSpec(tasks=("one",), packages=("tiny>=2",)), r"envkit-one 1\.0 asks .* and --with for"),
        ("other", EnvSpec(tasks=("three",), torch="2.5"), r"envkit-three 1\.0 asks .* and --torch for"),
    ],
)
def test_tasks_that_cannot_live_together_are_named(
    planning: Any, plugin: Any, theirs: str, spec: EnvSpec, who: str
) -> None:
    one = plugin("one", "Requires-Dist: tiny<2; extra == 'train'")
    two = plugin("two", f"Requires-Dist: {theirs}; extra == 'train'")
    three = plugin("three", "Requires-Dist: torch>=2.6; extra == 'train'")
    with pytest.raises(EnvError, match=who):
        choose(spec, planning=planning(one, two, three, facts=FACTS))


def test_environment_for_another_machine_takes_its_torch_and_this_ones_python(planning: Any) -> None:
    other = replace(GPU_FACTS, python=replace(_RUNNING, path="/elsewhere/python3.12", version="3.12.1"))
    choice = choose(EnvSpec(torch="auto"), planning=planning(facts=other, here=FACTS))
    assert choice.torch is not None
    assert choice.torch.variant.startswith("cu")
    assert choice.pythons == (("/usr/bin/python3.11", "3.11.7"),)


@pytest.mark.parametrize(
    ("afar", "more", "source"),
    [
        (False, {}, "find-links"),
        (True, {}, "torch index"),
        (True, {"PIP_NO_INDEX": "1"}, "find-links"),  # nothing else is there to choose from
    ],
)
def test_wheel_on_this_disk_decides_for_no_machine_that_is_planned_from_afar(
    planning: Any, offline: dict[str, str], tmp_path: Path, afar: bool, more: dict[str, str], source: str
) -> None:
    (tmp_path / "torch-2.8.0+company-cp311-cp311-manylinux_2_28_x86_64.whl").touch()
    environ = {name: value for name, value in offline.items() if name != "PIP_NO_INDEX"}
    environ |= {"PIP_FIND_LINKS": str(tmp_path), **more}
    given = planning(facts=FACTS, here=FACTS, is_planned_from_afar=afar, environ=environ)
    choice = choose(EnvSpec(torch="auto"), planning=given)
    assert choice.torch is not None
    assert choice.torch.source == source


def test_name_tells_plugin_python_and_torch(planning: Any, plugin: Any) -> None:
    entry = plugin("echo", "Requires-Dist: torch==2.8.0; extra == 'train'")
    spec = EnvSpec(tasks=("echo",))
    assert re.fullmatch(
        r"echo-py3\.11-torch2\.8\.0-cpu",
        automatic_name(spec, choose(spec, planning=planning(entry, facts=FACTS))),
    )


def test_default_model_comes_along_where_a_task_has_torch_and_no_cache_has_it(
    planning: Any, plugin: Any
) -> None:
    entry = plugin("echo", "Requires-Dist: torch>=2.6; extra == 'train'")
    spec = EnvSpec(tasks=("echo",))
    assert choose(spec, planning=planning(entry, facts=FACTS)).model_packages
    assert not choose(spec, planning=planning(entry, facts=FACTS), model="some/other").model_packages
    assert not choose(EnvSpec(torch="cpu"), planning=planning(facts=FACTS)).model_packages


def test_python_and_torch_of_an_earlier_environment_are_kept_where_they_fit(planning: Any) -> None:
    spec = EnvSpec(torch=">=2.7")
    earlier = choose(EnvSpec(python="3.12", torch="2.8.0"), planning=planning(facts=FACTS))
    record = EnvRecord(
        name="mine",
        generation=1,
        backend="venv",
        created="2026-01-01T00:00:00+00:00",
        python="3.12.4",
        spec=spec,
        base=Base(backend="venv", python="3.12.4"),
        asked=(),
        installed={},
        without_dependencies=(),
        plugins=(),
        envkit=None,
        torch=earlier.torch,
        facts=FACTS,
        size=1,
        proof=Proof(python="3.12.4", torch=None, devices=(), tasks=(), left_out=(), seconds=0.0),
    )
    kept = choose(spec, planning=planning(facts=FACTS), prefer=record)
    assert kept.torch is not None
    assert (kept.version, kept.torch.version.partition("+")[0]) == ("3.12", "2.8.0")
    changed = choose(EnvSpec(torch=">=2.9", python="3.13"), planning=planning(facts=FACTS), prefer=record)
    assert changed.torch is not None
    assert (changed.version, changed.torch.version.startswith("2.8")) == ("3.13", False)
    on_gpu = choose(spec, planning=planning(facts=GPU_FACTS), prefer=record)
    assert on_gpu.torch is not None
    assert on_gpu.torch.variant.startswith("cu")
