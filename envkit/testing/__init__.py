"""The kit of plugin authors: a reporter that remembers, a tiny model, and what every task is checked for."""

from envkit.testing.checks import CHECKS, Check, check_task
from envkit.testing.contract import Contract, Trial, Trials
from envkit.testing.heard import Heard
from envkit.testing.tiny_model import make_tiny_model

__all__ = ["CHECKS", "Check", "Contract", "Heard", "Trial", "Trials", "check_task", "make_tiny_model"]
