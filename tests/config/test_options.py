"""Every source of an option, their order, and what a wrong one gets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.api import ConfigError, FinetuneOptions, Meta, Options, UsageError
from envkit.config import Layer, read_layers, resolve_options, resolve_settings


class TaskOptions(Options, frozen=True, kw_only=True):
    window: Annotated[int, Meta("Word pieces a window.", ge=8, le=512)] | None = None
    lower: Annotated[bool, Meta("Lower-case the text.")] = False
    scheme: Annotated[Literal["auto", "iob1"], Meta("Tag scheme.")] = "auto"


def resolve(
    folder: Path, *, flags: dict[str, Any] | None = None, environ: dict[str, str] | None = None
) -> tuple[TaskOptions, dict[str, str]]:
    layers = read_layers(folder, user_file=folder / "user" / "config.toml")
    return resolve_options(
        "ner", TaskOptions, flags=flags or {}, layers=layers, folder=folder, environ=environ or {}
    )


def test_resolve_options_leaves_standard_input_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\ndev = '-'\n")
    options, _ = resolve(tmp_path, flags={"train": "-"})
    assert (options.train, options.dev) == (Path("-"), Path("-"))


def test_resolve_options_with_every_source_takes_the_strongest(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "config.toml").write_text(
        "[ner]\nepochs = 2\nseed = 2\nmodel = 'b'\nbatch-size = 2\nwindow = 16\n"
    )
    (tmp_path / "pyproject.toml").write_text(
        "[tool.envkit.ner]\nseed = 3\nmodel = 'c'\nbatch_size = 3\nwindow = 17\n"
    )
    (tmp_path / "envkit.toml").write_text("[ner]\nmodel = 'd'\nbatch-size = 4\nwindow = 18\n")

    options, sources = resolve(
        tmp_path,
        environ={"ENVKIT_NER_BATCH_SIZE": "5", "ENVKIT_NER_WINDOW": "19", "ENVKIT_HOME": "/x"},
        flags={"window": "20", "lower": None},
    )

    assert (options.epochs, options.seed, options.model, options.batch_size, options.window) == (
        2,
        3,
        "d",
        5,
        20,
    )
    assert sources["epochs"] == str(tmp_path / "user" / "config.toml")
    assert sources["seed"] == str(tmp_path / "pyproject.toml")
    assert sources["model"] == str(tmp_path / "envkit.toml")
    assert sources["batch_size"] == "ENVKIT_NER_BATCH_SIZE"
    assert sources["window"] == "--window"
    assert sources["learning_rate"] == "default"


def test_resolve_options_with_relative_paths_takes_files_from_their_own_folder(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\ntrain = 'data/train.conll'\n")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)

    from_file, _ = resolve(below)
    from_flag, _ = resolve(below, flags={"train": "t.conll"})

    assert from_file.train == tmp_path / "data" / "train.conll"
    assert from_flag.train == below / "t.conll"


def test_resolve_options_with_data_as_flag_sets_aside_the_file_of_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\ntrain = 'train.conll'\ndev = 'dev.conll'\n")

    options, _ = resolve(tmp_path, flags={"data": "all.conll"})

    assert (options.train, options.dev, options.data) == (None, None, tmp_path / "all.conll")


@pytest.mark.parametrize(
    ("flags", "environ", "file", "expected"),
    [
        ({"tokens_per_step": "64"}, {"ENVKIT_NER_BATCH_SIZE": "8"}, "", (None, 64)),
        ({"tokens_per_step": "64"}, {}, "[ner]\nbatch-size = 8\n", (None, 64)),
        ({"batch_size": "8"}, {}, "[ner]\ntokens-per-step = 64\n", (8, None)),
        ({}, {"ENVKIT_NER_BATCH_SIZE": "8"}, "[ner]\ntokens-per-step = 64\n", (8, None)),
    ],
)
def test_resolve_options_of_two_that_exclude_each_other_takes_the_stronger_source(
    tmp_path: Path,
    flags: dict[str, str],
    environ: dict[str, str],
    file: str,
    expected: tuple[int | None, int | None],
) -> None:
    (tmp_path / "envkit.toml").write_text(file)

    options, _ = resolve_options(
        "ner",
        FinetuneOptions,
        flags=flags,
        layers=read_layers(tmp_path, user_file=tmp_path / "none"),
        environ=environ,
        folder=tmp_path,
    )

    assert (options.batch_size, options.tokens_per_step) == expected


@pytest.mark.parametrize(
    ("flags", "environ", "file", "words"),
    [
        ({"epochs": "0"}, {}, "", ["--epochs", "'0'", "a whole number >= 1"]),
        ({"epochs": "many"}, {}, "", ["--epochs", "'many'", "a whole number"]),
        ({"window": "4"}, {}, "", ["--window", ">= 8"]),
        ({}, {"ENVKIT_NER_EPOCHS": "x"}, "", ["ENVKIT_NER_EPOCHS", "'x'"]),
        ({}, {"ENVKIT_NER_EPOCH": "3"}, "", ["ENVKIT_NER_EPOCH", "'epoch'"]),
        ({}, {}, "[ner]\nepoch = 3\n", ["envkit.toml", "'epoch'"]),
        ({}, {}, "[ner]\nepochs = '3'\n", ["envkit.toml", "epochs = '3'", "a whole number"]),
        ({}, {}, "[ner]\nbatch-size = 1\nbatch_size = 2\n", ["envkit.toml", "batch-size", "twice"]),
        ({}, {}, "[ner]\nenv = 'x'\n", ["envkit.toml", "'env'"]),
        ({"device": "gpu"}, {}, "", ["--device", "'gpu'", "cuda:N or mps"]),
        ({}, {"ENVKIT_NRE_EPOCHS": "3"}, "", ["ENVKIT_NRE_EPOCHS"]),
        ({}, {"ENVKIT_HOM": "3"}, "", ["ENVKIT_HOM"]),
        ({}, {}, "[ner]\nscheme = 'iob9'\n", ["envkit.toml", "'iob9'", "one of auto, iob1"]),
        ({}, {}, "[nre]\nepochs = 3\n", ["envkit.toml", "'nre'"]),
        ({}, {}, "[ner\n", ["envkit.toml", "line 1"]),
        ({"train": "a", "data": "b"}, {}, "", ["--data", "--train"]),
        ({"dev": "a"}, {}, "", ["--train"]),
    ],
)
def test_resolve_options_with_a_wrong_value_names_source_and_expectation(
    tmp_path: Path, flags: dict[str, str], environ: dict[str, str], file: str, words: list[str]
) -> None:
    if file:
        (tmp_path / "envkit.toml").write_text(file)

    with pytest.raises(UsageError) as caught:
        resolve(tmp_path, flags=flags, environ=environ)

    assert caught.value.exit_code == 2
    assert all(word in caught.value.message for word in words), caught.value.message
    assert caught.value.hint


def test_resolve_options_with_a_near_miss_offers_the_right_name(tmp_path: Path) -> None:
    (tmp_path / "envkit.toml").write_text("[ner]\nlearning-rte = 0.1\n")

    with pytest.raises(ConfigError) as caught:
        resolve(tmp_path)

    assert "learning-rate" in (caught.value.hint or "")


def test_resolve_settings_with_file_and_variable_takes_the_variable(tmp_path: Path) -> None:
    layer = Layer(
        tmp_path / "envkit.toml", {"home": "here"}, {"mirrors": {"torch-index": "https://mirror.example/whl"}}
    )

    from_file = resolve_settings([layer], environ={})
    from_variable = resolve_settings([layer], environ={"ENVKIT_HOME": "/elsewhere"})

    assert from_file.home == tmp_path / "here"
    assert from_file.torch_index == "https://mirror.example/whl"
    assert from_variable.home == Path("/elsewhere")


@pytest.mark.parametrize(
    "setting", [{"env": 3}, {"home": 3}, {"torch-index": 3}, {"torch-index": "not a url"}]
)
def test_resolve_settings_with_a_wrong_value_names_file_and_key(setting: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_settings([Layer(Path("/x/envkit.toml"), setting, {})], environ={})

    (key,) = setting
    assert caught.value.message.startswith("/x/envkit.toml: ")
    assert key in caught.value.message


def test_resolve_settings_with_an_unknown_name_offers_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_settings([Layer(tmp_path / "envkit.toml", {"hom": "x"}, {})], environ={})

    assert "'home'" in (caught.value.hint or "")


@pytest.mark.slow
@given(
    epochs=st.integers(1, 10**6),
    rate=st.floats(1e-12, 10, allow_nan=False),
    lower=st.booleans(),
    model=st.text(min_size=1).filter(lambda text: "\0" not in text),
)
def test_resolve_options_from_text_and_from_values_agree(
    epochs: int, rate: float, lower: bool, model: str
) -> None:
    typed = {"epochs": epochs, "learning_rate": rate, "lower": lower, "model": model}
    text = {name: str(value) for name, value in typed.items()}
    layer = Layer(Path("/x/envkit.toml"), {}, {"ner": typed})

    from_file, _ = resolve_options(
        "ner", TaskOptions, flags={}, layers=[layer], folder=Path("/x"), environ={}
    )
    from_flags, _ = resolve_options("ner", TaskOptions, flags=text, layers=[], folder=Path("/x"), environ={})

    assert from_file == from_flags


@pytest.mark.parametrize(
    ("settings", "environ", "track"),
    [
        ({}, {}, ()),
        ({"track": "wandb"}, {}, ("wandb",)),
        ({"track": ["tensorboard", "wandb"]}, {}, ("tensorboard", "wandb")),
        ({"track": "wandb"}, {"ENVKIT_TRACK": "none"}, ("none",)),
        ({}, {"ENVKIT_TRACK": "tensorboard, wandb"}, ("tensorboard", "wandb")),
    ],
)
def test_resolve_settings_with_trackers_takes_one_or_several(
    settings: dict[str, Any], environ: dict[str, str], track: tuple[str, ...]
) -> None:
    layer = Layer(Path("envkit.toml"), settings, {})

    assert resolve_settings([layer], environ=environ).track == track


@pytest.mark.parametrize("wrong", ["wnadb", 3, ["wandb", "wnadb"]])
def test_resolve_settings_with_an_unknown_tracker_names_the_file(wrong: Any) -> None:
    with pytest.raises(ConfigError, match=r"^envkit\.toml: track = .* does not fit"):
        resolve_settings([Layer(Path("envkit.toml"), {"track": wrong}, {})], environ={})
