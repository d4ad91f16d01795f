"""Checks of the torch that is installed, in this Python and in managed environments, by its metadata alone."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from envkit.api import MachineError
from envkit.api.checks import Check, Finding
from envkit.doctor.remedies import install_driver, install_torch
from envkit.doctor.torch_choice import PARTS, choose_build, with_driver
from envkit.torchbuild import judge_family, judge_installed, load_table
from envkit.torchbuild.fit import check_driver, oldest_driver, usable_gpus
from envkit.torchbuild.variants import cuda_of, family_of, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from envkit.api.checks import CheckContext
    from envkit.api.facts import InstalledPackage, MachineFacts, TorchSite
    from envkit.doctor.surroundings import Surroundings

_NEEDS = (*PARTS, "pip", "uv", "torch_sites")
# Newer than every driver: what stands against a build even then is not the driver.
_ANY_DRIVER = "99999"
_COMPILED_AGAINST = ("torchvision", "torchaudio")


def checks(surroundings: Surroundings) -> tuple[Check, ...]:
    """Return the checks of the torch that is installed."""

    def check(id: str, summary: str, judge: _Judge) -> Check:
        def run(context: CheckContext) -> Iterator[Finding]:
            for site in context.facts.torch_sites:
                yield from judge(context.facts, site, surroundings)

        return Check(id=id, summary=summary, needs=_NEEDS, run=run)

    return (
        check("torch.cpu-build", "Where there is a GPU, no torch is for the processor alone", _judge_cpu),
        check("torch.kernels", "Every torch has kernels for every GPU", _judge_kernels),
        check("torch.driver", "The driver is new enough for every torch", _judge_driver),
        check("torch.family", "torch, torchvision and torchaudio go together", _judge_family),
    )


def name_site(site: TorchSite) -> str:
    """Return a place of packages as people call it."""
    return f"the environment {site.environment}" if site.environment else "this Python"


def _judge_cpu(facts: MachineFacts, site: TorchSite, surroundings: Surroundings) -> Iterator[Finding]:
    torch = _torch_of(site)
    if torch is None or _variant(torch) != "cpu":
        return
    why = _judge(facts, site, torch, surroundings)
    if why is not None:
        yield Finding(
            severity="error",
            summary=f"torch in {name_site(site)} is a CPU build: it leaves the GPU idle",
            evidence=(*_described(site), why),
            fix=_reinstall(facts, site, surroundings, options=" --torch auto"),
        )


def _judge_kernels(facts: MachineFacts, site: TorchSite, surroundings: Surroundings) -> Iterator[Finding]:
    torch = _torch_of(site)
    if torch is None or _variant(torch) == "cpu" or _is_unknown_build(facts, torch):
        return
    newer = with_driver(facts, _ANY_DRIVER) if facts.nvidia.driver_version else facts
    why = _judge(newer, site, torch, surroundings)
    if why is not None:
        yield Finding(
            severity="error",
            summary=f"torch in {name_site(site)} cannot compute on the GPU here",
            evidence=(*_described(site), why),
            fix=_reinstall(facts, site, surroundings),
        )


def _judge_driver(facts: MachineFacts, site: TorchSite, surroundings: Surroundings) -> Iterator[Finding]:
    torch, gpus = _torch_of(site), usable_gpus(facts)
    variant = _variant(torch) if torch else None
    if torch is None or not gpus or variant is None or cuda_of(variant) is None or _is_own_build(torch):
        return
    obstacle = check_driver(facts, variant, table=load_table())
    if obstacle is None:
        return
    build = choose_build(facts, surroundings, python=site.python)
    is_driver_alone = isinstance(build, MachineError) or cuda_of(build.variant) is None
    oldest = oldest_driver(variant, table=load_table())
    fix = (
        install_driver(facts.platform, oldest=oldest)
        if is_driver_alone
        else _reinstall(facts, site, surroundings)
    )
    yield Finding(
        severity="error",
        summary=f"torch in {name_site(site)} needs a newer NVIDIA driver than the one here",
        evidence=(*_described(site), obstacle.why),
        fix=fix,
    )


def _judge_family(facts: MachineFacts, site: TorchSite, surroundings: Surroundings) -> Iterator[Finding]:
    wrong = judge_family(site.packages)
    if wrong:
        yield Finding(
            severity="error",
            summary=f"torch and its partners do not match in {name_site(site)}",
            evidence=(*_described(site), *wrong),
            fix=_reinstall(facts, site, _keeping(facts, site, surroundings)),
        )


def _keeping(facts: MachineFacts, site: TorchSite, surroundings: Surroundings) -> Surroundings:
    """Return surroundings that ask for the torch that is there, where that suits the machine."""
    torch = _torch_of(site)
    if torch is None or _judge(facts, site, torch, surroundings) is not None:
        return surroundings
    kept = replace(surroundings, torch_range=SpecifierSet(f"=={torch.version}"))
    return surroundings if isinstance(choose_build(facts, kept, python=site.python), MachineError) else kept


def _torch_of(site: TorchSite) -> InstalledPackage | None:
    return next((each for each in site.packages if each.name == "torch"), None)


def _version(torch: InstalledPackage) -> str:
    """Return the version with its build; the package index's wheels carry that in a file alone."""
    if "+" in torch.version or torch.build is None:
        return torch.version
    return f"{torch.version}+{torch.build}"


def _variant(torch: InstalledPackage) -> str | None:
    return torch.build or tag_of(torch.version.partition("+")[2]) or None


def _is_own_build(torch: InstalledPackage) -> bool:
    """Tell whether its version has a tag that none of torch's own has, as those of NVIDIA's containers."""
    local = torch.version.partition("+")[2]
    return bool(local) and family_of(tag_of(local)) is None


def _is_unknown_build(facts: MachineFacts, torch: InstalledPackage) -> bool:
    """Tell whether it is none of the indexes' wheels: conda's builds and own ones have other kernels.

    Those carry no tag in their metadata, as the package index's do, but are built for something else.
    """
    if "+" in torch.version or torch.build is None:
        return False
    try:
        version = Version(torch.version)
    except InvalidVersion:
        return True
    platform = facts.platform
    default = load_table().find_default(version, system=platform.system, machine=platform.machine)
    return default != torch.build


def _judge(
    facts: MachineFacts, site: TorchSite, torch: InstalledPackage, surroundings: Surroundings
) -> str | None:
    try:
        return judge_installed(facts, _version(torch), specifier=surroundings.torch_range, python=site.python)
    except ValueError:  # a version or a GPU that makes no sense: torch.build says so
        return None


def _described(site: TorchSite) -> tuple[str, ...]:
    family = [each for each in site.packages if each.name in ("torch", *_COMPILED_AGAINST)]
    names = ", ".join(f"{each.name} {_version(each)}" for each in family)
    return (f"{names} in {site.path}",)


def _reinstall(
    facts: MachineFacts, site: TorchSite, surroundings: Surroundings, *, options: str = ""
) -> str | None:
    if site.environment:
        return f"envkit env sync {shlex.quote(site.environment)}{options}"
    build = choose_build(facts, surroundings, python=site.python)
    if isinstance(build, MachineError):
        return None
    others = tuple(each.name for each in site.packages if each.name in _COMPILED_AGAINST)
    return install_torch(facts, build, others=others)


if TYPE_CHECKING:
    _Judge = Callable[[MachineFacts, TorchSite, Surroundings], Iterator[Finding]]
