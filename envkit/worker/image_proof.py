"""``python -I -m envkit.worker.image_proof``: try what an image is for, from inside, before it gets its name.

Torch computes, and all modules load that the plugins here name in their hooks; where there is a model, it is
opened and predicts. No network is asked. The first thing that is wrong is said, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import inspect
import os
import sys
import tempfile
import textwrap
from functools import partial
from importlib.util import find_spec, resolve_name
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit.api import EnvkitError
from envkit.registry import find_tasks, load_task
from envkit.worker.reporter import EventReporter
from envkit.worker.said_lines import SaidLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envkit.registry import LoadedTask

MODEL_DIR = Path("/opt/model")  # where an image has the model that it was built for
_TRAINING_HOOKS = ("envkit_read", "envkit_corpus", "envkit_finetune", "envkit_predictor")
_PREDICTING_HOOKS = ("envkit_predictor",)
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "DO_NOT_TRACK": "1"}


class NotProved(Exception):
    """Say what does not work; the cause is what was raised."""


def main(arguments: Sequence[str]) -> int:
    """Try everything; return 0, with a line of what was tried on standard output, or 1."""
    given = _parse(arguments)
    said = SaidLines(sys.stderr)
    os.environ.update(_OFFLINE)
    with tempfile.TemporaryDirectory(prefix="envkit-proof-") as home:
        os.environ["HOME"] = home  # what libraries keep there is none of the image's
        try:
            tried = prove(model_dir=given.model if given.model.exists() else None, said=said)
        except NotProved as error:
            cause = error.__cause__
            hint = cause.hint if isinstance(cause, EnvkitError) else None
            said.say(f"error: {error}" + (f"\nhint: {hint}" if hint else ""))
            return 1
    sys.stdout.write(f"proved: {', '.join(tried)}\n")
    return 0


def prove(*, model_dir: Path | None, said: SaidLines) -> list[str]:
    """Return what was tried. Raises: NotProved.

    With a model, only what predicting needs has to load: what training needs besides may be left out.
    """
    tried = [f"Python {sys.version.split()[0]}"]
    if find_spec("torch") is not None:
        tried.append(f"torch {_step('torch computes', _compute)}")
    tasks = find_tasks()
    if not tasks:
        raise NotProved("no plugin is installed")
    hooks = _TRAINING_HOOKS if model_dir is None else _PREDICTING_HOOKS
    for name in tasks:
        plugin = _step(f"the plugin of {name} loads", partial(load_task, name))
        for module in named_modules(plugin, hooks):
            _step(f"{module}, of the plugin of {name}, loads", partial(importlib.import_module, module))
        tried.append(name)
    if model_dir is not None:
        _step(f"the model in {model_dir} predicts", lambda: _predict(model_dir, said))
        tried.append("the model")
    return tried


def named_modules(plugin: LoadedTask, hooks: Sequence[str]) -> list[str]:
    """Return the modules that the plugin's implementations of these hooks import, in their order.

    Bodies of hooks import late, so that the host need not load what only a worker has: the module of the hooks
    loads where nothing of that is there.
    """
    found: dict[str, None] = {}
    for hook in hooks:
        for each in getattr(plugin.manager.hook, hook).get_hookimpls():
            found |= dict.fromkeys(_imported(each.function))
    return list(found)


def _imported(function: Callable[..., Any]) -> Iterator[str]:
    function = inspect.unwrap(function)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):  # without its source, or not written in Python
        return
    package = function.__globals__.get("__package__") or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield resolve_name("." * node.level + (node.module or ""), package)


def _step(what: str, do: Callable[[], Any]) -> Any:
    try:
        return do()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: whatever ends it is the answer
        said = error.message if isinstance(error, EnvkitError) else f"{type(error).__name__}: {error}"
        raise NotProved(f"not true that {what}: {said.strip().rstrip(':')}") from error


def _compute() -> str:
    """Take a forward and a backward step on the CPU; return torch's version."""
    torch: Any = importlib.import_module("torch")  # by name: an environment may do without it
    layer = torch.nn.Linear(8, 2)
    loss = torch.nn.functional.cross_entropy(layer(torch.ones(4, 8)), torch.zeros(4, dtype=torch.long))
    loss.backward()
    if not torch.isfinite(layer.weight.grad).all():
        raise ArithmeticError(f"the gradients are {layer.weight.grad.flatten()[:3].tolist()}, …")
    return str(torch.__version__)


def _predict(model_dir: Path, said: SaidLines) -> None:
    from envkit.worker.served_model import ServedModel, model_request, open_model

    opened = open_model(model_request(model_dir, device="cpu"), report=EventReporter(said.event))
    broken = opened.first_prediction() if isinstance(opened, ServedModel) else opened
    if broken is not None:
        if broken.traceback:
            said.say(broken.traceback)
        raise EnvkitError(broken.message, hint=broken.hint)


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="envkit.worker.image_proof", description="Try what an image is for."
    )
    parser.add_argument(
        "--model",
        type=Path,
        default=MODEL_DIR,
        metavar="DIR",
        help="folder of a model to open, if it is there (default: %(default)s)",
    )
    return parser.parse_args(arguments)


if __name__ == "__main__":
    # Thousands of modules are loaded and nothing is let go, so that looking for garbage and tidying up would take
    # a third of the time that each build waits.
    gc.disable()
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
