"""The store of environments; what fills them is a few files here, and real ones elsewhere."""

from __future__ import annotations

import errno
import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from environments.stored import NEWER, PLUGIN, build_for, lies_in, record_of, wanted
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.requirements import Requirement

from envkit.api import EnvError, UsageError
from envkit.environments.flock import FileLock, try_lock
from envkit.environments.prefixes import write_out
from envkit.environments.records import Environment, EnvRecord, HostPackage, describe_record
from envkit.environments.removal import remove_environment
from envkit.environments.store import (
    RECORD_FILE,
    Wanted,
    change_environment,
    check_name,
    environment_size,
    envs_dir,
    find_environment,
    find_stored,
    hold_environment,
    list_environments,
    read_record,
    why_unfit,
    write_record,
)

NAME = "echo-py3.11"


def silent(text: str) -> None:
    pass


def make(home: Path, want: Wanted, say: Any = silent, *, tiny: str = "1.5") -> Environment:
    return change_environment(
        home,
        want.name,
        is_fit=lambda prefix, record: why_unfit(prefix, record, want),
        build=build_for(want, tiny=tiny),
        say=say,
    )


def test_environment_made_once_is_found(tmp_path: Path) -> None:
    assert find_environment(tmp_path, wanted()) is None
    made = make(tmp_path, wanted())
    found = find_environment(tmp_path, wanted())
    assert made.created
    assert found == replace(made, created=False)
    assert found.kind == "venv"
    assert found.prefix == envs_dir(tmp_path) / ".made" / f"{NAME}-1"
    assert found.python.is_relative_to(found.prefix)


@pytest.mark.parametrize("home", ["a home", "Umgebungen für NLP", "家"])
def test_environment_is_reached_under_its_name_in_any_home(tmp_path: Path, home: str) -> None:
    made = make(tmp_path / home, wanted())
    link = find_stored(tmp_path / home, NAME).link
    assert link == tmp_path / home / "envs" / NAME
    assert link.readlink() == Path(f".made/{NAME}-1")
    assert (link / "bin/python").samefile(made.python)


def test_record_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    assert read_record(made.prefix) == made.record
    assert not list(made.prefix.glob("*.tmp"))


def test_environment_that_was_written_out_is_valid_with_its_record_alone(tmp_path: Path) -> None:
    record = record_of(wanted(), generation=1)
    prefix = tmp_path / "env"
    prefix.mkdir()

    write_out(prefix)

    assert read_record(prefix) is None
    assert not (prefix / RECORD_FILE).exists()
    write_record(prefix, record)
    assert read_record(prefix) == record
    assert [file.name for file in prefix.iterdir()] == [RECORD_FILE]


def test_home_that_was_moved_keeps_its_environments(tmp_path: Path) -> None:
    make(tmp_path / "old", wanted()).release()
    (tmp_path / "old").rename(tmp_path / "new")
    assert [stored.name for stored in list_environments(tmp_path / "new")] == [NAME]


EDITED = HostPackage(name="envkit-ml", version="0.1.0", digest="e2")
OTHER = HostPackage(name="envkit-other", version="1.0", digest="o")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, None),
        ({"python": "3.11.9"}, None),
        ({"python": "3.12"}, "it has Python 3.11.7"),
        ({"plugins": (NEWER,)}, "envkit-echo 1.0 became 1.1"),
        ({"plugins": (PLUGIN, OTHER)}, "it lacks envkit-other"),
        ({"envkit": EDITED}, "envkit-ml has changed"),
        ({"model_package": "model==1"}, "it lacks the default model"),
    ],
)
def test_why_unfit_says_what_changed(tmp_path: Path, changes: dict[str, Any], why: str | None) -> None:
    made = make(tmp_path, wanted())
    assert made.record is not None
    assert why_unfit(made.prefix, made.record, wanted(**changes)) == why
    assert (find_environment(tmp_path, wanted(**changes)) is None) == (why is not None)


def test_why_unfit_sees_requirements_that_grew(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    assert made.record is not None
    grown = replace(wanted().needs, requirements=(Requirement("tiny>=2"),))
    assert why_unfit(made.prefix, made.record, wanted(needs=grown)) == "it lacks tiny>=2"


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("rm bin/python", "its Python is gone"),
        ("mv lib/python3.11/site-packages/tiny-1.5.dist-info lib/python3.11/site-packages/tiny-1.6.dist-info", "packages in it were changed: tiny"),
        ("rm -r lib", "packages in it were changed: tiny"),
    ],
)  # fmt: skip
def test_why_unfit_sees_what_was_changed_by_hand(tmp_path: Path, damage: str, why: str) -> None:
    made = make(tmp_path, wanted())
    assert made.record is not None
    assert os.system(f"cd '{made.prefix}' && {damage}") == 0
    assert why_unfit(made.prefix, made.record, wanted()) == why
    made.release()
    assert make(tmp_path, wanted()).created  # and so it is made anew


def test_packages_added_by_hand_do_no_harm(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    assert made.record is not None
    (made.prefix / "lib/python3.11/site-packages/more-1.0.dist-info").mkdir()
    assert why_unfit(made.prefix, made.record, wanted()) is None


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"version": 99}'])
def test_environment_without_a_whole_record_is_made_anew(tmp_path: Path, content: bytes | None) -> None:
    first = make(tmp_path, wanted())
    first.release()
    (first.prefix / RECORD_FILE).unlink()
    if content is not None:
        (first.prefix / RECORD_FILE).write_bytes(content)
    assert list_environments(tmp_path) == []
    said: list[str] = []
    made = make(tmp_path, wanted(), said.append)
    assert made.prefix.name == f"{NAME}-2"
    assert not first.prefix.exists()
    assert said == [f"{NAME} is made anew: its record cannot be read"]


@pytest.mark.parametrize(
    "damage",
    [
        {"created": "yesterday"},
        {"created": "0001-01-01T00:00:00+14:00"},
        {"python": "three"},
        {"size": -1},
    ],
)
def test_record_that_was_damaged_is_none(tmp_path: Path, damage: dict[str, Any]) -> None:
    environment = make(tmp_path, wanted())
    assert environment.record is not None
    write_record(environment.prefix, msgspec.structs.replace(environment.record, **damage))
    assert read_record(environment.prefix) is None
    assert list_environments(tmp_path) == []


def test_record_of_a_newer_envkit_is_not_read(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    file = made.prefix / RECORD_FILE
    file.write_bytes(file.read_bytes().replace(b'"version": 2\n}', b'"version": 3\n}'))
    assert read_record(made.prefix) is None


@pytest.mark.parametrize("error", [EnvError("no network"), KeyboardInterrupt()])
def test_making_that_fails_leaves_nothing_and_a_second_try_works(
    tmp_path: Path, error: BaseException
) -> None:
    with pytest.raises(type(error)):
        change_environment(tmp_path, NAME, is_fit=fits, build=failing(error), say=silent)
    assert lies_in(tmp_path) == set()
    assert make(tmp_path, wanted()).created


def test_making_that_is_stopped_says_that_files_are_taken_away_before_they_are(tmp_path: Path) -> None:
    said: list[tuple[str, bool]] = []
    prefix = tmp_path / f"envs/.made/{NAME}-1"

    def say(text: str) -> None:
        said.append((text, prefix.exists()))

    with pytest.raises(KeyboardInterrupt):
        change_environment(tmp_path, NAME, is_fit=fits, build=failing(KeyboardInterrupt()), say=say)
    assert [(text.partition(":")[0], was_there) for text, was_there in said] == [("Stopping", True)]
    assert not prefix.exists()


@pytest.mark.parametrize("error", [EnvError("no network"), KeyboardInterrupt()])
def test_change_that_fails_leaves_the_old_environment(tmp_path: Path, error: BaseException) -> None:
    make(tmp_path, wanted()).release()
    before = list_environments(tmp_path), lies_in(tmp_path)
    with pytest.raises(type(error)):
        change_environment(
            tmp_path, NAME, is_fit=lambda prefix, record: "it is old", build=failing(error), say=silent
        )
    assert (list_environments(tmp_path), lies_in(tmp_path)) == before
    assert find_environment(tmp_path, wanted()) is not None


def fits(prefix: Path, record: EnvRecord) -> None:
    return None


def failing(error: BaseException) -> Any:
    def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        (prefix / "bin").mkdir(parents=True)
        raise error

    return build


def test_run_keeps_the_generation_it_began_in_until_it_ends(tmp_path: Path) -> None:
    old = make(tmp_path, wanted())
    new = make(tmp_path, wanted(plugins=(NEWER,)))
    assert (old.prefix.name, new.prefix.name) == (f"{NAME}-1", f"{NAME}-2")
    assert old.name == new.name == NAME
    assert old.python.exists()
    assert [(stored.prefix, stored.is_in_use) for stored in list_environments(tmp_path)] == [
        (new.prefix, True)
    ]
    assert find_environment(tmp_path, wanted()) is None  # only the current one is found
    old.release()
    make(tmp_path, wanted(name="other"))  # the next change, of whichever environment
    assert not old.prefix.exists()


def test_environment_that_no_longer_fits_is_replaced(tmp_path: Path) -> None:
    make(tmp_path, wanted()).release()
    said: list[str] = []
    made = make(tmp_path, wanted(plugins=(NEWER,)), said.append)
    assert made.name == NAME
    assert said == [f"{NAME} is made anew: envkit-echo 1.0 became 1.1"]
    assert [each.record.plugins for each in list_environments(tmp_path)] == [(NEWER,)]
    assert lies_in(tmp_path) == {
        NAME,
        f".made/{NAME}.lock",
        f".made/{NAME}-2",
        f".made/{NAME}-2.in-use",
    }


def test_environment_that_may_not_be_replaced_is_returned_as_it_is(tmp_path: Path) -> None:
    make(tmp_path, wanted()).release()
    there = change_environment(
        tmp_path,
        NAME,
        is_fit=lambda prefix, record: "it is another",
        build=failing(AssertionError("it was built")),
        say=silent,
        may_replace=False,
    )
    assert (there.created, there.record and there.record.plugins) == (False, (PLUGIN,))


@pytest.mark.parametrize(("number", "packages"), [(0, "0 packages"), (1, "1 package"), (2, "2 packages")])
def test_description_counts_packages_as_people_do(number: int, packages: str) -> None:
    installed = {f"p{n}": "1" for n in range(number)}
    record = msgspec.structs.replace(record_of(wanted(), generation=1), installed=installed)
    assert f", {packages}, " in describe_record(record)


def test_second_maker_waits_says_for_whom_and_takes_the_first_ones(tmp_path: Path) -> None:
    started, go = threading.Event(), threading.Event()
    results: list[Environment] = []

    def slow(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        started.set()
        go.wait(5)
        return build_for(wanted())(prefix, generation, lock)

    def first() -> None:
        results.append(change_environment(tmp_path, NAME, is_fit=fits, build=slow, say=silent))

    def waiting(text: str) -> None:
        said.append(text)
        go.set()

    said: list[str] = []
    thread = threading.Thread(target=first)
    thread.start()
    assert started.wait(5)
    second = make(tmp_path, wanted(), waiting)
    thread.join()
    assert results[0].created
    assert not second.created
    assert said == [f"waiting for process {os.getpid()}, which works on the environment {NAME}"]


def test_list_shows_use_and_when(tmp_path: Path) -> None:
    before = time.time() - 1
    used = make(tmp_path, wanted())
    make(tmp_path, wanted(name="other")).release()
    listed = {each.name: each for each in list_environments(tmp_path)}
    assert {name: each.is_in_use for name, each in listed.items()} == {NAME: True, "other": False}
    assert all(before < each.last_used <= time.time() + 1 for each in listed.values())
    assert hold_environment(listed["other"]).record == listed["other"].record
    assert used.hold is not None


def test_list_of_a_home_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert list_environments(tmp_path / "none") == []
    assert not (tmp_path / "none").exists()


def test_hold_of_an_environment_that_went_meanwhile_is_an_error(tmp_path: Path) -> None:
    make(tmp_path, wanted()).release()
    stored = list_environments(tmp_path)[0]
    remove_environment(tmp_path, NAME, say=silent)
    with pytest.raises(EnvError, match="was changed or removed"):
        hold_environment(stored)
    assert lies_in(tmp_path) == set()


def test_find_stored_names_the_nearest_first(tmp_path: Path) -> None:
    for name in ("alpha", "ner-gpu", "zeta"):
        make(tmp_path, wanted(name=name))
    assert find_stored(tmp_path, "zeta").name == "zeta"
    with pytest.raises(EnvError, match="no environment 'ner-gpus'") as caught:
        find_stored(tmp_path, "ner-gpus")
    assert "Known: ner-gpu, alpha, zeta" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["n", "ner-py3.11-torch2.13.0-cpu", "3d", "A_b.c-d", "x" * 100])
def test_check_name_takes_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name", ["", ".", "..", ".made", "-x", "_x", "a/b", "a b", "ä", "x\n", "auto", "current", "x" * 101]
)
def test_check_name_refuses_what_cannot_name_one(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        check_name(name)
    with pytest.raises(UsageError):
        change_environment(tmp_path, name, is_fit=fits, build=failing(EnvError("")), say=silent)
    with pytest.raises(EnvError):
        find_stored(tmp_path, name)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@settings(max_examples=15)
@given(st.lists(st.from_regex(r"[a-c0-9][a-c0-9._-]{0,5}", fullmatch=True), unique=True, max_size=4))
def test_names_that_look_like_generations_or_locks_do_not_meet(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    home = tmp_path_factory.mktemp("home")
    made = [make(home, wanted(name=name)) for name in names]
    made += [make(home, wanted(name=name, plugins=(NEWER,))) for name in names]
    assert [stored.name for stored in list_environments(home)] == sorted(names)
    assert all(each.python.exists() for each in made)  # all are held
    for each in made:
        each.release()
    for name in names:
        remove_environment(home, name, say=silent)
    assert not names or lies_in(home) == set()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("moment", ["fsync", "symlink", "rename"])
def test_disk_that_fills_leaves_the_old_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, moment: str
) -> None:
    make(tmp_path, wanted()).release()
    before = list_environments(tmp_path)[0].record

    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:

        def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
            record = build_for(wanted(plugins=(NEWER,)))(prefix, generation, lock)
            patch.setattr(os, moment, full)
            return record

        with pytest.raises(EnvError, match=r"cannot write .*(space|quota)") as caught:
            change_environment(
                tmp_path, NAME, is_fit=lambda prefix, record: "it is old", build=build, say=silent
            )
    assert "Free some space" in str(caught.value.hint)
    assert "ENVKIT_HOME=DIR" in str(caught.value.hint)
    assert list_environments(tmp_path)[0].record == before
    assert make(tmp_path, wanted(plugins=(NEWER,))).created


def test_folder_that_is_not_ours_is_refused_and_kept(tmp_path: Path) -> None:
    theirs = envs_dir(tmp_path) / NAME
    theirs.mkdir(parents=True)
    (theirs / "thesis.tex").touch()
    with pytest.raises(EnvError, match="that envkit did not make"):
        make(tmp_path, wanted())
    with pytest.raises(EnvError, match="that envkit did not make"):
        remove_environment(tmp_path, NAME, say=silent)
    assert (theirs / "thesis.tex").exists()


@pytest.mark.parametrize("target", ["/", "../elsewhere", ".made/other-1", f".made/{NAME}-1.gone"])
def test_link_that_is_not_ours_is_refused_and_kept(tmp_path: Path, target: str) -> None:
    link = envs_dir(tmp_path) / NAME
    link.parent.mkdir()
    link.symlink_to(target)
    with pytest.raises(EnvError, match="that envkit did not make"):
        make(tmp_path, wanted())
    assert link.readlink() == Path(target)


def test_link_without_its_environment_is_replaced(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    made.release()
    os.system(f"rm -r '{made.prefix}'")
    assert list_environments(tmp_path) == []
    assert make(tmp_path, wanted()).prefix.name == f"{NAME}-2"
    assert [stored.name for stored in list_environments(tmp_path)] == [NAME]


def old_environment(home: Path) -> Path:
    folder = envs_dir(home) / NAME
    (folder / "bin").mkdir(parents=True)
    (folder / RECORD_FILE).write_text('{"version": 1}')
    for suffix in ("lock", "in-use"):
        folder.with_name(f"{NAME}.{suffix}").touch()
    return folder


def test_folder_of_an_older_envkit_is_passed_over_and_then_replaced(tmp_path: Path) -> None:
    folder = old_environment(tmp_path)
    assert list_environments(tmp_path) == []
    make(tmp_path, wanted())
    assert folder.is_symlink()
    assert lies_in(tmp_path) == {
        NAME,
        f".made/{NAME}.lock",
        f".made/{NAME}-1",
        f".made/{NAME}-1.in-use",
    }


def test_folder_of_an_older_envkit_stays_where_a_change_fails_or_a_run_is_in_it(tmp_path: Path) -> None:
    folder = old_environment(tmp_path)
    with pytest.raises(EnvError, match="no network"):
        change_environment(tmp_path, NAME, is_fit=fits, build=failing(EnvError("no network")), say=silent)
    assert (folder / RECORD_FILE).is_file()
    with (
        try_lock(folder.with_name(f"{NAME}.in-use"), shared=True) or pytest.fail(),
        pytest.raises(EnvError, match="a run, shell, kernel or program is in"),
    ):
        make(tmp_path, wanted())
    assert (folder / RECORD_FILE).is_file()


def test_remove_frees_what_no_other_file_shares(tmp_path: Path) -> None:
    made = make(tmp_path, wanted())
    made.release()
    (made.prefix / "own").write_bytes(b"x" * 5000)
    (made.prefix / "shared").write_bytes(b"x" * 70_000)
    os.link(made.prefix / "shared", tmp_path / "cache")
    size = environment_size(made.prefix)
    assert size > 75_000
    assert 5000 <= remove_environment(tmp_path, NAME, say=silent) < 6000
    assert lies_in(tmp_path) == set()
    assert (tmp_path / "cache").exists()


def test_remove_of_an_environment_with_a_run_in_any_generation_is_refused(tmp_path: Path) -> None:
    old = make(tmp_path, wanted())
    new = make(tmp_path, wanted(plugins=(NEWER,)))
    new.release()
    with pytest.raises(EnvError, match="a run, shell, kernel or program is in"):
        remove_environment(tmp_path, NAME, say=silent)
    assert find_environment(tmp_path, wanted(plugins=(NEWER,))) is not None
    assert old.python.exists()


def test_remove_of_what_is_not_there_is_an_error_that_leaves_no_trace(tmp_path: Path) -> None:
    with pytest.raises(EnvError, match="no environment 'nothing'"):
        remove_environment(tmp_path, "nothing", say=silent)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("rest", ["record", "link", "old layout"])
def test_remove_takes_what_is_left_of_an_environment(tmp_path: Path, rest: str) -> None:
    if rest == "old layout":
        old_environment(tmp_path)
    else:
        made = make(tmp_path, wanted())
        made.release()
        (made.prefix / RECORD_FILE if rest == "record" else envs_dir(tmp_path) / NAME).unlink()
    remove_environment(tmp_path, NAME, say=silent)
    assert lies_in(tmp_path) == set()


def test_home_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    home = tmp_path / "file"
    home.touch()
    with pytest.raises(EnvError, match=r"cannot write .*echo-py3.11.lock: Not a directory") as caught:
        make(home, wanted())
    assert "ENVKIT_HOME" in str(caught.value.hint)


def test_file_system_without_links_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    with monkeypatch.context() as patch:
        patch.setattr(os, "symlink", refuse)
        with pytest.raises(EnvError, match=f"cannot write .*{NAME}: Operation not permitted"):
            change_environment(
                tmp_path,
                NAME,
                is_fit=fits,
                build=lambda prefix, number, lock: (prefix.mkdir(), record_of(wanted(), generation=number))[
                    1
                ],
                say=silent,
            )
    assert lies_in(tmp_path) == set()


def test_find_takes_less_than_ten_milliseconds(tmp_path: Path) -> None:
    for number in range(20):
        make(tmp_path, wanted(name=f"env-{number}")).release()
    times = []
    for _ in range(9):
        began = time.perf_counter()
        found = find_environment(tmp_path, wanted(name="env-7"))
        times.append(time.perf_counter() - began)
        assert found is not None
        found.release()
    assert min(times) < 0.010


def moved(home: Path, to: Path) -> Path:
    """Make an environment as `make_environment` records it, and move its home."""
    want = wanted()

    def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        return msgspec.structs.replace(build_for(want)(prefix, generation, lock), prefix=str(prefix))

    change_environment(home, NAME, is_fit=lambda prefix, record: "", build=build, say=silent).release()
    assert find_environment(home, want) is not None
    home.rename(to)
    return to


def test_environment_that_was_moved_is_held_by_nobody_and_made_anew(tmp_path: Path) -> None:
    home = moved(tmp_path / "home", tmp_path / "elsewhere")
    assert find_environment(home, wanted()) is None
    with pytest.raises(EnvError, match=r"was moved here from .*/home/envs/\.made/") as caught:
        hold_environment(find_stored(home, NAME))
    assert caught.value.hint == f"Make it anew: envkit env sync {NAME}"
    assert make(home, wanted()).prefix.name == f"{NAME}-2"


def test_environment_under_another_path_to_the_same_place_is_not_moved(tmp_path: Path) -> None:
    home = moved(tmp_path / "home", tmp_path / "elsewhere")
    (tmp_path / "home").symlink_to(home)
    assert find_environment(home, wanted()) is not None


def test_folder_that_may_not_be_written_is_named_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, wanted()).release()
    folder = envs_dir(tmp_path)
    real = os.access
    # The super-user may write everywhere: the kernel's answer is the fake.
    monkeypatch.setattr(os, "access", lambda path, mode: path != folder and real(path, mode))
    built: list[int] = []

    def build(prefix: Path, generation: int, lock: FileLock) -> EnvRecord:
        built.append(generation)
        raise AssertionError

    with pytest.raises(EnvError, match=rf"cannot write {folder}/{NAME}: Permission denied"):
        change_environment(tmp_path, NAME, is_fit=lambda prefix, record: "", build=build, say=silent)
    assert built == []


def test_remove_says_which_file_of_an_older_generation_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, wanted()).release()
    left = envs_dir(tmp_path) / f".made/{NAME}-7.gone/read-only/f"
    left.parent.mkdir(parents=True)
    left.touch()
    real = os.unlink

    def refuse(path: Any, **options: Any) -> None:
        if str(path).endswith("f") and "dir_fd" in options:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        real(path, **options)

    monkeypatch.setattr(os, "unlink", refuse)
    said: list[str] = []
    remove_environment(tmp_path, NAME, say=said.append)
    (line,) = said
    assert line.startswith(f"{NAME} is removed, but its files are not all gone: cannot remove {left}: ")
    assert line.endswith(f"(rm -rf {left.parents[1]})")
    assert list_environments(tmp_path) == []
