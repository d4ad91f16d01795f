"""What counts, where it is from, what it overrides, and what is wrong: all of it, not the first of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.api import UsageError
from envkit.config import read_layers
from envkit.config.overview import show_config
from envkit.config.shown import Origin, Overview, ShownValue


def show(folder: Path, *, task: str | None = None, **environ: str) -> Overview:
    own = folder / "config.toml"
    layers = read_layers(folder, user_file=own)
    return show_config(layers, task=task, folder=folder, user_file=own, environ=environ)


def value(overview: Overview, key: str) -> ShownValue:
    groups = [overview.settings, overview.mirrors, *(each.values for each in overview.tasks)]
    return next(value for group in groups for value in group if value.key == key)


def test_value_comes_with_file_and_line_and_those_that_it_overrides(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[ner]\nepochs = 2\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n[tool.envkit.ner]\nepochs = 3\n")
    (tmp_path / "envkit.toml").write_text("\n[ner]\n\nepochs = 4\n")

    found = value(show(tmp_path, ENVKIT_NER_EPOCHS="5"), "ner.epochs")

    assert (found.value, found.source, found.line) == (5, "ENVKIT_NER_EPOCHS", None)
    assert found.overridden == (
        Origin(value=4, source=str(tmp_path / "envkit.toml"), line=4),
        Origin(value=3, source=str(tmp_path / "pyproject.toml"), line=4),
        Origin(value=2, source=str(tmp_path / "config.toml"), line=2),
    )


def test_settings_are_all_there_with_their_defaults(tmp_path: Path) -> None:
    overview = show(tmp_path)

    assert [each.key for each in overview.settings] == ["home", "env", "track", "backend"]
    assert {each.source for each in (*overview.settings, *overview.mirrors)} == {"default"}
    assert value(overview, "mirrors.torch-index").value.startswith("https://")
    assert (overview.tasks, overview.problems) == ((), ())


def test_files_are_listed_weakest_first_there_or_not(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.envkit]\n")

    files = show(tmp_path).files

    assert [(Path(each.path).name, each.scope, each.is_there) for each in files] == [
        ("config.toml", "user", False),
        ("pyproject.toml", "project", True),
        ("envkit.toml", "project", False),
    ]


def test_task_asked_for_is_shown_with_all_options(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\nepochs = 4\n[sentiment]\nepochs = 5\n")

    (asked,) = show(tmp_path, task="ner").tasks

    sources = {each.key: each.source for each in asked.values}
    assert sources["ner.epochs"] == str(tmp_path / "envkit.toml")
    assert sources["ner.seed"] == "default"


def test_task_that_is_not_installed_is_refused_where_asked_and_shown_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[elsewhere]\na-b = 4\n")

    (shown,) = show(tmp_path).tasks

    assert (shown.task, shown.plugin) == ("elsewhere", None)
    assert [(each.key, each.value, each.line) for each in shown.values] == [("elsewhere.a-b", 4, 2)]
    with pytest.raises(UsageError, match="no task 'elsewhere'"):
        show(tmp_path, task="elsewhere")


def test_value_that_a_stronger_option_stands_for_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\nbatch-size = 4\n")

    overview = show(tmp_path, ENVKIT_NER_TOKENS_PER_STEP="64")

    assert value(overview, "ner.batch-size").set_aside == "tokens-per-step"
    assert value(overview, "ner.tokens-per-step").set_aside is None


def test_everything_that_is_wrong_is_listed_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text(
        "torch-index = 'https://x'\ncolour = 1\n"
        "[mirrors]\ntorch-indx = 1\nmodel-hub = 'x'\n[ner]\nepoch = 3\nepochs = 0\n[sentimnt]\nepochs = 3\n"
    )

    overview = show(
        tmp_path, ENVKIT_TORCH_INDX="1", ENVKIT_NER_SEDE="1", ENVKIT_TRACEBACK="1", ENVKIT_ZZZ="1"
    )

    file = tmp_path / "envkit.toml"
    wrong = {each.message: each.hint or "" for each in overview.problems}
    for message, hint in [
        (f"{file}:1: there is no option 'torch-index'", "[mirrors]"),
        (f"{file}:2: there is no option 'colour'", "Known here"),
        (f"{file}:4: [mirrors]: there is no option 'torch-indx'", "'torch-index'"),
        (f"{file}:5: model-hub is not an address", "https://"),
        (f"{file}:7: [ner]: there is no option 'epoch'", "'epochs'"),
        (f"{file}:8: epochs = 0 does not fit: expected a whole number >= 1", ""),
        (f"{file}:9: there is no table 'sentimnt'", "[sentiment]"),
        ("there is no variable ENVKIT_TORCH_INDX", "ENVKIT_TORCH_INDEX"),
        ("the variable ENVKIT_NER_SEDE: there is no option 'sede'", "'seed'"),
    ]:
        assert hint in wrong.pop(message)
    assert wrong == {}


def test_passwords_are_masked_everywhere(tmp_path: Path) -> None:
    address = "https://u:s3kret@host/t/t0ken/x"
    (tmp_path / "envkit.toml").write_text(
        f"env = '{address}'\n[mirrors]\npackage-index = '{address}'\nchannels = ['{address}']\n"
        f"[elsewhere]\nx = '{address}'\n[ner]\nepochs = '{address}'\n"
    )

    shown = repr(show(tmp_path, ENVKIT_PACKAGE_INDEX=address))

    assert "host" in shown
    assert "s3kret" not in shown
    assert "t0ken" not in shown


@pytest.mark.parametrize("value", ["https:/u:s3kret@host/c", "u:s3kret@host/c", "https://u:no s3kret@host/c"])
@pytest.mark.parametrize("key", ["package-index", "channels", "model-hub"])
def test_password_in_what_is_no_address_is_masked(tmp_path: Path, key: str, value: str) -> None:
    (tmp_path / "envkit.toml").write_text(f"[mirrors]\n{key} = '{value}'\n")
    shown = repr(show(tmp_path, ENVKIT_TORCH_INDEX=value))
    assert "***@host/c" in shown
    assert "s3kret" not in shown
