"""An environment that was made before is found by what is in it, and none is made."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import install_source

from envkit.api import Base, EnvError
from envkit.environments.find_made import find_made, find_named
from envkit.environments.generations import in_use_file
from envkit.environments.order import host_package
from envkit.environments.records import EnvRecord, EnvSpec, Proof
from envkit.environments.store import change_environment, list_environments, python_of
from envkit.machine import read_facts
from envkit.registry import TaskEntry, find_task

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.flock import FileLock

FACTS = read_facts()


@pytest.fixture
def entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TaskEntry:
    """Return the task `echo`, installed with the list of its files that environments are compared by."""
    site = install_source(tmp_path / "site")
    (info,) = site.glob("*.dist-info")
    files = [file.relative_to(site) for file in site.rglob("*") if file.is_file()]
    record = info / "RECORD"
    record.write_text("".join(f"{file},,\n" for file in (*files, record.relative_to(site))))
    monkeypatch.syspath_prepend(site)
    return find_task("echo")


def make(
    home: Path,
    name: str,
    entry: TaskEntry,
    *,
    created: str,
    digest: str | None = None,
    installed: dict[str, str] | None = None,
) -> None:
    """Put an environment into the store: its record, and something in the place of its Python."""
    plugin = host_package(entry.distribution)

    def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        python_of(prefix).parent.mkdir(parents=True)
        python_of(prefix).touch(mode=0o755)
        return EnvRecord(
            name=name,
            generation=generation,
            backend="venv",
            created=created,
            python="3.11.7",
            spec=EnvSpec(tasks=(entry.name,)),
            base=Base(backend="venv", python="3.11.7"),
            asked=(),
            installed=installed or {},
            without_dependencies=(),
            # The plugin stands for envkit too: what is here is asked of the same function.
            plugins=(msgspec.structs.replace(plugin, digest=digest or plugin.digest),),
            envkit=plugin,
            torch=None,
            facts=FACTS,
            size=1,
            proof=Proof(python="3.11.7", torch=None, devices=(), tasks=(), left_out=(), seconds=0.0),
        )

    made = change_environment(
        home, name, is_fit=lambda prefix, record: None, build=build, say=lambda text: None
    )
    made.release()


def find(entry: TaskEntry, home: Path, *packages: str) -> str | None:
    found = find_made(entry, home=home, packages=packages, find_distribution=lambda name: entry.distribution)
    return None if found is None else found.name


def test_find_made_takes_the_newest_that_holds_this_very_plugin(tmp_path: Path, entry: TaskEntry) -> None:
    make(tmp_path, "old", entry, created="2026-01-01T00:00:00+00:00")
    make(tmp_path, "new", entry, created="2026-02-01T00:00:00+00:00")
    make(tmp_path, "changed", entry, created="2026-03-01T00:00:00+00:00", digest="another")

    assert find(entry, tmp_path) == "new"


def test_find_made_leaves_out_what_lacks_a_package(tmp_path: Path, entry: TaskEntry) -> None:
    make(tmp_path, "has", entry, created="2026-01-01T00:00:00+00:00", installed={"pyarrow": "20"})
    make(tmp_path, "lacks", entry, created="2026-02-01T00:00:00+00:00", installed={"torch": "2.9"})

    assert find(entry, tmp_path, "pyarrow") == "has"
    assert find(entry, tmp_path, "polars") is None


def test_find_made_without_one_that_fits_makes_none(tmp_path: Path, entry: TaskEntry) -> None:
    assert find(entry, tmp_path) is None
    make(tmp_path, "changed", entry, created="2026-03-01T00:00:00+00:00", digest="another")

    assert find(entry, tmp_path) is None
    assert [each.name for each in list_environments(tmp_path)] == ["changed"]


def test_find_named_takes_it_as_it_is_or_names_those_there_are(tmp_path: Path, entry: TaskEntry) -> None:
    make(tmp_path, "mine", entry, created="2026-03-01T00:00:00+00:00", digest="another")

    assert find_named("mine", home=tmp_path).name == "mine"
    with pytest.raises(EnvError) as caught:
        find_named("other", home=tmp_path)
    assert "mine" in (caught.value.hint or "")


def test_look_at_an_environment_counts_as_no_use_of_it(tmp_path: Path, entry: TaskEntry) -> None:
    make(tmp_path, "mine", entry, created="2026-03-01T00:00:00+00:00")
    (prefix,) = (each.prefix for each in list_environments(tmp_path))
    os.utime(in_use_file(prefix), (0, 0))

    find_named("mine", home=tmp_path, is_look=True).release()
    find_made(entry, home=tmp_path, is_look=True, find_distribution=lambda name: entry.distribution).release()  # type: ignore[union-attr]
    assert [each.last_used for each in list_environments(tmp_path)] == [0]
    find_named("mine", home=tmp_path).release()
    assert [each.last_used for each in list_environments(tmp_path)] != [0]
