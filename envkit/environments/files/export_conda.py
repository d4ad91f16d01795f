"""``environment.yml``: exact conda packages with their builds, and pins under ``pip:``."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from envkit.environments.files.addresses import public
from envkit.environments.files.remarks import bare_names, create_command, pin, remarks, torch_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.api.environments import BasePackage
    from envkit.environments.records import EnvRecord, WheelPackage

# Plain in YAML whatever stands around it: a letter first, and nothing that YAML reads as a sign.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.+=/~<>-]*( @ [A-Za-z0-9_.+=/~<>-]+)?")
_WORDS = frozenset({"yes", "no", "on", "off", "true", "false", "null", "y", "n"})
_DEFAULT_CHANNEL = "conda-forge"


def write_conda(
    record: EnvRecord, wheels: Sequence[WheelPackage], *, file_name: str = "environment.yml"
) -> str:
    """Return the environment.yml of an environment; a venv becomes a Python and its list of wheels."""
    packages = record.base.packages
    channels = [public(each) for each in record.spec.channels or _channels_of(record)]
    channels = [each for each in channels if each] or [_DEFAULT_CHANNEL]
    parts = [
        remarks(
            record,
            uses=[
                create_command(record, file_name),
                f"conda env create --name NAME --file {shlex.quote(file_name)}",
            ],
            lacks_bare=True,
        ),
        f"name: {yaml_scalar(record.name)}\n",
        "channels:\n",
        *(f"  - {yaml_scalar(each)}\n" for each in channels),
        "dependencies:\n",
        *(
            f"  - {yaml_scalar(_spec(each, channels, asked=record.spec.base_packages))}\n"
            for each in sorted(packages, key=lambda each: each.name)
        ),
    ]
    if not packages:
        parts.append(f"  - {yaml_scalar(f'python={record.python}')}\n")
    chosen = sorted(
        (each for each in wheels if each.name not in bare_names(record)), key=lambda each: each.name
    )
    if chosen:
        # `pip` itself is not added: conda and mamba do that where there is such a list, and uv needs none.
        index = torch_index(record)
        lines = [f"--extra-index-url {index}"] if index else []
        lines += [pin(record, each) for each in chosen]
        parts.append("  - pip:\n")
        parts += [f"      - {yaml_scalar(line)}\n" for line in lines]
    return "".join(parts)


def _channels_of(record: EnvRecord) -> Iterator[str]:
    """Yield the channels that packages come from; those asked for by address may lie in no channel."""
    yield from dict.fromkeys(
        each.channel for each in record.base.packages if each.url not in record.spec.base_packages
    )


def _spec(package: BasePackage, channels: Sequence[str], *, asked: Sequence[str]) -> str:
    if package.url and package.url in asked:
        return public(package.url)
    spec = "=".join(filter(None, (package.name, package.version, package.build)))
    if len(channels) > 1 and package.channel:
        return f"{public(package.channel)}::{spec}"
    return spec


def yaml_scalar(text: str) -> str:
    """Return a text as YAML writes it: as it is where that is safe, else quoted as in JSON."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    # Where JSON takes two code units, YAML wants one code point.
    return json.dumps(character)[1:-1] if ord(character) <= 0xFFFF else f"\\U{ord(character):08x}"
