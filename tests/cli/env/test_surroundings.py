"""Facts of another machine, and settings of other tools: what they may and may not do to an environment."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from envkit.machine import Gpu, Nvidia, read_facts

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"libc_version": "2"}, "the libc_version '2' is no version such as 2.35"),
        ({"libc_version": "x"}, "the libc_version 'x'"),
        ({"libc_version": "2.x"}, "the libc_version '2.x'"),
        ({"libc": "bionic"}, "the libc 'bionic' is neither glibc nor musl"),
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


def test_facts_of_a_gpu_whose_capability_is_no_version_are_refused(envkit: Any, tmp_path: Path) -> None:
    facts = read_facts()
    nvidia = Nvidia(driver_version="570.10", gpus=(Gpu(index=0, name="A100", compute_capability="x"),))
    file = tmp_path / "facts.json"
    file.write_bytes(msgspec.json.encode(msgspec.structs.replace(facts, nvidia=nvidia)))
    done = envkit("env", "create", "e", "--torch", "auto", "--dry-run", "--for", file)
    assert done.returncode == 2
    assert f"error: {file}: the compute_capability 'x' is no version such as 8.6" in done.stderr


def test_folder_that_was_removed_is_named_and_no_bug(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    folder.mkdir()
    line = f"cd {folder} && rmdir {folder} && exec {sys.executable} -P -m envkit env list"
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("error: the folder that this shell is in was removed\nhint: ")


@pytest.mark.slow
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
