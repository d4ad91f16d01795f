"""Render an image's Dockerfile and the list of what its context leaves out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from envkit.api import ImageValues, PluginError, UsageError
from envkit.environments.files.addresses import local_path
from envkit.images import layout
from envkit.images.engine.references import check_reference
from envkit.images.rendering.quoting import (
    FILTERS,
    LONGEST_LINE,
    Quoted,
    Unquotable,
    check_build_arg,
)
from envkit.registry import describe
from envkit.templates import template_file, templates_dir

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jinja2 import Environment

    from envkit.images.records import Contents, ImageMode, ImagePlan

_IGNORE_TEMPLATE = "docker/dockerignore"
_BLANK_LINES = re.compile(r"\n{3,}")
# Builders know these without ARG; declared, a proxy and its password would stand in the image's history.
# Source: Dockerfile reference, "Predefined ARGs".
_PREDEFINED = frozenset({"http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy"})


def render_dockerfile(plan: ImagePlan, *, mode: ImageMode) -> str:
    """Return the Dockerfile of the plan, for one kind of builder.

    Raises: UsageError for a value that no Dockerfile can hold and for secrets with the classic builder,
    PluginError for a template that fails.
    """
    if mode == "classic" and plan.secrets:
        ids = ", ".join(secret.id for secret in plan.secrets)
        raise UsageError(
            f"the build needs secrets ({ids}), which the classic builder would keep in the image",
            hint="Build with BuildKit: install docker-buildx, or: envkit build ... --context DIR and build elsewhere",
        )
    _check(plan)
    values = image_values(plan, mode=mode)
    return _render(plan.template.file, values, named=f"the template {plan.template.name!r}")


def render_dockerignore(plan: ImagePlan) -> str:
    """Return the list that leaves out of the build context all that the Dockerfile does not copy."""
    return _render(template_file(_IGNORE_TEMPLATE), image_values(plan, mode="buildkit"), named="dockerignore")


def image_values(plan: ImagePlan, *, mode: ImageMode) -> ImageValues:
    """Return what a template is told of the plan: no secret's content, no build argument's value."""
    contents, template = plan.contents, plan.template
    return ImageValues(
        template=template.name,
        base=plan.base.reference,
        interpreter=plan.base.interpreter,
        env_python=layout.IMAGE_PYTHON,
        is_buildkit=mode == "buildkit",
        prefix=layout.ENV_PREFIX,
        home=layout.IMAGE_HOME,
        work_dir=layout.WORK_DIR,
        model_dir=layout.IMAGE_MODEL,
        user=layout.USER_NAME,
        user_id=plan.user_id,
        group_id=plan.group_id,
        port=template.port,
        tasks=contents.tasks,
        python=contents.python,
        torch=contents.torch.version if contents.torch else "",
        variant=contents.torch.variant if contents.torch else "",
        has_ca=plan.ca_bundle is not None,
        has_local_wheels=_has_local_wheels(contents),
        has_model=contents.model_dir is not None,
        files=tuple(file.name for file in template.files),
        secrets={secret.id: secret.target for secret in plan.secrets},
        build_args=tuple(name for name in plan.build_args if name.lower() not in _PREDEFINED),
        labels=plan.labels,
    )


def _has_local_wheels(contents: Contents) -> bool:
    return any(local_path(each.url) is not None for each in (*contents.packages, contents.uv))


def _check(plan: ImagePlan) -> None:
    """Check what people set, so that the error names the option. Raises: UsageError."""
    check_reference(plan.base.reference, option="--base-image", example="python:3.11-slim-bookworm")
    for name in plan.build_args:
        check_build_arg(name)
    if plan.user_id == 0:
        raise UsageError("--user: an image of envkit's does not run as root", hint="As in --user 1000")
    for key, text in plan.labels.items():
        try:
            line = f"{FILTERS['label_name'](key)}={FILTERS['word'](text)}"
        except Unquotable as error:
            raise UsageError(f"the label {key!r}: {error}", hint="Change it where it comes from") from None
        if len(line.encode()) > LONGEST_LINE - len("LABEL  \\"):
            raise UsageError(
                f"the label {key!r} has {len(text)} characters, more than a line of a Dockerfile holds",
                hint=f"Shorten it to less than {LONGEST_LINE} bytes",
            )


def _render(file: Path, values: ImageValues, *, named: str) -> str:
    from jinja2 import TemplateError, TemplateSyntaxError

    try:
        text = _environment(file.parent).get_template(file.name).render(image=values)
    except TemplateSyntaxError as error:
        place = f"{error.filename or file}:{error.lineno}"
        raise PluginError(f"{named} is broken at {place}: {error.message}", hint=_hint(file)) from error
    except (TemplateError, Unquotable, OSError) as error:
        raise PluginError(f"{named} fails at {_place(error, file)}: {error}", hint=_hint(file)) from error
    except Exception as error:  # an expression in a template may raise anything
        raise PluginError(
            f"{named} fails at {_place(error, file)}: {describe(error)}", hint=_hint(file)
        ) from error
    return _BLANK_LINES.sub("\n\n", text).strip("\n") + "\n"


def _environment(folder: Path) -> Environment:
    """Return Jinja2 set up so that a value which passed no quoting filter is an error, not a hole."""
    import jinja2

    class DockerfileEnvironment(jinja2.Environment):
        @staticmethod
        def concat(parts: Iterable[str]) -> Quoted:  # of blocks and macros, whose values have been checked
            return Quoted("".join(parts))

    own = templates_dir() / "docker"
    shared = jinja2.FileSystemLoader(own)
    environment = DockerfileEnvironment(
        loader=jinja2.ChoiceLoader(
            [jinja2.FileSystemLoader(folder), jinja2.PrefixLoader({"envkit": shared}), shared]
        ),
        autoescape=False,
        undefined=jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters = {**environment.filters, **FILTERS}
    return environment


def _finalize(value: object) -> object:
    from jinja2 import Undefined

    if isinstance(value, Quoted | Undefined) or (isinstance(value, int) and not isinstance(value, bool)):
        return value  # an Undefined says itself what is missing
    raise Unquotable(f"the value {value!r} passed no quoting filter, one of: {', '.join(sorted(FILTERS))}")


def _place(error: BaseException, file: Path) -> str:
    """Return file and line of the template where it failed; Jinja2 writes them into the traceback."""
    found = str(file)
    step = error.__traceback__
    folders = (file.parent, templates_dir() / "docker")
    while step is not None:
        name = step.tb_frame.f_code.co_filename
        if Path(name).parent in folders:
            found = f"{name}:{step.tb_lineno}"
        step = step.tb_next
    return found


def _hint(file: Path) -> str:
    if file.is_relative_to(templates_dir()):
        from envkit.owner import install_command  # for an error alone

        return f"Install envkit again: {install_command('envkit-ml', is_anew=True)}"
    return f"Tell the author of {file}"
