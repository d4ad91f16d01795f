"""json.md: what every `--json` prints, with an example that fits its types."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from types import GenericAlias
from typing import TYPE_CHECKING, Any

import msgspec

from envkit.api.options import to_builtins
from envkit.cli import envelope
from reference_pages.markdown import entry, field_table, json_block, literal, page, prose, slug, table
from reference_pages.source import ROOT, find_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

EXAMPLES_DIR = ROOT / "docs" / "examples"
_INTRODUCTION = f"""\
Every command that reports takes `--json`, and then prints one object to standard output and nothing else; progress and
warnings go to standard error. The exit code is the same as without it.

| field | what it is |
|---|---|
| `schema_version` | version of the envelope and of all that is in it; {envelope.SCHEMA_VERSION} now |
| `envkit` | version of envkit |
| `command` | the words of the command: `env create` |
| `ok` | whether it did what was asked; false exactly where there is an `error` |
| `data` | the command's own record, null where there is an error; `plugin check` that is stopped gives what it found |
| `error` | null, or `message`, `hint` (text or null), `exit_code` and, of a run with a known trouble, `likely_cause` |

Fields are only ever added. One that is taken away, or means something else, makes another `schema_version`. Every field of
a record is printed, also where it has its default. Times are ISO 8601 in UTC where they are text, and seconds since the
epoch where they are numbers; sizes are in bytes, durations in seconds, scores and shares fractions of 1.
What records are made of is in [Records in JSON](json-records.md). In the examples here, lists are cut short."""
_FAILED = {
    "schema_version": envelope.SCHEMA_VERSION,
    "envkit": "0.1.0",
    "command": "env show",
    "ok": False,
    "data": None,
    "error": {
        "message": "there is no environment 'wrok'",
        "hint": "Did you mean 'work'? To see them: envkit env list",
        "exit_code": 2,
    },
}


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a command prints as `data`: a record or a list of them."""

    module: str
    name: str
    is_list: bool = False

    @property
    def record(self) -> Any:
        """Return the type of the record."""
        return getattr(import_module(self.module), self.name)

    @property
    def type(self) -> Any:
        """Return the type of the data."""
        record: Any = self.record
        return GenericAlias(list, (record,)) if self.is_list else record


def _one(place: str) -> Output:
    module, _, name = place.rpartition(".")
    return Output(module=module, name=name)


def _several(place: str) -> Output:
    module, _, name = place.rpartition(".")
    return Output(module=module, name=name, is_list=True)


OUTPUTS: dict[str, Output] = {
    "run TASK": _one("envkit.cli.outcome.Report"),
    "evaluate": _one("envkit.cli.use.evaluate.Evaluation"),
    "data check TASK": _one("envkit.api.records.DataReport"),
    "data convert": _one("envkit.cli.data.convert.ConvertReport"),
    "data split": _one("envkit.cli.data.split.SplitReport"),
    "doctor": _one("envkit.doctor.report.Report"),
    "facts": _one("envkit.api.facts.MachineFacts"),
    "torch": _one("envkit.cli.torch_screen.Report"),
    "explain": _one("envkit.cli.explain.Report"),
    "env create": _one("envkit.cli.env.records.Created"),
    "env sync": _one("envkit.cli.env.records.Synced"),
    "env list": _several("envkit.cli.env.list.EnvLine"),
    "env show": _one("envkit.cli.env.records.Shown"),
    "env activate": _one("envkit.cli.env.activate.Activation"),
    "env kernel": _one("envkit.environments.kernels.KernelChange"),
    "env export": _one("envkit.cli.env.export.Exported"),
    "env remove": _one("envkit.cli.env.remove.Removed"),
    "lock": _one("envkit.cli.locking.Locked"),
    "build": _one("envkit.cli.build_screen.ImageLine"),
    "image list": _several("envkit.images.inspection.listing.ImageLine"),
    "image show": _one("envkit.images.inspection.listing.ImageDetails"),
    "image check": _one("envkit.cli.image.check.Checked"),
    "image remove": _one("envkit.cli.image.remove.Removed"),
    "plugin new": _one("envkit.cli.plugin.new.NewPlugin"),
    "plugin check": _one("envkit.authoring.check_report.PluginReport"),
    "plugin list": _several("envkit.authoring.installed.InstalledEntry"),
    "plugin info": _one("envkit.authoring.details.PluginDetails"),
    "plugin install": _one("envkit.authoring.installing.Installed"),
    "plugin remove": _one("envkit.authoring.removing.Removed"),
    "config show": _one("envkit.config.shown.Overview"),
    "config set": _one("envkit.cli.config.scope.Told"),
    "config unset": _one("envkit.cli.config.scope.Told"),
    "config path": _several("envkit.config.shown.ConfigFile"),
    "runs list": _several("envkit.cli.runs.RunLine"),
    "runs show": _one("envkit.cli.runs.RunLine"),
    "runs resume": _one("envkit.cli.outcome.Report"),
    "runs compare": _one("envkit.runs.comparison.Comparison"),
    "runs clean": _one("envkit.cli.clean.CleanedRuns"),
    "report": _one("envkit.cli.report.WrittenReport"),
}
# Other forms that a flag asks for, in words.
_ALSO = {
    "doctor": "With `--list`, a list of checks: `id`, `summary`, `option`, `plugin`. The schema of both: "
    "[doctor.schema.json](../doctor.schema.json).",
    "facts": "Without `--json`, the record alone; its schema: [facts.schema.json](../facts.schema.json).",
    "plugin check": "With `--list`, a list of checks: `id`, `group`, `summary`.",
    "config path": "With `--user` or `--project`, a list with one path.",
    "build": "With `--print`, an object with the field `dockerfile`.",
}
_RECORDS = """\
What the records of [JSON](json.md) are made of, by name, but for those of `envkit.api`, which are in
[Records](records.md)."""
_DOCUMENTED = ("envkit.api.",)  # in records.md


def make() -> str:
    """Return the page."""
    rows = [(f"[`{words}`](#{slug(f'envkit {words}')})", _shown(output)) for words, output in OUTPUTS.items()]
    return page(
        "JSON",
        _INTRODUCTION,
        "An error:",
        json_block(_FAILED),
        "## Commands\n\n" + table(("command", "`data`"), rows),
        *(_describe(words, output) for words, output in OUTPUTS.items()),
    )


def make_records() -> str:
    """Return the page of the records within those that commands print."""
    kinds = _nested()
    return page(
        "Records in JSON", _RECORDS, *(entry(find_name(each.__module__, each.__name__)) for each in kinds)
    )


def shown_commands() -> list[str]:
    """Return the commands whose record and example are shown: the first of those that print the same record."""
    first: dict[Any, str] = {}
    for words, output in OUTPUTS.items():
        first.setdefault(output.record, words)
    return list(first.values())


def example_file(words: str, *, folder: Path = EXAMPLES_DIR) -> Path:
    """Return the file of a command's example: its `data` as JSON, lists cut short."""
    return folder / f"{words.lower().replace(' ', '-')}.json"


def read_example(words: str, *, folder: Path = EXAMPLES_DIR) -> Any:
    """Return the example of a command, every field filled in. Raises: ValueError where it does not fit."""
    file = example_file(words, folder=folder)
    data = msgspec.json.decode(file.read_bytes())
    whole = to_builtins(msgspec.convert(data, OUTPUTS[words].type))
    if unknown := sorted(_unknown(data, whole)):
        raise ValueError(f"{file}: there is no field {', '.join(unknown)}")
    return whole


def _unknown(given: Any, whole: Any, place: str = "data") -> Iterator[str]:
    """Yield the fields that an example has and its type has not."""
    if isinstance(given, dict) and isinstance(whole, dict):
        for name, value in given.items():
            if name in whole:
                yield from _unknown(value, whole[name], f"{place}.{name}")
            else:
                yield f"{place}.{name}"
    elif isinstance(given, list) and isinstance(whole, list):
        for one, other in zip(given, whole, strict=True):
            yield from _unknown(one, other, f"{place}[]")


def _describe(words: str, output: Output) -> str:
    heading = f"## envkit {words}"
    name = find_name(output.module, output.name)
    if words not in shown_commands():
        first = next(each for each, other in OUTPUTS.items() if other.record == output.record)
        return f"{heading}\n\nThe record of [`{first}`](#{slug(f'envkit {first}')})."
    body = "\n\n".join(filter(None, (prose(name.text), field_table(name.fields))))
    return "\n\n".join(filter(None, [heading, body, _ALSO.get(words, ""), json_block(read_example(words))]))


def _shown(output: Output) -> str:
    return f"a list of {literal(output.name)}" if output.is_list else literal(output.name)


def _nested() -> list[type[Any]]:
    """Return the records within those that commands print, by name, but for those of envkit.api."""
    top = {each.record for each in OUTPUTS.values()}
    found: set[type[Any]] = set()
    for kind in top:
        found |= _within(msgspec.inspect.type_info(kind))
    left = [kind for kind in found - top if not kind.__module__.startswith(_DOCUMENTED)]
    return sorted(left, key=lambda kind: (kind.__name__, kind.__module__))


def _within(kind: msgspec.inspect.Type) -> set[type[Any]]:
    """Return the records that a type is made of."""
    found: set[type[Any]] = set()
    waiting = [kind]
    while waiting:
        here = waiting.pop()
        if isinstance(here, msgspec.inspect.StructType | msgspec.inspect.DataclassType):
            if here.cls in found:
                continue
            found.add(here.cls)
            waiting += [field.type for field in here.fields]
            continue
        for name in ("type", "item_type", "key_type", "value_type"):
            part = getattr(here, name, None)
            waiting += [part] if isinstance(part, msgspec.inspect.Type) else []
        for name in ("types", "item_types"):
            waiting += getattr(here, name, ())
    return found
