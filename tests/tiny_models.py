"""Tiny models of the kinds that people fine-tune, built from their configurations with random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

KINDS = ("bert", "roberta", "distilbert", "electra", "deberta", "modernbert")
LAYERS = 3
LABELS = 5
WORDS = 40  # of the vocabulary, the first four special


def tiny_config(kind: str, *, dropout: float = 0.0, labels: int = LABELS) -> Any:
    """Return the configuration of a model of this kind with three layers of 16 numbers."""
    import transformers

    shape = {
        "vocab_size": WORDS,
        "hidden_size": 16,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 40,
        "pad_token_id": 0,
        "num_labels": labels,
    }
    dropouts = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    match kind:
        case "bert":
            return transformers.BertConfig(**shape, **dropouts)
        case "roberta":
            return transformers.RobertaConfig(**shape, **dropouts)
        case "electra":
            return transformers.ElectraConfig(
                **shape, **dropouts, embedding_size=8, summary_last_dropout=dropout
            )
        case "deberta":
            return transformers.DebertaV2Config(
                **shape,
                **dropouts,
                relative_attention=True,
                position_buckets=8,
                pos_att_type=["c2p", "p2c"],
                norm_rel_ebd="layer_norm",
                conv_kernel_size=3,
                pooler_dropout=dropout,
            )
        case "modernbert":
            tokens = {"bos_token_id": 1, "cls_token_id": 1, "eos_token_id": 2, "sep_token_id": 2}
            drops = {
                name: dropout
                for name in ("embedding_dropout", "attention_dropout", "mlp_dropout", "classifier_dropout")
            }
            return transformers.ModernBertConfig(**shape, **tokens, **drops)
        case "distilbert":
            return transformers.DistilBertConfig(
                vocab_size=WORDS,
                dim=16,
                n_layers=LAYERS,
                n_heads=2,
                hidden_dim=32,
                max_position_embeddings=40,
                pad_token_id=0,
                num_labels=labels,
                dropout=dropout,
                attention_dropout=dropout,
                qa_dropout=dropout,
                seq_classif_dropout=dropout,
            )
    raise ValueError(kind)


def tiny_model(
    kind: str, head: str = "TokenClassification", *, dropout: float = 0.0, labels: int = LABELS
) -> PreTrainedModel:
    """Return a model of this kind with transformers' head of this name, the same weights each time."""
    import torch
    import transformers

    torch.manual_seed(0)
    config = tiny_config(kind, dropout=dropout, labels=2 if head == "QuestionAnswering" else labels)
    return getattr(transformers, f"AutoModelFor{head}").from_config(config)


def tiny_batch(lengths: tuple[int, ...] = (7, 4), *, seed: int = 0) -> dict[str, torch.Tensor]:
    """Return rows of these lengths, padded: ``input_ids`` and ``attention_mask`` [rows, longest]."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    longest = max(lengths)
    pieces = torch.randint(4, WORDS, (len(lengths), longest), generator=generator)
    mask = (torch.arange(longest) < torch.tensor(lengths)[:, None]).long()
    return {"input_ids": pieces * mask, "attention_mask": mask}
