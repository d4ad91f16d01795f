"""What a run asks of an image: the environment it had, and its model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from envkit import models
from envkit.api import DEFAULT_MODEL, Base, EnvkitError, UsageError
from envkit.api.records import MetricsRecord
from envkit.environments.records import EnvRecord, EnvSpec, Proof
from envkit.environments.requirements import HOST, minor_version
from envkit.environments.store import list_environments
from envkit.images.contents.model_files import adapter_base, is_path
from envkit.runs.folder import read_status
from envkit.runs.saved_model import find_model
from envkit.torchbuild import TorchBuild

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from packaging.requirements import Requirement

    from envkit.api import ImageTemplate
    from envkit.api.records import RunRequest
    from envkit.environments.plan import Planning
    from envkit.worker.folder import RunFolder

_PEFT = "peft"


@dataclass(frozen=True, kw_only=True)
class RunOrder:
    """What an image is to have in it: ``prefer`` is an environment whose versions are kept where they fit."""

    spec: EnvSpec
    prefer: EnvRecord
    run_id: str
    model_dir: Path | None
    notes: tuple[str, ...]


def order_of_run(run: RunFolder, template: ImageTemplate, *, torch: str, planning: Planning) -> RunOrder:
    """Return the order of a run, in the versions that it computed with.

    Raises: UsageError for a run that has not finished, or has no model where the template takes one, EnvkitError
    for a damaged record.
    """
    request = run.read_request()
    model_dir = find_model(str(run.path)).path if template.is_of_run else None
    if model_dir is None and read_status(run) != "finished":
        raise UsageError(
            f"the run in {run.path} is {read_status(run)}, and an image is built from one that has finished",
            hint=f"To see how it stands: envkit runs show {request.id}",
        )
    record = _record_of(request, planning)
    notes: list[str] = []
    spec = _spec(request, record, template, torch=torch, notes=notes)
    if model_dir is not None:
        spec = _with_adapter(spec, model_dir, planning=planning, notes=notes)
    prefer = _preferences(run, request, record, planning)
    if prefer.python and minor_version(prefer.python) != minor_version(planning.facts.python.version):
        notes.append(f"The run had Python {prefer.python}; the image has {planning.facts.python.version}")
    return RunOrder(spec=spec, prefer=prefer, run_id=request.id, model_dir=model_dir, notes=tuple(notes))


def python_of_run(run: RunFolder) -> str:
    """Return the version of the Python that a run had, empty where no record tells. Raises: EnvkitError."""
    metrics = _metrics(run)
    return metrics.python if metrics is not None else ""


def _record_of(request: RunRequest, planning: Planning) -> EnvRecord | None:
    if request.environment.kind in ("current", "docker"):
        return None
    found = (each for each in list_environments(planning.home) if each.name == request.environment.name)
    return next((each.record for each in found), None)


def _spec(
    request: RunRequest,
    record: EnvRecord | None,
    template: ImageTemplate,
    *,
    torch: str,
    notes: list[str],
) -> EnvSpec:
    """Return what the run's environment was asked to be, as far as an image can be that."""
    had = EnvSpec(tasks=(request.task,)) if record is None else record.spec
    if had.base_packages:
        notes.append(f"Not in the image, as conda brought them: {', '.join(had.base_packages)}")
    is_train = template.purpose == "train"
    return EnvSpec(
        tasks=had.tasks if is_train and request.task in had.tasks else (request.task,),
        torch=torch or had.torch,
        packages=(*had.packages, *template.packages),
        model_packages=had.model_packages if is_train else (),
        host_extras=had.host_extras if is_train else (),
        constraints=had.constraints,
        purpose=template.purpose,
    )


def _with_adapter(spec: EnvSpec, model_dir: Path, *, planning: Planning, notes: list[str]) -> EnvSpec:
    """Return the spec with what opening an adapter needs; a whole model needs nothing besides."""
    base = adapter_base(model_dir, environ=planning.environ)
    if base is None:
        return spec
    if spec.purpose == "predict":
        spec = msgspec.structs.replace(spec, packages=(*spec.packages, str(_peft(planning))))
    if base.name == DEFAULT_MODEL:
        return msgspec.structs.replace(spec, model_packages=(models.DEFAULT_MODEL_PACKAGE,))
    if base.path is None and is_path(base.name):
        raise UsageError(
            f"the model in {model_dir} is an adapter of the one in {base.name}, which is not there",
            hint="Put that folder back, or train with --merge: then the model is whole",
        )
    if base.path is None:
        notes.append(f"The model is an adapter of {base.name}, which the image fetches from the model hub")
    return spec


def _peft(planning: Planning) -> Requirement:
    """Return the range of peft that training asks for."""
    from packaging.requirements import Requirement

    asked = map(Requirement, planning.find_distribution(HOST).requires or ())
    found = next((each for each in asked if each.name == _PEFT), None)
    return Requirement(f"{_PEFT}{found.specifier if found is not None else ''}")


def _preferences(
    run: RunFolder, request: RunRequest, record: EnvRecord | None, planning: Planning
) -> EnvRecord:
    """Return an environment in the versions that the run computed with, which is what metrics.json says."""
    metrics = _metrics(run)
    versions: dict[str, str] = {} if record is None else dict(record.installed)
    computed: Mapping[str, str] = {} if metrics is None else metrics.packages
    versions |= {name: version for name, version in computed.items() if name != HOST}
    torch = None
    if "torch" in versions:  # another build of that version may be the one that fits the image
        torch = TorchBuild(
            version=versions.pop("torch"),
            variant="",
            source="package index",
            location="",
            python="",
            reason="",
        )
    python = metrics.python if metrics is not None else record.python if record is not None else ""
    return EnvRecord(
        name=request.environment.name,
        generation=0,
        backend="venv",
        created="",
        python=python,
        spec=EnvSpec(),
        base=Base(backend="venv", python=python),
        asked=(),
        installed=versions,
        without_dependencies=(),
        plugins=(),
        envkit=None,
        torch=torch,
        facts=planning.facts,
        size=0,
        proof=Proof(python=python, torch=None, devices=(), tasks=(), left_out=(), seconds=0.0),
    )


def _metrics(run: RunFolder) -> MetricsRecord | None:
    try:
        return msgspec.json.decode(run.metrics_file.read_bytes(), type=MetricsRecord)
    except FileNotFoundError:
        return None
    except ValueError as error:  # msgspec's errors are ValueErrors
        raise EnvkitError(
            f"{run.metrics_file}: cannot be read: {error}", hint="Move the file away to go without it"
        ) from error
