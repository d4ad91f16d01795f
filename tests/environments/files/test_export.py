"""What `env export` writes, read back by packaging, by PyYAML and by envkit itself."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from environments.files.made_wheels import DIGEST, wheel
from environments.stored import record_of, wanted
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.pylock import Pylock

from envkit.api import BasePackage, EnvError
from envkit.api.environments import Base
from envkit.environments.files.export import export_environment
from envkit.environments.files.export_conda import yaml_scalar
from envkit.environments.files.read import read_environment_file
from envkit.environments.records import EnvSpec, HostPackage, WheelPackage
from envkit.torchbuild import TorchBuild

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from envkit.environments.records import EnvRecord

TORCH = TorchBuild(
    version="2.8.0+cu126",
    variant="cu126",
    source="torch index",
    location="https://***@mirror.example/torch/cu126",
    python="3.11.7",
    reason="",
)
WHEELS = (
    wheel("six"),
    wheel("torch", "2.8.0+cu126"),
    wheel("tiny-model"),
    wheel("old", "0.1", url="https://i.example/old-0.1.tar.gz"),
    wheel("mine", "0.2", url="https://me:word@i.example/m.zip#subdirectory=s", source="direct"),
)
SOURCES = (
    WheelPackage(name="repo", version="0.3", url="git+ssh://git@g.example/r@c0ffee", source="direct"),
    WheelPackage(name="folder", version="0.4", url="file:///src/folder", source="direct"),
)


@pytest.fixture
def record(make_record: Callable[..., EnvRecord]) -> EnvRecord:
    """Return the record of an environment for a task, with torch and a model's package."""
    return make_record(
        spec=EnvSpec(tasks=("ner",)),
        torch=TORCH,
        plugins=(HostPackage(name="envkit-ner", version="0.1.0", digest="d"),),
        envkit=HostPackage(name="envkit-ml", version="0.1.0", digest="d"),
        without_dependencies=("envkit-ml", "envkit-ner", "tiny-model==1.0"),
    )


def test_exported_pylock_is_valid_and_names_every_file(record: EnvRecord) -> None:
    text = export_environment(record, (*WHEELS, *SOURCES), form="pylock")
    lock = Pylock.from_dict(tomllib.loads(text))
    lock.validate()
    assert str(lock.requires_python) == "==3.11.*"
    assert [package.name for package in lock.packages] == sorted(w.name for w in (*WHEELS, *SOURCES))
    assert "word" not in text
    assert (
        "# Left out, for envkit adds them from where it is installed itself:\n#     envkit-ml 0.1.0" in text
    )
    assert "tiny-model" not in text.split("lock-version")[0]


def test_exported_pylock_read_back_gives_the_same_packages(
    record: EnvRecord, write: Callable[[str, str], Path]
) -> None:
    text = export_environment(record, (*WHEELS, *SOURCES), form="pylock")
    requested = read_environment_file(
        write("pylock.toml", text), backend="venv", python=record.python, environ={}
    )
    found = {each.name: (each.url, each.sha256, each.source) for each in requested.wheels}
    expected = {each.name: (each.url, each.sha256, each.source) for each in (*WHEELS, *SOURCES)}
    expected["mine"] = ("https://i.example/m.zip#subdirectory=s", DIGEST, "direct")
    assert found == expected
    assert "--task ner" in requested.notes[0]


@pytest.mark.parametrize("form", ["pylock", "requirements", "environment.yml"])
def test_exported_file_says_what_only_the_backend_has_and_its_own_name(
    make_record: Callable[..., EnvRecord], form: Any
) -> None:
    base = Base(
        backend="conda", python="3.11.7", packages=(BasePackage(name="hello", version="2", build="0"),)
    )
    record = make_record(backend="conda", base=base, spec=EnvSpec(base_packages=("hello >=2",)))
    head = export_environment(record, [wheel("six")], form=form, file_name="my own.x")
    assert "--file 'my own.x'" in head
    is_told = (
        "# LEFT OUT, for they are of conda (--format environment.yml has them):\n#     hello >=2\n" in head
    )
    assert is_told == (form != "environment.yml")


def test_exported_pylock_without_addresses_names_the_packages(record: EnvRecord) -> None:
    unknown = [WheelPackage(name="six", version="1.0"), wheel("nohash", sha256="")]
    with pytest.raises(EnvError, match="nohash, six") as caught:
        export_environment(record, unknown, form="pylock")
    assert "--format requirements" in (caught.value.hint or "")


def test_exported_requirements_pin_every_package_with_its_hash(
    record: EnvRecord, write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    text = export_environment(record, WHEELS, form="requirements")
    assert "--extra-index-url https://mirror.example/torch/cu126\n" in text
    assert "word" not in text
    requested = read_environment_file(write("requirements.txt", text), backend="venv", environ=environ)
    assert requested.packages == (
        f"mine @ https://i.example/m.zip#subdirectory=s&sha256={DIGEST}",
        "old==0.1",
        "six==1.0",
        "torch==2.8.0+cu126",
    )
    assert requested.constraints[-1] == f"torch==2.8.0+cu126 --hash=sha256:{DIGEST}"
    assert "#     uv pip install --no-deps tiny-model==1.0\n" in text


def test_exported_requirements_have_hashes_for_all_or_for_none(record: EnvRecord) -> None:
    text = export_environment(record, (*WHEELS, *SOURCES), form="requirements")
    assert "--hash" not in text
    assert "# Without hashes, for none is known of: folder, repo\n" in text
    assert "repo @ git+ssh://git@g.example/r@c0ffee\n" in text


def test_exported_requirements_name_the_folder_of_find_links(make_record: Callable[..., EnvRecord]) -> None:
    found = wheel("tiny", url="file:///some%20where/tiny-1.0-py3-none-any.whl", source="find-links")
    text = export_environment(make_record(), [found], form="requirements")
    assert "# tiny was found in /some where\ntiny==1.0" in text


def test_torch_of_the_package_index_is_pinned_so_that_no_variant_is_meant(
    make_record: Callable[..., EnvRecord],
) -> None:
    torch = TorchBuild(
        version="2.8.0", variant="cu128", source="package index", location="", python="3.11", reason=""
    )
    text = export_environment(make_record(torch=torch), [wheel("torch", "2.8.0")], form="requirements")
    assert "torch===2.8.0 \\\n" in text
    assert "index-url" not in text


def base_package(name: str, version: str, build: str, channel: str = "conda-forge") -> BasePackage:
    return BasePackage(name=name, version=version, build=build, channel=channel)


@pytest.mark.parametrize(
    ("channels", "first"),
    [
        (("conda-forge",), "python=3.11.7=h1_0"),
        (("conda-forge", "https://me:word@host.example/c"), "conda-forge::python=3.11.7=h1_0"),
    ],
)
def test_exported_environment_yml_names_conda_packages_with_their_builds(
    record: EnvRecord,
    make_record: Callable[..., EnvRecord],
    write: Callable[[str, str], Path],
    environ: dict[str, str],
    channels: tuple[str, ...],
    first: str,
) -> None:
    packages = (base_package("python", "3.11.7", "h1_0"), base_package("tk", "8.6", "xft_1", channels[-1]))
    conda = make_record(
        backend="conda",
        spec=EnvSpec(backend="conda", channels=channels),
        base=Base(backend="conda", python="3.11.7", packages=packages),
        torch=TORCH,
    )
    text = export_environment(conda, (*WHEELS, *SOURCES), form="environment.yml")
    content = yaml.safe_load(text)
    assert content["name"] == "demo"
    assert content["channels"] == [each.replace("me:word@", "") for each in channels]
    assert content["dependencies"][0] == first
    assert content["dependencies"][-1]["pip"][0] == "--extra-index-url https://mirror.example/torch/cu126"
    requested = read_environment_file(write("environment.yml", text), backend="conda", environ=environ)
    assert requested.python == "3.11.7"
    assert [each.split("::")[-1] for each in requested.base_packages] == [
        *(["python=3.11.7=h1_0"]),
        "tk=8.6=xft_1",
    ]
    assert {"six==1.0", "torch==2.8.0+cu126", "folder @ file:///src/folder"} < set(requested.packages)


def test_exported_environment_yml_of_a_venv_has_its_python(
    make_record: Callable[..., EnvRecord], write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    text = export_environment(make_record(), [wheel("six")], form="environment.yml")
    requested = read_environment_file(write("environment.yml", text), backend="venv", environ=environ)
    assert (requested.python, requested.packages) == ("3.11.7", ("six==1.0",))


@pytest.mark.parametrize(
    ("form", "file_name"), [("requirements", "requirements.txt"), ("environment.yml", "environment.yml")]
)
def test_exported_editable_packages_read_back_are_editable(
    make_record: Callable[..., EnvRecord],
    write: Callable[[str, str], Path],
    environ: dict[str, str],
    tmp_path: Path,
    form: Any,
    file_name: str,
) -> None:
    folders = [tmp_path / "plain", tmp_path / "with space", tmp_path / "copied"]
    wheels = []
    for folder in folders:
        folder.mkdir()
        url = folder.as_uri()
        wheels.append(WheelPackage(name=folder.name.replace(" ", "-"), version="1", url=url, source="direct"))
    asked = (f"-e {folders[0]}[dev]", f"-e with-space @ {folders[1].as_uri()}", str(folders[2]))
    record = make_record(spec=EnvSpec(packages=asked))
    text = export_environment(record, [*wheels, wheel("six")], form=form)
    requested = read_environment_file(write(file_name, text), backend="venv", environ=environ)
    assert set(requested.packages) == {
        f"-e {folders[0]}",
        f"-e {folders[1]}",
        f"copied @ {folders[2].as_uri()}",
        "six==1.0",
    }
    lock = Pylock.from_dict(tomllib.loads(export_environment(record, wheels, form="pylock")))
    directories = {package.name: package.directory for package in lock.packages}
    assert {name: bool(each and each.editable) for name, each in directories.items()} == {
        "plain": True,
        "with-space": True,
        "copied": False,
    }


def test_exported_environment_yml_names_packages_asked_for_by_address_so(
    make_record: Callable[..., EnvRecord], write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    address = "https://host.example/downloads/tk-8.6-xft_1.conda"
    fetched = BasePackage(
        name="tk", version="8.6", build="xft_1", channel="https://host.example/", url=address
    )
    record = make_record(
        backend="conda",
        spec=EnvSpec(backend="conda", base_packages=(address,)),
        base=Base(
            backend="conda", python="3.11.7", packages=(base_package("python", "3.11.7", "h1_0"), fetched)
        ),
    )
    text = export_environment(record, (), form="environment.yml")
    requested = read_environment_file(write("environment.yml", text), backend="conda", environ=environ)
    assert (requested.channels, requested.base_packages) == (
        ("conda-forge",),
        ("python=3.11.7=h1_0", address),
    )


@settings(max_examples=50)
@given(st.text(st.characters(codec="utf-8"), max_size=30))
def test_any_text_survives_yaml(text: str) -> None:
    assert yaml.safe_load(f"a:\n  - {yaml_scalar(text)}\n") == {"a": [text]}


names = st.from_regex(r"[a-z][a-z0-9]{0,6}(-[a-z0-9]{1,4})?", fullmatch=True)
numbers = st.lists(st.integers(0, 999), min_size=1, max_size=3).map(lambda parts: ".".join(map(str, parts)))
versions = st.tuples(numbers, st.sampled_from(["", "rc1", "+cpu", ".post2"])).map("".join)


@settings(max_examples=20)
@given(packages=st.dictionaries(names, versions, max_size=5))
def test_any_list_of_packages_survives_every_format(packages: dict[str, str], tmp_path_factory: Any) -> None:
    record = record_of(wanted(plugins=(), envkit=None), generation=1)
    folder = tmp_path_factory.mktemp("files")
    wheels = [wheel(name, version) for name, version in packages.items()]
    pins = {f"{name}=={version}" for name, version in packages.items()}
    for form, name in (
        ("pylock", "pylock.toml"),
        ("requirements", "requirements.txt"),
        ("environment.yml", "environment.yml"),
    ):
        file = folder / name
        file.write_text(export_environment(record, wheels, form=form), encoding="utf-8")  # type: ignore[arg-type]  # a literal
        requested = read_environment_file(
            file, backend="venv", python=record.python, environ={"PIP_CONFIG_FILE": "/dev/null"}
        )
        assert set(requested.packages) == pins
