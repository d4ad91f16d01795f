"""A template of images that breaks a promise is found out, and those of envkit keep them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from envkit.api import ImageTemplate
from envkit.images.extension import envkit_templates
from envkit.testing import check_template

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
{% extends "envkit/base.Dockerfile" %}
{% block files %}
COPY {{ ["files/house.json", image.home ~ "/house.json"]|paths }}
{% endblock %}
{% block entry %}
EXPOSE {{ image.port }}
ENTRYPOINT {{ [image.env_python, "-m", "house"]|exec_form }}
{% endblock %}
"""
ALONE = """\
FROM {{ image.base|reference }}
COPY files/house.json /house.json
EXPOSE {{ image.port }}
USER {{ image.user_id }}
CMD ["python"]
LABEL {% for key, text in image.labels.items() %}{{ key|label_name }}={{ text|word }} {% endfor %}

"""


def template(folder: Path, text: str = GOOD, **changed: Any) -> ImageTemplate:
    (folder / "house.Dockerfile").write_text(text)
    (folder / "house.json").write_text("{}")
    usual: dict[str, Any] = {
        "name": "house",
        "summary": "Fine-tune as in this house.",
        "file": folder / "house.Dockerfile",
        "files": (folder / "house.json",),
        "port": 8080,
    }
    return ImageTemplate(**{**usual, **changed})


BROKEN: list[tuple[str, str, dict[str, Any], str]] = [
    ("name", GOOD, {"name": "House!"}, "a template named 'House!'"),
    ("summary", GOOD, {"summary": " "}, "it has no summary"),
    ("syntax", GOOD.replace("endblock", "endblok", 1), {}, "is broken at"),
    ("unknown value", GOOD.replace("image.port", "image.prot"), {}, "it cannot be rendered"),
    ("unquoted", ALONE.replace("|word", ""), {}, "passed no quoting filter"),
    ("another base", ALONE.replace("{{ image.base|reference }}", "debian"), {}, "it begins from debian"),
    (
        "BuildKit",
        ALONE.replace("CMD", "RUN --mount=type=cache,target=/c true\nCMD"),
        {},
        "which only BuildKit has",
    ),
    ("root", ALONE.replace("USER {{ image.user_id }}\n", ""), {}, "sets no USER"),
    (
        "another user",
        ALONE.replace("{{ image.user_id }}", "root"),
        {},
        "it runs as root, not as image.user_id",
    ),
    ("nothing to start", ALONE.replace('CMD ["python"]\n', ""), {}, "its container starts nothing"),
    ("labels", ALONE[: ALONE.index("LABEL")], {}, "image.labels are not all there"),
    (
        "files",
        ALONE.replace("COPY files/house.json /house.json\n", ""),
        {},
        "nothing copies files/house.json",
    ),
    ("port", ALONE.replace("EXPOSE {{ image.port }}\n", ""), {}, "there is no EXPOSE 8080"),
    (
        "no port",
        ALONE.replace("{{ image.port }}", "80"),
        {"port": 0},
        "there is EXPOSE 80, but its port is 0",
    ),
]


@pytest.mark.parametrize("text", [GOOD, ALONE], ids=["of the base", "alone"])
def test_template_that_keeps_all_promises_passes(tmp_path: Path, text: str) -> None:
    check_template(template(tmp_path, text))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "changed", "said"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN]
)
def test_template_that_breaks_a_promise_is_told(
    tmp_path: Path, text: str, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(AssertionError) as caught:
        check_template(template(tmp_path, text, **changed))

    assert said in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("given", envkit_templates(), ids=lambda given: given.name)
def test_envkits_own_template_keeps_the_promises(given: ImageTemplate) -> None:
    check_template(given)
