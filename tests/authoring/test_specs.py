"""What users name to be installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from small_wheels import write_wheel

from envkit.api import UsageError
from envkit.authoring.specs import read_spec

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("text", "given", "name", "fallback"),
    [
        ("envkit-ner", "envkit-ner", "envkit-ner", None),
        ("envkit-ner>=1.2", "envkit-ner>=1.2", "envkit-ner", None),
        ("ner", "envkit-ner", "envkit-ner", "ner"),
        ("ner==1.2", "envkit-ner==1.2", "envkit-ner", "ner==1.2"),
        ("ner[train]", "envkit-ner[train]", "envkit-ner", "ner[train]"),
        ("My_Plugin", "envkit-My_Plugin", "envkit-my-plugin", "My_Plugin"),
        ("x @ https://h/x.zip", "x @ https://h/x.zip", "x", None),
        (
            "https://h/envkit_x-1.0-py3-none-any.whl",
            "https://h/envkit_x-1.0-py3-none-any.whl",
            "envkit-x",
            None,
        ),
        ("git+https://h/x.git", "git+https://h/x.git", None, None),
    ],
)
def test_spec_is_read_as_what_an_installer_is_given(
    text: str, given: str, name: str | None, fallback: str | None
) -> None:
    spec = read_spec(text)

    assert (spec.text, spec.name) == (given, name)
    assert (spec.fallback and spec.fallback.text) == fallback


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("envkit-ml", "envkit itself"),
        ("envkit_ML==2", "envkit itself"),
        ("ml", "envkit itself"),
        ("--index-url", "neither the name"),
        ("a b", "neither the name"),
        ("./absent", "no file or folder"),
        ("absent.whl", "no file or folder"),
        ("./note.txt", "neither a wheel"),
        ("./bare", "no pyproject.toml"),
    ],
)
def test_spec_that_nothing_can_be_made_of_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / "note.txt").write_text("", encoding="utf-8")

    with pytest.raises(UsageError, match=says):
        read_spec(text, folder=tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "x[ @ https://me:hunter2@host/x.zip",
        "http//me:hunter2@host/x.zip",
        "me:hunter2@host",
        "./me:hunter2@host/x.whl",
    ],
)
@pytest.mark.parametrize("is_editable", [False, True])
def test_password_in_what_cannot_be_read_is_not_shown(text: str, is_editable: bool) -> None:
    with pytest.raises(UsageError) as refusal:
        read_spec(text, is_editable=is_editable)

    assert "hunter2" not in str(refusal.value)
    assert "host" in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "address", "is_source"),
    [
        ("envkit-ner>=1", None, False),
        ("x @ https://h/x.zip", "https://h/x.zip", True),
        (
            "https://h/envkit_x-1.0-py3-none-any.whl#sha256=1",
            "https://h/envkit_x-1.0-py3-none-any.whl#sha256=1",
            False,
        ),
        ("git+ssh://git@h/x.git@main", "git+ssh://git@h/x.git@main", True),
    ],
)
def test_spec_knows_its_address_and_whether_it_has_to_be_built(
    text: str, address: str | None, is_source: bool
) -> None:
    spec = read_spec(text)

    assert (spec.address, spec.is_source) == (address, is_source)


def test_path_of_a_wheel_gives_its_distribution(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "envkit-x")

    spec = read_spec(f"./{wheel.name}", folder=tmp_path)

    assert (spec.text, spec.name) == (str(wheel), "envkit-x")


@pytest.mark.parametrize("is_editable", [False, True])
def test_folder_gives_the_name_of_its_project(is_editable: bool, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "Envkit_X"\n', encoding="utf-8")

    spec = read_spec(".", folder=tmp_path, is_editable=is_editable)

    assert (spec.text, spec.name, spec.is_editable) == (str(tmp_path), "envkit-x", is_editable)


def test_wheel_that_should_stay_editable_is_refused(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path, "envkit-x")

    with pytest.raises(UsageError, match="only a folder"):
        read_spec(str(wheel), is_editable=True)
