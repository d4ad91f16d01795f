"""Environments that others own are refused with what to do there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from laid_owners import MANAGED, owner_of

from envkit.api import EnvError
from envkit.authoring.owner import refuse_foreign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("files", "prefix", "advice"),
    [
        ((MANAGED,), "usr", "uv tool install envkit-ml --with envkit-x"),
        (("usr/conda-meta/pixi",), "usr", "pixi add --pypi envkit-x"),
        (("c/archive-v0/Xy/pyvenv.cfg",), "c/archive-v0/Xy", "uvx --from envkit-ml --with envkit-x envkit"),
    ],
)
def test_environment_that_nobody_else_may_change_is_refused_with_what_to_do(
    files: tuple[str, ...], prefix: str, advice: str, tmp_path: Path
) -> None:
    with pytest.raises(EnvError) as refusal:
        refuse_foreign(owner_of(tmp_path, *files, prefix=prefix), names=["envkit-x"])

    assert refusal.value.hint is not None
    assert advice in refusal.value.hint


@pytest.mark.parametrize(("is_removal", "flag"), [(False, "--with"), (True, "--without")])
def test_environment_that_envkit_made_is_changed_by_env_sync(
    is_removal: bool, flag: str, tmp_path: Path
) -> None:
    owner = owner_of(tmp_path, "env/envkit-env.json")
    owner.evidence.write_text('{"name": "work"}', encoding="utf-8")

    with pytest.raises(EnvError) as refusal:
        refuse_foreign(owner, names=["envkit-x"], is_removal=is_removal)

    assert f"envkit env sync work {flag} envkit-x" in (refusal.value.hint or "")


def test_environment_of_ones_own_is_not_refused(tmp_path: Path) -> None:
    refuse_foreign(owner_of(tmp_path, "env/pyvenv.cfg"), names=["envkit-x"])


def test_refusal_shows_no_password_and_can_be_pasted(tmp_path: Path) -> None:
    names = ["envkit-ner>=1,<2", "https://joe:hunter2@host/envkit_x-1.0-py3-none-any.whl"]

    with pytest.raises(EnvError) as refusal:
        refuse_foreign(owner_of(tmp_path, MANAGED, prefix="usr"), names=names)

    hint = refusal.value.hint or ""
    assert "hunter2" not in hint
    assert "--with 'envkit-ner>=1,<2' --with " in hint
