from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from required import require_data, require_dists, require_program, skip_or_fail

if TYPE_CHECKING:
    from collections.abc import Callable

NEEDS: list[tuple[str, Callable[[], object]]] = [
    ("docker", partial(skip_or_fail, "docker", "no engine")),
    ("conda", partial(require_dists, "conda", "pytest", "no-such-distribution")),
    ("programs", partial(require_program, "programs", "no-such-program", "nor-this")),
    ("data", partial(require_data, "no-such-set")),
]


@pytest.mark.parametrize(("what", "need"), NEEDS, ids=[what for what, _ in NEEDS])
def test_need_that_is_not_there_skips_and_fails_where_it_is_required(
    what: str, need: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENVKIT_TEST_DATA", str(tmp_path))
    monkeypatch.setenv("ENVKIT_REQUIRE", "something,else")
    with pytest.raises(pytest.skip.Exception):
        need()

    monkeypatch.setenv("ENVKIT_REQUIRE", f"something,{what}")
    with pytest.raises(pytest.fail.Exception, match=f"ENVKIT_REQUIRE asks for {what}: "):
        need()


def test_needs_that_are_there_are_returned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVKIT_REQUIRE", "conda,programs,data")
    monkeypatch.setenv("ENVKIT_TEST_DATA", str(tmp_path))
    (tmp_path / "squad").mkdir()

    require_dists("conda", "pytest")
    assert Path(require_program("programs", "no-such-program", "sh")).name == "sh"
    assert require_data("squad") == tmp_path / "squad"


def test_data_whose_variable_is_empty_is_not_looked_for_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENVKIT_REQUIRE", "")
    monkeypatch.setenv("ENVKIT_TEST_DATA", "")
    with pytest.raises(pytest.skip.Exception):
        require_data()
