"""What is masked on the screen of a build."""

from __future__ import annotations

import pytest

from envkit.images.building.secrets import make_mask

WORD = "tr0ub4dor"


@pytest.mark.parametrize(
    ("name", "is_masked"),
    [("DB_PASS", True), ("GITHUB_PAT", True), ("PUBLIC_KEY", False), ("PATTERN", False)],
)
def test_build_argument_is_masked_where_its_name_says_that_it_is_a_secret(name: str, is_masked: bool) -> None:
    shown = make_mask(build_args={name: WORD})(f"RUN echo {WORD}")
    assert shown == ("RUN echo ***" if is_masked else f"RUN echo {WORD}")
