"""Values written into files and taken out: checked, nothing else of the file touched."""

from __future__ import annotations

import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import ConfigError, UsageError
from envkit.config.edit import Editor
from envkit.config.writing import toml_with, toml_without

if TYPE_CHECKING:
    from envkit.config.edit import Scope

FILE = Path("/x/envkit.toml")
COMMENTED = """\
# ours
env = "auto"   # for all

[ner]  # the task
epochs = 3 # few
batch_size=4
"""


def editor(folder: Path, scope: Scope = "user", **environ: str) -> Editor:
    return Editor(folder=folder, scope=scope, user_file=folder / "user" / "config.toml", environ=environ)


@pytest.mark.parametrize(
    ("key", "value", "before", "after"),
    [
        ("env", "current", "", 'env = "current"\n'),
        ("env", "current", COMMENTED, COMMENTED.replace('"auto"', '"current"')),
        ("ner.epochs", "5", COMMENTED, COMMENTED.replace("epochs = 3", "epochs = 5")),
        ("ner.batch-size", "8", COMMENTED, COMMENTED.replace("batch_size=4", "batch_size=8")),
        ("ner.seed", "7", COMMENTED, COMMENTED + "seed = 7\n"),
        ("home", "/e", "[ner]\nepochs = 3\n", 'home = "/e"\n\n[ner]\nepochs = 3\n'),
        ("track", "tensorboard,wandb", "", 'track = ["tensorboard", "wandb"]\n'),
        ("mirrors.channels", "a, b", "env = 'x'", 'env = \'x\'\n\n[mirrors]\nchannels = ["a", "b"]\n'),
        ("ner.epochs", "5", "ner = { epochs = 3, seed = 1 }\n", "ner = { epochs = 5, seed = 1 }\n"),
        ("ner.epochs", "5", "ner.seed = 1\nner.epochs = 3\n", "ner.seed = 1\nner.epochs = 5\n"),
        ("ner.epochs", "5", "[ner]\r\nepochs = 3\r\n# x\r\n", "[ner]\r\nepochs = 5\r\n# x\r\n"),
        ("ner.learning-rate", "3e-5", "[ner]\n", "[ner]\nlearning-rate = 3e-05\n"),
        # Written twice the file is refused: one is left.
        ("ner.batch-size", "8", "[ner]\nbatch-size = 4\nbatch_size = 2\n", "[ner]\nbatch-size = 8\n"),
    ],
)
def test_set_changes_one_value_and_keeps_comments_and_layout(
    tmp_path: Path, key: str, value: str, before: str, after: str
) -> None:
    file = tmp_path / "user" / "config.toml"
    file.parent.mkdir()
    file.write_bytes(before.encode())

    change = editor(tmp_path).set_value(key, value)

    assert file.read_bytes().decode() == after
    assert (change.key, change.file, change.stronger) == (key, str(file), None)


def test_set_in_a_pyproject_writes_below_tool_envkit(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text("[project]\nname = 'x'\n\n[tool.envkit]\nenv = 'auto'\n\n[tool.other]\na = 1\n")

    editor(tmp_path, "project").set_value("ner.epochs", "5")
    editor(tmp_path, "project").set_value("env", "current")

    content = tomllib.loads(file.read_text())
    assert content["tool"] == {"envkit": {"env": "current", "ner": {"epochs": 5}}, "other": {"a": 1}}


@pytest.mark.parametrize("before", ["{}", "{ env = 'auto' }", "{ ner = { seed = 1 } }"])
def test_set_in_an_inline_table_keeps_it_one(tmp_path: Path, before: str) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text(f"[tool]\nenvkit = {before}\n")

    editor(tmp_path, "project").set_value("ner.epochs", "5")
    editor(tmp_path, "project").set_value("mirrors.channels", "a,b")

    content = tomllib.loads(file.read_text())["tool"]["envkit"]
    assert (content["ner"]["epochs"], content["mirrors"]) == (5, {"channels": ["a", "b"]})
    assert file.read_text().count("\n") == 2


def test_unset_takes_every_spelling_out(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\nbatch-size = 4\nseed = 1\nbatch_size = 2\n")

    editor(tmp_path, "project").unset_value("ner.batch-size")

    assert (tmp_path / "envkit.toml").read_text() == "[ner]\nseed = 1\n"


def test_set_in_a_project_without_a_file_makes_one_here(tmp_path: Path) -> None:
    change = editor(tmp_path, "project").set_value("ner.epochs", "5")

    assert change.file == str(tmp_path / "envkit.toml")
    assert (tmp_path / "envkit.toml").read_text() == "[ner]\nepochs = 5\n"


def test_set_below_a_project_writes_paths_that_lead_to_the_same_place(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").touch()
    below = tmp_path / "a"
    below.mkdir()

    inside = editor(below, "project").set_value("ner.train", "t.conll")
    outside = editor(below).set_value("ner.train", "t.conll")

    assert (inside.after, outside.after) == ("a/t.conll", str(below / "t.conll"))


@pytest.mark.parametrize(
    ("key", "value", "error", "words"),
    [
        ("ner.epochs", "0", ConfigError, ["ner.epochs: '0' does not fit: expected a whole number >= 1"]),
        ("ner.epoch", "3", ConfigError, ["'epoch'", "'epochs'"]),
        ("nre.epochs", "3", UsageError, ["'nre'", "ner.epochs"]),
        ("torch-index", "https://x", ConfigError, ["config set mirrors.torch-index"]),
        ("mirrors.torch-indx", "https://x", ConfigError, ["'torch-index'"]),
        ("mirrors.torch-index", "u:s3kret@x", ConfigError, ["not an address"]),
        ("mirrors.channels", "a b", ConfigError, ["no channel"]),
        ("a.b.c", "1", UsageError, ["is no key"]),
        (".env", "1", UsageError, ["is no key"]),
        ("env", " ", ConfigError, ["empty", "config unset env"]),
        ("ner.max-steps", "null", ConfigError, ["cannot say 'null'", "config unset ner.max-steps"]),
        ("track", "wnadb", ConfigError, ["track: 'wnadb'"]),
        ("ner.dev", "d", UsageError, ["need --train"]),
    ],
)
def test_set_refuses_what_the_commands_would_refuse_and_writes_nothing(
    tmp_path: Path, key: str, value: str, error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        editor(tmp_path).set_value(key, value)

    said = f"{caught.value}{getattr(caught.value, 'hint', '')}"
    assert all(word in said for word in words), said
    assert "s3kret" not in said
    assert not (tmp_path / "user").exists()


def test_set_beside_an_older_mistake_is_done(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\nepoch = 3\n")

    editor(tmp_path, "project").set_value("ner.epochs", "5")
    editor(tmp_path, "project").unset_value("ner.epoch")

    assert (tmp_path / "envkit.toml").read_text() == "[ner]\nepochs = 5\n"


def test_set_in_a_file_that_is_no_toml_leaves_it_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner\nepochs = 3\n")

    with pytest.raises(ConfigError, match=r"envkit\.toml: .*line 1"):
        editor(tmp_path, "project").set_value("ner.epochs", "5")

    assert (tmp_path / "envkit.toml").read_text() == "[ner\nepochs = 3\n"


def test_set_keeps_link_and_mode_and_leaves_nothing_beside(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    real = tmp_path / "kept" / "real.toml"
    real.write_text("env = 'auto'\n")
    real.chmod(0o640)
    (tmp_path / "envkit.toml").symlink_to(real)

    editor(tmp_path, "project").set_value("env", "current")

    assert (tmp_path / "envkit.toml").is_symlink()
    assert real.read_text() == 'env = "current"\n'
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert [each.name for each in real.parent.iterdir()] == ["real.toml"]


def test_set_makes_the_users_file_for_its_owner_alone(tmp_path: Path) -> None:
    editor(tmp_path).set_value("mirrors.package-index", "https://u:s3kret@host/simple")

    assert stat.S_IMODE((tmp_path / "user" / "config.toml").stat().st_mode) == 0o600


def test_set_that_cannot_write_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "user").write_text("a file where a folder has to be")

    with pytest.raises(ConfigError, match=r"config\.toml cannot be"):
        editor(tmp_path).set_value("env", "current")


def test_dry_run_writes_nothing_and_masks_passwords(tmp_path: Path) -> None:
    change = editor(tmp_path).set_value(
        "mirrors.package-index", "https://u:s3kret@host/simple", is_dry_run=True
    )

    assert not (tmp_path / "user").exists()
    assert '+package-index = "https://***@host/simple"' in change.diff
    assert "s3kret" not in repr(change)


@pytest.mark.parametrize("value", ["https:/u:s3kret@host/c", "u:s3kret@host/c", "https://u:no s3kret@host/c"])
def test_set_in_place_of_what_is_no_address_does_not_show_it(tmp_path: Path, value: str) -> None:
    (tmp_path / "envkit.toml").write_text(f"[mirrors]\npackage-index = '{value}'\n")
    change = editor(tmp_path, "project").set_value("mirrors.package-index", "https://own.example/simple")
    assert change.before == "***@host/c"
    assert "s3kret" not in repr(change)


def test_set_to_the_same_value_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text(COMMENTED)

    assert editor(tmp_path, "project").set_value("ner.epochs", "3").diff == ""
    assert (tmp_path / "envkit.toml").read_text() == COMMENTED


def test_set_names_the_stronger_place_that_counts_instead(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\nepochs = 3\n")

    by_file = editor(tmp_path).set_value("ner.epochs", "5")
    by_variable = editor(tmp_path, ENVKIT_NER_EPOCHS="9").set_value("ner.epochs", "6")

    assert by_file.stronger == f"{tmp_path / 'envkit.toml'}:2"
    assert by_variable.stronger == "ENVKIT_NER_EPOCHS"


def test_unset_takes_out_one_line_and_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text(COMMENTED)

    change = editor(tmp_path, "project").unset_value("ner.batch-size")

    assert (tmp_path / "envkit.toml").read_text() == COMMENTED.replace("batch_size=4\n", "")
    assert (change.before, change.after) == (4, None)


@pytest.mark.parametrize(
    ("environ", "hint"),
    [
        ({}, "envkit.toml:5: envkit config unset ner.epochs --project"),
        ({"ENVKIT_NER_EPOCHS": "3"}, "unset ENVKIT_NER_EPOCHS"),
    ],
)
def test_unset_of_what_is_not_there_says_where_it_is(
    tmp_path: Path, environ: dict[str, str], hint: str
) -> None:
    (tmp_path / "envkit.toml").write_text(COMMENTED)

    with pytest.raises(ConfigError, match=r"config\.toml: there is no ner\.epochs") as caught:
        editor(tmp_path, **environ).unset_value("ner.epochs")

    assert hint in (caught.value.hint or "")


def test_many_at_once_lose_no_value(tmp_path: Path) -> None:
    options = ["seed", "epochs", "max-steps", "batch-size", "patience", "warmup"]
    (tmp_path / "envkit.toml").touch()

    with ThreadPoolExecutor(len(options)) as pool:
        list(pool.map(lambda option: editor(tmp_path, "project").set_value(f"ner.{option}", "1"), options))

    assert set(tomllib.loads((tmp_path / "envkit.toml").read_text())["ner"]) == set(options)


keys = st.text("abc-_", min_size=1, max_size=3)
scalars = st.one_of(st.booleans(), st.integers(-99, 99), st.text(max_size=6), st.lists(st.text(max_size=3)))
tables = st.dictionaries(keys, st.one_of(scalars, st.dictionaries(keys, scalars, max_size=3)), max_size=4)


@given(tables, keys, keys, scalars)
def test_set_and_unset_change_nothing_else_of_any_document(
    content: dict[str, Any], table: str, key: str, value: Any
) -> None:
    import tomlkit

    if not isinstance(content.get(table, {}), dict):
        del content[table]
    text = tomlkit.dumps(content).encode()

    added = toml_with(text, (table, key), value, file=FILE)
    assert tomllib.loads(added.decode()) == {**content, table: {**content.get(table, {}), key: value}}

    removed = tomllib.loads(toml_without(added, (table, key), file=FILE).decode())
    without = {name: each for name, each in content.get(table, {}).items() if name != key}
    assert removed == {**content, table: without}


@pytest.mark.parametrize("head", ["", "[ner]\n"])
def test_set_keeps_the_comment_of_a_value_that_is_true_or_false(head: str) -> None:
    keys = ("ner", "freeze") if head else ("freeze",)

    changed = toml_with(f"{head}freeze = true  # for now\n".encode(), keys, False, file=FILE)

    assert changed.decode() == f"{head}freeze = false  # for now\n"
