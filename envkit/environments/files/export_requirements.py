"""``requirements.txt`` with exact pins and, where all are known, hashes."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from envkit.environments.files.remarks import bare_names, create_command, pin, remarks, torch_index

if TYPE_CHECKING:
    from collections.abc import Sequence

    from envkit.environments.records import EnvRecord, WheelPackage


def write_requirements(
    record: EnvRecord, wheels: Sequence[WheelPackage], *, file_name: str = "requirements.txt"
) -> str:
    """Return the pins of an environment; hashes stand there for all packages or, as pip wants it, for none."""
    index = torch_index(record)
    quoted = shlex.quote(file_name)
    strategy = " --index-strategy unsafe-best-match" if index else ""
    parts = [
        remarks(
            record,
            uses=[
                create_command(record, file_name, names_python=False),
                f"uv pip install --no-deps{strategy} --requirements {quoted}",
                f"pip install --no-deps --requirement {quoted}",
            ],
            lacks_bare=True,
            lacks_base=True,
        )
    ]
    if index:
        parts.append(f"--extra-index-url {index}\n")
    chosen = sorted(
        (each for each in wheels if each.name not in bare_names(record)), key=lambda each: each.name
    )
    unhashed = [each.name for each in chosen if not each.sha256]
    if unhashed and len(unhashed) < len(chosen):
        parts.append(f"# Without hashes, for none is known of: {', '.join(unhashed)}\n")
    for each in chosen:
        if each.source == "find-links" and each.url:
            parts.append(f"# {each.name} was found in {_folder(each.url)}\n")
        parts.append(pin(record, each))
        parts.append("\n" if unhashed else f" \\\n    --hash=sha256:{each.sha256}\n")
    return "".join(parts)


def _folder(address: str) -> str:
    return unquote(urlsplit(address).path).rsplit("/", 1)[0] or address
