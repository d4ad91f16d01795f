"""A conda prefix with packages of every kind, made once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from conda_prefixes import Made, context, install, request

from envkit.environments.conda.backend import CondaBackend

if TYPE_CHECKING:
    from conda_channel import LocalChannel


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory, conda_channel: LocalChannel) -> Made:
    """Return the prefix ``all`` in its first generation."""
    folder = tmp_path_factory.mktemp("made")
    at = context(folder, conda_channel.url)
    asked = ("hello", "settings", "built-module >=1", "fonts")
    base = CondaBackend().plan(request(*asked), context=at)
    prefix = folder / "h/envs/.made/all-1"
    return Made(prefix, at, base, install(base, prefix, at, *asked))
