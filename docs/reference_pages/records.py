"""records.md: all that plugins import from envkit.api, and the records of a run folder and of a machine."""

from __future__ import annotations

from reference_pages.markdown import entry, page
from reference_pages.public import public_names
from reference_pages.source import Name, read_imports, read_module

_INTRODUCTION = """\
Records are frozen: fields are read, never set. All arguments are given by name. Fields are only ever added, each with
a default, so that a plugin that was made for an earlier envkit goes on working ([versions](../versions.md)).

What stands here is imported from `envkit.api`, but for the two sections at the end, which name their module. Options
are in [Options](options.md), hooks in [Hooks](hooks.md)."""
# Sections of the page by the module that a name is defined in.
_SECTIONS = {
    "Tasks and runs": ("envkit.api.task", "envkit.api.hooks"),
    "Types of options": ("envkit.api.options", "envkit.api.finetune_options", "envkit.api.data_options"),
    "Data": ("envkit.api.corpus",),
    "Predicting": ("envkit.api.predicting",),
    "Checks of the doctor": ("envkit.api.checks",),
    "Backends of environments": ("envkit.api.environments",),
    "Templates of images": ("envkit.api.images",),
    "Errors": ("envkit.api.errors",),
    "Versions": ("envkit.api.versions", "envkit.api.deprecation"),
}
# Modules that are public themselves, with names that ``envkit.api`` does not hand on.
_WHOLE_MODULES = ("envkit.api.errors", "envkit.api.options")
_RUN_FOLDER = """\
`envkit.api.records` has the files of a run folder as msgspec types:
`msgspec.json.decode(Path("runs/RUN/result.json").read_bytes(), type=RunResult)`."""
_MACHINE = """\
`envkit.api.facts` has what a check of the doctor looks at: `context.facts`. `envkit facts` prints the same as JSON, whose
schema is [facts.schema.json](../facts.schema.json). Sizes and memory are in bytes."""


def make() -> str:
    """Return the page."""
    return page(
        "Records",
        _INTRODUCTION,
        *_api_sections(),
        *_module_section("The run folder", _RUN_FOLDER, "records"),
        *_module_section("The machine", _MACHINE, "facts"),
    )


def _api_sections() -> list[str]:
    left = {name.name for name in public_names("envkit.api")}
    parts = []
    for title, modules in _SECTIONS.items():
        parts.append(f"## {title}")
        for module in modules:
            here = [
                name for name in read_module(module).values() if module in _WHOLE_MODULES or _is_in_api(name)
            ]
            parts += map(entry, here)
            left -= {name.name for name in here}
    if left:
        raise KeyError(f"no section of records.md has {', '.join(sorted(left))}")
    return parts


def _is_in_api(name: Name) -> bool:
    return read_imports("envkit.api").get(name.name) == (name.module, name.name)


def _module_section(title: str, introduction: str, module: str) -> list[str]:
    """Return a module's public names, its own first, each module's in their order there."""
    own = f"envkit.api.{module}"
    public = public_names(own)
    origins = dict.fromkeys([own, *(name.module for name in public)])
    names = [name for origin in origins for name in read_module(origin).values() if name in public]
    return [f"## {title}\n\n{introduction}", *map(entry, names)]
