"""Where a saved model is found, and what is said where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from echo import echo_request
from echo_model import echo_record, save_echo_model

from envkit.api import EnvkitError, UsageError
from envkit.api.records import RunResult, Status
from envkit.runs.folder import create_run
from envkit.runs.saved_model import find_model

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


def test_find_model_takes_a_run_by_folder_id_and_end_of_id(runs: Path) -> None:
    run = create_run(echo_request())
    save_echo_model(run.model_dir)

    found = [find_model(name).path for name in (f"runs/{run.path.name}", run.path.name, run.path.name[-4:])]

    assert found == [run.model_dir] * 3


def test_find_model_takes_a_model_folder_wherever_it_stands(runs: Path, tmp_path: Path) -> None:
    save_echo_model(tmp_path / "elsewhere" / "mine")

    found = find_model("elsewhere/mine")

    assert found.path == tmp_path / "elsewhere" / "mine"
    assert found.record == echo_record()


def test_find_model_prefers_a_run_to_a_folder_of_the_same_name_that_holds_none(runs: Path) -> None:
    run = create_run(echo_request())
    save_echo_model(run.model_dir)
    (runs.parent / run.path.name[-4:]).mkdir()

    assert find_model(run.path.name[-4:]).path == run.model_dir


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (None, "it crashed"),
        ("failed", "it failed"),
        ("cancelled", "it was stopped"),
        ("finished", "its task saves none"),
    ],
)
def test_find_model_of_a_run_without_one_says_how_the_run_stands(
    runs: Path, status: Status | None, words: str
) -> None:
    run = create_run(echo_request())
    run.events_file.touch()
    if status is not None:
        run.write_result(RunResult(status=status, task="echo"))

    with pytest.raises(UsageError, match=f"has no model: {words}") as caught:
        find_model(run.path.name)

    assert caught.value.hint == f"To see how it stands: envkit runs show {run.path}"


@pytest.mark.parametrize(
    ("files", "message", "hint"),
    [
        (["config.json"], "holds a model that envkit did not make", "envkit run TASK --model mine"),
        (["notes.txt"], "is neither a run nor a model", "envkit runs list"),
    ],
)
def test_find_model_in_a_folder_that_is_none_says_what_it_is(
    runs: Path, tmp_path: Path, files: list[str], message: str, hint: str
) -> None:
    (tmp_path / "mine").mkdir()
    for name in files:
        (tmp_path / "mine" / name).touch()

    with pytest.raises(UsageError, match=message) as caught:
        find_model("mine")

    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize("name", ["nothing", "A whole text where the run was forgotten. " * 20])
def test_find_model_of_no_such_name_is_a_usage_error(runs: Path, name: str) -> None:
    with pytest.raises(UsageError, match=name[:20]):
        find_model(name)


def test_find_model_with_a_damaged_record_names_the_file(runs: Path, tmp_path: Path) -> None:
    save_echo_model(tmp_path / "mine")
    (tmp_path / "mine" / "envkit.json").write_text("{")

    with pytest.raises(EnvkitError, match=r"envkit\.json: cannot be read"):
        find_model("mine")


def test_find_model_of_a_newer_envkit_asks_for_it(runs: Path, tmp_path: Path) -> None:
    save_echo_model(tmp_path / "mine", msgspec.structs.replace(echo_record(), version=99))

    with pytest.raises(EnvkitError, match="newer than this one"):
        find_model("mine")
