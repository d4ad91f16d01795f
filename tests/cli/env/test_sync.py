"""`envkit env sync`: what changes is said first, versions stay that fit, and nothing goes unasked."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from small_wheels import write_wheel

from envkit.environments.store import find_stored, hold_environment

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sync(envkit: Any) -> Any:
    """Make an environment that has `tiny`, and change it."""
    assert envkit("env", "create", "e", "--with", "tiny").returncode == 0
    return lambda *words, **environ: envkit("env", "sync", "e", *words, **environ)


def generation(home: Path) -> int:
    return find_stored(home, "e").record.generation


@pytest.mark.slow
def test_sync_keeps_what_fits_and_upgrades_when_told(
    sync: Any, old_wheels: Path, new_wheels: Path, tmp_path: Path
) -> None:
    newer = {"PIP_FIND_LINKS": f"{old_wheels} {new_wheels}"}
    assert sync(**newer).stdout == "e is up to date: nothing to do\n"
    refused = sync("--upgrade", **newer)
    assert refused.returncode == 2
    assert "change  tiny  1.5 -> 1.6" in refused.stdout
    assert "--yes" in refused.stderr
    assert generation(tmp_path / "home") == 1
    done = sync("--upgrade", "--yes", **newer)
    assert done.returncode == 0, done.stderr
    assert find_stored(tmp_path / "home", "e").record.installed == {"tiny": "1.6"}


@pytest.mark.slow
def test_sync_adds_without_asking_and_takes_out_with_yes(
    sync: Any, envkit: Any, data_of: Any, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    held = hold_environment(find_stored(home, "e"))
    planned = data_of(sync("--with", "other", "--dry-run", "--json"))
    assert [(each["kind"], each["name"], each["new"]) for each in planned["changes"]] == [
        ("add", "other", "1.0")
    ]
    assert (planned["dry_run"], planned["changed"], generation(home)) == (True, False, 1)

    added = sync("--with", "other")
    assert added.returncode == 0, added.stderr
    assert "New in e, 1 package:\n  other 1.0" in added.stdout
    assert "goes on in the old one" in added.stdout
    assert ": kept; the running one's version" in envkit("env", "show", "e").stdout
    assert (held.prefix / "envkit-env.json").exists()
    held.release()

    refused = sync("--without", "other", "--json")
    assert refused.returncode == 2
    assert json.loads(refused.stdout)["error"]["hint"] == "Do it without asking: --yes"
    data = data_of(sync("--without", "other", "--json", "--yes"))
    assert data["changed"]
    assert data["environment"]["record"]["spec"]["packages"] == ["tiny"]
    assert data["environment"]["record"]["installed"] == {"tiny": "1.5"}


@pytest.mark.slow
def test_sync_that_cannot_be_leaves_the_old_one(sync: Any, envkit: Any, tmp_path: Path) -> None:
    assert sync("--with", "nosuch").returncode == 6
    assert find_stored(tmp_path / "home", "e").record.installed == {"tiny": "1.5"}
    unknown = sync("--without", "nosuch")
    assert unknown.returncode == 2
    assert "Asked for: tiny" in unknown.stderr

    other = envkit("env", "sync", "f")
    assert other.returncode == 6
    assert "Known: e" in other.stderr


@pytest.mark.slow
def test_sync_takes_a_wheel_that_was_built_anew_at_its_version_and_leaves_one_only_written_anew(
    envkit: Any, tmp_path: Path
) -> None:
    wheel = write_wheel(tmp_path / "dist", "mine", content="old")
    assert envkit("env", "create", "e", "--with", str(wheel)).returncode == 0
    write_wheel(tmp_path / "dist", "mine", content="old")
    same = envkit("env", "sync", "e")
    write_wheel(tmp_path / "dist", "mine", content="new")
    planned = envkit("env", "sync", "e", "--dry-run")
    done = envkit("env", "sync", "e", "--yes")

    assert same.stdout == "e is up to date: nothing to do\n"
    assert f"its mine is not the one in {wheel}" in planned.stdout
    assert done.returncode == 0, done.stderr
    (module,) = (tmp_path / "home/envs/e").glob("lib/python*/site-packages/mine.py")
    assert "new" in module.read_text()
    assert envkit("env", "sync", "e").stdout == "e is up to date: nothing to do\n"


@pytest.mark.slow
def test_two_syncs_at_once_lose_no_change_that_was_told_as_made(sync: Any, tmp_path: Path) -> None:
    with ThreadPoolExecutor() as pool:
        adding = pool.submit(sync, "--with", "other")
        removing = pool.submit(sync, "--without", "tiny", "--yes")
    installed = find_stored(tmp_path / "home", "e").record.installed
    added, removed = adding.result(), removing.result()
    assert (added.returncode == 0) == ("other" in installed)
    assert (removed.returncode == 0) == ("tiny" not in installed)
    assert 0 in (added.returncode, removed.returncode)
    for each in (added, removed):
        assert each.returncode == 0 or "was changed by another command meanwhile" in each.stderr
