"""``pylock.toml`` as PEP 751 says it: one Python, one kind of machine, every file with its hash."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envkit.api import EnvError
from envkit.environments.files.addresses import public
from envkit.environments.files.remarks import create_command, is_editable, remarks
from envkit.environments.requirements import minor_version

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.environments.records import EnvRecord, WheelPackage

_COMMIT = re.compile(r"(?P<type>git|hg|bzr|svn)\+(?P<place>.+)@(?P<commit>[^@#]+)$")
_SYSTEMS = {"linux": "linux", "darwin": "darwin", "windows": "win32"}


def write_pylock(record: EnvRecord, wheels: Sequence[WheelPackage], *, file_name: str = "pylock.toml") -> str:
    """Return the pylock of an environment. Raises: EnvError that names packages without address or hash."""
    unknown = [each.name for each in wheels if not each.url or not (each.sha256 or _is_source(each))]
    if unknown:
        raise EnvError(
            f"{record.name}: no address or hash is known of {', '.join(sorted(unknown))}, "
            "and a pylock has one for every package",
            hint="--format requirements goes without them",
        )
    platform = record.facts.platform
    marker = f"sys_platform == '{_SYSTEMS.get(platform.system, platform.system)}'"
    marker += f" and platform_machine == '{platform.machine}'"
    parts = [
        remarks(
            record,
            uses=[
                create_command(record, file_name),
                f"uv pip install --requirements {shlex.quote(file_name)}",
            ],
            lacks_base=True,
        ),
        *_local_remark(wheels),
        'lock-version = "1.0"\n',
        f"environments = [{_text(marker)}]\n",
        f"requires-python = {_text(f'=={minor_version(record.python)}.*')}\n",
        'created-by = "envkit"\n',
    ]
    if not wheels:
        parts.append("packages = []\n")
    parts += [
        f"\n[[packages]]\n{_package(each, record)}" for each in sorted(wheels, key=lambda each: each.name)
    ]
    parts.append(_tool(record))
    return "".join(parts)


def _local_remark(wheels: Sequence[WheelPackage]) -> Iterator[str]:
    """Yield what keeps other machines from using the file, if anything does."""
    local = sum(wheel.url.startswith("file:") for wheel in wheels)
    if local:
        yield f"# On this machine alone, in its folders of packages: {local} of {len(wheels)} files\n"


def _package(wheel: WheelPackage, record: EnvRecord) -> str:
    lines = [f"name = {_text(wheel.name)}"]
    if wheel.source == "direct":
        lines.append(_direct(wheel, record))
    else:
        lines.append(f"version = {_text(wheel.version)}")
        file_name = unquote(urlsplit(wheel.url).path.rsplit("/", 1)[-1])
        parts = [f"name = {_text(file_name)}", f"url = {_text(public(wheel.url))}"]
        if wheel.size is not None:
            parts.append(f"size = {wheel.size}")
        entry = f"{{ {', '.join(parts)}, {_hashes(wheel)} }}"
        lines.append(f"wheels = [{entry}]" if file_name.endswith(".whl") else f"sdist = {entry}")
    return "\n".join(lines) + "\n"


def _direct(wheel: WheelPackage, record: EnvRecord) -> str:
    address, _, fragment = public(wheel.url).partition("#")
    subdirectory = next(
        (each.split("=", 1)[1] for each in fragment.split("&") if each.startswith("subdirectory=")), None
    )
    more = [f"subdirectory = {_text(subdirectory)}"] if subdirectory else []
    if found := _COMMIT.fullmatch(address):
        parts = [f"type = {_text(found['type'])}", f"url = {_text(found['place'])}"]
        parts += [f"commit-id = {_text(found['commit'])}", *more]
        return f"vcs = {{ {', '.join(parts)} }}"
    if not wheel.sha256:
        path = unquote(urlsplit(address).path)
        parts = [f"path = {_text(path)}", *(["editable = true"] if is_editable(record, wheel) else []), *more]
        return f"directory = {{ {', '.join(parts)} }}"
    return f"archive = {{ {', '.join([f'url = {_text(address)}', *more, _hashes(wheel)])} }}"


def _is_source(wheel: WheelPackage) -> bool:
    """Tell whether it is a repository or a folder, which have no hash."""
    is_folder = wheel.url.startswith("file://") and not wheel.url.endswith((".whl", ".gz", ".zip"))
    return wheel.source == "direct" and (is_folder or bool(_COMMIT.match(wheel.url.partition("#")[0])))


def _hashes(wheel: WheelPackage) -> str:
    return f"hashes = {{ sha256 = {_text(wheel.sha256)} }}"


def _tool(record: EnvRecord) -> str:
    """Return what only envkit reads: what the environment was for."""
    lines = [f"backend = {_text(record.backend)}"]
    if record.spec.tasks:
        lines.append(f"tasks = [{', '.join(map(_text, record.spec.tasks))}]")
    if record.torch is not None:
        lines.append(f"torch = {_text(record.torch.variant)}")
    return "\n[tool.envkit]\n" + "\n".join(lines) + "\n"


def _text(value: str) -> str:
    # A string of JSON is one of TOML, but for the one character that TOML wants escaped and JSON does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
