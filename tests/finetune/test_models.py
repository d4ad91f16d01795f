from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from envkit.api import DEFAULT_MODEL, EnvError, RunFailed, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Record

pytestmark = pytest.mark.torch
LABELS = ("O", "B-X", "I-X")


def test_fetch_model_folder_is_used_and_said(tiny_model: Path, record: Record) -> None:
    from envkit.finetune.models import fetch_model

    assert fetch_model(str(tiny_model), report=record, environ={}) == tiny_model
    assert record.said == [f"Model {tiny_model} from the folder {tiny_model}"]


def test_fetch_model_default_with_other_weights_is_refused(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from envkit.finetune.models import fetch_model

    repository = tmp_path / f"models--{DEFAULT_MODEL.replace('/', '--')}"
    shutil.copytree(tiny_model, repository / "snapshots" / "abc")
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("abc")
    with pytest.raises(EnvError, match="sha256"):
        fetch_model(DEFAULT_MODEL, report=record, environ={"HF_HUB_CACHE": str(tmp_path)})


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere", "a/b/c"])
def test_fetch_model_path_that_is_not_there_never_asks_the_hub(name: str, record: Record) -> None:
    from envkit.finetune.models import fetch_model

    with pytest.raises(UsageError, match="there is no folder"):
        fetch_model(name, report=record, environ={"HF_ENDPOINT": "http://127.0.0.1:9"})


def test_fetch_model_folder_without_a_model_says_what_was_expected(tmp_path: Path, record: Record) -> None:
    from envkit.finetune.models import fetch_model

    with pytest.raises(UsageError, match=r"expected a folder with config\.json"):
        fetch_model(str(tmp_path), report=record, environ={})


def test_load_tokenizer_saved_with_limits_cuts_and_pads_nothing(tiny_model: Path) -> None:
    from envkit.finetune.models import load_tokenizer

    tokenizer = load_tokenizer(tiny_model)
    assert len(tokenizer("a b c a b c a b c a b c", add_special_tokens=False)["input_ids"]) == 12
    assert len(tokenizer("a", add_special_tokens=False)["input_ids"]) == 1


def test_word_start_of_byte_level_pieces_is_a_blank(tiny_model: Path, tmp_path: Path) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from envkit.finetune.models import load_tokenizer, word_start

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    backend.train_from_iterator(["the cat and the cat"] * 3, trainer)
    PreTrainedTokenizerFast(tokenizer_object=backend).save_pretrained(tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.tokenize(word_start(tokenizer) + "cat") == tokenizer.tokenize("the cat")[1:]
    assert word_start(load_tokenizer(tiny_model)) == ""


def test_load_model_with_a_new_head_keeps_the_encoder_and_says_nothing(
    tiny_model: Path, record: Record, capfd: pytest.CaptureFixture[str]
) -> None:
    import torch
    from transformers import AutoModel, AutoModelForTokenClassification

    from envkit.finetune.models import load_model

    reference = AutoModel.from_pretrained(tiny_model)
    capfd.readouterr()
    model = load_model(
        tiny_model,
        AutoModelForTokenClassification,
        labels=LABELS,
        device=torch.device("cpu"),
        report=record,
    )
    assert "".join(capfd.readouterr()) == ""
    assert record.warned == []
    assert model.config.id2label == dict(enumerate(LABELS))
    assert model.dtype == torch.float32
    assert torch.equal(
        model.bert.embeddings.word_embeddings.weight, reference.embeddings.word_embeddings.weight
    )


def test_load_model_that_has_these_labels_keeps_their_numbers(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model

    auto_class, cpu = AutoModelForTokenClassification, torch.device("cpu")
    first = load_model(tiny_model, auto_class, labels=("I-X", "O", "B-X"), device=cpu, report=record)
    first.save_pretrained(tmp_path)
    again = load_model(tmp_path, auto_class, labels=LABELS, device=cpu, report=record)
    assert again.config.id2label == {0: "I-X", 1: "O", 2: "B-X"}
    assert torch.equal(again.classifier.weight, first.classifier.weight)
    other = load_model(tmp_path, auto_class, labels=("O", "B-Y"), device=cpu, report=record)
    assert other.config.id2label == {0: "O", 1: "B-Y"}
    assert other.classifier.out_features == 2


def test_load_model_with_weights_of_another_kind_warns(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    import torch
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model

    shutil.copytree(tiny_model, tmp_path, dirs_exist_ok=True)
    weights = load_file(tiny_model / "model.safetensors")
    lacking = {name: weight for name, weight in weights.items() if "intermediate" not in name}
    save_file(lacking, tmp_path / "model.safetensors", metadata={"format": "pt"})
    load_model(
        tmp_path,
        AutoModelForTokenClassification,
        labels=LABELS,
        device=torch.device("cpu"),
        report=record,
    )
    (warning,) = record.warned
    assert "2 weights of the model are not in" in warning


@pytest.mark.parametrize("broken", ["config.json", "model.safetensors"])
def test_load_model_from_broken_files_is_a_usage_error(
    tiny_model: Path, tmp_path: Path, record: Record, broken: str
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model

    shutil.copytree(tiny_model, tmp_path, dirs_exist_ok=True)
    (tmp_path / broken).write_text("{")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_model(
            tmp_path,
            AutoModelForTokenClassification,
            labels=LABELS,
            device=torch.device("cpu"),
            report=record,
        )


def test_load_model_that_brings_code_is_refused_without_running_it(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    import torch
    from transformers import AutoModelForTokenClassification

    from envkit.finetune.models import load_model

    shutil.copytree(tiny_model, tmp_path, dirs_exist_ok=True)
    config = json.loads((tmp_path / "config.json").read_text())
    config |= {"model_type": "strange", "auto_map": {"AutoConfig": "strange.Config"}}
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "strange.py").write_text("raise SystemExit('ran')")
    with pytest.raises(UsageError, match="cannot be loaded"):
        load_model(
            tmp_path,
            AutoModelForTokenClassification,
            labels=LABELS,
            device=torch.device("cpu"),
            report=record,
        )


def test_longest_input_counts_positions_as_the_model_does(tiny_model: Path) -> None:
    from transformers import BertConfig, BertModel, RobertaConfig, RobertaModel

    from envkit.finetune.models import load_tokenizer, longest_input

    tokenizer = load_tokenizer(tiny_model)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    bert = BertModel(BertConfig(vocab_size=12, max_position_embeddings=32, **sizes))
    roberta = RobertaModel(RobertaConfig(vocab_size=12, max_position_embeddings=34, pad_token_id=1, **sizes))
    assert longest_input(bert, tokenizer) == 32
    assert longest_input(roberta, tokenizer) == 32
    tokenizer.model_max_length = 20
    assert longest_input(bert, tokenizer) == 20


@pytest.mark.parametrize(
    ("stated", "cut_at", "expected"),
    [
        (None, 10, 32),
        ("12", None, 12),
        ("12", 10, 10),
        ("12", 20, 12),
        ("64", None, 32),
        ("null", None, 32),
        ('"many"', None, 32),
    ],
)
def test_usual_window_is_what_a_sentence_model_was_trained_on_if_that_is_less(
    tiny_model: Path, tmp_path: Path, stated: str | None, cut_at: int | None, expected: int
) -> None:
    from tokenizers import Tokenizer
    from transformers import BertConfig, BertModel

    from envkit.finetune.models import load_tokenizer, usual_window

    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    bert = BertModel(BertConfig(vocab_size=12, max_position_embeddings=32, **sizes))
    shutil.copytree(tiny_model, tmp_path, dirs_exist_ok=True)
    tokenizer = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    tokenizer.no_truncation()
    if cut_at is not None:
        tokenizer.enable_truncation(cut_at)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    if stated is not None:
        (tmp_path / "sentence_bert_config.json").write_text(f'{{"max_seq_length": {stated}}}')
    assert usual_window(tmp_path, bert, load_tokenizer(tmp_path)) == expected


def test_save_model_where_it_cannot_be_written_says_where(
    tiny_model: Path, tmp_path: Path, record: Record
) -> None:
    from transformers import AutoModel

    from envkit.finetune.models import load_tokenizer, save_model

    in_the_way = tmp_path / "file"
    in_the_way.touch()
    with pytest.raises(RunFailed, match="cannot be saved in") as raised:
        save_model(AutoModel.from_pretrained(tiny_model), load_tokenizer(tiny_model), in_the_way / "model")
    assert "--run-dir" in (raised.value.hint or "")
