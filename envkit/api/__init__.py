"""Everything that the author of a plugin imports."""

from envkit.api.checks import Check, CheckContext, Finding, PluginState, Severity
from envkit.api.corpus import Corpus, CorpusRow, Problem
from envkit.api.data_options import FileOptions, TextOptions
from envkit.api.deprecation import EnvkitDeprecationWarning, deprecated
from envkit.api.environments import (
    BackendContext,
    Base,
    BasePackage,
    BaseProgress,
    BaseRequest,
    EnvironmentBackend,
    FoundPython,
    InterpreterBackend,
    ListingBackend,
)
from envkit.api.errors import (
    ConfigError,
    DataError,
    EnvError,
    EnvkitError,
    ImageError,
    MachineError,
    PluginError,
    RunCancelled,
    RunFailed,
    UsageError,
)
from envkit.api.finetune_options import FinetuneOptions
from envkit.api.hooks import hookimpl
from envkit.api.images import ImageTemplate, ImageValues
from envkit.api.options import DEFAULT_MODEL, Meta, Options
from envkit.api.predicting import Inputs, Predictor, PredictorRequest
from envkit.api.task import Prediction, Reporter, Request, Result, Run, Table, Task
from envkit.api.versions import API_VERSION

__all__ = [
    "API_VERSION",
    "DEFAULT_MODEL",
    "BackendContext",
    "Base",
    "BasePackage",
    "BaseProgress",
    "BaseRequest",
    "Check",
    "CheckContext",
    "ConfigError",
    "Corpus",
    "CorpusRow",
    "DataError",
    "EnvError",
    "EnvironmentBackend",
    "EnvkitDeprecationWarning",
    "EnvkitError",
    "FileOptions",
    "Finding",
    "FinetuneOptions",
    "FoundPython",
    "ImageError",
    "ImageTemplate",
    "ImageValues",
    "Inputs",
    "InterpreterBackend",
    "ListingBackend",
    "MachineError",
    "Meta",
    "Options",
    "PluginError",
    "PluginState",
    "Prediction",
    "Predictor",
    "PredictorRequest",
    "Problem",
    "Reporter",
    "Request",
    "Result",
    "Run",
    "RunCancelled",
    "RunFailed",
    "Severity",
    "Table",
    "Task",
    "TextOptions",
    "UsageError",
    "deprecated",
    "hookimpl",
]
