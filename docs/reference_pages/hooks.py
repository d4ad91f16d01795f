"""hooks.md: every hook with its signature, when and where it is called, and what an exception does."""

from __future__ import annotations

from dataclasses import dataclass

from envkit.registry import EXTENSION_HOOKS, EXTENSIONS_GROUP, REQUIRED_TASK_HOOKS, TASK_HOOKS, TASKS_GROUP
from reference_pages.markdown import code, entry, page, prose, table
from reference_pages.source import read_module

_INTRODUCTION = f"""\
A plugin is a package with an entry point: `{TASKS_GROUP}` for a task, whose entry is named as the task is, or
`{EXTENSIONS_GROUP}` for what extends envkit itself. The entry names a module; the module implements hooks, functions
with the mark `@hookimpl`:

```python
from envkit.api import Task, hookimpl


@hookimpl
def envkit_task() -> Task:
    return Task(options=MoodOptions, headline="accuracy")
```

The module is imported on the host, by every command that needs the task. So it imports the standard library and
`envkit.api` alone; a hook that needs torch imports it in its body. `envkit doctor` names a plugin that does
otherwise (`plugin.heavy`).

A function whose name begins with `envkit_` and is no hook, one without its mark, or one with an argument that it is
not given, makes the plugin broken; the error names the nearest hook. A hook takes one argument or none, by the name
that stands here; it may leave it out.

The module may say what it is made for: `api_version = "1.0"` ([what that promises](../versions.md))."""


@dataclass(frozen=True, kw_only=True)
class _Note:
    """What the code of one hook does not say: when it is called, in which process, and what its exceptions do."""

    when: str
    where: str
    exceptions: str


_FAULT = (
    "DataError, UsageError and the other [errors](records.md#errors) end the {what} with their message and their exit "
    "code: they are for what the user can mend. Anything else, `SystemExit` included, is a fault of the plugin: the "
    "{what} ends with 5, the message names the plugin, its version and its tracker, and the traceback is kept"
)
_BROKEN = "The plugin is broken: commands that need the task end with 5 and name it; all other commands go on without it"
_OTHERS = (
    "The extension is broken: what it hands in is not there, `envkit doctor` and `envkit plugin list` name it with its "
    "tracker, and whoever asks for it by name gets that as the error (5). It is given 10 seconds"
)
_NOTES = {
    "envkit_task": _Note(
        when="`envkit run`, `data check`, `config`, `doctor` and whatever else needs the task's options; once a process",
        where="The host, and the worker in the environment of the run",
        exceptions=_BROKEN,
    ),
    "envkit_read": _Note(
        when="`envkit run` and `envkit runs resume`, phase `read`, before the model is loaded",
        where="The worker, in the environment of the run; torch may be there and should not be imported yet",
        exceptions=_FAULT.format(what="run"),
    ),
    "envkit_finetune": _Note(
        when="After `envkit_read`; phase `load`, and then the phases that the loop reports",
        where="The worker, in the environment of the run",
        exceptions=_FAULT.format(what="run")
        + ". Memory that ran out is told as that, with smaller steps as the hint (1). `RunCancelled` ends the run as "
        "cancelled. What was saved as a checkpoint stays, so that the run can be resumed",
    ),
    "envkit_corpus": _Note(
        when="`envkit data check`; `envkit doctor --task`; after a run that finished, for its `data.json`",
        where="The host or an environment with the model's tokenizer; after a run, its worker",
        exceptions="As of `envkit_read` where the data are checked. After a run it costs a warning: the run stays finished",
    ),
    "envkit_predictor": _Note(
        when="`envkit predict` and `envkit evaluate`; an image of the template `predict`, when its container starts",
        where="A worker in an environment that fits the model",
        exceptions=_FAULT.format(what="command"),
    ),
    "envkit_backends": _Note(
        when="`envkit env`, `lock` and `run`, where a backend is looked for",
        where="The host",
        exceptions=_OTHERS,
    ),
    "envkit_checks": _Note(
        when="`envkit doctor`",
        where="A process of its own on the host: one for the list, and one for running them",
        exceptions="The extension is broken and its checks are not there; `plugin.load` says so. An exception of a "
        "check's `run` is a finding of severity `crash` that names the plugin. It is given 5 seconds",
    ),
    "envkit_templates": _Note(
        when="`envkit build`",
        where="The host",
        exceptions=_OTHERS,
    ),
}


def make() -> str:
    """Return the page."""
    return page(
        "Hooks",
        _INTRODUCTION,
        "## Hooks of a task\n\n" + _overview(TASK_HOOKS),
        *map(_describe, TASK_HOOKS),
        "## Hooks of an extension\n\nAll of them may be left out.",
        *map(_describe, EXTENSION_HOOKS),
        "## The marks\n\nOf `envkit.api.hooks`. A plugin needs `hookimpl` alone, which `envkit.api` has too; `hookspec` marks "
        "the specifications above.",
        *(entry(read_module("envkit.api.hooks")[name]) for name in ("hookimpl", "hookspec")),
    )


def notes() -> dict[str, str]:
    """Return when each hook is called."""
    return {hook: note.when for hook, note in _NOTES.items()}


def _overview(hooks: tuple[str, ...]) -> str:
    rows = [
        (f"[`{hook}`](#{hook})", "yes" if hook in REQUIRED_TASK_HOOKS else "", _first_sentence(hook))
        for hook in hooks
    ]
    return table(("hook", "must be there", "what it does"), rows)


def _describe(hook: str) -> str:
    name, note = read_module("envkit.api.hooks")[hook], _NOTES[hook]
    told = f"- **Called by:** {note.when}.\n- **In:** {note.where}.\n- **An exception:** {note.exceptions}."
    return "\n\n".join([f"### {hook}", code(name.signature), prose(name.text), told])


def _first_sentence(hook: str) -> str:
    return prose(read_module("envkit.api.hooks")[hook].text.split("\n\n")[0].split(". ")[0].rstrip(".") + ".")
