"""What every template of images is checked for. Nothing is built: it is rendered, and what comes out is read.

What an assertion says is a sentence for authors, to which pytest adds nothing: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from envkit.api import EnvkitError, ImageTemplate, hookimpl
from envkit.images.rendering.quoting import word
from envkit.images.rendering.render import render_dockerfile
from envkit.images.rendering.templates import find_faults, find_templates
from envkit.testing.added_plugins import only_added_plugins
from envkit.testing.image_plans import BASE, NASTY, USER, sample_plans
from envkit.testing.promises import Check, run_checks

if TYPE_CHECKING:
    from collections.abc import Iterator

_CONTINUED = re.compile(r"\\\n")
_CLASSIC_LACKS = ("--mount=", "<<EOF", "--security=", "--network=")


@dataclass(frozen=True, kw_only=True)
class TemplateTrials:
    """A template, and the Dockerfiles that it renders to, by what they are for."""

    template: ImageTemplate
    _rendered: dict[str, str] = field(default_factory=dict)

    def dockerfiles(self) -> dict[str, str]:
        """Return the text of every Dockerfile, rendered once. Raises: AssertionError where one cannot be."""
        for name, (plan, mode) in sample_plans(self.template).items():
            if name not in self._rendered:
                try:
                    self._rendered[name] = render_dockerfile(plan, mode=mode)
                except EnvkitError as error:
                    raise AssertionError(f"{name} it cannot be rendered: {error.message}") from error
        return self._rendered


def check_template(template: ImageTemplate) -> None:
    """Run all checks of a template of images: in a second, without Docker.

    Raises: AssertionError with every promise that is not kept.
    """
    name = getattr(template, "name", template)
    run_checks(TEMPLATE_CHECKS, TemplateTrials(template=template), of=f"the template {name!s}")


@dataclass(frozen=True)
class _Giver:
    """An extension that gives one template."""

    template: ImageTemplate

    @hookimpl
    def envkit_templates(self) -> list[ImageTemplate]:
        """Return the template."""
        return [self.template]


def _is_template(trials: TemplateTrials) -> None:
    with only_added_plugins() as added:
        added.add(_Giver(trials.template), name="checked", kind="extension")
        faults = [fault.message for fault in find_faults()]
        assert not faults, faults[0]
        assert trials.template.name in find_templates(), "envkit does not find it"
    assert trials.template.summary.strip(), "it has no summary"


def _renders(trials: TemplateTrials) -> None:
    for name, text in trials.dockerfiles().items():
        stages = [words for word_, words in _instructions(text) if word_ == "FROM"]
        assert stages, f"{name} no line begins with FROM"
        assert stages[0].split()[0] == BASE, f"{name} it begins from {stages[0]}, not from image.base"


def _same(trials: TemplateTrials) -> None:
    again = TemplateTrials(template=trials.template)
    assert trials.dockerfiles() == again.dockerfiles(), "the same plan is rendered otherwise each time"


def _classic(trials: TemplateTrials) -> None:
    plans = sample_plans(trials.template)
    for name, text in trials.dockerfiles().items():
        lacking = [each for each in _CLASSIC_LACKS if each in text]
        if plans[name][1] == "classic":
            assert not lacking, f"{name} it uses {lacking[0]}, which only BuildKit has: ask image.is_buildkit"


def _user(trials: TemplateTrials) -> None:
    for name, text in trials.dockerfiles().items():
        users = [words for word_, words in _last_stage(text) if word_ == "USER"]
        assert users, f"{name} its last stage sets no USER, so that it runs as root"
        assert users[-1].strip('"').partition(":")[0] == str(USER), (
            f"{name} it runs as {users[-1]}, not as image.user_id"
        )


def _command(trials: TemplateTrials) -> None:
    for name, text in trials.dockerfiles().items():
        words = {word_ for word_, _ in _last_stage(text)}
        assert words & {"ENTRYPOINT", "CMD"}, f"{name} its container starts nothing: no ENTRYPOINT, no CMD"


def _labels(trials: TemplateTrials) -> None:
    for name, text in trials.dockerfiles().items():
        labels = " ".join(words for word_, words in _last_stage(text) if word_ == "LABEL")
        assert word(NASTY) in labels, f"{name} image.labels are not all there, or not quoted by |word"


def _files(trials: TemplateTrials) -> None:
    for name, text in trials.dockerfiles().items():
        for file in trials.template.files:
            copied = f"files/{file.name}" in text or re.search(r"COPY\s+(\[?\"?)files/?[\s\"]", text)
            assert copied, f"{name} nothing copies files/{file.name}, which it brings"


def _port(trials: TemplateTrials) -> None:
    port = trials.template.port
    for name, text in trials.dockerfiles().items():
        told = [words for word_, words in _last_stage(text) if word_ == "EXPOSE"]
        if port:
            assert str(port) in " ".join(told).split(), f"{name} there is no EXPOSE {port}"
        else:
            assert not told, f"{name} there is EXPOSE {told[0]}, but its port is 0"


def _instructions(text: str) -> Iterator[tuple[str, str]]:
    """Yield the instructions of a Dockerfile: the word, in capitals, and what stands behind it."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    for line in _CONTINUED.sub(" ", "\n".join(lines)).splitlines():
        first, _, rest = line.strip().partition(" ")
        if first.isalpha():
            yield first.upper(), rest.strip()


def _last_stage(text: str) -> list[tuple[str, str]]:
    instructions = list(_instructions(text))
    last = max((index for index, (word_, _) in enumerate(instructions) if word_ == "FROM"), default=0)
    return instructions[last:]


TEMPLATE_CHECKS = (
    Check("template", "it is what envkit takes for a template", _is_template),
    Check("renders", "it renders for every builder and whatever is in the image", _renders),
    Check("same", "the same plan gives the same Dockerfile", _same),
    Check("classic", "where BuildKit is not, it asks for nothing of BuildKit's", _classic),
    Check("user", "its container does not run as root", _user),
    Check("command", "its container starts something", _command),
    Check("labels", "the labels that envkit goes by are there, whatever they hold", _labels),
    Check("files", "what it brings is used", _files),
    Check("port", "what its container listens on is told", _port),
)
