"""What the worker adds to a model so that its folder says by itself what it is."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api.options import to_builtins
from envkit.api.records import ModelRecord, RunRequest
from envkit.worker.folder import RunFolder, write_record
from envkit.worker.model_card import portable, read_adapter, read_contents, render_card

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.api import Options
    from envkit.worker.model_card import Guide

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
    headline: str = "",
    options: Options | None = None,
    decoding: Mapping[str, Any] | None = None,
    example_rows: Sequence[Mapping[str, Any]] = (),
    guide: Guide | None = None,
    old_card: tuple[int, int] | None = None,
) -> str | None:
    """Write ``envkit.json`` and a model card beside the model; return its folder, relative to the run's.

    ``options`` are those of the run and ``decoding`` is what its result says that a use of the model needs,
    ``example_rows`` how a row of its may look; ``headline`` is the metric that chose the model; ``guide`` is how the
    card says it is used. Return None where the loop saved nothing. A card that the plugin
    wrote stays, unless it is ``old_card``, the stamp of one that an earlier worker left, whose scores are old.
    Raises: OSError.
    """
    model_dir = folder.model_dir
    if not any(model_dir.iterdir()):
        model_dir.rmdir()
        return None
    card = model_dir / MODEL_CARD
    if not card.exists() or stamp_card(folder) == old_card:
        text = render_card(
            request,
            base_model=base_model,
            metrics=metrics,
            guide=guide,
            adapter=read_adapter(model_dir),
            contents=read_contents(model_dir),
        )
        card.write_text(text, encoding="utf-8")
    record = ModelRecord(
        task=request.task,
        plugin=request.plugin,
        environment=request.environment,
        envkit=request.envkit,
        created=request.created,
        run=request.id,
        model=portable(base_model),
        headline=headline,
        options={} if options is None else _without_files(options),
        decoding=dict(decoding or {}),
        example_rows=[dict(row) for row in example_rows],
    )
    write_record(model_dir / MODEL_RECORD, record)
    return model_dir.name


def _without_files(options: Options) -> dict[str, Any]:
    # Where the data stood on this machine means nothing to whoever gets the model, and is nobody's business.
    names = [field for field in options.__struct_fields__ if not isinstance(getattr(options, field), Path)]
    return {name: value for name, value in to_builtins(options).items() if name in names and name != "model"}
