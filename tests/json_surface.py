"""What ``--json`` prints and what a run's folder holds: every field of every record, read from the source.

Records of envkit.api are named only: their fields are public names already.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from public_surface import ROOT, fields_of, imports_of, tree_of

if TYPE_CHECKING:
    from collections.abc import Iterator

# Command, the module that prints it, and the record behind `data`; [] is a list of them.
COMMANDS = {
    "run": ("envkit.cli.outcome", "envkit.cli.outcome.Report"),
    "evaluate": ("envkit.cli.use.evaluate", "envkit.cli.use.evaluate.Evaluation"),
    "data check": ("envkit.cli.data.look", "envkit.api.records.DataReport"),
    "data split": ("envkit.cli.data.split", "envkit.cli.data.split.SplitReport"),
    "data convert": ("envkit.cli.data.convert", "envkit.cli.data.convert.ConvertReport"),
    "doctor": ("envkit.cli.doctor", "envkit.doctor.report.Report"),
    "doctor --list": ("envkit.cli.doctor_list", "envkit.cli.doctor_list.ListedCheck[]"),
    "facts": ("envkit.cli.facts", "envkit.api.facts.MachineFacts"),
    "torch": ("envkit.cli.torch_screen", "envkit.cli.torch_screen.Report"),
    "explain": ("envkit.cli.explain", "envkit.cli.explain.Report"),
    "env list": ("envkit.cli.env.list", "envkit.cli.env.list.EnvLine[]"),
    "env show": ("envkit.cli.env.show", "envkit.cli.env.records.Shown"),
    "env create": ("envkit.cli.env.creating", "envkit.cli.env.records.Created"),
    "env sync": ("envkit.cli.env.syncing", "envkit.cli.env.records.Synced"),
    "env export": ("envkit.cli.env.export", "envkit.cli.env.export.Exported"),
    "env activate": ("envkit.cli.env.activate", "envkit.cli.env.activate.Activation"),
    "env remove": ("envkit.cli.env.remove", "envkit.cli.env.remove.Removed"),
    "env kernel": ("envkit.cli.env.kernel", "envkit.environments.kernels.KernelChange"),
    "lock": ("envkit.cli.locking", "envkit.cli.locking.Locked"),
    "build": ("envkit.cli.build_screen", "envkit.cli.build_screen.ImageLine"),
    "image list": ("envkit.cli.image.list", "envkit.images.inspection.listing.ImageLine[]"),
    "image show": ("envkit.cli.image.show", "envkit.images.inspection.listing.ImageDetails"),
    "image check": ("envkit.cli.image.check", "envkit.cli.image.check.Checked"),
    "image remove": ("envkit.cli.image.remove", "envkit.cli.image.remove.Removed"),
    "config show": ("envkit.cli.config.show", "envkit.config.shown.Overview"),
    "config path": ("envkit.cli.config.path", "envkit.config.shown.ConfigFile[]"),
    "config set": ("envkit.cli.config.scope", "envkit.cli.config.scope.Told"),
    "plugin list": ("envkit.cli.plugin.list", "envkit.authoring.installed.InstalledEntry[]"),
    "plugin info": ("envkit.cli.plugin.info", "envkit.authoring.details.PluginDetails"),
    "plugin check": ("envkit.cli.plugin.check", "envkit.authoring.check_report.PluginReport"),
    "plugin check --list": ("envkit.cli.plugin.check_screen", "envkit.cli.plugin.check_screen.ListedCheck[]"),
    "plugin new": ("envkit.cli.plugin.new", "envkit.cli.plugin.new.NewPlugin"),
    "plugin install": ("envkit.cli.plugin.install", "envkit.authoring.installing.Installed"),
    "plugin remove": ("envkit.cli.plugin.remove", "envkit.authoring.removing.Removed"),
    "runs list": ("envkit.cli.runs", "envkit.cli.runs.RunLine[]"),
    "runs compare": ("envkit.cli.compare", "envkit.runs.comparison.Comparison"),
    "runs clean": ("envkit.cli.clean", "envkit.cli.clean.CleanedRuns"),
    "report": ("envkit.cli.report", "envkit.cli.report.WrittenReport"),
}
# Modules that print an envelope around no record, or around one of the above.
WITHOUT_RECORD = ("envkit.cli.exits", "envkit.cli.doctor_time", "envkit.cli.building")
ENVELOPE = "envkit.cli.doctor_schema.DoctorEnvelope"
FILES = {
    "request.json": "envkit.api.records.RunRequest",
    "result.json": "envkit.api.records.RunResult",
    "metrics.json": "envkit.api.records.MetricsRecord",
    "data.json": "envkit.api.records.DataReport",
    "machine.json": "envkit.api.facts.MachineFacts",
    "model/envkit.json": "envkit.api.records.ModelRecord",
    "envkit-env.json": "envkit.environments.records.EnvRecord",
}
_PUBLIC = "envkit.api."
_WORD = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
_SEVERAL = re.compile(r"\b(?:list|tuple|Sequence)\[")


def json_lines() -> dict[str, str]:
    """Return the type of every field that is printed or written, by command or file and path."""
    found: dict[str, str] = {}
    for path, kind in _fields(ENVELOPE, ""):
        if not path.startswith("data"):
            found[f"json {path}"] = kind
    for command, (_, record) in COMMANDS.items():
        path = "data[]" if record.endswith("[]") else "data"
        found |= {
            f"json {command}: {place}": kind for place, kind in _record(record.removesuffix("[]"), path)
        }
    for file, record in FILES.items():
        found |= {f"file {file}: {place}": kind for place, kind in _record(record, "$")}
    return found


def printing_modules() -> set[str]:
    """Return the modules of the command line that print an envelope."""
    found = set()
    for file in sorted((ROOT / "envkit" / "cli").rglob("*.py")):
        if re.search(r"\benvelope\.(write|text)\(", file.read_text(encoding="utf-8")):
            found.add(".".join(file.relative_to(ROOT).with_suffix("").parts))
    return found


def _record(record: str, path: str) -> Iterator[tuple[str, str]]:
    """Yield the fields of a record, of one of envkit.api its name alone."""
    if record.startswith(_PUBLIC):
        yield path, record
    else:
        yield from _fields(record, path)


def _fields(record: str, path: str, *, within: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Yield path and type of every field of a record, and of the records in it; one within itself only once."""
    module, name = record.rpartition(".")[::2]
    node = next((each for each in tree_of(module).body if getattr(each, "name", "") == name), None)
    if node is None:  # it is offered there and defined elsewhere
        origin = imports_of(module).get(name)
        if origin is None:
            raise LookupError(f"{module} has no record {name}")
        yield from _fields(f"{origin}.{name}", path, within=within)
        return
    assert isinstance(node, ast.ClassDef)
    for base in node.bases:
        if (parent := _record_of(ast.unparse(base), module)) is not None:
            yield from _fields(parent, path, within=within)
    for field, (kind, _) in fields_of(node).items():
        if kind.startswith("ClassVar"):
            continue
        place = f"{path}.{field}" if path else field
        yield place, kind
        inner = f"{place}[]" if _SEVERAL.search(kind) else place
        for word in _WORD.findall(kind):
            below = _record_of(word, module)
            if below is not None and below not in within and not below.startswith(_PUBLIC):
                yield from _fields(below, inner, within=(*within, below))


def _record_of(word: str, module: str) -> str | None:
    """Return the full name of a record of envkit's that is called so in this module, None for anything else."""
    own = {each.name for each in tree_of(module).body if isinstance(each, ast.ClassDef)}
    if word in own:
        return f"{module}.{word}"
    origin = imports_of(module).get(word, "")
    if not origin.startswith("envkit."):
        return None
    for each in tree_of(origin).body:
        if isinstance(each, ast.ClassDef) and each.name == word:
            return f"{origin}.{word}"
    return _record_of(word, origin) if word in imports_of(origin) else None
