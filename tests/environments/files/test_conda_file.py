"""`environment.yml` as conda's documentation describes it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from envkit.api import EnvError, UsageError
from envkit.environments.files.read import read_environment_file
from envkit.environments.files.request import FileRequest
from envkit.owner import install_command

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WHOLE = """\
name: ml
channels:
  - conda-forge
  - https://host.example/channel
  - nodefaults
dependencies:
  - python=3.11
  - numpy>=1.26   # [linux]
  - conda-forge::cuda-nvcc=12.*
  - "pandas[version='>=2']"
  - pip
  - pip:
      - requests>=2 ; python_version < "3.13"
      - ./pkg
      - -r more.txt
      - --extra-index-url https://download.pytorch.org/whl/cu126
variables:
  A: 1
  B: two
prefix: /some/where
platforms: [linux-64]
"""


def test_environment_yml_gives_all_that_an_environment_can_have(
    write: Callable[[str, str], Path], environ: dict[str, str], tmp_path: Path
) -> None:
    write("pkg/pyproject.toml", '[project]\nname = "pkg"\n')
    write("more.txt", "attrs\n")
    file = write("environment.yml", WHOLE)
    requested = read_environment_file(file, backend="conda", environ=environ)
    assert requested == FileRequest(
        name="ml",
        python="3.11",
        channels=("conda-forge", "https://host.example/channel"),
        base_packages=("numpy>=1.26", "conda-forge::cuda-nvcc=12.*", "pandas[version='>=2']", "pip"),
        packages=('requests>=2; python_version < "3.13"', f"pkg @ file://{tmp_path}/pkg", "attrs"),
        notes=requested.notes,
    )
    told = "\n".join(requested.notes)
    assert "environment.yml:18: variables are passed over, set them in the shell: A, B" in told
    assert "environment.yml:20: prefix is passed over" in told
    assert "environment.yml:21: platforms is passed over" in told
    assert "environment.yml:16: --extra-index-url is passed over" in told


@pytest.mark.parametrize(
    ("spec", "python", "packages"),
    [
        ("python", "", ()),
        ("python=3.10", "3.10", ()),
        ("python =3.12.4", "3.12.4", ()),
        ("python 3.12.*", "3.12", ()),
        ("python==3.12.4", "==3.12.4", ()),
        ("python=3", "==3.*", ()),
        ("python>=3.11,<3.13", ">=3.11,<3.13", ()),
        ("python >=3.11", ">=3.11", ()),
        ("python >3.10,!=3.12.*", ">3.10,!=3.12.*", ()),
        ("python~=3.11", "~=3.11", ()),
        ("python=3.12.4=h1_0_cpython", "3.12.4", ("python=3.12.4=h1_0_cpython",)),
        ("python 3.12.4 h1_0", "3.12.4", ("python 3.12.4 h1_0",)),
        ("python=3.11.*=*_cpython", "3.11", ("python=3.11.*=*_cpython",)),
        ("python 3.11.* *_cpython", "3.11", ("python 3.11.* *_cpython",)),
        ("python==3.11.7=h1_0", "==3.11.7", ("python==3.11.7=h1_0",)),
        ("python >=3.11,<3.12 *_cpython", ">=3.11,<3.12", ("python >=3.11,<3.12 *_cpython",)),
        ("python >= 3.11, < 3.13 h1_0", ">=3.11,<3.13", ("python >= 3.11, < 3.13 h1_0",)),
        ("python * *_cpython", "", ("python * *_cpython",)),
        ("python >= 3.11 , < 3.13", ">=3.11,<3.13", ()),
        ("conda-forge::python=3.12", "3.12", ("conda-forge::python=3.12",)),
        ("python[version='>=3.11', build=h1_0]", ">=3.11", ("python[version='>=3.11', build=h1_0]",)),
        ("Python=3.12", "3.12", ()),
        ("python-dateutil=2", "", ("python-dateutil=2",)),
    ],
)
def test_environment_yml_python_is_read_as_conda_reads_it(
    write: Callable[[str, str], Path],
    environ: dict[str, str],
    spec: str,
    python: str,
    packages: tuple[str, ...],
) -> None:
    file = write("environment.yml", f"dependencies:\n  - {spec}\n")
    requested = read_environment_file(file, backend="conda", environ=environ)
    assert (requested.python, requested.base_packages) == (python, packages)


@pytest.mark.parametrize("nothing", ["", "null", "~", "Null"])
def test_environment_yml_keys_with_nothing_in_them_say_nothing(
    write: Callable[[str, str], Path], environ: dict[str, str], nothing: str
) -> None:
    text = "".join(f"{key}: {nothing}\n" for key in ("name", "channels", "variables", "prefix"))
    file = write("environment.yml", f"{text}dependencies:\n  - tk\n  - pip: {nothing}\n")
    requested = read_environment_file(file, backend="conda", environ=environ)
    assert requested == FileRequest(base_packages=("tk",))


def test_environment_yml_for_a_venv_takes_python_and_pips_list(
    write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    text = "channels: [conda-forge]\ndependencies: [python=3.12.4=h1_0, pip, {pip: [six]}]\n"
    requested = read_environment_file(write("e.yaml", text), backend="venv", environ=environ)
    assert (requested.python, requested.packages) == ("3.12.4", ("six",))
    assert (requested.channels, requested.base_packages) == ((), ())
    assert "channels are passed over" in requested.notes[0]


def test_environment_yml_for_a_venv_with_conda_packages_lists_them(
    write: Callable[[str, str], Path], environ: dict[str, str]
) -> None:
    text = "dependencies:\n  - python\n  - numpy=2\n  - cuda-nvcc\n"
    with pytest.raises(UsageError, match=r"environment\.yml:3: .*numpy=2, cuda-nvcc") as caught:
        read_environment_file(write("environment.yml", text), backend="venv", environ=environ)
    assert "--backend conda" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "the file is empty"),
        ("- a\n- b\n", ":1:", "not a table"),
        ("dependencies:\n  - {a\n", ":3:", "no YAML"),
        ("dependencies:\n\t- a\n", ":2:", "no YAML"),
        ("dependencies: numpy\n", ":1:", "dependencies is not a list"),
        ("name: a\ndependecies: [a]\n", ":2:", "there is no key 'dependecies'"),
        ("Channels: [a]\n", ":1:", "there is no key 'Channels'"),
        ("name: [a]\n", ":1:", "name is not a text"),
        ("dependencies:\n  - [a]\n", ":2:", "a package is not a text"),
        ("dependencies:\n  - npm: [a]\n", ":2:", "'npm' cannot stand here"),
        ("dependencies:\n  - '>=1'\n", ":2:", "is no conda package"),
        ("dependencies:\n  - python=3.11|3.12\n", ":2:", "no range of Pythons"),
        ("dependencies:\n  - python=3.10\n  - python=3.11\n", ":3:", "is the second Python, after 3.10"),
        ("dependencies:\n  - pip:\n    - six\n    - =1\n", ":4:", "is no requirement"),
        ("channels:\n  - https://me:word@host.example/c\n", ":2:", "a password or token"),
        ("channels:\n  - https://host.example/t/abc-1/c\n", ":2:", "a password or token"),
        ("channels:\n  - me:abc-1@host.example/c\n", ":2:", "a password or token"),
        ("channels:\n  - https://host.example/c?sig=abc-1\n", ":2:", "a password or token"),
        ("channels:\n  - https://host.example/t/${TOKEN}/c\n", ":2:", "a password or token"),
        ("dependencies:\n  - https://me:word@host.example/c::a\n", ":2:", "a password or token"),
    ],
)
def test_environment_yml_names_the_line_that_it_cannot_take(
    write: Callable[[str, str], Path], environ: dict[str, str], text: str, place: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        read_environment_file(
            write("environment.yml", text), backend="conda", environ={**environ, "TOKEN": "abc-1"}
        )
    assert f"environment.yml{place}" in caught.value.message
    assert message in caught.value.message
    assert "abc-1" not in caught.value.message


def test_environment_yml_without_pyyaml_names_the_extra(
    write: Callable[[str, str], Path], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(EnvError, match="PyYAML") as caught:
        read_environment_file(write("environment.yml", WHOLE), backend=None, environ=environ)
    assert caught.value.hint == f"Install it: {install_command('envkit-ml[conda]')}"
