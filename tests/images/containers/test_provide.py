"""Which image a run gets, and what is said of it, before anything starts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.metadata import distribution
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from docker.errors import ImageNotFound

from envkit.api import ImageError
from envkit.api.facts import Nvidia
from envkit.environments.wheels import content_digest
from envkit.images.containers.provide import ImageEnvironment, provide_image
from envkit.images.engine.engine import Engine
from envkit.images.layout import (
    ENVKIT_LABEL,
    PLUGINS_LABEL,
    PYTHON_LABEL,
    TASKS_LABEL,
    TORCH_LABEL,
    VARIANT_LABEL,
)
from envkit.machine import MachineFacts, read_facts
from envkit.registry import find_task

if TYPE_CHECKING:
    from collections.abc import Mapping

OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64
HOSTS = ("envkit-ml", "envkit-ner")
LABELS = {
    ENVKIT_LABEL: "0.1.0",
    TASKS_LABEL: "ner,qa",
    PYTHON_LABEL: "3.11.9",
    TORCH_LABEL: "2.13.0+cpu",
    VARIANT_LABEL: "cpu",
}


@dataclass
class Daemon:
    """A daemon's answers; it is client and API in one."""

    images: Mapping[str, Mapping[str, Any]]
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def api(self) -> Daemon:
        return self

    def info(self) -> Mapping[str, Any]:
        return self.said

    def inspect_image(self, name: str) -> Mapping[str, Any]:
        if name not in self.images:
            raise ImageNotFound(f"No such image: {name}")
        return self.images[name]


def image(
    image_id: str = NEW, *, labels: Mapping[str, str] = LABELS, processor: str = "amd64"
) -> dict[str, Any]:
    return {
        "Id": image_id,
        "Architecture": processor,
        "Size": 1_234_000_000,
        "Config": {"Labels": dict(labels) or None},
    }


def engine_with(images: Mapping[str, Mapping[str, Any]], **changes: Any) -> Engine:
    engine = Engine(
        client=Daemon(images),  # type: ignore[arg-type]  # what is asked of it here, it answers
        endpoint="unix:///var/run/docker.sock",
        is_local=True,
        kind="docker",
        is_rootless=False,
        version="28.0",
        platform="linux/amd64",
        id="one",
        environ={},
    )
    return replace(engine, **changes)


def machine() -> MachineFacts:
    facts = read_facts()
    platform = msgspec.structs.replace(facts.platform, machine="x86_64")
    return msgspec.structs.replace(facts, platform=platform, nvidia=Nvidia())


def provide(engine: Engine, **changes: Any) -> ImageEnvironment:
    given = {"entry": find_task("ner"), "facts": machine(), "device": "auto", "environ": {}, **changes}
    return provide_image("ner:1", engine=engine, **given)


def plugins_label(*, version: str | None = None, digest: str | None = None) -> str:
    dists = [distribution(name) for name in HOSTS]
    return ",".join(
        f"{dist.metadata['Name']} {version or dist.version} {digest or content_digest(dist)[:12]}"
        for dist in dists
    )


def test_provide_image_says_in_a_line_which_one_and_what_is_in_it() -> None:
    labels = {**LABELS, PLUGINS_LABEL: plugins_label()}

    found = provide(engine_with({"ner:1": image(labels=labels)}))

    assert found.reason == "docker:ner:1, asked for, 111111111111: Python 3.11.9, torch 2.13.0+cpu, 1.2 GB"
    assert found.warnings == ()
    assert (found.use.kind, found.use.name, found.use.image) == ("docker", "docker:ner:1", NEW)
    assert found.use.python == "/opt/envkit/bin/python"


@pytest.mark.parametrize("changes", [{"version": "0.0.9"}, {"digest": "abcdefabcdef"}])
def test_provide_image_with_other_code_than_here_says_so_and_goes_on(changes: dict[str, str]) -> None:
    labels = {**LABELS, PLUGINS_LABEL: plugins_label(**changes)}

    found = provide(engine_with({"ner:1": image(labels=labels)}))

    assert "with envkit-ml" in found.reason
    assert "of another content than here" in found.reason


@pytest.mark.parametrize(
    ("images", "message", "hint"),
    [
        ({}, "there is no image ner:1 on this machine", "envkit build task --task ner --tag ner:1"),
        ({"ner:1": image(labels={})}, "ner:1 was not built by envkit", "envkit build task --task ner"),
        (
            {"ner:1": image(labels={**LABELS, TASKS_LABEL: "qa"})},
            "ner:1 has no plugin for 'ner': it holds qa",
            "envkit build task --task ner",
        ),
    ],
)
def test_provide_image_that_does_not_fit_is_refused_with_the_command_that_builds_one(
    images: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(ImageError) as refused:
        provide(engine_with(images))

    assert message in refused.value.message
    assert hint in (refused.value.hint or "")


def test_provide_image_of_an_engine_elsewhere_is_refused() -> None:
    engine = engine_with({"ner:1": image()}, is_local=False, endpoint="tcp://10.0.0.7:2376")

    with pytest.raises(ImageError, match="10.0.0.7"):
        provide(engine)


def test_provide_image_for_another_processor_warns() -> None:
    found = provide(engine_with({"ner:1": image(processor="arm64")}))

    (warning,) = found.warnings
    assert "arm64" in warning
    assert "amd64" in warning


def test_provide_image_again_takes_the_former_one_whatever_the_name_means_now() -> None:
    found = provide(engine_with({"ner:1": image(), OLD: image(OLD)}), image_id=OLD)

    assert found.id == OLD
    assert "the image in which the run began, 000000000000" in found.reason


def test_provide_image_again_where_the_former_is_gone_takes_what_the_name_means() -> None:
    found = provide(engine_with({"ner:1": image()}), image_id=OLD)

    assert found.id == NEW
    assert "000000000000, in which the run began, is gone" in " ".join(found.warnings)


def test_provide_image_whose_model_has_to_be_downloaded_says_so() -> None:
    found = provide(engine_with({"ner:1": image()}), model="ada/no-such-model")

    assert "hf download ada/no-such-model" in " ".join(found.warnings)
