"""Facts of another machine, and settings of other tools: what they may and may not do to an environment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.machine import read_facts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"libc_version": "2"}, "the libc_version '2' is no version such as 2.35"),
        ({"libc_version": "x"}, "the libc_version 'x'"),
        ({"libc_version": "2.x"}, "the libc_version '2.x'"),
        ({"libc": "bionic"}, "the libc 'bionic' is neither glibc nor musl"),
        ({"system": "windows"}, "this machine's system is 'windows'"),
        ({"system": "x"}, "environments are for linux and darwin"),
    ],
)
def test_facts_that_no_packages_can_be_chosen_by_are_refused(
    envkit: Any, tmp_path: Path, changes: dict[str, str], says: str
) -> None:
    facts = read_facts()
    platform = msgspec.structs.replace(facts.platform, **changes)
    file = tmp_path / "facts.json"
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(facts, platform=platform)))
    done = envkit("env", "create", "e", "--with", "tiny", "--dry-run", "--for", file)
    assert done.returncode == 2
    assert f"{file}: " in done.stderr
    assert says in done.stderr
    assert "hint: " in done.stderr


def test_settings_of_uv_and_pip_move_no_package_elsewhere(
    envkit: Any, data_of: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    settings = tmp_path / "uv.toml"
    settings.write_text(f"[pip]\ntarget = {str(elsewhere)!r}\nprefix = {str(elsewhere)!r}\nsystem = true\n")
    for name, value in {
        "UV_CONFIG_FILE": str(settings),
        "UV_NO_CONFIG": "1",
        "UV_SYSTEM_PYTHON": "1",
        "PIP_TARGET": str(elsewhere),
        "PIP_PREFIX": str(elsewhere),
        "PIP_USER": "1",
        "PIP_REQUIRE_VIRTUALENV": "1",
    }.items():
        monkeypatch.setenv(name, value)
    record = data_of(envkit("env", "create", "e", "--with", "other", "--json"))["environment"]["record"]
    assert record["installed"] == {"other": "1.0", "tiny": "1.5"}
    assert not elsewhere.exists()
