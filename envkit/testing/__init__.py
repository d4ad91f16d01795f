"""The kit of plugin authors: fixtures for pytest, tiny models, made-up machines, and what a plugin is checked for.

Names are imported when they are asked for: pytest loads this package at every start, wherever envkit is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.testing.added_plugins import AddedPlugins, only_added_plugins
    from envkit.testing.backend import BACKEND_CHECKS, BackendContract, BackendTrials, check_backend
    from envkit.testing.checks import CHECKS, check_task
    from envkit.testing.contract import Contract, Trial, Trials
    from envkit.testing.doctor_check import DOCTOR_CHECKS, DoctorTrials, check_doctor_check
    from envkit.testing.heard import Heard
    from envkit.testing.machines import fake_facts
    from envkit.testing.project import Outcome, Project
    from envkit.testing.promises import Check, NotChecked
    from envkit.testing.template import TEMPLATE_CHECKS, TemplateTrials, check_template
    from envkit.testing.tiny_model import make_tiny_model
    from envkit.testing.tiny_seq2seq import make_tiny_seq2seq
    from envkit.testing.worker_trial import WorkerTrial, resume_in_worker, run_in_worker

# Where each name is, for the one moment when it is asked for.
_MODULES = {
    "BACKEND_CHECKS": "backend",
    "CHECKS": "checks",
    "DOCTOR_CHECKS": "doctor_check",
    "TEMPLATE_CHECKS": "template",
    "AddedPlugins": "added_plugins",
    "BackendContract": "backend",
    "BackendTrials": "backend",
    "Check": "promises",
    "Contract": "contract",
    "DoctorTrials": "doctor_check",
    "Heard": "heard",
    "NotChecked": "promises",
    "Outcome": "project",
    "Project": "project",
    "TemplateTrials": "template",
    "Trial": "contract",
    "Trials": "contract",
    "WorkerTrial": "worker_trial",
    "check_backend": "backend",
    "check_doctor_check": "doctor_check",
    "check_task": "checks",
    "check_template": "template",
    "fake_facts": "machines",
    "make_tiny_model": "tiny_model",
    "make_tiny_seq2seq": "tiny_seq2seq",
    "only_added_plugins": "added_plugins",
    "resume_in_worker": "worker_trial",
    "run_in_worker": "worker_trial",
}

__all__ = [
    "BACKEND_CHECKS",
    "CHECKS",
    "DOCTOR_CHECKS",
    "TEMPLATE_CHECKS",
    "AddedPlugins",
    "BackendContract",
    "BackendTrials",
    "Check",
    "Contract",
    "DoctorTrials",
    "Heard",
    "NotChecked",
    "Outcome",
    "Project",
    "TemplateTrials",
    "Trial",
    "Trials",
    "WorkerTrial",
    "check_backend",
    "check_doctor_check",
    "check_task",
    "check_template",
    "fake_facts",
    "make_tiny_model",
    "make_tiny_seq2seq",
    "only_added_plugins",
    "resume_in_worker",
    "run_in_worker",
]


def __getattr__(name: str) -> object:
    """Import the module that has this name. Raises: AttributeError where none has."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the names, so that a prompt completes them."""
    return sorted({*globals(), *__all__})
