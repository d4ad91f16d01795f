"""The folder that an image is built from: what is in it, what is not, and that it is the same each time."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from images.planned import (
    CERTIFICATE,
    Place,
    make_place,
    make_plan,
    make_run,
    make_template,
    write_adapter,
)
from packaging.pylock import Pylock
from uv import find_uv_bin

from envkit.api import EnvError, ImageError, UsageError
from envkit.environments.files.toml_lines import load_toml
from envkit.environments.records import WheelPackage
from envkit.images.contents.context import write_context, write_pylock
from envkit.images.contents.model_files import model_files
from envkit.images.records import BuildSecret, ImagePlan

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.images.records import Contents

SHA256 = "5" * 64


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return make_place(tmp_path_factory.mktemp("place"))


@pytest.fixture(scope="module")
def contents(place: Place) -> Contents:
    return place.contents()


@pytest.fixture
def plan(contents: Contents, tmp_path: Path) -> ImagePlan:
    """Return a plan with all that there can be."""
    run = make_run(tmp_path / "elsewhere")
    script = tmp_path / "warm.py"
    script.write_text("print()\n")
    bundle = tmp_path / "ca.pem"
    bundle.write_text(f"# from {tmp_path}\n{CERTIFICATE}")
    return make_plan(
        replace(contents, model_dir=run.model_dir),
        template=make_template(files=(script,)),
        ca_bundle=bundle,
    )


def write(plan: ImagePlan, folder: Path) -> Path:
    write_context(plan, folder, dockerfile="FROM x\n", mode="buildkit", environ={})
    return folder


def digests(folder: Path) -> dict[str, tuple[str, int, float]]:
    """Return content, mode and time of every file."""
    return {
        file.relative_to(folder).as_posix(): (
            hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "",
            file.stat().st_mode & 0o777,
            file.stat().st_mtime,
        )
        for file in (folder, *folder.rglob("*"))
    }


def test_context_holds_what_the_dockerfile_copies_and_nothing_else(plan: ImagePlan, tmp_path: Path) -> None:
    folder = write(plan, tmp_path / "context")
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    wheels = {file for file in files if file.startswith("packages/wheels/")}
    assert {file.rpartition("/")[2].partition("-")[0] for file in wheels} == {
        *("deep", "peft", "pluggy", "tiny", "trainer", "uv"),
    }
    assert files - wheels == {
        *("Dockerfile", ".dockerignore", "ca/ca.crt", "files/warm.py", "lock/envkit.lock"),
        *("packages/pylock.toml", "packages/uv.txt"),
        *("plugins/envkit_echo-1.0-py3-none-any.whl", "host/envkit_ml-0.1.0-py3-none-any.whl"),
        *("model/config.json", "model/envkit.json", "model/model.safetensors", "model/parts/vocab.txt"),
    }
    assert (folder / "lock/envkit.lock").read_text() == plan.contents.lock_text
    assert (folder / "ca/ca.crt").read_text() == CERTIFICATE


def test_context_written_twice_is_the_same_to_the_byte(
    plan: ImagePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = digests(write(plan, tmp_path / "one"))
    monkeypatch.setattr(time, "time", lambda: 2e9)
    before = os.umask(0o077)
    try:
        assert digests(write(plan, tmp_path / "two")) == first
    finally:
        os.umask(before)
    assert {mode for _, mode, _ in first.values()} == {0o755, 0o644}
    assert {time.gmtime(moment).tm_year // 10 for *_, moment in first.values()} == {198}


def test_context_shows_in_the_time_alone_what_changed_and_kept_its_size(
    plan: ImagePlan, tmp_path: Path
) -> None:
    locks = ("a lock\n", "b lock\n")
    plans = [replace(plan, contents=replace(plan.contents, lock_text=text)) for text in locks]
    before, after = (digests(write(each, tmp_path / f"{number}")) for number, each in enumerate(plans))
    assert [place for place in before if before[place][2] != after[place][2]] == ["lock/envkit.lock"]


def test_context_names_nothing_of_this_machine(plan: ImagePlan, place: Place, tmp_path: Path) -> None:
    folder = write(plan, tmp_path / "context")
    for file in folder.rglob("*"):
        content = file.read_bytes() if file.is_file() else b""
        assert str(tmp_path).encode() not in content, file
        assert str(place.folder).encode() not in content, file
    record = json.loads((folder / "model/envkit.json").read_text())
    assert record["environment"]["python"] == "/opt/envkit/bin/python"
    assert record["options"] == {"seed": 1, "labels": None}
    assert record["model"] == "bert"


def test_context_leaves_files_here_as_they_are(plan: ImagePlan, place: Place, tmp_path: Path) -> None:
    wheel = next(place.wheels.glob("tiny-*"))
    before = wheel.stat()
    write(plan, tmp_path / "context")
    assert (wheel.stat().st_mtime, wheel.stat().st_mode) == (before.st_mtime, before.st_mode)


def test_pylock_of_the_context_installs(plan: ImagePlan, tmp_path: Path) -> None:
    folder = write(plan, tmp_path / "context")
    uv = [find_uv_bin(), "--quiet", "--no-config", "--offline"]
    prefix = tmp_path / "venv"
    subprocess.run([*uv, "venv", "--python", sys.executable, str(prefix)], check=True)
    install = [*uv, "pip", "install", "--preview-features", "pylock", "--python", str(prefix / "bin/python")]
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "cache")}
    subprocess.run([*install, "--requirements", "packages/pylock.toml"], check=True, cwd=folder, env=environ)
    found = {file.name.partition("-")[0] for file in prefix.rglob("*.dist-info")}
    assert found == {"deep", "peft", "pluggy", "tiny", "trainer"}


def test_line_of_uv_is_its_wheel_with_its_hash(plan: ImagePlan, tmp_path: Path) -> None:
    uv = plan.contents.uv
    here = write(plan, tmp_path / "here") / "packages/uv.txt"
    name = uv.url.rpartition("/")[2]
    assert here.read_text() == f"./packages/wheels/{name} --hash=sha256:{uv.sha256}\n"
    remote = WheelPackage(
        name="uv", version="1", url="https://x.example/uv-1-py3-none-any.whl", sha256=SHA256
    )
    there = write(replace(plan, contents=replace(plan.contents, uv=remote)), tmp_path / "there")
    assert (there / "packages/uv.txt").read_text() == f"uv @ {remote.url} --hash=sha256:{SHA256}\n"


def test_adapter_takes_the_model_that_it_is_put_on_along(plan: ImagePlan, tmp_path: Path) -> None:
    base = tmp_path / "bert base"
    base.mkdir()
    for name in ("config.json", "model.safetensors", "pytorch_model.bin", "notes.txt"):
        (base / name).write_text("{}")
    assert plan.contents.model_dir is not None
    write_adapter(plan.contents.model_dir, str(base))
    folder = write(plan, tmp_path / "context")
    assert sorted(file.name for file in (folder / "model/base").iterdir()) == [
        "config.json",
        "model.safetensors",
    ]
    adapter = json.loads((folder / "model/adapter_config.json").read_text())
    assert adapter == {"base_model_name_or_path": "/opt/model/base", "r": 8}


def test_model_takes_no_folder_along_that_a_link_leads_to(plan: ImagePlan, tmp_path: Path) -> None:
    assert plan.contents.model_dir is not None
    outside = tmp_path / "private"
    outside.mkdir()
    (outside / "key").write_text("secret")
    (plan.contents.model_dir / "more").symlink_to(outside)
    (plan.contents.model_dir / "gone").symlink_to(tmp_path / "nothing")
    folder = write(plan, tmp_path / "context")
    assert not any(file.name in ("key", "more", "gone") for file in folder.rglob("*"))


def test_file_of_a_model_that_links_out_of_it_is_refused(plan: ImagePlan, tmp_path: Path) -> None:
    assert plan.contents.model_dir is not None
    (tmp_path / "netrc").write_text("password")
    link = plan.contents.model_dir / "notes.txt"
    link.symlink_to(tmp_path / "netrc")
    with pytest.raises(UsageError, match=r"notes\.txt is a link to .*netrc, which is outside") as error:
        write(plan, tmp_path / "context")
    assert str(error.value.hint).startswith("If it is the model's, copy the model: cp -rL ")


@pytest.mark.parametrize(("model", "is_taken"), [("models--a", True), ("models--b", False)])
def test_snapshot_of_the_cache_takes_the_blobs_of_its_own_model(
    tmp_path: Path, model: str, is_taken: bool
) -> None:
    snapshot = tmp_path / "models--a" / "snapshots" / "1"
    blob = tmp_path / model / "blobs" / "5"
    for folder in (snapshot, blob.parent):
        folder.mkdir(parents=True)
    blob.write_text("{}")
    (snapshot / "config.json").symlink_to(blob)
    if is_taken:
        assert [str(file.place) for file in model_files(snapshot, environ={})] == ["config.json"]
    else:
        with pytest.raises(UsageError, match="outside the model's folder"):
            list(model_files(snapshot, environ={}))


@pytest.mark.parametrize(
    "name", ["..%2F..%2Fx.whl", "..", "a%5Cx.whl", "a%22x.whl", "a%27x.whl", "a%0Ax.whl", "%00.whl"]
)
def test_file_of_a_package_without_a_plain_name_is_refused(
    plan: ImagePlan, tmp_path: Path, name: str
) -> None:
    package = WheelPackage(name="own", version="1", url=f"file:///a/b/{name}", sha256=SHA256)
    contents = replace(plan.contents, packages=(package,))
    with pytest.raises(EnvError, match=r"the file of own 1 has the name"):
        write(replace(plan, contents=contents), tmp_path / "context")
    assert not (tmp_path / "x.whl").exists()


def test_folder_that_is_not_empty_is_refused(plan: ImagePlan, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    (tmp_path / "context" / "mine").write_text("")
    with pytest.raises(UsageError, match="is not empty"):
        write(plan, tmp_path / "context")


def test_folder_that_cannot_be_written_is_named(plan: ImagePlan, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImageError, match="cannot be written") as error:
        write(plan, tmp_path / "file" / "context")
    assert str(error.value.hint).startswith("See whether the disk is full: df -h ")


def test_secrets_are_refused_for_the_classic_builder(plan: ImagePlan, tmp_path: Path) -> None:
    secret = BuildSecret(id="netrc", content=b"password", target="/root/.netrc")
    with pytest.raises(UsageError, match=r"secrets.*netrc"):
        write_context(
            replace(plan, secrets=(secret,)), tmp_path / "context", dockerfile="FROM x\n", mode="classic"
        )


def test_secrets_are_in_no_file_of_the_context(plan: ImagePlan, tmp_path: Path) -> None:
    secret = BuildSecret(id="netrc", content=b"hunter2secret", target="/root/.netrc")
    proxies = {"http_proxy": "http://u:hunter2secret@proxy"}
    folder = write(replace(plan, secrets=(secret,), proxies=proxies), tmp_path / "context")
    assert not any(b"hunter2secret" in file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_wheels_of_plugins_start_no_commands(plan: ImagePlan, tmp_path: Path) -> None:
    folder = write(plan, tmp_path / "context")
    for wheel in (*folder.glob("host/*"), *folder.glob("plugins/*")):
        with zipfile.ZipFile(wheel) as archive:
            assert archive.testzip() is None
            assert not any("console_scripts" in archive.read(name).decode() for name in archive.namelist())


NAMES = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
PLACES = st.sampled_from(["https://x.example/a%20b", "file:///my%20wheels", "https://x.example/%C3%A4"])
ENDINGS = st.sampled_from(["-1.0+cpu-py3-none-any.whl", "-1.0+cpu.tar.gz"])


@settings(max_examples=30)
@given(st.lists(st.tuples(NAMES, PLACES, ENDINGS), min_size=1, max_size=5, unique_by=lambda each: each[0]))
def test_pylock_is_valid_whatever_the_packages_are(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, str]]
) -> None:
    packages = [
        WheelPackage(name=name, version="1.0+cpu", url=f"{folder}/{name}{ending}", sha256=SHA256, size=5)
        for name, folder, ending in rows
    ]
    file = tmp_path_factory.getbasetemp() / "pylock.toml"
    lock = Pylock.from_dict(load_toml(write_pylock(packages), file))
    assert sorted(package.name for package in lock.packages) == sorted(name for name, _, _ in rows)
