"""What an install would change, as its installer says before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from authoring.small_plugins import make_venv, offline, runner_of, write_plugin
from small_wheels import write_wheel

from envkit.authoring.changes import Change, installed_versions, read_uv_changes
from envkit.authoring.forecast import foresee_install
from envkit.authoring.installers import install_call
from envkit.authoring.removing import find_dependents
from envkit.authoring.specs import Spec, read_spec
from envkit.environments.missing_packages import MissingPackages
from envkit.owner import Owner

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("lines", "change"),
    [
        ([" + tiny==1.5"], Change(name="tiny", after="1.5", is_asked=True)),
        ([" - tiny==1.4", " + Tiny==1.5"], Change(name="tiny", before="1.4", after="1.5", is_asked=True)),
        ([" ~ tiny==1.5"], Change(name="tiny", before="1.5", after="1.5", is_asked=True)),
        ([" - other==1.4"], Change(name="other", before="1.4")),
        (
            [" + other @ file:///d/other-2.0-py3-none-any.whl"],
            Change(name="other", after="2.0"),
        ),
        ([" + other @ file:///src/folder"], Change(name="other", after="of folder")),
        (
            [" - other==1.0 (from file:///d/other-1.0-py3-none-any.whl)", " + other==1.1"],
            Change(name="other", before="1.0", after="1.1"),
        ),
    ],
)
def test_lines_of_uv_are_read_as_one_change(lines: list[str], change: Change) -> None:
    read = read_uv_changes(["Resolved 2 packages in 1ms", *lines, "warning: x"], asked={"tiny"})

    assert read == [change]


@pytest.mark.parametrize(
    ("change", "says", "is_other"),
    [
        (Change(name="x", after="1"), "x 1 is new", False),
        (Change(name="x", before="1"), "x 1 is removed", True),
        (Change(name="x", before="1", after="2"), "x 1 becomes 2", True),
        (Change(name="x", before="1", after="2", is_asked=True), "x 1 becomes 2", False),
        (Change(name="x", before="1", after="1"), "x 1 is installed anew", False),
    ],
)
def test_change_of_what_nobody_named_is_another(change: Change, says: str, is_other: bool) -> None:
    assert (str(change), change.is_other) == (says, is_other)


@pytest.mark.slow
def test_change_of_what_is_there_is_foreseen_and_nothing_is_done(tmp_path: Path) -> None:
    links = tmp_path / "links"
    write_plugin(links, "envkit-back", needs=("tiny<1",))
    write_wheel(links, "tiny", "0.9")
    write_wheel(links, "tiny", "1.0")
    owner = make_venv(tmp_path / "venv")
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=links))
    runner.run(install_call(owner, [Spec(text="tiny==1.0", name="tiny")]))

    for _ in range(2):
        assert foresee_install(owner, [read_spec("envkit-back")], runner=runner).changes == (
            Change(name="envkit-back", after="1.0", is_asked=True),
            Change(name="tiny", before="1.0", after="0.9"),
        )


def test_name_that_is_nowhere_is_told_as_missing(tmp_path: Path) -> None:
    owner = make_venv(tmp_path / "venv")
    runner = runner_of(owner, tmp_path / "work", environ=offline(tmp_path, links=tmp_path))

    with pytest.raises(MissingPackages) as missing:
        foresee_install(owner, [read_spec("envkit-nowhere")], runner=runner)

    assert missing.value.names == ("envkit-nowhere",)


def test_damaged_metadata_of_one_distribution_keep_nobody_from_reading_the_others(tmp_path: Path) -> None:
    for name, content in (
        ("bad", b"Name: bad\nVersion: 1.0\nSummary: caf\xe9\n"),
        ("good", b"Name: good\nVersion: 2.0\n"),
    ):
        folder = tmp_path / f"{name}-0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_bytes(content + b"Requires-Dist: needed>=1\n")
    owner = Owner(
        kind="venv",
        prefix=tmp_path,
        python=tmp_path / "python",
        site=tmp_path,
        evidence=tmp_path / "pyvenv.cfg",
    )

    assert installed_versions(owner) == {"bad": "1.0", "good": "2.0"}
    assert sorted(find_dependents("needed", owner)) == ["bad 1.0", "good 2.0"]
