"""What the worker adds to a model so that its folder says by itself what it is."""

from __future__ import annotations

import json
import re
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from envkit.api.options import to_builtins
from envkit.api.records import ModelRecord, RunRequest
from envkit.templates import template_file
from envkit.worker.folder import RunFolder, write_record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envkit.api import Options

MODEL_RECORD = "envkit.json"


MODEL_CARD = "README.md"


def stamp_card(folder: RunFolder) -> tuple[int, int] | None:
    """Return what tells the present model card from one that is written later; None where there is none."""
    try:
        state = (folder.model_dir / MODEL_CARD).stat()
    except FileNotFoundError:
        return None
    return state.st_ino, state.st_mtime_ns


def describe_model(
    folder: RunFolder,
    request: RunRequest,
    *,
    base_model: str,
    metrics: Mapping[str, float],
    options: Options | None = None,
    decoding: Mapping[str, Any] | None = None,
    old_card: tuple[int, int] | None = None,
) -> str | None:
    """Write ``envkit.json`` and a model card beside the model; return its folder, relative to the run's.

    ``options`` are those of the run and ``decoding`` is what its result says that a use of the model needs.
    Return None where the loop saved nothing. A card that the plugin wrote stays, unless it is ``old_card``,
    the stamp of one that an earlier worker left, whose scores are old. Raises: OSError.
    """
    model_dir = folder.model_dir
    if not any(model_dir.iterdir()):
        model_dir.rmdir()
        return None
    card = model_dir / MODEL_CARD
    if not card.exists() or stamp_card(folder) == old_card:
        card.write_text(render_card(request, base_model=base_model, metrics=metrics), encoding="utf-8")
    record = ModelRecord(
        task=request.task,
        plugin=request.plugin,
        environment=request.environment,
        envkit=request.envkit,
        created=request.created,
        run=request.id,
        model=_portable(base_model),
        options={} if options is None else _without_files(options),
        decoding=dict(decoding or {}),
    )
    write_record(model_dir / MODEL_RECORD, record)
    return model_dir.name


def render_card(request: RunRequest, *, base_model: str, metrics: Mapping[str, float]) -> str:
    """Return the model card, Markdown with the metadata that the model hub reads."""
    template = Template(template_file("model/README.md").read_text(encoding="utf-8"))
    return template.substitute(
        base_model=_yaml(_portable(base_model)),
        task=request.task,
        plugin=request.plugin.distribution,
        plugin_version=request.plugin.version,
        envkit_version=request.envkit,
        created=request.created[:10],
        scores=score_table(metrics),
    )


def score_table(metrics: Mapping[str, float]) -> str:
    """Return the metrics as a Markdown table: fractions with four digits, counts as whole numbers."""
    if not metrics:
        return "None: the run was stopped before its first evaluation."
    rows = [f"| {name.replace('|', '/')} | {_cell(value)} |" for name, value in metrics.items()]
    return "\n".join(["| metric | value |", "|---|---:|", *rows])


def _cell(value: float) -> str:
    # A count is whole and mostly above 1; a fraction of exactly 1 keeps its digits.
    return f"{value:.0f}" if value.is_integer() and abs(value) > 1 else f"{value:.4f}"


def _without_files(options: Options) -> dict[str, Any]:
    # Where the data stood on this machine means nothing to whoever gets the model, and is nobody's business.
    names = [field for field in options.__struct_fields__ if not isinstance(getattr(options, field), Path)]
    return {name: value for name, value in to_builtins(options).items() if name in names and name != "model"}


def _portable(model: str) -> str:
    # A folder's place on this machine means nothing to whoever gets the model.
    path = Path(model)
    return path.name if path.is_absolute() or path.exists() else model


def _yaml(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9][\w./-]*", text) else json.dumps(text)
