"""The kit of plugin authors: a reporter that remembers, a tiny model, and what every task and backend is checked for."""

from envkit.testing.backend import BACKEND_CHECKS, BackendContract, BackendTrials, check_backend
from envkit.testing.checks import CHECKS, check_task
from envkit.testing.contract import Contract, Trial, Trials
from envkit.testing.heard import Heard
from envkit.testing.promises import Check
from envkit.testing.tiny_model import make_tiny_model

__all__ = [
    "BACKEND_CHECKS",
    "CHECKS",
    "BackendContract",
    "BackendTrials",
    "Check",
    "Contract",
    "Heard",
    "Trial",
    "Trials",
    "check_backend",
    "check_task",
    "make_tiny_model",
]
