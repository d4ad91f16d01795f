"""Each owner of an environment is told in its own words what to install and what to remove."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from authoring.small_plugins import SITE, owner_of

from envkit.authoring.calls import Call
from envkit.authoring.installers import install_call, removal_calls
from envkit.authoring.specs import Spec

if TYPE_CHECKING:
    from pathlib import Path

    from envkit.owner import Owner

GOOD = Spec(text="envkit-good>=1", name="envkit-good")
LOCAL = Spec(text="/src/x", name="envkit-x", is_editable=True)


def owner(root: Path, kind: str) -> Owner:
    prefix = root / "home/venvs/envkit-2"
    files = {
        "pip": {f"{SITE}/pip/__main__.py": ""},
        "uv": {"pyvenv.cfg": ""},
        "pipx": {"pipx_metadata.json": json.dumps({"injected_packages": {"envkit_good": {}}})},
        "old pipx": {"pipx_metadata.json": "{}", f"{SITE}/pip/__main__.py": ""},
    }[kind]
    for file, text in files.items():
        (prefix / file).parent.mkdir(parents=True, exist_ok=True)
        (prefix / file).write_text(text, encoding="utf-8")
    return owner_of(prefix)


@pytest.mark.parametrize(
    ("kind", "spec", "is_upgrade", "program", "words"),
    [
        ("pip", GOOD, False, "pip", "install envkit-good>=1"),
        ("pip", GOOD, True, "pip", "install --upgrade envkit-good>=1"),
        ("pip", LOCAL, False, "pip", "install --editable /src/x"),
        ("uv", GOOD, False, "uv", "pip install --python PYTHON envkit-good>=1"),
        ("uv", GOOD, True, "uv", "pip install --python PYTHON --upgrade-package envkit-good envkit-good>=1"),
        ("uv", LOCAL, False, "uv", "pip install --python PYTHON --editable /src/x"),
        ("pipx", GOOD, False, "pipx", "inject envkit-2 envkit-good>=1"),
        ("pipx", GOOD, True, "pipx", "inject --force envkit-2 envkit-good>=1"),
        ("pipx", LOCAL, False, "pipx", "inject --editable envkit-2 /src/x"),
    ],
)
def test_install_is_said_in_the_words_of_the_owner(
    kind: str, spec: Spec, is_upgrade: bool, program: str, words: str, tmp_path: Path
) -> None:
    mine = owner(tmp_path, kind)

    call = install_call(mine, [spec], is_upgrade=is_upgrade)

    assert (call.program, " ".join(call.arguments)) == (program, words.replace("PYTHON", str(mine.python)))


@pytest.mark.parametrize(
    ("kind", "program", "words"),
    [
        ("pip", "pip", "install --force-reinstall --no-deps git+https://h/x tiny==1"),
        (
            "uv",
            "uv",
            "pip install --python PYTHON --reinstall-package envkit-x git+https://h/x envkit-good>=1",
        ),
        ("pipx", "pipx", "inject --force envkit-2 git+https://h/x envkit-good>=1"),
    ],
)
def test_address_of_what_is_here_is_installed_anew_in_the_words_of_the_owner(
    kind: str, program: str, words: str, tmp_path: Path
) -> None:
    mine = owner(tmp_path, kind)
    there = Spec(text="git+https://h/x", name="envkit-x")

    call = install_call(mine, [there, GOOD], anew=["envkit-x"], pins=["tiny==1"])

    assert (call.program, " ".join(call.arguments)) == (program, words.replace("PYTHON", str(mine.python)))


@pytest.mark.parametrize(
    ("kind", "name", "program", "words"),
    [
        ("pip", "envkit-good", "pip", "uninstall --yes envkit-good"),
        ("uv", "envkit-good", "uv", "pip uninstall --python PYTHON envkit-good"),
        ("pipx", "envkit-good", "pipx", "uninject envkit-2 envkit-good"),
        ("pipx", "envkit-other", "uv", "pip uninstall --python PYTHON envkit-other"),
        ("old pipx", "envkit-good", "pip", "uninstall --yes envkit-good"),
    ],
)
def test_removal_is_said_in_the_words_of_the_owner(
    kind: str, name: str, program: str, words: str, tmp_path: Path
) -> None:
    mine = owner(tmp_path, kind)

    (call,) = removal_calls(mine, [name])

    assert (call.program, " ".join(call.arguments)) == (program, words.replace("PYTHON", str(mine.python)))


def test_removal_of_several_goes_to_those_who_know_them(tmp_path: Path) -> None:
    calls = removal_calls(owner(tmp_path, "pipx"), ["envkit-good", "envkit-other"])

    assert [(call.program, call.arguments[-1]) for call in calls] == [
        ("pipx", "envkit-good"),
        ("uv", "envkit-other"),
    ]


def test_pipx_is_told_where_its_environments_lie(tmp_path: Path) -> None:
    call = install_call(owner(tmp_path, "pipx"), [GOOD])

    assert dict(call.variables) == {"PIPX_HOME": str(tmp_path / "home")}


def test_command_is_shown_to_be_pasted_without_its_passwords(tmp_path: Path) -> None:
    mine = owner(tmp_path, "pip")
    call = Call(program="pip", arguments=("install", "x>=1", "https://me:secret@h/x.whl"))

    assert call.text(mine) == f"{mine.python} -m pip install 'x>=1' 'https://***@h/x.whl'"
