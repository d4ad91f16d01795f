"""`envkit env remove`: asked, and never what a run is in."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from environments.stored import build_for, lies_in, wanted

from envkit.environments.conda import known_prefixes
from envkit.environments.flock import lock_exclusively, lock_shared
from envkit.environments.generations import RECORD_FILE
from envkit.environments.kernels import KernelMetadata, KernelOrigin, KernelSpec, kernel_dir, write_kernel
from envkit.environments.store import change_environment, envs_dir, find_stored, list_environments

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home with the environments `one` and `two`."""
    for name in ("one", "two"):
        want = wanted(name=name)
        change_environment(
            tmp_path / "home",
            name,
            is_fit=lambda prefix, record: "not made yet",
            build=build_for(want),
            say=lambda text: None,
        ).release()
    return tmp_path / "home"


class Terminal(io.StringIO):
    """A terminal at which somebody has typed."""

    def isatty(self) -> bool:
        return True


def names(home: Path) -> list[str]:
    return [each.name for each in list_environments(home)]


@pytest.mark.parametrize(
    ("words", "code", "left", "said"),
    [
        (["one"], 2, ["one", "two"], "--yes"),
        (["one", "--json"], 2, ["one", "two"], "--yes"),
        (["one", "--dry-run"], 0, ["one", "two"], "Nothing was removed: --dry-run"),
        (["one", "--yes"], 0, ["two"], "Removed one: "),
        (["one", "two", "one", "--yes"], 0, [], "Removed one, two: "),
        (["one", "tow", "--yes"], 6, ["one", "two"], "Known: two, one"),
        (["--unused-for", "30d", "--yes"], 0, ["two"], "Removed one: "),
        (["--unused-for", "30d", "--dry-run"], 0, ["one", "two"], "one  1 kB, last used "),
        (["--unused-for", "9w", "--yes"], 0, ["one", "two"], "No environment has been unused for 9w"),
        (["one", "two", "--unused-for", "30d", "--yes"], 0, ["two"], "note: two stays: it was last used "),
        (
            ["two", "--unused-for", "30d", "--yes"],
            0,
            ["one", "two"],
            "No environment has been unused for 30d",
        ),
        (["--unused-for", "soon"], 2, ["one", "two"], "days or weeks"),
        ([], 2, ["one", "two"], "no environment is named"),
        (["../one", "--yes"], 2, ["one", "two"], "cannot name an environment"),
    ],
)
def test_remove_takes_what_is_named_and_agreed(
    envkit_here: Any, home: Path, words: list[str], code: int, left: list[str], said: str
) -> None:
    forty_days_ago = time.time() - 40 * 86400
    os.utime(envs_dir(home) / ".made/one-1.in-use", (forty_days_ago, forty_days_ago))
    done = envkit_here("env", "remove", *words)
    assert (done.returncode, names(home)) == (code, left), done.stderr
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize("left", ["half-made", "record broken", "in-use file alone"])
def test_remove_takes_what_is_left_of_one_that_is_not_listed(envkit_here: Any, home: Path, left: str) -> None:
    made = envs_dir(home) / ".made"
    if left == "half-made":
        (made / "three-1/bin").mkdir(parents=True)
    elif left == "record broken":
        (made / "one-1" / RECORD_FILE).write_text("{")
    else:
        (made / "three-1.in-use").touch()
    name = "one" if left == "record broken" else "three"
    asked = envkit_here("env", "remove", name, "--dry-run")
    size = "[1-9][0-9] B" if left == "record broken" else "0 B"  # of a program that names the interpreter
    assert re.fullmatch(f"{name}  {size}, not whole", asked.stdout.splitlines()[0]), asked.stderr
    assert asked.returncode == 0
    done = envkit_here("env", "remove", name, "--yes")
    assert done.returncode == 0, done.stderr
    assert not [each for each in lies_in(home) if name in each]
    assert "two" in names(home)


def test_remove_of_one_in_the_making_leaves_it_alone(envkit_here: Any, home: Path) -> None:
    made = envs_dir(home) / ".made"
    (made / "three-1/bin").mkdir(parents=True)
    with lock_exclusively(made / "three.lock"):
        done = envkit_here("env", "remove", "three", "--yes")
    assert done.returncode == 6
    assert "is being made or removed at this moment" in done.stderr
    assert (made / "three-1/bin").is_dir()


def test_remove_takes_the_kernel_and_the_place_on_condas_list_along(
    envkit_here: Any, data_of: Any, home: Path, tmp_path: Path
) -> None:
    link, user = envs_dir(home) / "one", {"HOME": str(tmp_path / "user")}
    known_prefixes.remember(link, environ=user)
    kernel = kernel_dir("one", environ=user)
    write_kernel(
        KernelSpec(metadata=KernelMetadata(envkit=KernelOrigin(name="one", folder=str(link)))), folder=kernel
    )
    places = {**user, "JUPYTER_DATA_DIR": "", "XDG_DATA_HOME": ""}
    (removed,) = data_of(envkit_here("env", "remove", "one", "--yes", "--json", **places))["environments"]
    assert (removed["kernel"], removed["notes"]) == (str(kernel), [])
    assert not kernel.exists()
    assert (tmp_path / "user/.conda/environments.txt").read_text() == ""


def test_remove_of_one_in_use_takes_none(envkit_here: Any, home: Path) -> None:
    from envkit.environments.store import hold_environment

    held = hold_environment(find_stored(home, "two"))
    done = envkit_here("env", "remove", "one", "two", "--yes")
    held.release()
    assert done.returncode == 6
    assert "a run, shell, kernel or program is in two" in done.stderr
    assert names(home) == ["one", "two"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
def test_remove_of_one_in_use_names_who_is_in_it(envkit_here: Any, home: Path) -> None:
    in_use = envs_dir(home) / ".made/two-1.in-use"
    with lock_shared(in_use) as hold:
        child = subprocess.Popen(["sleep", "60"], pass_fds=[hold.fileno()])
    try:
        done = envkit_here("env", "remove", "two", "--yes")
        filtered = envkit_here("env", "remove", "two", "--unused-for", "0d", "--yes")
    finally:
        child.kill()
        child.wait()
    assert done.returncode == 6
    assert f"is in two: sleep (process {child.pid})" in done.stderr
    assert (filtered.returncode, "note: two stays: it is in use" in filtered.stderr) == (0, True)
    assert names(home) == ["one", "two"]


@pytest.mark.parametrize("has_cache", [True, False])
def test_remove_says_what_stays_in_uvs_cache(
    envkit_here: Any, home: Path, tmp_path: Path, has_cache: bool
) -> None:
    cache = tmp_path / "cache"
    if has_cache:
        (cache / "archive").mkdir(parents=True)
        (cache / "archive/big").write_bytes(b"1" * 4_000_000)
        os.link(cache / "archive/big", envs_dir(home) / ".made/one-1/big")
    done = envkit_here("env", "remove", "one", "--yes", UV_CACHE_DIR=str(cache))
    assert done.returncode == 0, done.stderr
    assert ("uv cache clean" in done.stdout.splitlines()[-1]) is has_cache


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, ["two"]), ("n\n", 1, ["one", "two"])])
def test_remove_on_a_terminal_does_what_is_answered(
    envkit_here: Any, home: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: list[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    done = envkit_here("env", "remove", "one")
    assert (done.returncode, names(home)) == (code, left)
    assert "last used" in done.stdout
