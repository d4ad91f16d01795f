"""The hooks of task plugins and extensions. A module implements them as functions marked ``@hookimpl``.

Bodies import late: the module that holds them is read by the host, where neither torch nor the
plugin's own heavy modules may load.
"""

from __future__ import annotations

from typing import Any

import pluggy

from envkit.api.checks import Check
from envkit.api.corpus import Corpus
from envkit.api.environments import EnvironmentBackend
from envkit.api.images import ImageTemplate
from envkit.api.predicting import Predictor, PredictorRequest
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


@hookspec(firstresult=True)
def envkit_corpus(request: Request[Any]) -> Corpus:  # type: ignore[empty-body]  # a specification has no body
    """Read the same files as ``envkit_read``, without torch, and return all rows with what is wrong in them.

    What would end a run is a Problem where reading can go on, else a DataError.
    """


@hookspec(firstresult=True)
def envkit_predictor(request: PredictorRequest[Any]) -> Predictor:  # type: ignore[empty-body]  # a specification has no body
    """Load the model of ``request.model_dir`` and return what predicts with it. Called in an environment."""


@hookspec
def envkit_backends() -> list[EnvironmentBackend]:  # type: ignore[empty-body]  # a specification has no body
    """Return what makes environments of further kinds. An extension's hook, called on the host."""


@hookspec
def envkit_checks() -> list[Check]:  # type: ignore[empty-body]  # a specification has no body
    """Return further checks for ``envkit doctor``. An extension's hook, called on the host."""


@hookspec
def envkit_templates() -> list[ImageTemplate]:  # type: ignore[empty-body]  # a specification has no body
    """Return templates of images. An extension's hook, called on the host."""
