"""The task `echo`, folders of small wheels and a run, for images that are planned without a network."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.metadata import distribution, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from echo import echo_request
from environments.conftest import Told, task_entry, write_distribution
from small_wheels import write_wheel

from envkit.api import ImageTemplate
from envkit.api.records import EnvironmentUse, MetricsRecord, ModelRecord, RunResult
from envkit.config import Settings
from envkit.environments.planning import Planning
from envkit.images.contents.bases import image_facts, known_base
from envkit.images.contents.contents import make_contents
from envkit.images.records import ImageBase, ImagePlan
from envkit.machine import read_facts
from envkit.worker.folder import RunFolder, write_record

if TYPE_CHECKING:
    from importlib.metadata import Distribution

    from envkit.images.records import Contents
    from envkit.machine import MachineFacts

HERE = read_facts()
UV_VERSION = version("uv")
HOST_HEADERS = (
    "Requires-Dist: pluggy>=1",
    "Provides-Extra: finetune",
    "Requires-Dist: tiny; extra == 'finetune'",
    "Requires-Dist: peft>=0.18; extra == 'finetune'",
    "Provides-Extra: predict",
    "Requires-Dist: tiny; extra == 'predict'",
)
PLUGIN_HEADERS = (
    "Requires-Python: >=3.11",
    "Requires-Dist: envkit-ml",
    "Provides-Extra: train",
    "Requires-Dist: envkit-ml[finetune]; extra == 'train'",
    "Requires-Dist: trainer; extra == 'train'",
    "Provides-Extra: predict",
    "Requires-Dist: envkit-ml[predict]; extra == 'predict'",
)
CERTIFICATE = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A machine's folder: wheels that pip finds, what is installed, and what is said meanwhile."""

    folder: Path
    planning: Planning
    told: Told

    @property
    def wheels(self) -> Path:
        """Return the folder that find-links names."""
        return self.folder / "wheels"

    def image(self, base: ImageBase | None = None, *, facts: MachineFacts | None = None) -> Planning:
        """Return the surroundings of an image's plan."""
        of_image = image_facts(base or make_base(), here=self.planning.facts, facts=facts)
        return replace(self.planning, facts=of_image, here=self.planning.facts)

    def contents(self, template: ImageTemplate | None = None, **asked: Any) -> Contents:
        """Return what an image of this template has in it, of the task echo where nothing else is asked."""
        base = asked.pop("base", make_base())
        facts = asked.pop("facts", None)
        if not asked.keys() & {"tasks", "lock", "run"}:
            asked["tasks"] = ("echo",)
        planning = self.image(base, facts=facts)
        return make_contents(
            template or make_template(), base=base, planning=planning, progress=self.told, **asked
        )


def make_place(folder: Path) -> Place:
    """Lay out the wheels that the task needs in two versions of one, and uv's name without its program."""
    wheels = folder / "wheels"
    write_wheel(wheels, "tiny", "1.0", needs=("deep",))
    for name in ("deep", "trainer", "pluggy", "peft", "lab"):
        write_wheel(wheels, name, "1.2")
    write_wheel(wheels, "uv", UV_VERSION)
    host = write_distribution(folder / "prefix", "envkit-ml", version="0.1.0", headers=HOST_HEADERS)
    plugin = write_distribution(folder / "prefix", "envkit-echo", headers=PLUGIN_HEADERS)
    return Place(folder=folder, planning=make_planning(folder, host=host, plugin=plugin), told=Told())


def make_planning(folder: Path, *, host: Distribution, plugin: Distribution) -> Planning:
    """Return surroundings in which pip knows the folder of wheels and nothing else."""
    installed = {"envkit-ml": host, "envkit-echo": plugin}
    settings = Settings(home=folder / "home", torch_index="https://torch.invalid")
    return Planning(
        facts=HERE,
        home=settings.home,
        torch_index=settings.torch_index,
        environ={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder / "user"),
            "UV_CACHE_DIR": str(folder / "cache"),
            "PIP_CONFIG_FILE": "/dev/null",
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(folder / "wheels"),
        },
        settings=settings,
        find_distribution=lambda name: installed.get(name) or distribution(name),
        find_task={"echo": task_entry(plugin)}.__getitem__,
    )


def make_base(reference: str = "python:3.12-slim-bookworm", *, machine: str = "x86_64") -> ImageBase:
    """Return an official image of Python."""
    base = known_base(reference, machine=machine)
    assert base is not None
    return base


def make_template(**changes: Any) -> ImageTemplate:
    """Return a template of the kind `task`."""
    return ImageTemplate(**{"name": "task", "summary": "Train.", "file": Path("task.Dockerfile"), **changes})


def make_plan(contents: Contents, **changes: Any) -> ImagePlan:
    """Return a plan around contents."""
    given = {"template": make_template(), "base": make_base(), "contents": contents, "labels": {}}
    return ImagePlan(**{**given, **changes})


def make_run(folder: Path, *, status: str = "finished", has_model: bool = True) -> RunFolder:
    """Write a run of echo with its model, and with all else that lies in a run's folder."""
    run = RunFolder(folder / "runs" / "one")
    run.path.mkdir(parents=True)
    python = str(folder / "home" / "envs" / "gone" / "bin" / "python")
    environment = EnvironmentUse(kind="venv", name="gone", python=python, reason=f"made in {folder}")
    request = msgspec.structs.replace(echo_request(), environment=environment)
    run.write_request(request)
    run.write_result(RunResult(status=status, task="echo"))
    write_record(run.metrics_file, metrics_of(request.id))
    run.events_file.write_text("{}\n")
    run.log_file.write_text("printed\n")
    (run.path / "checkpoints").mkdir()
    (run.path / "checkpoints" / "state").write_bytes(b"1")
    if has_model:
        write_model(run.model_dir, place=folder, environment=environment, run=request.id)
    return run


def metrics_of(run_id: str) -> MetricsRecord:
    """Return what a run writes at its end, which computed with an older `tiny`."""
    values: dict[str, Any] = dict.fromkeys(MetricsRecord.__struct_fields__)
    counts = dict.fromkeys(("steps", "tokens", "peak_memory_bytes"), 0)
    lists = {name: [] for name in ("evaluations", "resumed_from", "data")}
    tables = {name: {} for name in ("metrics", "intervals", "seconds", "choices", "measured", "options")}
    given = {"run": run_id, "task": "echo", "status": "finished", "python": "3.12.4", "version": 1}
    return MetricsRecord(**{**values, **counts, **lists, **tables, **given, "packages": {"tiny": "0.9"}})


def write_model(folder: Path, *, place: Path, environment: EnvironmentUse, run: str) -> None:
    """Write a model's files, with some that are none of it."""
    folder.mkdir()
    record = ModelRecord(
        task="echo",
        plugin=echo_request().plugin,
        environment=environment,
        envkit="0.1.0",
        created="2026-11-22T14:15:03Z",
        run=run,
        model=f"{place}/bert",
        options={"seed": 1, "vectors": f"{place}/vectors.txt", "labels": None},
    )
    write_record(folder / "envkit.json", record)
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "config.json").write_text("{}")
    (folder / "parts").mkdir()
    (folder / "parts" / "vocab.txt").write_text("a\n")
    for name in ("train.log", "optimizer.pt", ".config.json.123", "checkpoint-5/state.bin"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"no")


def write_adapter(folder: Path, base: str) -> None:
    """Make a model's folder that of an adapter."""
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base, "r": 8}))
