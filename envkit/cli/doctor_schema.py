"""The JSON schemas in docs/, made from the records themselves: ``python -m envkit.cli.doctor_schema docs``."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from envkit.api.facts import MachineFacts
from envkit.cli.doctor_list import ListedCheck
from envkit.cli.envelope import SCHEMA_VERSION
from envkit.doctor.report import Report

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


class EnvelopeError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a command ended without its record."""

    message: str
    hint: str | None
    exit_code: int


class DoctorEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """What ``envkit doctor --json`` prints: a report, with ``--list`` a list; ``data`` is null where there is an error."""

    schema_version: int
    envkit: str
    command: str
    ok: bool
    data: Report | list[ListedCheck] | None
    error: EnvelopeError | None


def schemas() -> dict[str, str]:
    """Return the text of each schema by the name of its file."""
    return {
        "doctor.schema.json": _text(
            DoctorEnvelope, f"What `envkit doctor --json` prints, version {SCHEMA_VERSION}"
        ),
        "facts.schema.json": _text(MachineFacts, "What `envkit facts` prints"),
    }


def _text(record: type[msgspec.Struct], title: str) -> str:
    schema: dict[str, Any] = {"$schema": _DRAFT, "title": title, **_all_given(msgspec.json.schema(record))}
    return msgspec.json.format(msgspec.json.encode(schema), indent=2).decode() + "\n"


def _all_given(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of what is printed, in which no field is left out."""
    for record in schema["$defs"].values():
        if "description" in record:
            record["description"] = inspect.cleandoc(record["description"])
        if "properties" in record:
            record["required"] = sorted(record["properties"])
    return schema


def main(folder: Path) -> None:
    """Write the files."""
    for name, text in schemas().items():
        (folder / name).write_text(text, encoding="utf-8")
        click.echo(folder / name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
