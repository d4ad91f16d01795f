"""``envkit config`` as it is typed: screens, JSON, exits."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from environments.stored import build_for, wanted

from envkit.cli import main
from envkit.environments.store import change_environment
from envkit.mirrors import MIRROR_FIELDS

if TYPE_CHECKING:
    from pathlib import Path

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    monkeypatch.chdir(tmp_path)
    for name in ("XDG_CONFIG_HOME", "HOME"):  # Linux, macOS
        monkeypatch.setenv(name, str(tmp_path / "user"))
    for name in ("ENVKIT_HOME", "HF_ENDPOINT", "PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("COLUMNS", "80")

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        with pytest.raises(SystemExit) as end:
            main(words)
        printed = capfd.readouterr()
        code = end.value.code
        assert isinstance(code, int)
        return subprocess.CompletedProcess(words, code, printed.out, printed.err)

    return run


def data(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.stderr == ""
    return json.loads(done.stdout)["data"]


def test_what_was_set_is_shown_with_its_file_and_line_and_gone_once_unset(run: Run, tmp_path: Path) -> None:
    assert run("config", "set", "mirrors.torch-index", "https://u:s3kret@mirror.example/whl").returncode == 0
    assert run("config", "set", "ner.epochs", "5", "--project").stdout == (
        f"ner.epochs = 5 in {tmp_path / 'envkit.toml'}\n"
    )

    shown = run("config", "show")
    assert shown.returncode == 0
    lines = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines() if line}
    assert lines["torch-index"][0] == "https://***@mirror.example/whl"
    assert lines["torch-index"][1].endswith("config.toml:2")
    assert lines["epochs"] == ["5", "envkit.toml:2"]
    assert "s3kret" not in shown.stdout

    assert run("config", "unset", "ner.epochs", "--project").returncode == 0
    assert "epochs" not in run("config", "show").stdout


def test_show_with_sources_lists_files_and_what_is_overridden(run: Run, tmp_path: Path) -> None:
    run("config", "set", "env", "current")
    (tmp_path / "envkit.toml").write_text("env = 'auto'\n")

    plain, full = run("config", "show").stdout, run("config", "show", "--sources").stdout

    assert "overridden: envkit config show --sources" in plain
    assert "config.toml:1, overridden" in full
    assert full.startswith("FILE, THE LAST WINS")


def test_show_as_json_has_every_value_and_ends_with_2_where_something_is_wrong(
    run: Run, tmp_path: Path
) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\nepoch = 3\nepochs = 4\n")

    done = run("config", "show", "--json")

    shown = data(done)
    assert done.returncode == 2
    assert shown["tasks"][0]["values"] == [
        {
            "key": "ner.epochs",
            "value": 4,
            "source": str(tmp_path / "envkit.toml"),
            "line": 3,
            "overridden": [],
            "set_aside": None,
        }
    ]
    assert [each["hint"] for each in shown["problems"]] == ["Did you mean 'epochs'?"]


def test_show_takes_mirrors_from_the_tools_where_envkit_is_told_of_none(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://u:s3kret@index.example/simple")
    monkeypatch.setenv("HF_ENDPOINT", "https://hub.example")
    monkeypatch.setenv("ENVKIT_MODEL_HUB", "https://own.example")

    done = run("config", "show", "--json")

    mirrors = {each["key"]: (each["value"], each["source"]) for each in data(done)["mirrors"]}
    assert mirrors["mirrors.package-index"] == ("https://***@index.example/simple", "PIP_INDEX_URL")
    assert mirrors["mirrors.model-hub"] == ("https://own.example", "ENVKIT_MODEL_HUB")


def test_dry_run_prints_the_difference_and_writes_nothing(run: Run, tmp_path: Path) -> None:
    done = run("config", "set", "ner.epochs", "5", "--project", "--dry-run")

    assert done.stdout.splitlines()[-2:] == ["+[ner]", "+epochs = 5"]
    assert not (tmp_path / "envkit.toml").exists()


def test_set_as_json_says_what_was_written(run: Run, tmp_path: Path) -> None:
    told = data(run("config", "set", "ner.epochs", "5", "--project", "--json"))

    assert told["is_written"] is True
    assert (told["change"]["before"], told["change"]["after"]) == (None, 5)
    assert told["change"]["file"] == str(tmp_path / "envkit.toml")


def test_set_that_does_not_count_warns_of_what_does(run: Run, tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("env = 'auto'\n")

    done = run("config", "set", "env", "current")

    assert f"warning: {tmp_path / 'envkit.toml'}:1 says it too, and counts instead" in done.stderr


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["set", "ner.epochs", "0"], "epochs:"),
        (["set", "torch-index", "https://x"], "envkit config set mirrors.torch-index"),
        (["unset", "env"], "envkit config show --sources"),
        (["show", "nre"], "'ner'"),
        (["show", "mirors"], "'mirrors'"),
        (["show", "mirrors.torch-indx"], "'torch-index'"),
        (["set", "backend", "cnda"], "'conda'"),
        (["set", "env", "curent"], "Did you mean 'current'?"),
        (["set", "env", "nosuch"], "envkit env create nosuch"),
        (["sett", "env", "x"], "Did you mean"),
        (["set", "env", "auto", "--project", "--user"], "name two files"),
        (["path", "--user", "--project"], "name two files"),
    ],
)
def test_what_is_wrong_ends_with_2_and_a_hint(run: Run, words: list[str], hint: str) -> None:
    done = run("config", *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert hint in done.stderr


@pytest.mark.parametrize(
    "words", [("env", "current"), ("env", "docker:mine:1"), ("env", "made"), ("backend", "conda")]
)
def test_set_takes_what_is_there(run: Run, tmp_path: Path, words: tuple[str, str]) -> None:
    run("config", "set", "home", str(tmp_path / "home"))
    want = wanted(name="made")
    change_environment(
        tmp_path / "home",
        "made",
        is_fit=lambda prefix, record: "not made yet",
        build=build_for(want),
        say=lambda text: None,
    ).release()

    assert run("config", "set", *words).returncode == 0


@pytest.mark.parametrize(
    ("part", "keys"),
    [
        ("env", ["env"]),
        ("mirrors.torch_index", ["mirrors.torch-index"]),
        ("ner.epochs", ["ner.epochs"]),
        (
            "mirrors",
            [f"mirrors.{key}" for key in MIRROR_FIELDS],
        ),
    ],
)
def test_show_of_a_part_has_nothing_else(run: Run, part: str, keys: list[str]) -> None:
    done = run("config", "show", part, "--json")

    found = data(done)
    values = [*found["settings"], *found["mirrors"], *(v for task in found["tasks"] for v in task["values"])]
    assert (done.returncode, sorted(each["key"] for each in values)) == (0, sorted(keys))


def test_path_prints_the_files_that_count_and_the_one_to_edit(run: Run, tmp_path: Path) -> None:
    run("config", "set", "env", "auto")

    found = data(run("config", "path", "--json"))

    assert [each["is_there"] for each in found] == [True, False]
    assert run("config", "path", "--user").stdout.strip() == found[0]["path"]
    assert run("config", "path", "--project").stdout.strip() == str(tmp_path / "envkit.toml")
