"""A torch of one's own is its file: that is what is installed, and what an environment is compared by."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from environments.stored import FACTS, record_of, wanted

from envkit.environments.installer import install_wheels
from envkit.environments.plan import plan_environment
from envkit.environments.records import EnvSpec
from envkit.environments.resolve import resolve_wheels
from envkit.environments.torch_source import asked_lines, own_file, why_other_torch
from envkit.environments.uv_calls import uv_calls
from envkit.torchbuild import TorchBuild
from envkit.torchbuild.variants import OWN

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.environments.plan import Plan
    from envkit.environments.planning import Planning
    from envkit.environments.records import EnvRecord

MINOR = f"{sys.version_info[0]}{sys.version_info[1]}"
PLAIN = f"cp{MINOR}-cp{MINOR}-linux_{FACTS.platform.machine}"
OF_INDEX = f"cp{MINOR}-cp{MINOR}-manylinux_2_17_{FACTS.platform.machine}"
VERSION = "2.8.0"
NAMED = "2.8.0+mine"
on_glibc = pytest.mark.skipif(FACTS.platform.libc != "glibc", reason="wheels of one's own are for Linux")


def write_wheel(folder: Path, tag: str, code: str, version: str = VERSION) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    wheel, info = folder / f"torch-{version}-{tag}.whl", f"torch-{version}.dist-info"
    contents = {
        "torch/__init__.py": code,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: torch\nVersion: {version}\n",
        f"{info}/WHEEL": f"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: false\nTag: {tag}\n",
        f"{info}/RECORD": f"torch/__init__.py,sha256={code},1\n{info}/RECORD,,\n",
    }
    with zipfile.ZipFile(wheel, "w") as archive:
        for member, text in contents.items():
            archive.writestr(member, text)
    return wheel


def build(location: Path | None, **changes: Any) -> TorchBuild:
    own = {
        "version": VERSION,
        "variant": OWN,
        "source": "find-links",
        "location": "" if location is None else str(location),
        "python": f"{MINOR[0]}.{MINOR[1:]}",
        "reason": "",
    }
    return TorchBuild(**{**own, **changes})


OF_PACKAGE_INDEX = build(None, variant="cpu", source="package index")


def unpack(prefix: Path, wheel: Path) -> Path:
    """Lay out what an installer makes of the wheel; return its .dist-info."""
    library = prefix / f"lib/python{MINOR[0]}.{MINOR[1:]}/site-packages"
    library.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(library)
    info = library / f"torch-{VERSION}.dist-info"
    with (info / "RECORD").open("a") as record:
        record.write(f"{info.name}/INSTALLER,sha256=x,2\n../../../bin/torchrun,sha256=x,2\n")
    return info


def record_with(torch: TorchBuild, **changes: Any) -> EnvRecord:
    return msgspec.structs.replace(record_of(wanted(torch=torch), generation=1), **changes)


@on_glibc
def test_torch_of_ones_own_is_told_from_the_one_of_the_index_of_that_version(tmp_path: Path) -> None:
    own = build(tmp_path / "wheels")
    wheel = write_wheel(tmp_path / "wheels", PLAIN, "mine")
    unpack(tmp_path / "index-env", write_wheel(tmp_path / "index", OF_INDEX, "theirs"))
    unpack(tmp_path / "own-env", wheel)
    assert own.requirement == OF_PACKAGE_INDEX.requirement
    index_env, own_env = tmp_path / "index-env", tmp_path / "own-env"

    assert why_other_torch(own_env, record_with(own), own) is None
    assert why_other_torch(index_env, record_with(OF_PACKAGE_INDEX), OF_PACKAGE_INDEX) is None
    assert "not your own build" in str(why_other_torch(index_env, record_with(OF_PACKAGE_INDEX), own))
    assert "of your own" in str(why_other_torch(own_env, record_with(own), OF_PACKAGE_INDEX))
    # What a record says is not all: here the index's was installed in its place.
    assert f"not the one in {wheel}" in str(why_other_torch(index_env, record_with(own), own))


@on_glibc
def test_torch_of_ones_own_stays_the_same_where_it_is_moved_and_not_where_it_is_built_anew(
    tmp_path: Path,
) -> None:
    own, prefix = build(tmp_path / "wheels"), tmp_path / "env"
    wheel = write_wheel(tmp_path / "wheels", PLAIN, "mine")
    info = unpack(prefix, wheel)
    seconds, nanos = divmod(wheel.stat().st_ctime_ns, 10**9)
    stamp = {"secs_since_epoch": seconds, "nanos_since_epoch": nanos}
    (info / "uv_cache.json").write_bytes(msgspec.json.encode({"timestamp": stamp}))

    moved = write_wheel(tmp_path / "elsewhere", PLAIN, "mine")
    os.utime(moved, (0, 0))
    for location in (tmp_path / "wheels", tmp_path / "elsewhere"):
        assert why_other_torch(prefix, record_with(own), build(location)) is None
    write_wheel(tmp_path / "wheels", PLAIN, "newer")
    assert why_other_torch(prefix, record_with(own), own) is not None


def test_torch_that_somebody_put_in_the_place_of_the_indexs_is_named(tmp_path: Path) -> None:
    info = unpack(tmp_path, write_wheel(tmp_path / "index", OF_INDEX, "theirs"))
    (info / "direct_url.json").write_text('{"url": "file:///x/torch.whl", "archive_info": {}}')
    record, same = record_with(OF_PACKAGE_INDEX), OF_PACKAGE_INDEX
    assert why_other_torch(tmp_path, record, same) == "its torch was replaced by file:///x/torch.whl"
    asked = msgspec.structs.replace(record, asked=("torch @ file:///x/torch.whl",))
    assert why_other_torch(tmp_path, asked, same) is None
    of_conda = msgspec.structs.replace(record, spec=EnvSpec(torch_from="conda"))
    assert why_other_torch(tmp_path, of_conda, same) is None


def test_torch_with_a_name_of_torchs_own_is_the_same_from_everywhere(tmp_path: Path) -> None:
    """Where it lies, why it was chosen and how large it is makes no environment anew."""
    unpack(tmp_path, write_wheel(tmp_path / "index", OF_INDEX, "theirs"))
    was = build(tmp_path, version="2.8.0+cpu", variant="cpu")
    now = build(None, version="2.8.0+cpu", variant="cpu", source="torch index", reason="other", disk=7)
    assert why_other_torch(tmp_path, record_with(was), now) is None


@on_glibc
@pytest.mark.slow
@pytest.mark.parametrize(("version", "tag"), [(VERSION, PLAIN), (NAMED, PLAIN), (NAMED, OF_INDEX)])
def test_torch_of_ones_own_is_what_uv_installs_beside_the_indexs(
    tmp_path: Path, planning: Any, told: Any, offline: dict[str, str], version: str, tag: str
) -> None:
    wheel = write_wheel(tmp_path / "wheels", tag, "mine", version)
    theirs = write_wheel(tmp_path / "index" / "torch", OF_INDEX, "theirs")
    (theirs.parent / "index.html").write_text(f'<a href="{theirs.name}">{theirs.name}</a>')
    environ = {name: text for name, text in offline.items() if name != "PIP_NO_INDEX"}
    environ |= {"PIP_INDEX_URL": (tmp_path / "index").as_uri(), "PIP_FIND_LINKS": str(wheel.parent)}
    given = planning(facts=FACTS, environ=environ)
    plan = plan_environment("own", EnvSpec(torch=VERSION), planning=given, progress=told)
    assert plan.torch is not None
    assert own_file(plan.torch, FACTS.platform) == wheel
    assert asked_lines(plan) == [f"torch @ {wheel.as_uri()}"]

    locked = resolve_wheels(plan, planning=given, progress=told)
    assert [(each.url, each.source) for each in locked] == [(wheel.as_uri(), "find-links")]
    for name, each in (("asked", plan), ("locked", replace(plan, locked=locked))):
        prefix = tmp_path / name
        assert installed_by_uv(prefix, each, given, told) == "mine"
        assert why_other_torch(prefix, record_with(plan.torch), plan.torch) is None

    write_wheel(tmp_path / "wheels", tag, "newer", version)
    for name in ("asked", "locked"):
        told_of = why_other_torch(tmp_path / name, record_with(plan.torch), plan.torch)
        assert told_of == f"its torch is not the one in {wheel}"
    assert installed_by_uv(tmp_path / "anew", plan, given, told) == "newer"


def installed_by_uv(prefix: Path, plan: Plan, planning: Planning, told: Any) -> str:
    """Install a plan's packages into a new environment; return the code of its torch."""
    folder = prefix.with_name(f"work-{prefix.name}")
    folder.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(prefix)], check=True)
    install_wheels(prefix, plan, uv=uv_calls(plan, planning=planning, folder=folder, progress=told))
    (code,) = prefix.glob("lib/python*/site-packages/torch/__init__.py")
    return code.read_text()
