"""Which file a build of torch of one's own is, and whether the torch of an environment is the build that is wanted.

A build that bears one of torch's own names is the same from every index and folder: its pin tells it. One that its
maker gave no name has the version of the package index's build, and one with a name of his (2.8.0+mine) may be built
anew under it. There the file counts, wherever it lies.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from envkit.environments.spec_words import parse_requirement
from envkit.environments.wheel_origin import is_from
from envkit.torchbuild.wheels import find_own_file, is_own, local_wheels

if TYPE_CHECKING:
    from envkit.environments.plan import Plan
    from envkit.environments.records import EnvRecord, WheelPackage
    from envkit.machine import Platform
    from envkit.torchbuild import TorchBuild


class _DirectUrl(msgspec.Struct, frozen=True):
    """``direct_url.json``. Source: PyPA specifications, "Recording the Direct URL Origin"."""

    url: str


def own_file(build: TorchBuild | None, platform: Platform) -> Path | None:
    """Return the wheel of a build of one's own, None for any other, and where it is not there."""
    if build is None or not is_own(build) or not build.location:
        return None
    found = find_own_file(build, platform, local_wheels([build.location]))
    return None if found is None else Path(found)


def asked_lines(plan: Plan) -> list[str]:
    """Return the plan's requirements as uv is to read them: a torch of one's own by its file.

    By its version uv would take the package index's, whose tags go before those of a plain Linux.
    """
    file = own_file(plan.torch, plan.facts.platform)
    if file is None or plan.torch is None or plan.is_torch_from_base:
        return list(plan.requirements)
    pin = plan.torch.requirement
    return [f"torch @ {file.as_uri()}" if text == pin else text for text in plan.requirements]


def locked_packages(plan: Plan) -> tuple[WheelPackage, ...]:
    """Return the plan's exact packages: a torch of one's own by its file, where that is on this machine."""
    file = own_file(plan.torch, plan.facts.platform)
    if file is None:
        return plan.locked
    place = file.as_uri()
    return tuple(
        msgspec.structs.replace(each, source="direct") if each.url == place else each for each in plan.locked
    )


def why_other_torch(prefix: Path, record: EnvRecord, wanted: TorchBuild | None) -> str | None:
    """Return that an environment has another torch than the one wanted, None where it has that."""
    made_for = f"it was made for {record.torch.requirement if record.torch else 'no torch'}"
    if (record.torch and record.torch.requirement) != (wanted and wanted.requirement):
        return made_for
    if record.torch is None or wanted is None or record.spec.torch_from == "conda":
        return None
    was_own, is_now_own = is_own(record.torch), is_own(wanted)
    if was_own != is_now_own:
        return f"{made_for} {'of your own' if was_own else 'that was not your own build'}"
    infos = list(prefix.glob("lib/python*/site-packages/torch-*.dist-info"))
    if not infos:
        return None  # that it is gone is found elsewhere
    if is_now_own:
        file = own_file(wanted, record.facts.platform)
        if file is not None and not is_from(file, infos[0]):
            return f"its torch is not the one in {file}"
    elif (place := _put_there_from(infos[0])) is not None and not _is_asked_by_address(record):
        return f"its torch was replaced by {place}"
    return None


def _put_there_from(info: Path) -> str | None:
    """Return the address that somebody installed it from, None where it came from an index or find-links."""
    try:
        return msgspec.json.decode((info / "direct_url.json").read_bytes(), type=_DirectUrl).url
    except (OSError, msgspec.DecodeError):
        return None


def _is_asked_by_address(record: EnvRecord) -> bool:
    asked = (parse_requirement(text) for text in record.asked)
    return any(each is not None and each.name.lower() == "torch" and each.url for each in asked)
