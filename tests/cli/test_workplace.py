"""`--env docker:IMAGE` where it cannot be, without an engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from echo_model import save_echo_model
from images.small_engine import ours, serve

from envkit.api.facts import Nvidia
from envkit.cli.progress import run_screen
from envkit.cli.workplace import in_image
from envkit.config import Settings
from envkit.images.layout import ENVKIT_LABEL, PYTHON_LABEL, VARIANT_LABEL
from envkit.machine import read_facts
from envkit.registry import find_task

if TYPE_CHECKING:
    from pathlib import Path


def test_run_in_an_image_without_an_engine_names_it_and_makes_no_run(
    envkit_here: Any, echo_environ: dict[str, str], tmp_path: Path
) -> None:
    done = envkit_here(
        *("run", "echo", "--env", "docker:ner:1"),
        PYTHONPATH=echo_environ["PYTHONPATH"],
        DOCKER_HOST=f"unix://{tmp_path}/nobody.sock",
    )

    assert done.returncode == 7
    assert f"{tmp_path}/nobody.sock" in done.stderr.replace("\n", "")
    assert "hint: " in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", [["predict", "model", "a text"], ["evaluate", "model", "test.txt"]])
def test_use_of_a_model_in_an_image_is_refused_with_the_image_that_would_do(
    envkit_here: Any, echo_environ: dict[str, str], tmp_path: Path, command: list[str]
) -> None:
    save_echo_model(tmp_path / "model")
    (tmp_path / "test.txt").write_text("a\n")

    done = envkit_here(*command, "--env", "docker:ner:1", PYTHONPATH=echo_environ["PYTHONPATH"])

    assert done.returncode == 2
    assert "(docker:ner:1)" in done.stderr
    assert "envkit build predict --from-run model" in done.stderr


def test_run_in_an_image_goes_on_where_no_note_of_it_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "images").write_text("no folder")
    facts = read_facts()
    platform = msgspec.structs.replace(facts.platform, machine="x86_64")
    image = ours(1, "ner:1")
    image.labels |= {ENVKIT_LABEL: "0.1.0", PYTHON_LABEL: "3.11.9", VARIANT_LABEL: "cpu"}
    with serve(image) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        place = in_image(
            "docker:ner:1",
            entry=find_task("ner"),
            facts=msgspec.structs.replace(facts, platform=platform, nvidia=Nvidia()),
            settings=Settings(home=tmp_path),
            view=run_screen(headline="ner"),
            device=None,
            model="",
            own_models=(),
            path_options=(),
        )
    assert place.use.image == image.id
