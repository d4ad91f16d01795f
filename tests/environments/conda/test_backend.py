"""conda prefixes solved and installed for real, from channels in folders."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from conda_channel import MINOR, LocalChannel, Package, write_package
from conda_prefixes import Made, context, install, request

from envkit.api import Base, EnvError
from envkit.environments.conda.backend import CondaBackend, python_spec, subdir_of
from envkit.environments.missing_packages import MissingPackages


@pytest.mark.slow
def test_install_packages_of_every_kind_make_a_true_prefix(
    made: Made,
) -> None:
    prefix, at, base, steps = made.prefix, made.at, made.base, made.steps

    said = subprocess.run(
        [prefix / "bin/python", "-c", "import hello, built_module, sys; print(sys.prefix)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == str(prefix)
    assert subprocess.check_output([prefix / "bin/say-hello"], text=True).strip() == "hello from hello"
    assert subprocess.check_output([prefix / "bin/where-it-is"], text=True).strip() == str(prefix)
    binary = (prefix / "lib/where-it-is.bin").read_bytes()
    assert binary.startswith(b"\0\1" + str(prefix).encode() + b"\0") and binary.endswith(b"\0\2")
    assert len(binary) == 255 + 4
    assert (prefix / "share-linked").read_text().strip() == str(prefix)
    assert (prefix / "share/font").is_file()
    assert {package.name for package in base.packages} == {
        "python", "hello", "settings", "built-module", "wordlist", "fonts",
    }  # fmt: skip
    assert any("6 of 6 packages" in step for step in steps.steps)
    assert (
        Path(at.environ["HOME"], ".conda/environments.txt").read_text() == f"{prefix.parent.parent / 'all'}\n"
    )


@pytest.mark.slow
def test_install_records_are_what_conda_reads(made: Made) -> None:
    prefix, base = made.prefix, made.base

    records = {
        record["name"]: record
        for record in map(json.loads, map(Path.read_text, (prefix / "conda-meta").glob("*.json")))
    }
    assert {
        (package.name, package.version, package.build, package.url, package.sha256)
        for package in base.packages
    } == {
        (each["name"], each["version"], each["build"], each["url"], each["sha256"])
        for each in records.values()
    }
    assert records["built-module"]["depends"] == ["python", "wordlist >=1.0"]
    assert records["built-module"]["requested_spec"] == "built-module >=1"
    assert records["wordlist"].get("requested_spec") in (None, "")
    assert "lib/python" in records["hello"]["files"][-1]
    history = (prefix / "conda-meta/history").read_text().splitlines()
    assert history[0].startswith("==> 20") and history[0].endswith(" <==")
    assert (
        f"# update specs: ['python {MINOR}.*', 'hello', 'settings', 'built-module >=1', 'fonts']" in history
    )
    assert sum(line.startswith("+") for line in history) == len(base.packages)


@pytest.mark.slow
def test_plan_two_channels_the_first_goes_before_the_newer(
    conda_channel: LocalChannel, other_channel: LocalChannel, tmp_path: Path
) -> None:
    at = context(tmp_path, conda_channel.url, other_channel.url)

    def wordlist(**variables: str) -> str:
        changed = msgspec.structs.replace(at, environ={**at.environ, **variables})
        base = CondaBackend().plan(request("wordlist", "only-here"), context=changed)
        return next(package.version for package in base.packages if package.name == "wordlist")

    assert wordlist() == "2.0"
    assert wordlist(CONDA_CHANNEL_PRIORITY="disabled") == "9.0"


@pytest.mark.slow
def test_packages_named_by_address_are_planned_and_installed(
    conda_channel: LocalChannel, other_channel: LocalChannel, tmp_path: Path
) -> None:
    at = context(tmp_path, conda_channel.url)
    fetched = tmp_path / "downloads" / conda_channel.file("built-module").name
    fetched.parent.mkdir()
    shutil.copy(conda_channel.file("built-module"), fetched)
    addresses = [file.as_uri() for file in (fetched, conda_channel.file("fonts"))]
    addresses.append(other_channel.file("only-here").as_uri())

    base = CondaBackend().plan(request(*addresses), context=at)
    install(base, tmp_path / "env", at, *addresses)

    assert {package.name: (package.channel, package.url) for package in base.packages}.items() >= {
        "built-module": (f"{tmp_path.as_uri()}/", addresses[0]),
        "fonts": (conda_channel.url, addresses[1]),
        "only-here": (f"{other_channel.url}/", addresses[2]),
    }.items()
    subprocess.run([tmp_path / "env/bin/python", "-c", "import built_module"], check=True)
    assert (tmp_path / "env/share/font").is_file() and (tmp_path / "env/share/only").is_file()


@pytest.mark.slow
def test_plan_for_a_machine_with_a_gpu_needs_none_here(conda_channel: LocalChannel, tmp_path: Path) -> None:
    at = context(tmp_path, conda_channel.url)

    base = CondaBackend().plan(request("gpu-sums", virtual_packages=("__cuda=12.6",)), context=at)

    assert "gpu-sums" in {package.name for package in base.packages}
    with pytest.raises(EnvError, match="__cuda") as caught:
        CondaBackend().plan(request("gpu-sums", virtual_packages=("__cuda=12.2",)), context=at)
    assert "CONDA_OVERRIDE_CUDA" in str(caught.value.hint)


@pytest.mark.slow
def test_plan_earlier_base_is_kept_where_it_fits(conda_channel: LocalChannel, tmp_path: Path) -> None:
    at = context(tmp_path, conda_channel.url)
    old = CondaBackend().plan(request("wordlist 1.*"), context=at)

    def version(base: Base) -> str:
        return next(package.version for package in base.packages if package.name == "wordlist")

    assert version(CondaBackend().plan(request("wordlist", prefer=old.packages), context=at)) == "1.0"
    assert version(CondaBackend().plan(request("wordlist >=2", prefer=old.packages), context=at)) == "2.0"


@pytest.mark.slow
def test_plan_condarc_names_channels_and_cache(conda_channel: LocalChannel, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".condarc").write_text(
        f"channels: [mine]\ncustom_channels: {{mine: '{conda_channel.folder.parent.as_uri()}'}}\n"
        f"pkgs_dirs: ['{tmp_path}/pkgs']\n"
    )
    (conda_channel.folder.parent / "mine").symlink_to(conda_channel.folder)
    at = context(tmp_path)

    try:
        base = CondaBackend().plan(request("wordlist"), context=at)
        install(base, tmp_path / "env", at)
    finally:
        (conda_channel.folder.parent / "mine").unlink()

    assert {package.channel for package in base.packages} == {"mine"}
    assert (tmp_path / "pkgs/wordlist-2.0-0").is_dir()


@pytest.mark.slow
def test_install_changed_archive_is_refused_by_name(conda_channel: LocalChannel, tmp_path: Path) -> None:
    channel = LocalChannel(tmp_path / "channel")
    shutil.copytree(conda_channel.folder, channel.folder)
    at = context(tmp_path, channel.url)
    base = CondaBackend().plan(request("hello"), context=at)
    install(base, tmp_path / "first", at)
    evil = Package(name="hello", version="0.3", noarch="python", files={"site-packages/hello.py": b"evil"})
    write_package(evil, channel.folder / "noarch", form=".conda")

    fresh = msgspec.structs.replace(at, cache_dir=tmp_path / "h/cache/fresh")
    for _ in range(2):  # what was refused once is not taken from the cache either
        with pytest.raises(EnvError, match=r"hello-0\.3-0\.conda has the sha256"):
            install(base, tmp_path / "env", fresh)
        assert not (tmp_path / "env/bin/python").exists()
    install(base, tmp_path / "second", at)  # the cache holds the one of that hash
    assert (
        b"hello from" in next((tmp_path / "second/lib").glob("python3*/site-packages/hello.py")).read_bytes()
    )


@pytest.mark.slow
def test_install_without_the_index_reads_the_archives(made: Made, tmp_path: Path) -> None:
    at, base = made.at, made.base
    elsewhere = context(tmp_path, *at.channels)  # an empty cache: as where a lock came from another machine

    install(base, tmp_path / "env", elsewhere)

    [record] = (tmp_path / "env/conda-meta").glob("built-module-*.json")
    assert json.loads(record.read_text())["depends"] == ["python", "wordlist >=1.0"]


@pytest.mark.parametrize(
    ("system", "machine", "subdir"),
    [
        ("linux", "x86_64", "linux-64"),
        ("linux", "aarch64", "linux-aarch64"),
        ("darwin", "arm64", "osx-arm64"),
        ("darwin", "x86_64", "osx-64"),
    ],
)
def test_subdir_of_a_machine_is_conda_s_word(system: str, machine: str, subdir: str) -> None:
    assert subdir_of(system, machine) == subdir


@pytest.mark.parametrize(
    ("wanted", "spec"),
    [
        ("", "python"),
        ("==3.12.*", "python 3.12.*"),
        (">=3.11, <3.14", "python >=3.11,<3.14"),
        ("==3.12.4", "python ==3.12.4"),
        (">=3.11,!=3.12.1", "python >=3.11,!=3.12.1"),
    ],
)
def test_python_spec_range_is_written_as_conda_does(wanted: str, spec: str) -> None:
    assert python_spec(wanted) == spec


def test_plan_without_rattler_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rattler", None)

    with pytest.raises(EnvError, match="py-rattler") as caught:
        CondaBackend().plan(request(), context=context(tmp_path))
    assert "'envkit-ml[conda]'" in str(caught.value.hint)


@pytest.mark.slow
def test_plan_of_a_package_that_no_channel_has_names_those_like_it(
    conda_channel: LocalChannel, tmp_path: Path
) -> None:
    at = context(tmp_path, conda_channel.url)
    with pytest.raises(MissingPackages, match="there is no package setings in ") as caught:
        CondaBackend().plan(request("hello", "setings >=1"), context=at)
    assert caught.value.names == ("setings",)
    assert str(caught.value.hint).startswith("Did you mean settings")
