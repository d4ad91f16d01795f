"""Small distributions, installed by hand into a folder: plugins that work, and plugins that do not in many ways."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

TRACKER = "https://example.org/{}/issues"
HEAD = "from envkit.api import hookimpl\nfrom envkit.api.checks import Check, CheckContext, Finding\n"
TASK = """
from envkit.api import Options, Result, Task, hookimpl


class TinyOptions(Options, frozen=True, kw_only=True):
    pass


@hookimpl
def envkit_task():
    return Task(options=TinyOptions, headline="dev/accuracy")


@hookimpl
def envkit_read(request):
    return None


@hookimpl
def envkit_finetune(run):
    return Result(metrics={})
"""


def install(
    folder: Path,
    name: str,
    body: str,
    *,
    task: str | None = None,
    needs: tuple[str, ...] = (),
    python: str | None = None,
) -> Path:
    """Install a distribution of one module; it supplies the task, or without one an extension."""
    module = name.replace("-", "_")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{module}.py").write_text(textwrap.dedent(body), encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    headers = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0"]
    headers.append(f"Project-URL: Issues, {TRACKER.format(name)}")
    headers += [f"Requires-Dist: {need}" for need in needs]
    headers += [f"Requires-Python: {python}"] if python else []
    (info / "METADATA").write_text("\n".join([*headers, ""]), encoding="utf-8")
    group = "envkit.tasks" if task else "envkit.extensions"
    (info / "entry_points.txt").write_text(f"[{group}]\n{task or 'it'} = {module}\n", encoding="utf-8")
    return folder


def checks_module(*checks: str, before: str = "") -> str:
    """Return a module that hands in these checks; ``before`` stands above its hook."""
    listed = ", ".join(checks)
    return f"{HEAD}\n{textwrap.dedent(before)}\n\n@hookimpl\ndef envkit_checks():\n    return [{listed}]\n"


def check(check_id: str, run: str = "lambda context: []", **more: object) -> str:
    """Return the source of a check."""
    others = "".join(f", {name}={value!r}" for name, value in more.items())
    return f"Check(id={check_id!r}, summary='It is well', run={run}{others})"
