"""The four tasks and what each plugin says that it is checked with."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from envkit.testing import Contract

TASKS = ("classification", "ner", "qa", "sentiment")


def contract_of(task: str) -> Contract:
    """Return the contract of one of envkit's own plugins; importing it imports its scorer."""
    contract: Contract = import_module(f"envkit_{task}.contract").CONTRACT
    return contract
