"""What is exported makes the same environment again: with uv, from a folder of wheels."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import EnvError
from envkit.environments.files.export import export_environment
from envkit.environments.files.installed_wheels import installed_wheels
from envkit.environments.files.read import read_environment_file
from envkit.environments.make import make_environment
from envkit.environments.plan import Planning, plan_environment
from envkit.environments.records import EnvSpec
from envkit.environments.uv import find_uv
from envkit.machine import read_facts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from conda_channel import LocalChannel

    from envkit.environments.files.export import Form
    from envkit.environments.files.request import FileRequest
    from envkit.environments.records import Environment, EnvRecord

pytestmark = pytest.mark.slow

FILES: dict[Form, str] = {
    "pylock": "pylock.toml",
    "requirements": "requirements.txt",
    "environment.yml": "environment.yml",
}


@pytest.fixture
def planning(tmp_path: Path, offline: dict[str, str]) -> Planning:
    """Return surroundings in which only a folder of wheels is known."""
    from envkit.config import Settings

    settings = Settings(home=tmp_path / "home")
    return Planning(
        facts=read_facts(),
        home=settings.home,
        torch_index=settings.torch_index,
        environ=offline,
        settings=settings,
    )


@pytest.fixture
def make(planning: Planning, told: Any) -> Callable[..., Environment]:
    """Make an environment from what is wanted, or from what a file asks for."""

    def make(name: str, *packages: str, request: FileRequest | None = None) -> Environment:
        spec = EnvSpec(packages=packages)
        if request is not None:
            spec = EnvSpec(python=request.python, packages=request.packages, constraints=request.constraints)
        plan = plan_environment(name, spec, planning=planning, progress=told)
        plan = replace(plan, locked=request.wheels) if request is not None else plan
        return make_environment(plan, planning=planning, progress=told)

    return make


def record_of(environment: Environment) -> EnvRecord:
    assert environment.record is not None
    return environment.record


@pytest.mark.parametrize("form", FILES)
def test_exported_environment_made_again_has_the_same_packages(
    make: Callable[..., Environment], planning: Planning, tmp_path: Path, form: Form
) -> None:
    first = make("first", "tiny", "msgspec")
    wheels = installed_wheels(record_of(first), first.prefix, planning=planning)
    assert {each.name: each.version for each in wheels} == record_of(first).installed
    assert all(each.sha256 and each.url for each in wheels)
    file = tmp_path / FILES[form]
    file.write_text(export_environment(record_of(first), wheels, form=form), encoding="utf-8")
    requested = read_environment_file(file, backend="venv", environ=planning.environ)
    again = make("again", request=requested)
    assert record_of(again).installed == record_of(first).installed
    file.unlink()  # what the file said stands in the record
    spec = record_of(again).spec
    later = make("later", *spec.packages)
    assert record_of(later).installed == record_of(first).installed


@pytest.mark.parametrize(
    ("form", "option"), [("pylock", "--preview-features=pylock"), ("requirements", "--no-deps")]
)
def test_exported_file_is_installed_by_uv_alone(
    make: Callable[..., Environment], planning: Planning, tmp_path: Path, form: Form, option: str
) -> None:
    first = make("first", "tiny", "msgspec")
    wheels = installed_wheels(record_of(first), first.prefix, planning=planning)
    file = tmp_path / FILES[form]
    file.write_text(export_environment(record_of(first), wheels, form=form), encoding="utf-8")
    second = make("second")
    links = (
        ["--no-index", "--find-links", planning.environ["PIP_FIND_LINKS"]] if form == "requirements" else []
    )
    words = ["pip", "install", "--python", str(second.python), option, *links, "--requirements", str(file)]
    done = subprocess.run(
        [find_uv(), *words], env={**planning.environ}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    from envkit.environments.store import installed_in

    assert installed_in(second.prefix) == record_of(first).installed


@pytest.mark.parametrize("form", ["pylock", "requirements"])
def test_file_with_another_hash_is_refused(
    make: Callable[..., Environment], planning: Planning, tmp_path: Path, form: Form
) -> None:
    first = make("first", "tiny")
    (found,) = installed_wheels(record_of(first), first.prefix, planning=planning)
    text = export_environment(record_of(first), [found], form=form)
    file = tmp_path / FILES[form]
    file.write_text(text.replace(found.sha256, "0" * 64), encoding="utf-8")
    requested = read_environment_file(file, backend="venv", environ=planning.environ)
    with pytest.raises(EnvError, match="tiny"):
        make("again", request=requested)


def test_package_from_a_path_is_exported_with_its_address_and_hash(
    make: Callable[..., Environment], planning: Planning, find_links: Path, tmp_path: Path
) -> None:
    wheel = next(find_links.glob("tiny-*.whl"))
    first = make("first", str(wheel))
    (found,) = installed_wheels(record_of(first), first.prefix)
    assert (found.source, found.url) == ("direct", wheel.as_uri())
    file = tmp_path / "pylock.toml"
    file.write_text(export_environment(record_of(first), [found], form="pylock"), encoding="utf-8")
    requested = read_environment_file(file, backend="venv", environ=planning.environ)
    assert record_of(make("again", request=requested)).installed == {"tiny": "1.5"}


def test_exported_conda_environment_made_again_has_the_same_packages_and_builds(
    planning: Planning, told: Any, tmp_path: Path, conda_channel: LocalChannel
) -> None:
    def make(name: str, spec: EnvSpec) -> Environment:
        plan = plan_environment(name, spec, planning=planning, progress=told)
        return make_environment(plan, planning=planning, progress=told)

    first = make(
        "first",
        EnvSpec(
            backend="conda",
            packages=("tiny",),
            base_packages=("wordlist=1.0", "hello"),
            channels=(conda_channel.url,),
        ),
    )
    wheels = installed_wheels(record_of(first), first.prefix)
    assert [wheel.name for wheel in wheels] == ["tiny"]
    file = tmp_path / "environment.yml"
    file.write_text(export_environment(record_of(first), wheels, form="environment.yml"), encoding="utf-8")
    requested = read_environment_file(file, backend="conda", environ=planning.environ)
    again = make(
        "again",
        EnvSpec(
            backend="conda",
            python=requested.python,
            packages=requested.packages,
            base_packages=requested.base_packages,
            channels=requested.channels,
        ),
    )
    assert record_of(again).base.packages == record_of(first).base.packages
    assert record_of(again).installed == record_of(first).installed
