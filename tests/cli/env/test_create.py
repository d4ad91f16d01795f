"""`envkit env create`: what is made, what is said of it, and what is refused before anything is made."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.environments.flock import lock_exclusively
from envkit.machine import read_facts

if TYPE_CHECKING:
    from pathlib import Path


def test_create_dry_run_names_every_version_and_writes_nothing(
    envkit: Any, data_of: Any, tmp_path: Path
) -> None:
    data = data_of(envkit("env", "create", "e", "--with", "other", "--dry-run", "--json"))
    plan = data["plan"]
    assert (data["dry_run"], data["created"], data["environment"]) == (True, False, None)
    assert {wheel["name"]: wheel["version"] for wheel in plan["wheels"]} == {"other": "1.0", "tiny": "1.5"}
    assert (plan["download"], plan["unsized"]) == (0, 0)
    assert plan["proof"] == ["Python starts"]
    assert not (tmp_path / "home").exists()


def test_create_makes_it_and_takes_it_when_asked_the_same_again(
    envkit: Any, data_of: Any, tmp_path: Path
) -> None:
    words = ("env", "create", "e", "--with", "tiny")
    made = envkit(*words)
    assert made.returncode == 0, made.stderr
    assert "proved       Python" in made.stdout
    assert "envkit env shell e" in made.stdout
    assert all(len(line) <= 80 + len(str(tmp_path)) for line in made.stdout.splitlines())
    again = data_of(envkit(*words, "--json"))
    assert not again["created"]
    assert again["environment"]["record"]["installed"] == {"tiny": "1.5"}
    assert again["environment"]["folder"] == str(tmp_path / "home/envs/e")
    assert os.access(again["environment"]["python"], os.X_OK)
    assert "is what was asked for" in envkit(*words).stdout
    assert (
        f"python       {read_facts().python.version}: the running one's" in envkit("env", "show", "e").stdout
    )

    another = envkit("env", "create", "e", "--with", "other", "--torch", "cpu")
    assert another.returncode == 6
    assert "torch: any is there, cpu was asked for" in another.stderr
    assert "packages: lacks other" in another.stderr
    assert "envkit env sync e --torch cpu --with other --without tiny" in another.stderr
    assert "envkit env remove e" in another.stderr


@pytest.mark.slow
def test_two_at_once_with_different_wishes_make_one_and_tell_the_other_what_differs(
    envkit: Any, tmp_path: Path
) -> None:
    base = [sys.executable, "-m", "envkit", "env", "create", "e", "--with"]
    lock = lock_exclusively(tmp_path / "home/envs/.made/e.lock")
    both = [
        subprocess.Popen([*base, package], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for package in ("tiny", "other")
    ]
    for each in both:
        assert each.stderr is not None
        assert any("waiting for process" in line for line in each.stderr)
    lock.release()
    said = {each.returncode: "".join(out) for each in both if (out := each.communicate(timeout=60))}
    assert sorted(said) == [0, 6], said
    assert "there is an environment e already, and it is not what was asked for" in said[6]
    assert "packages: lacks " in said[6]
    assert "envkit env sync e --with " in said[6]
    assert sorted(path.name for path in (tmp_path / "home/envs/.made").iterdir()) == [
        "e-1",
        "e-1.in-use",
        "e.lock",
    ]


@pytest.mark.slow
@pytest.mark.parametrize("words", [["create", "e", "--with", "tiny"], ["sync", "e"]])
def test_what_has_nothing_to_do_clears_what_killed_processes_left(
    envkit: Any, tmp_path: Path, words: list[str]
) -> None:
    assert envkit("env", "create", "e", "--with", "tiny").returncode == 0
    made = tmp_path / "home/envs/.made"
    for name in ("e-7", "other-3"):
        (made / name / "bin").mkdir(parents=True)
    done = envkit("env", *words)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in made.iterdir()} == {"e-1", "e-1.in-use", "e.lock"}


@pytest.mark.slow
def test_create_for_a_task_brings_its_plugin_and_proves_it(
    envkit: Any, data_of: Any, plugin_library: Path
) -> None:
    words = ("env", "create", "e", "--task", "whisper")
    data = data_of(envkit(*words, "--json", PYTHONPATH=str(plugin_library)))
    record = data["environment"]["record"]
    assert record["proof"]["tasks"] == ["whisper"]
    assert {"envkit-whisper", "envkit-ml", "tiny", "pluggy", "msgspec"} <= record["installed"].keys()
    # The environment's own `envkit` is the one that made it.
    called = [data["environment"]["folder"] + "/bin/envkit", "env", "list", "--json"]
    inside = subprocess.run(called, capture_output=True, text=True, check=False)
    assert [each["name"] for each in data_of(inside)] == ["e"]
    gone = envkit("env", "show", "e")
    assert gone.returncode == 0
    assert "fits         no longer: there is no task 'whisper'" in gone.stdout


def test_create_that_fails_leaves_nothing(envkit: Any, tmp_path: Path) -> None:
    done = envkit("env", "create", "e", "--with", "nosuch")
    assert done.returncode == 6
    assert "nosuch" in done.stderr
    assert "hint: " in done.stderr
    assert list((tmp_path / "home/envs").rglob("*/bin")) == []
    assert envkit("env", "list", "--json").returncode == 0


@pytest.mark.slow
def test_create_of_a_package_that_is_nowhere_names_the_line_that_asks_for_it(
    envkit: Any, tmp_path: Path
) -> None:
    (tmp_path / "bad.txt").write_text("tiny\nNo.Such>=1\n")
    for words in (["create", "e", "--dry-run"], ["create", "e"]):
        done = envkit("env", *words, "--file", "bad.txt")
        assert done.returncode == 6
        assert "no-such cannot be found" in done.stderr
        assert "\n  bad.txt:2 asks for no-such\n" in done.stderr
        assert "Is the name right?" in done.stderr
    assert envkit("env", "create", "e").returncode == 0
    synced = envkit("env", "sync", "e", "--file", "bad.txt")
    assert "bad.txt:2 asks for no-such" in synced.stderr


@pytest.mark.slow
def test_files_that_contradict_each_other_are_named_with_their_lines(envkit: Any, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("# pins\nTiny == 1.0\n")
    (tmp_path / "b.txt").write_text("tiny==1.5\n")
    for words in (["env", "create", "e"], ["lock"]):
        done = envkit(*words, "--file", "a.txt", "--file", "b.txt")
        assert done.returncode == 6
        assert "error: a.txt:2 asks for Tiny==1.0, and b.txt:1 for tiny==1.5: " in done.stderr
    mixed = envkit("env", "create", "e", "--file", "b.txt", "--with", "tiny<1.5")
    assert "--with asks for tiny<1.5, and b.txt:1 for tiny==1.5: " in mixed.stderr


def test_create_of_one_that_is_there_names_the_file_that_was_given(envkit: Any, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("tiny\n")
    assert "Making the environment e\n" in envkit("env", "create", "e").stderr  # no size is known
    done = envkit("env", "create", "e", "--file", "mine.txt", "--with", "other")
    assert done.returncode == 6
    assert "envkit env sync e --with other --file mine.txt\n" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["a/b"], 2, "begins with a letter or digit"),
        (["auto"], 2, "means something else to --env"),
        (["e", "--task", "nre"], 2, "Did you mean 'ner'?"),
        (["e", "--backend", "cnda"], 2, "Did you mean 'conda'?"),
        (["e", "--python", "3.x"], 2, "no version of Python"),
        (["e", "--python", "3.6"], 6, "needs Python ==3.6.*"),
        (
            ["e", "--task", "ner", "--python", "3.8"],
            6,
            "3.8 was asked for, and envkit-ner 0.1.0 needs >=3.11;",
        ),
        (["e", "--locked"], 2, "there is no envkit.lock"),
        (["e", "--locked", "bad.json"], 2, "bad.json is no envkit.lock"),
        (["e", "--torch", "foo"], 2, "neither a variant nor a version"),
        (["e", "--torch-from", "pip"], 2, "--torch-from"),
        (["e", "--file", "nope.txt"], 2, "there is no such file"),
        (["e", "--for", "nope.json"], 2, "nope.json: cannot be read"),
        (["e", "--for", "bad.json"], 2, "these are no facts of a machine"),
        (["e", "--for", "mac.json"], 6, "is for darwin on aarch64, and this machine is"),
        ([], 2, "Missing argument 'NAME'"),
    ],
)
def test_create_of_what_cannot_be_says_what_was_expected_and_makes_nothing(
    envkit: Any, tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    facts = read_facts()
    mac = msgspec.structs.replace(facts.platform, system="darwin", machine="arm64", libc=None)
    (tmp_path / "mac.json").write_bytes(msgspec.json.encode(msgspec.structs.replace(facts, platform=mac)))
    (tmp_path / "bad.json").write_text('{"a": 1}')
    done = envkit("env", "create", *words)
    assert done.returncode == code, done.stderr
    assert said in done.stderr
    assert "hint: " in done.stderr
    assert not (tmp_path / "home/envs").exists()


def test_facts_in_an_envelope_are_read_as_well(envkit: Any, data_of: Any, tmp_path: Path) -> None:
    (tmp_path / "here.json").write_text(envkit("facts", "--json").stdout)
    plan = data_of(envkit("env", "create", "e", "--for", "here.json", "--dry-run", "--json"))["plan"]
    assert plan["wheels"] == []


def test_files_that_ask_for_two_pythons_are_both_named(envkit: Any, tmp_path: Path) -> None:
    for name, python in (("one", "3.11"), ("two", "3.12")):
        (tmp_path / name).mkdir()
        text = f"dependencies:\n  - python={python}\n"
        (tmp_path / name / "environment.yml").write_text(text)
    files = ("--file", "one/environment.yml", "--file", "two/environment.yml")
    done = envkit("env", "create", "e", *files)
    assert done.returncode == 2
    assert "one/environment.yml asks for Python 3.11" in done.stderr
    assert "--python 3.11" in done.stderr


@pytest.mark.slow
def test_create_locked_makes_what_is_locked_and_takes_nothing_besides(
    envkit: Any, data_of: Any, old_wheels: Path, new_wheels: Path
) -> None:
    locked = envkit("lock", "--with", "tiny", "--json")
    assert locked.returncode == 0, locked.stderr
    newer = {"PIP_FIND_LINKS": f"{old_wheels} {new_wheels}"}
    data = data_of(envkit("env", "create", "e", "--locked", "--json", **newer))
    assert data["environment"]["record"]["installed"] == {"tiny": "1.5"}
    assert "up to date" in envkit("env", "sync", "e", **newer).stdout
    assert "envkit env create e --locked" in envkit("env", "show", "e").stdout
    besides = envkit("env", "create", "e", "--locked", "--with", "other")
    assert besides.returncode == 2
    assert "nothing can be asked for besides" in besides.stderr
    changed = envkit("env", "sync", "e", "--upgrade", "--yes", **newer)
    assert changed.returncode == 0, changed.stderr
    differs = envkit("env", "create", "e", "--locked", **newer)
    assert differs.returncode == 6
    assert "envkit env sync e --locked envkit.lock" in differs.stderr


def pylock_of(folder: Path, *wheels: Path, digest: str | None = None) -> Path:
    """Write a lock of wheels, at the addresses where they lie."""
    tables = []
    for wheel in wheels:
        name, version, *_ = wheel.name.split("-")
        sha256 = digest or hashlib.sha256(wheel.read_bytes()).hexdigest()
        file = f'{{ url = "{wheel.as_uri()}", hashes = {{ sha256 = "{sha256}" }} }}'
        tables.append(f'[[packages]]\nname = "{name}"\nversion = "{version}"\nwheels = [{file}]\n')
    file = folder / "pylock.toml"
    file.write_text("\n".join(['lock-version = "1.0"\ncreated-by = "hand"\n', *tables]))
    return file


@pytest.mark.slow
def test_create_and_sync_of_a_pylock_take_its_own_addresses(
    envkit: Any, data_of: Any, old_wheels: Path, new_wheels: Path, plugin_library: Path, tmp_path: Path
) -> None:
    # No index and no folder that is known here has this version.
    (newer,) = new_wheels.glob("tiny-1.6*")
    pylock_of(tmp_path, newer)
    words = ("env", "create", "e", "--file", "pylock.toml")
    planned = data_of(envkit(*words, "--dry-run", "--json"))["plan"]["wheels"]
    assert [(each["name"], each["version"], each["url"]) for each in planned] == [
        ("tiny", "1.6", newer.as_uri())
    ]
    record = data_of(envkit(*words, "--json"))["environment"]["record"]
    assert record["installed"] == {"tiny": "1.6"}
    assert record["spec"]["packages"] == ["tiny==1.6"]
    assert list((tmp_path / "home/envs/e").glob("lib/*/site-packages/tiny-*/direct_url.json")) == []

    (older,) = old_wheels.glob("tiny-*")
    pylock_of(tmp_path, older)
    synced = envkit("env", "sync", "e", "--file", "pylock.toml", "--yes")
    assert synced.returncode == 0, synced.stderr
    assert "change  tiny  1.6 -> 1.5" in synced.stdout

    pylock_of(tmp_path, newer)
    task = ("env", "create", "t", "--task", "whisper", "--file", "pylock.toml", "--with", "other", "--json")
    record = data_of(envkit(*task, PYTHONPATH=str(plugin_library)))["environment"]["record"]
    assert (record["installed"]["tiny"], record["installed"]["other"]) == ("1.6", "1.0")
    assert record["proof"]["tasks"] == ["whisper"]


@pytest.mark.slow
@pytest.mark.parametrize("others", [[], ["--with", "other"]])
def test_create_of_a_pylock_with_another_hash_is_refused(
    envkit: Any, new_wheels: Path, tmp_path: Path, others: list[str]
) -> None:
    pylock_of(tmp_path, *new_wheels.glob("tiny-*"), digest="0" * 64)
    done = envkit("env", "create", "e", "--file", "pylock.toml", *others)
    assert done.returncode == 6
    assert "tiny" in done.stderr and "hash" in done.stderr
    assert envkit("env", "show", "e").returncode == 6


def test_create_leaves_a_copy_of_another_environment_alone(envkit: Any, tmp_path: Path) -> None:
    assert envkit("env", "create", "e", "--with", "tiny").returncode == 0
    envs = tmp_path / "home" / "envs"
    shutil.copytree(envs / "e", envs / "copy", symlinks=True)
    refused = envkit("env", "create", "copy", "--with", "tiny")
    assert refused.returncode == 6
    assert "envs/copy that envkit did not make" in refused.stderr
    assert (envs / "copy" / "envkit-env.json").is_file()
