"""Names of images: what is wrong with one, and what was meant."""

from __future__ import annotations

import pytest

from envkit.api import UsageError
from envkit.images.engine.references import check_image, check_reference, full_tag


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("Team/NER", "--tag: 'Team/NER' has capitals", "As in --tag team/ner"),
        ("NER:V1.0", "--tag: 'NER:V1.0' has capitals", "As in --tag ner:V1.0"),
        ("host:5000/NER", "has capitals", "As in --tag host:5000/ner"),
        ("a b", "--tag: 'a b' is no name of an image", "As in --tag team/ner:1.0"),
        ("A b", "'A b' is no name of an image", "As in --tag team/ner:1.0"),
        ("", "--tag: the name of an image is expected", "As in --tag team/ner:1.0"),
    ],
)
def test_check_reference_says_what_is_wrong_with_one_example(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as raised:
        check_reference(text, option="--tag")
    assert message in raised.value.message and raised.value.hint == hint


def test_check_image_takes_names_and_ids_and_names_the_option() -> None:
    for text in ("ner", "team/ner:1", "0123456789ab", "5" * 64, "sha256:" + "5" * 64):
        check_image(text)
    with pytest.raises(UsageError, match="^--env docker: 'Bad/NAME' has capitals") as raised:
        check_image("Bad/NAME", option="--env docker:")
    assert str(raised.value.hint).startswith("Did you mean docker:bad/name? ")


@pytest.mark.parametrize(
    ("given", "full"),
    [("ner", "ner:latest"), ("ner:1", "ner:1"), ("host:5000/ner", "host:5000/ner:latest")],
)
def test_full_tag_is_the_name_as_the_engine_keeps_it(given: str, full: str) -> None:
    assert full_tag(given) == full
