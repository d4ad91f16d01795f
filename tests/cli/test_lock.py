"""`envkit lock` and what is made from it, as a user types it."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from small_wheels import write_wheel

from envkit.machine import read_facts

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    """Return a folder with `tiny` and `other`, which needs it."""
    write_wheel(tmp_path / "wheels", "tiny")
    write_wheel(tmp_path / "wheels", "other", needs=("tiny",))
    return tmp_path / "wheels"


@pytest.fixture
def envkit(envkit_with: Callable[[Path], Command], wheels: Path) -> Command:
    """Run a command that knows one folder of packages and no index."""
    return envkit_with(wheels)


def data_of(done: subprocess.CompletedProcess[str]) -> Any:
    return msgspec.json.decode(done.stdout)["data"]


@pytest.mark.slow
def test_lock_is_written_once_and_then_up_to_date(envkit: Command, tmp_path: Path) -> None:
    done = envkit("lock", "--with", "other")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "envkit.lock was written")
    text = (tmp_path / "envkit.lock").read_text()
    for words in (("lock",), ("lock", "--with", "other"), ("lock", "--check")):
        again = envkit(*words)
        assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "envkit.lock is up to date")
    assert (tmp_path / "envkit.lock").read_text() == text
    assert str(tmp_path) not in text


@pytest.mark.slow
def test_lock_check_of_a_stale_file_names_its_lines_and_exits_1(envkit: Command, tmp_path: Path) -> None:
    envkit("lock", "--with", "other")
    file = tmp_path / "envkit.lock"
    before = file.read_text()
    changed = before.replace('name = "tiny", version = "1.0"', 'name = "tiny", version = "0.9"')
    file.write_text(changed)
    line = before[: before.index('name = "tiny"')].count("\n") + 1
    done = envkit("lock", "--check")
    assert done.returncode == 1
    assert f"envkit.lock:{line}: tiny 0.9 -> tiny 1.0" in done.stdout
    assert file.read_text() == changed
    checked = envkit("lock", "--check", "--json")
    assert (checked.returncode, data_of(checked)["up_to_date"]) == (1, False)
    assert envkit("lock").returncode == 0
    assert file.read_text() == before


@pytest.mark.slow
def test_lock_dry_run_says_what_an_upgrade_changes_and_writes_nothing(
    envkit: Command, wheels: Path, tmp_path: Path
) -> None:
    assert "was not written: --dry-run" in envkit("lock", "--with", "other", "--dry-run").stdout
    assert not (tmp_path / "envkit.lock").exists()
    envkit("lock", "--with", "other")
    write_wheel(wheels, "tiny", "2.0")
    before = (tmp_path / "envkit.lock").read_text()
    done = envkit("lock", "--upgrade", "--dry-run", "--json")
    found = data_of(done)
    assert [(each["old"], each["new"]) for each in found["changes"]] == [("tiny 1.0", "tiny 2.0")]
    assert (found["written"], found["up_to_date"], found["machines"][0]["packages"]) == (False, False, 2)
    assert (tmp_path / "envkit.lock").read_text() == before


@pytest.mark.slow
def test_lock_for_another_machine_adds_its_section(envkit: Command, tmp_path: Path) -> None:
    facts = read_facts()
    there = msgspec.structs.replace(
        facts, platform=msgspec.structs.replace(facts.platform, machine="aarch64")
    )
    (tmp_path / "there.json").write_bytes(msgspec.json.encode(there))
    done = envkit("lock", "--with", "other", "--for", "there.json", "--json")
    names = [each["name"] for each in data_of(done)["machines"]]
    assert len(names) == 2 and "aarch64" in names[1]
    (tmp_path / "envkit.lock").unlink()
    assert envkit("lock", "--with", "other").returncode == 0
    added = envkit("lock", "--for", "there.json")
    told = [line for line in added.stdout.splitlines() if line.startswith(" ")]
    assert told == [f"  new: {names[1]}, 2 packages"]
    assert envkit("lock", "--check").returncode == 0


@pytest.mark.slow
def test_lock_with_options_adds_them_to_what_the_file_asks_for(envkit: Command, tmp_path: Path) -> None:
    write_wheel(tmp_path / "wheels", "third")
    envkit("lock", "--with", "other", "--python", ">=3.11")
    done = envkit("lock", "--with", "third", "--dry-run", "--json")
    assert data_of(done)["machines"][0]["packages"] == 3
    assert envkit("lock", "--with", "third").returncode == 0
    text = (tmp_path / "envkit.lock").read_text()
    assert 'packages = [\n  "other",\n  "third",\n]' in text
    assert 'python = ">=3.11"' in text
    anew = envkit("lock", "--with", "third", "-o", "new.lock", "--json")
    assert data_of(anew)["machines"][0]["packages"] == 1


@pytest.mark.slow
def test_locks_of_one_file_at_once_lose_nothing_that_was_written(envkit: Command, tmp_path: Path) -> None:
    names = ("first", "second", "third")
    for name in names:
        write_wheel(tmp_path / "wheels", name)
    envkit("lock", "--with", "tiny")
    with ThreadPoolExecutor() as pool:
        ends = list(pool.map(lambda name: envkit("lock", "--with", name), names))

    text = (tmp_path / "envkit.lock").read_text()
    written = [name for name, done in zip(names, ends, strict=True) if done.returncode == 0]
    assert written
    assert [name for name in names if f'name = "{name}"' in text] == written
    for done in ends:
        assert done.returncode == 0 or "was changed by somebody else while this was locked" in done.stderr
    assert envkit("lock", "--check").returncode == 0


@pytest.mark.slow
def test_lock_names_every_machine_that_it_is_to_serve(envkit: Command, tmp_path: Path) -> None:
    envkit("lock", "--with", "other")
    (tmp_path / "like.json").write_bytes(msgspec.json.encode(read_facts()))
    done = envkit("lock", "--for", "like.json", "--dry-run")
    assert "(this machine, like.json): Python" in done.stdout
    found = data_of(envkit("lock", "--for", "like.json", "--dry-run", "--json"))
    assert [each["serves"] for each in found["machines"]] == [["this machine", "like.json"]]


def test_lock_of_nothing_or_of_no_file_says_what_to_type(envkit: Command) -> None:
    nothing = envkit("lock")
    assert (nothing.returncode, "envkit lock --task ner" in nothing.stderr) == (2, True)
    unchecked = envkit("lock", "--check")
    assert (unchecked.returncode, "there is no envkit.lock to check" in unchecked.stderr) == (2, True)
    assert envkit("lock", "absent").returncode == 6


@pytest.mark.slow
def test_environment_and_its_lock_make_one_another(envkit: Command, wheels: Path, tmp_path: Path) -> None:
    assert envkit("env", "create", "mine", "--with", "other").returncode == 0
    write_wheel(wheels, "tiny", "2.0")
    assert envkit("lock", "mine").returncode == 0
    text = (tmp_path / "envkit.lock").read_text()
    assert 'name = "tiny", version = "1.0"' in text  # what is in it, not what is newest
    one = data_of(envkit("env", "create", "one", "--locked", "--json"))["environment"]["record"]
    two = data_of(envkit("env", "create", "two", "--locked", "envkit.lock", "--json"))["environment"][
        "record"
    ]
    assert one["installed"] == two["installed"] == {"other": "1.0", "tiny": "1.0"}
    assert one["lock"] in envkit("env", "show", "one").stdout
    assert "is there and is what" in envkit("env", "create", "one", "--locked").stdout
    envkit("lock", "--upgrade")
    changed = envkit("env", "create", "one", "--locked")
    assert (changed.returncode, "made from another lock" in changed.stderr) == (6, True)
    assert envkit("env", "sync", "one", "--locked", "--yes").returncode == 0
    shown = data_of(envkit("env", "show", "one", "--json"))["record"]
    assert shown["installed"]["tiny"] == "2.0"


def test_environment_from_a_lock_of_another_machine_names_the_line(envkit: Command, tmp_path: Path) -> None:
    from environments.lockfile.locks import machine, section, write

    from envkit.environments.lockfile.facts import locked_facts

    write(tmp_path, section(facts=locked_facts(machine(machine="s390x"))))
    done = envkit("env", "create", "mine", "--locked")
    assert done.returncode == 6
    assert "envkit.lock:17: is for s390x, and this machine is" in done.stderr
    assert "envkit lock --for facts.json" in done.stderr


@pytest.mark.slow
def test_markers_of_the_kernel_count_here_and_in_no_lock(
    envkit: Command, wheels: Path, tmp_path: Path
) -> None:
    write_wheel(wheels, "third")
    asked = tmp_path / "asked.txt"
    asked.write_text('tiny\nother; platform_version != ""\nthird; platform_release != ""\n')
    planned = data_of(envkit("env", "create", "mine", "--file", "asked.txt", "--dry-run", "--json"))
    assert [each["name"] for each in planned["plan"]["wheels"]] == ["other", "third", "tiny"]
    assert envkit("env", "create", "mine", "--file", "asked.txt").returncode == 0
    assert data_of(envkit("env", "sync", "mine", "--dry-run", "--json"))["changes"] == []
    # A lock is for a kind of machine, which has no kernel of its own.
    assert envkit("lock", "--file", "asked.txt").returncode == 0
    checked = envkit("lock", "--check")
    assert checked.returncode == 0, checked.stderr
    made = data_of(envkit("env", "create", "locked", "--locked", "--json"))["environment"]["record"]
    assert list(made["installed"]) == ["tiny"]
    assert "is there and is what" in envkit("env", "create", "locked", "--locked").stdout


@pytest.mark.parametrize("way", ["device", "pipe"])
def test_lock_goes_into_no_device_and_no_pipe(envkit: Command, tmp_path: Path, way: str) -> None:
    output = "/dev/full"
    if way == "pipe":
        os.mkfifo(tmp_path / "pipe")
        output = "pipe"
    done = envkit("lock", "--with", "tiny", "-o", output)
    assert (done.returncode, f"-o {output}: that is no plain file" in done.stderr) == (2, True)
