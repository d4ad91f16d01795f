"""The hooks of a task plugin. A plugin's module implements them as functions marked ``@hookimpl``.

Bodies import late: the module that holds them is read by the host, where neither torch nor the
plugin's own heavy modules may load.
"""

from __future__ import annotations

from typing import Any

import pluggy

from envkit.api.task import Request, Result, Run, Task

hookspec = pluggy.HookspecMarker("envkit")
hookimpl = pluggy.HookimplMarker("envkit")


@hookspec(firstresult=True)
def envkit_task() -> Task:  # type: ignore[empty-body]  # a specification has no body
    """Describe the task. Called on the host and in the worker; an exception is a broken plugin."""


@hookspec(firstresult=True)
def envkit_read(request: Request[Any]) -> Any:
    """Read and check the data, without torch, and return what the loop needs as ``run.data``.

    Called in the worker, before anything heavy is imported. Raise DataError for what the user can mend.
    """


@hookspec(firstresult=True)
def envkit_finetune(run: Run[Any, Any]) -> Result:  # type: ignore[empty-body]  # a specification has no body
    """Fine-tune, save into ``run.model_dir`` and return the metrics. Called in the worker."""
