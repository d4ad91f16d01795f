"""What Dockerfiles are rendered, and which values and templates are refused."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import msgspec
import pytest
from image_plans import CLIENT_CERT, NETRC, TEMPLATES, make_plan

from envkit.api import ImageTemplate, PluginError, UsageError
from envkit.images.records import ImageMode
from envkit.images.rendering.quoting import FILTERS
from envkit.images.rendering.render import image_values, render_dockerfile, render_dockerignore

if TYPE_CHECKING:
    from envkit.images.records import ImagePlan

GOLDEN = Path(__file__).parent / "golden"
MODES: tuple[ImageMode, ...] = get_args(ImageMode)
ALL = {
    "has_ca": True,
    "has_local_wheels": True,
    "secrets": (NETRC, CLIENT_CERT),
    "build_args": {"UV_HTTP_TIMEOUT": "120"},
}
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "ca": {"has_ca": True},
    "secrets": {"secrets": (NETRC,)},
    "wheels": {"has_local_wheels": True},
    "all": ALL,
}


def golden_cases() -> list[tuple[str, str, ImageMode]]:
    """Return template, variant and mode: every variant of one template, the first and the last of the others."""
    cases = [
        (template, variant, mode)
        for template in TEMPLATES
        for variant in VARIANTS
        for mode in MODES
        if template == "task" or variant in ("plain", "all")
    ]
    return [
        (template, variant, mode)
        for template, variant, mode in cases
        if (variant, mode) != ("secrets", "classic")
    ]


def plan_of(template: str, variant: str, mode: ImageMode) -> ImagePlan:
    more = VARIANTS[variant] | ({"secrets": ()} if mode == "classic" else {})
    return make_plan(template, **more)


@pytest.mark.parametrize(("template", "variant", "mode"), golden_cases())
def test_render_dockerfile_any_template_is_as_it_was_looked_over(
    template: str, variant: str, mode: ImageMode
) -> None:
    """``ENVKIT_RENEW_GOLDEN=1 pytest`` writes them anew; the difference is to be read."""
    file = GOLDEN / f"{template}-{variant}.{mode}.Dockerfile"
    text = render_dockerfile(plan_of(template, variant, mode), mode=mode)

    if os.environ.get("ENVKIT_RENEW_GOLDEN"):
        file.write_text(text, encoding="utf-8")

    assert text == file.read_text(encoding="utf-8")


def test_golden_folder_holds_what_is_rendered_and_no_more() -> None:
    wanted = {f"{template}-{variant}.{mode}.Dockerfile" for template, variant, mode in golden_cases()}

    assert {file.name for file in GOLDEN.iterdir()} == wanted


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("mode", MODES)
def test_render_dockerfile_any_template_keeps_what_every_image_keeps(template: str, mode: ImageMode) -> None:
    lines = render_dockerfile(plan_of(template, "all", mode), mode=mode).splitlines()
    instructions = [line for line in lines if re.match(r"[A-Z]+ ", line)]
    words = [line.split()[0] for line in instructions]
    last_stage = instructions[[n for n, word in enumerate(words) if word == "FROM"][-1] :]
    entry = next(line for line in last_stage if line.startswith("ENTRYPOINT "))

    assert words[0] == "FROM" and words[-1] == "LABEL"
    assert [line for line in last_stage if line.startswith("USER ")] == ["USER 1000:1000"]
    assert "STOPSIGNAL SIGTERM" in last_stage and "HEALTHCHECK" in words
    assert '["/opt/envkit/bin/python", "-I", "-u", "-m", ' in entry
    assert not any("<<" in line for line in lines)
    assert ("--mount=" in "".join(lines)) is (mode == "buildkit")
    assert all("sharing=locked" in line for line in lines if "type=cache" in line)
    assert next(n for n, line in enumerate(lines) if "PIP_CERT" in line) < next(
        n for n, line in enumerate(lines) if "pip install" in line
    )
    # Each stage that runs anything knows the build arguments.
    assert words.count("ARG") == words.count("FROM")


def test_render_dockerfile_secrets_and_values_of_build_args_are_in_no_line() -> None:
    plan = make_plan(secrets=(NETRC,), build_args={"MY_TOKEN": "hunter2"})

    text = render_dockerfile(plan, mode="buildkit")

    assert "swordfish" not in text and "hunter2" not in text and "ARG MY_TOKEN\n" in text


def test_render_dockerfile_proxies_as_build_args_are_not_declared() -> None:
    """A declared one would stand in the history of the image, its password as well."""
    proxies = {"HTTP_PROXY": "http://u:p@proxy", "https_proxy": "x", "NO_PROXY": "y", "OTHER": "z"}

    text = render_dockerfile(make_plan(build_args=proxies), mode="classic")

    assert set(re.findall(r"^ARG (.*)$", text, re.MULTILINE)) == {"OTHER"}


def test_render_dockerfile_secrets_for_the_classic_builder_are_refused() -> None:
    with pytest.raises(UsageError, match="netrc, client-cert.*classic builder") as caught:
        render_dockerfile(make_plan(secrets=(NETRC, CLIENT_CERT)), mode="classic")
    assert "buildx" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("tasks", "entry"),
    [(("ner",), '"envkit.worker.alone", "ner"]'), (("ner", "qa"), '"envkit.worker.alone"]')],
)
def test_render_dockerfile_of_a_task_names_it_where_there_is_one(tasks: tuple[str, ...], entry: str) -> None:
    assert entry in render_dockerfile(make_plan(tasks=tasks), mode="buildkit")


@pytest.mark.parametrize(("variant", "is_there"), [("cpu", False), ("cu126", True)])
def test_render_dockerfile_without_cuda_asks_for_no_driver(variant: str, is_there: bool) -> None:
    assert ("NVIDIA" in render_dockerfile(make_plan(variant=variant), mode="buildkit")) is is_there


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"base": "python:3.11 AS x\nRUN id"}, "^--base-image: "),
        ({"build_args": {"A B": "x"}}, "^--build-arg: "),
        ({"user_id": 0}, "^--user: "),
        ({"labels": {"a": "b\nRUN id"}}, "^the label 'a': .* newline"),
        ({"labels": {"a b": "c"}}, "^the label 'a b': "),
        ({"labels": {"a": "é" * 33_000}}, "33000 characters"),
    ],
)
def test_render_dockerfile_value_that_cannot_be_written_names_where_it_comes_from(
    more: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        render_dockerfile(make_plan(**more), mode="buildkit")


def test_render_dockerfile_longest_label_is_just_taken() -> None:
    text = render_dockerfile(make_plan(labels={"a": "b" * 65_000}), mode="buildkit")

    assert max(len(line) for line in text.splitlines()) < 65_535


def test_render_dockerfile_nasty_interpreter_and_labels_add_no_line() -> None:
    nasty = make_plan(
        interpreter="/opt/my py/$(id)/`id`'\"python3", labels={"a": "x\\", "b": '" RUN $HOME #'}
    )
    plain = make_plan(labels={"a": "", "b": ""})

    texts = [render_dockerfile(plan, mode="buildkit") for plan in (nasty, plain)]

    assert len({len(text.splitlines()) for text in texts}) == 1


def template_of(folder: Path, text: str, *, name: str = "mine", **more: Any) -> ImageTemplate:
    file = folder / f"{name}.Dockerfile"
    file.write_text(text, encoding="utf-8")
    return ImageTemplate(name=name, summary="Mine.", file=file, **more)


@pytest.mark.parametrize("parent", ["base.Dockerfile", "envkit/base.Dockerfile"])
def test_render_dockerfile_template_of_another_fills_the_blocks_of_envkits(
    parent: str, tmp_path: Path
) -> None:
    settings = tmp_path / "settings.json"
    settings.touch()
    text = (
        f'{{% extends "{parent}" %}}\n'
        "{% block system %}\nRUN apt-get --version\n{% endblock %}\n"
        "{% block files %}\n{{ super() }}COPY {{ ['files/' ~ image.files[0], '/etc/mine']|paths }}\n{% endblock %}\n"
        '{% block entry %}\nENTRYPOINT {{ [image.env_python, "-I"]|exec_form }}\n{% endblock %}\n'
    )
    template = template_of(tmp_path, text, files=(settings,))

    lines = render_dockerfile(make_plan(template), mode="classic").splitlines()

    at = [
        lines.index(each) for each in ("RUN apt-get --version", 'COPY ["files/settings.json", "/etc/mine"]')
    ]
    assert at == sorted(at)
    assert 'ENTRYPOINT ["/opt/envkit/bin/python", "-I"]' in lines


def test_render_dockerfile_template_named_as_envkits_extends_that_one(tmp_path: Path) -> None:
    text = '{% extends "envkit/task.Dockerfile" %}\n{% block files %}\nRUN true\n{% endblock %}\n'

    rendered = render_dockerfile(make_plan(template_of(tmp_path, text, name="task")), mode="buildkit")

    assert "\nRUN true\n" in rendered and "envkit.worker.alone" in rendered


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "FROM {{ image.base }}",
            "mine.Dockerfile:1: the value 'python:3.11-slim-bookworm' passed no quoting filter",
        ),
        ("FROM x\nENV A={{ image.nothing|word }}", "mine.Dockerfile:2: .*no attribute 'nothing'"),
        ("FROM x\n\nENV A={{ missing }}", "mine.Dockerfile:3: 'missing' is undefined"),
        ("FROM x\n{% if %}", "broken at .*mine.Dockerfile:2"),
        ("FROM x\nENV A={{ image.tasks|word }}", "mine.Dockerfile:2: tuple is neither text"),
        ("FROM x\nENV A={{ image.base|word ~ image.base }}", "mine.Dockerfile:2: .*passed no quoting filter"),
        ("FROM x\nENV A={{ image.base|word|upper }}", "mine.Dockerfile:2: .*passed no quoting filter"),
        ("FROM x\nENV A={{ image.base|safe }}", "mine.Dockerfile:2: .*passed no quoting filter"),
        (
            "FROM x\n{% macro m(x) %}{{ x }}{% endmacro %}\nENV A={{ m(image.base) }}",
            "passed no quoting filter",
        ),
        ("FROM x\nENV A={{ (1 / 0)|word }}", "mine.Dockerfile:2: ZeroDivisionError"),
        ('{% extends "base.Dockerfile" %}', "entry"),
        ('{% extends "no-such" %}', "no-such"),
    ],
)
def test_render_dockerfile_template_that_fails_is_its_authors_fault(
    text: str, says: str, tmp_path: Path
) -> None:
    with pytest.raises(PluginError, match=f"the template 'mine'.*{says}") as caught:
        render_dockerfile(make_plan(template_of(tmp_path, text)), mode="buildkit")
    assert str(tmp_path) in str(caught.value.hint)


def test_render_dockerfile_macro_that_quotes_is_quoted(tmp_path: Path) -> None:
    text = (
        "{% macro m(x) %}{{ x|word }}{% endmacro %}\nFROM x\nENV A={{ m(image.base) }} B={{ image.user_id }}"
    )

    rendered = render_dockerfile(make_plan(template_of(tmp_path, text)), mode="buildkit")

    assert rendered == 'FROM x\nENV A="python:3.11-slim-bookworm" B=1000\n'


def ignored(patterns: str, name: str) -> bool:
    """Tell whether docker-py, which follows the engine's rules, leaves this file out of a context."""
    from docker.utils.build import PatternMatcher

    lines = [line for line in patterns.splitlines() if line and not line.startswith("#")]
    return bool(PatternMatcher(lines).matches(name))


@pytest.mark.parametrize(
    ("name", "is_out"),
    [
        ("Dockerfile", False),
        ("lock/envkit.lock", False),
        ("packages/uv.txt", False),
        ("packages/pylock.toml", False),
        ("packages/wheels/x-1-py3-none-any.whl", False),
        ("host/x-1-py3-none-any.whl", False),
        ("plugins/x-1-py3-none-any.whl", False),
        ("files/warm.py", False),
        ("ca/ca.crt", False),
        ("model/model.safetensors", False),
        ("model/1_Pooling/config.json", False),
        ("model/envkit.json", False),
        ("model/checkpoints/step-00000010/state", True),
        ("model/checkpoint-10/model.safetensors", True),
        ("model/optimizer.pt", True),
        ("model/.netrc", True),
        ("ca/ca.key", True),
        (".netrc", True),
        (".env", True),
        ("train.conll", True),
        ("data/train.jsonl", True),
        ("runs/x/checkpoints/y", True),
        ("packages/pip.conf", True),
        ("secrets/token", True),
        ("files/other.py", True),
        (".git/config", True),
    ],
)
def test_render_dockerignore_anything_but_what_is_copied_stays_out(name: str, is_out: bool) -> None:
    patterns = render_dockerignore(make_plan("predict", has_ca=True, has_local_wheels=True))

    assert ignored(patterns, name) is is_out


@pytest.mark.parametrize("name", ["ca/ca.crt", "packages/wheels/x.whl", "model/model.safetensors"])
def test_render_dockerignore_what_the_plan_lacks_stays_out(name: str) -> None:
    assert ignored(render_dockerignore(make_plan("task")), name)


def test_image_values_hold_all_that_a_template_may_ask_for() -> None:
    values = image_values(make_plan("predict", **ALL), mode="buildkit")

    assert (values.port, values.has_model, values.files) == (8000, True, ("warm.py",))
    assert values.secrets == {"netrc": "/root/.netrc", "client-cert": "/run/secrets/client-cert"}
    assert "swordfish" not in str(msgspec.structs.asdict(values))


def test_render_dockerfile_template_in_the_documentation_renders(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "images.md").read_text(encoding="utf-8")
    [text] = re.findall(r"```dockerfile\n(.*?)```", page, re.DOTALL)
    files = (tmp_path / "cluster.json",)

    rendered = render_dockerfile(make_plan(template_of(tmp_path, text, files=files)), mode="buildkit")

    assert 'COPY ["files/cluster.json", "/opt/envkit/etc/cluster.json"]' in rendered
    assert "libgomp1" in rendered and "envkit.worker.alone" in rendered


def test_documentation_of_templates_names_every_filter_and_block() -> None:
    page = (Path(__file__).parents[3] / "docs" / "images.md").read_text(encoding="utf-8")
    base = TEMPLATES["task"].file.with_name("base.Dockerfile").read_text(encoding="utf-8")

    blocks = re.findall(r"{% block (\w+)", base)
    assert [name for name in (*FILTERS, *blocks) if f"`{name}`" not in page] == []
