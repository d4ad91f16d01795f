"""A model that needs no pretrained weights: word embedding, convolution, bidirectional LSTM, pooling.

It is small and trained from nothing, for machines that have no pretrained model and no way to one. It has
the shape of a model of transformers, so that the parts of ``envkit.finetune`` train it like any other; the
``Auto`` classes do not know it, ``load_cnn_lstm`` does.
Source: Kim, Convolutional Neural Networks for Sentence Classification, 2014; Zhou et al., A C-LSTM Neural
Network for Text Classification, 2015. Convolution and LSTM as in the latter, pooling over time as in the former.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers import PreTrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from envkit.api import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MODEL_TYPE = "envkit-cnn-lstm"
EMBEDDING_SCALE = 0.1


class CnnLstmConfig(PreTrainedConfig):  # type: ignore[misc]  # transformers has no types here
    """How large the model is: ``embedding_size`` and ``channels`` numbers a word, ``hidden_size`` each direction."""

    model_type = MODEL_TYPE

    def __init__(
        self,
        vocab_size: int = 4,
        embedding_size: int = 128,
        channels: int = 128,
        width: int = 3,
        hidden_size: int = 96,
        dropout: float = 0.4,
        pad_token_id: int = 0,
        **rest: Any,
    ) -> None:
        self.vocab_size = vocab_size
        self.embedding_size = embedding_size
        self.channels = channels
        self.width = width
        self.hidden_size = hidden_size
        self.dropout = dropout
        super().__init__(pad_token_id=pad_token_id, **rest)


class CnnLstm(PreTrainedModel):  # type: ignore[misc]  # transformers has no types here
    """Give each text a logit for each label; what stands beside it in a batch makes no difference."""

    config_class = CnnLstmConfig

    def __init__(self, config: CnnLstmConfig) -> None:
        super().__init__(config)
        self.words = torch.nn.Embedding(
            config.vocab_size, config.embedding_size, padding_idx=config.pad_token_id
        )
        # For the text, and what it is judged about.
        self.sides = torch.nn.Embedding(2, config.embedding_size)
        self.near = torch.nn.Parameter(torch.randn(config.embedding_size))
        self.dropout = torch.nn.Dropout(config.dropout)
        self.convolution = torch.nn.Conv1d(
            config.embedding_size, config.channels, config.width, padding="same"
        )
        self.forwards = torch.nn.LSTM(config.channels, config.hidden_size, batch_first=True)
        self.backwards = torch.nn.LSTM(config.channels, config.hidden_size, batch_first=True)
        self.classifier = torch.nn.Linear(4 * config.hidden_size, config.num_labels)
        with torch.no_grad():  # torch's numbers, of deviation 1, are ten times what is learned of a word
            self.words.weight.mul_(EMBEDDING_SCALE)
        torch.nn.init.zeros_(self.sides.weight)
        self.post_init()

    def _init_weights(self, module: torch.nn.Module) -> None:
        """Leave the modules as torch made them: transformers' small numbers suit transformers."""

    def get_input_embeddings(self) -> torch.nn.Embedding:
        """Return the embedding of the words."""
        return self.words

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        **_: Any,
    ) -> SequenceClassifierOutput:
        """Return logits [rows, labels] for numbers of words [rows, words]; the mask is 0 in padding, at the end."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        is_word = mask.unsqueeze(-1).bool()
        embedded = self.words(input_ids)
        if token_type_ids is not None:
            embedded = embedded + self._about(embedded, token_type_ids * mask)
        # Padding is nothing, as what lies beyond the longest row is: else a row would depend on its neighbours.
        embedded = self.dropout(embedded).masked_fill(~is_word, 0.0)
        phrases = torch.relu(self.convolution(embedded.transpose(1, 2))).transpose(1, 2)
        lengths = mask.sum(-1, keepdim=True)
        read = self._read(phrases, lengths)
        highest = read.masked_fill(~is_word, torch.finfo(read.dtype).min).amax(1)
        mean = read.masked_fill(~is_word, 0.0).sum(1) / lengths.to(read.dtype)
        pooled = self.dropout(torch.cat([highest, mean], dim=-1))
        return SequenceClassifierOutput(logits=self.classifier(pooled))

    def _about(self, embedded: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
        """Return what each word is told of the second text: its mean word, how near that is, and which text it is in.

        So each word is read in the light of what the text is judged about, as in Wang et al., Attention-based
        LSTM for Aspect-level Sentiment Classification, 2016.
        """
        is_second = types.unsqueeze(-1).to(embedded.dtype)
        mean = (embedded * is_second).sum(1, keepdim=True) / is_second.sum(1, keepdim=True).clamp(min=1.0)
        nearness = torch.cosine_similarity(embedded, mean, dim=-1).unsqueeze(-1)
        about: torch.Tensor = mean + nearness * self.near + self.sides(types)
        return about

    def _read(self, phrases: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Return what the LSTMs make of each place, one from the front and one from the true end of each row.

        The one that reads backwards gets the rows turned around, their padding left at the end: torch's packed
        rows of many lengths would be computed place by place, in bfloat16 at half the speed.
        """
        if phrases.is_cuda:
            self.forwards.flatten_parameters()
            self.backwards.flatten_parameters()
        places = torch.arange(phrases.shape[1], device=phrases.device)
        turned = torch.where(places < lengths, lengths - 1 - places, places).unsqueeze(-1)
        ahead, _ = self.forwards(phrases)
        back, _ = self.backwards(phrases.gather(1, turned.expand_as(phrases)))
        return torch.cat([ahead, back.gather(1, turned.expand_as(back))], dim=-1)


def make_cnn_lstm(*, words: int, labels: Sequence[str], pad: int, seed: int) -> CnnLstm:
    """Return a model that knows nothing yet, its first weights drawn from the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return CnnLstm(
            CnnLstmConfig(
                vocab_size=words,
                pad_token_id=pad,
                id2label=dict(enumerate(labels)),
                label2id={label: number for number, label in enumerate(labels)},
            )
        )


def is_cnn_lstm(folder: Path) -> bool:
    """Tell whether a model folder holds a model of this kind."""
    try:
        config = json.loads((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("model_type") == MODEL_TYPE


def load_cnn_lstm(folder: Path) -> CnnLstm:
    """Return the model that ``save_pretrained`` wrote into this folder, for use. Raises: UsageError."""
    try:
        model: CnnLstm = CnnLstm(CnnLstmConfig.from_json_file(folder / "config.json"))
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        reason = next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UsageError(
            f"the model in {folder} cannot be loaded: {reason}",
            hint="Take the folder model/ of a run with --model cnn-lstm, whole",
        ) from error
    model.eval()
    return model
