"""The options of a run without a host, in this process, with the task `echo`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from echo import install_source
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import EnvkitError, Options, UsageError
from envkit.registry import load_task
from envkit.worker.alone_options import Resolved, help_text, read_flags, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.registry import LoadedTask


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LoadedTask:
    monkeypatch.syspath_prepend(install_source(tmp_path / "site"))
    return load_task("echo")


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a working folder with a file of data and an empty one."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "data.txt").write_text("one\n")
    (folder / "empty.txt").touch()
    return folder


def ask(loaded: LoadedTask, here: Path, *words: str, environ: Mapping[str, str] | None = None) -> Resolved:
    flags = read_flags(words, loaded.task.options)
    return resolve(loaded, flags.values, environ=environ or {}, folder=here)


@pytest.mark.parametrize(
    ("words", "variables", "message", "hint"),
    [
        (["--stesp", "3"], {}, "there is no option --stesp", "Did you mean --steps?"),
        (["steps"], {}, "'steps' is no option", "--help"),
        (["--steps"], {}, "--steps needs a value", ""),
        (["--run-dir"], {}, "--run-dir needs a value", ""),
        (["--steps", "many"], {}, "--steps: 'many' does not fit: expected a whole number", "Steps to count"),
        (["--steps", "-1"], {}, "--steps: '-1' does not fit: expected a whole number >= 0", "Steps to count"),
        (["--steps="], {}, "--steps: '' does not fit", "Steps to count"),
        (["--noise=yes"], {}, "--noise takes no value", "--noise alone"),
        (["--fault", "rise"], {}, "--fault: 'rise' does not fit: expected one of", "Did you mean 'raise'?"),
        (["--device", "gpu"], {}, "--device: 'gpu' does not fit", "Device to compute on"),
        (["--train", "gone.csv"], {}, "gone.csv: no such file or folder", "only what is mounted"),
        (["--train", "dat.txt"], {}, "dat.txt: no such file or folder", "Did you mean"),
        (["--train", "empty.txt"], {}, "empty.txt: the file is empty", "--train"),
        (["--train", "-"], {}, "standard input is not read here", "Mount the file"),
        (["--data", "data.txt", "--train", "data.txt"], {}, "--data stands for --train", "--help"),
        (["--dev", "data.txt"], {}, "--dev and --test need --train", "--help"),
        (["--model", "./nothing"], {}, "--model: './nothing' is no folder with a model", "mounted"),
        ([], {"ENVKIT_ECHO_STESP": "3"}, "there is no variable ENVKIT_ECHO_STESP", "ENVKIT_ECHO_STEPS?"),
        ([], {"ENVKIT_ECO_STEPS": "3"}, "there is no variable ENVKIT_ECO_STEPS", "ENVKIT_ECHO_STEPS?"),
        ([], {"ENVKIT_ECHO_XYZZY": "3"}, "there is no variable ENVKIT_ECHO_XYZZY", ""),
        ([], {"ENVKIT_ECHO_STEPS": "x"}, "ENVKIT_ECHO_STEPS: 'x' does not fit", "Steps to count"),
        ([], {"ENVKIT_ECHO_NOISE": "x"}, "ENVKIT_ECHO_NOISE: 'x' does not fit", "what a careless"),
    ],
)
def test_option_that_cannot_be_is_refused_with_its_source(
    loaded: LoadedTask, here: Path, words: list[str], variables: dict[str, str], message: str, hint: str
) -> None:
    with pytest.raises(EnvkitError) as raised:
        ask(loaded, here, *words, environ=variables)

    assert message in raised.value.message
    assert hint in (raised.value.hint or "")
    assert raised.value.exit_code == 2


def test_options_come_from_defaults_variables_and_flags_in_that_order(loaded: LoadedTask, here: Path) -> None:
    resolved = ask(
        loaded,
        here,
        *("--steps=2", "--steps", "4", "--no-words", "--pause", "-0"),
        environ={"ENVKIT_ECHO_STEPS": "9", "ENVKIT_ECHO_SEED": "7", "ENVKIT_ECHO_EPOCHS": "", "HOME": "/"},
    )

    options = resolved.options
    assert isinstance(options, Options)
    assert (options.steps, options.seed, options.words, options.epochs) == (4, 7, False, 3)  # type: ignore[attr-defined]
    assert {name: resolved.sources[name] for name in ("steps", "seed", "words", "epochs")} == {
        "steps": "--steps",
        "seed": "ENVKIT_ECHO_SEED",
        "words": "--no-words",
        "epochs": "default",
    }


def test_option_of_a_variable_is_replaced_by_a_flag_that_says_it_in_another_way(
    loaded: LoadedTask, here: Path
) -> None:
    resolved = ask(loaded, here, "--data", "data.txt", environ={"ENVKIT_ECHO_TRAIN": "gone.txt"})

    assert (resolved.options.data, resolved.options.train) == (here / "data.txt", None)


def test_variables_of_other_programs_and_other_tasks_are_let_be(loaded: LoadedTask, here: Path) -> None:
    others = {"ENVKIT_TRACEBACK": "1", "ENVKIT_HOME": "/", "ECHO_STEPS": "3", "ENVKIT_UNKNOWN_EPOCHS": "1"}

    assert ask(loaded, here, environ=others).options == loaded.task.options()


def test_model_in_a_folder_is_recorded_with_its_whole_path(loaded: LoadedTask, here: Path) -> None:
    (here / "mine").mkdir()
    (here / "mine" / "config.json").write_text("{}")
    (here / "mine" / "model.safetensors").touch()

    assert ask(loaded, here, "--model", "mine").options.model == str(here / "mine")
    assert ask(loaded, here, "--model", "bert-base-cased").options.model == "bert-base-cased"
    assert ask(loaded, here, "--model", "parrot").options.model == "parrot"


@pytest.fixture
def barred(here: Path) -> Iterator[Path]:
    """Return a folder that this process may not enter, as an image's own user may not enter another one's."""
    folder = here / "barred"
    folder.mkdir(mode=0o700)
    if os.geteuid() == 0:  # only somebody else is kept out
        here.parent.chmod(0o755)
        os.seteuid(65534)
    else:
        folder.chmod(0)
    try:
        yield folder
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        folder.chmod(0o700)


def test_working_folder_that_may_not_be_entered_is_no_fault_of_a_named_model(
    loaded: LoadedTask, barred: Path
) -> None:
    assert ask(loaded, barred, "--model", "bert-base-cased").options.model == "bert-base-cased"


@pytest.mark.parametrize("words", [("--model", "./mine"), ("--train", "data.txt")])
def test_path_in_a_folder_that_may_not_be_entered_says_how_to_be_oneself(
    loaded: LoadedTask, barred: Path, words: tuple[str, ...]
) -> None:
    with pytest.raises(EnvkitError, match="may not be looked at by this user") as raised:
        ask(loaded, barred, *words)

    assert "docker run --user" in (raised.value.hint or "")


def test_help_names_every_option_in_lines_that_fit_a_terminal(loaded: LoadedTask) -> None:
    shown = help_text(loaded).splitlines()

    for name in loaded.task.options.__struct_fields__:
        flag = f"  --{name.replace('_', '-')}"
        assert any(line.startswith((f"{flag} ", f"{flag}/")) for line in shown)
    assert max(map(len, shown)) <= 80


@given(st.integers(min_value=0, max_value=10**6), st.text(max_size=20), st.booleans())
def test_flags_hold_any_text_however_they_are_written(steps: int, text: str, has_sign: bool) -> None:
    words = ["--epochs", str(steps), *([f"--model={text}"] if has_sign else ["--model", text])]

    assert read_flags(words, Options).values == {"epochs": str(steps), "model": text}


def test_flags_that_ask_for_help_are_not_read_further() -> None:
    assert read_flags(["--epochs", "x", "--help", "--nonsense"], Options).asks_for_help
    with pytest.raises(UsageError):
        read_flags(["--nonsense", "--help"], Options)


def test_flag_for_the_folder_of_the_run_is_no_option_of_the_task() -> None:
    flags = read_flags(["--run-dir", "runs/mine"], Options)

    assert (flags.values, flags.run_dir) == ({}, Path("runs/mine"))
