"""What an image gives away or leaves open: secrets in any layer and any word of it, and files that anybody may change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.images.inspection.file_reading import SEARCH_LIMIT
from envkit.images.inspection.file_tree import layer_that_hides, merge_layers
from envkit.images.inspection.findings import CheckedSubject, ImageFinding, counted, some
from envkit.images.inspection.history import short_command
from envkit.images.inspection.installed import read_record
from envkit.images.inspection.secret_patterns import find_secret_variables, find_secrets, is_secret_variable
from envkit.images.layout import BASE_LABEL, ENV_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from envkit.environments.lockfile.records import LockedMachine
    from envkit.images.inspection.file_tree import PlacedFile
    from envkit.images.inspection.layers import FileEntry, Layer, SavedImage
    from envkit.images.inspection.saved_manifest import ImageConfig
    from envkit.images.inspection.secret_patterns import Hit

_INFO = re.compile(r"(?P<library>.*)/(?P<name>[^/]+?)-[^/-]+\.dist-info/RECORD")
_BYTECODE = re.compile(r"(?P<folder>.*)/__pycache__/(?P<module>[^/.]+)\.[^/]+\.pyc")
_COMMAND_WIDTH = 60
_IN_LAYER = "Give it to the build as a secret, build anew with --no-cache, and make the secret void"
_IN_WORDS = "Take it out, build anew, and make the secret void: whoever has the image has it"
_SETUID, _SETGID, _STICKY, _ANYBODY_WRITES = 0o4000, 0o2000, 0o1000, 0o002


def check_secrets(image: SavedImage, *, section: LockedMachine | None) -> CheckedSubject:
    """Look for secrets in all layers, what later ones deleted included, and in the image's configuration.

    Samples in packages that anybody can download are told, and are no fault; ``section`` says which those are.
    """
    findings = [*_in_words(image)]
    entries = [entry for layer in image.layers for entry in layer.entries.values() if entry.kind == "file"]
    samples = []
    published: Mapping[str, set[str]] | None = None
    for layer in image.layers:
        for entry in layer.entries.values():
            if entry.reading is None or not entry.reading.hits:
                continue
            if published is None:  # it takes a while, and most images need none of it
                published = _published_files(image.layers, section)
            if _is_published(entry, published):
                samples.append(entry.path)
            else:
                findings += [_in_file(entry, hit, layer, image.layers) for hit in entry.reading.hits]
    if samples:
        text = f"sample secrets in files of public packages: {some(sorted(set(samples)))}"
        findings.append(ImageFinding(text=text, is_fault=False))
    for layer in image.layers:
        if layer.unread:
            findings.append(
                ImageFinding(text=f"a layer was not looked into: {layer.unread}", where=_where(layer))
            )
    large = sum(entry.size > SEARCH_LIMIT for entry in entries)
    summary = (
        f"{counted(len(image.layers), 'layer')}, history, labels and variables searched; "
        f"of {counted(len(entries), 'file')}, {large} over {SEARCH_LIMIT // 1_000_000} MB were not"
    )
    return CheckedSubject(name="secrets", summary=summary, findings=tuple(findings))


def check_modes(
    image: SavedImage, tree: Mapping[str, PlacedFile], *, base_layers: int | None, steps: str = "template"
) -> CheckedSubject:
    """Look for files that anybody may change, and for programs that run as somebody else beyond the base's.

    ``base_layers`` is the number of layers that are the base's, None where it is not known; ``steps`` is what
    its steps stand in, for hints.
    """
    below = merge_layers(image.layers[: base_layers or 0])
    findings = []
    programs = []
    for path, placed in sorted(tree.items()):
        entry = placed.entry
        if entry.kind not in ("file", "folder"):
            continue
        is_folder = entry.kind == "folder"
        if entry.mode & _ANYBODY_WRITES and not (is_folder and entry.mode & _STICKY):
            what = "folder, which has no sticky bit" if is_folder else "file"
            findings.append(
                ImageFinding(
                    text=f"anybody may write to the {what}: {path}",
                    where=_where(image.layers[placed.layer - 1]),
                    hint=f"In a step of its {steps}: chmod o-w {path}",
                )
            )
        if not is_folder and entry.mode & (_SETUID | _SETGID):
            programs.append(path)
            before = below.get(path)
            if base_layers is not None and (before is None or before.entry.mode != entry.mode):
                findings.append(_setuid(entry, image.layers[placed.layer - 1], steps=steps))
    if programs and base_layers is None:
        is_named = BASE_LABEL in (image.config.container.labels or {})
        why = "its base is not here to compare with" if is_named else "no label says what its base is"
        text = f"{why}, so look yourself at what runs as another user: {some(programs)}"
        findings.append(ImageFinding(text=text, is_fault=False))
    ran = "1 program that runs" if len(programs) == 1 else f"{len(programs)} programs that run"
    summary = f"no file that anybody may change; {ran} as another user"
    summary += ", all of the base" if programs and base_layers is not None else ""
    if faults := sum(each.is_fault for each in findings):
        summary = "a file or folder is too open" if faults == 1 else "files or folders are too open"
    return CheckedSubject(name="modes", summary=summary, findings=tuple(findings))


def _setuid(entry: FileEntry, layer: Layer, *, steps: str) -> ImageFinding:
    whose = f"user {entry.user_id}" if entry.mode & _SETUID else "another group"
    return ImageFinding(
        text=f"{entry.path} runs as {whose}, whoever starts it, and the base has none like it",
        where=_where(layer),
        hint=f"In a step of its {steps}: chmod ug-s {entry.path}",
    )


def _in_file(entry: FileEntry, hit: Hit, layer: Layer, layers: Sequence[Layer]) -> ImageFinding:
    hiding = layer_that_hides(entry.path, after=layer.number, layers=layers)
    is_still_there = (
        "" if hiding is None else f", hidden by layer {hiding.number}, where anybody can still get it"
    )
    return ImageFinding(
        text=f"{entry.path}:{hit.line}: {hit.kind}{is_still_there}", where=_where(layer), hint=_IN_LAYER
    )


def _in_words(image: SavedImage) -> Iterator[ImageFinding]:
    """Look through all that ``docker inspect`` and ``docker history`` show."""
    config = image.config.container
    for variable in config.env or ():
        name, _, value = variable.partition("=")
        yield from _in_value(name, value, place=f"the variable {name}")
    for name, value in (config.labels or {}).items():
        yield from _in_value(name, value, place=f"the label {name}")
    health = config.healthcheck.test if config.healthcheck is not None else None
    for place, words in (
        ("the entry point", config.entrypoint),
        ("the command", config.cmd),
        ("the health check", health),
    ):
        yield from _in_text(" ".join(words or ()), place=place)
    yield from _in_text(image.config.author, place="the author")
    yield from _in_history(image.config)


def _in_history(config: ImageConfig) -> Iterator[ImageFinding]:
    """Yield a secret once, however many commands could see it."""
    lines: dict[str, list[int]] = {}
    commands: dict[str, str] = {}
    for number, line in enumerate(config.history or (), 1):
        for found in _in_text(f"{line.created_by}\n{line.comment}", place=""):
            lines.setdefault(found.text, []).append(number)
            commands.setdefault(found.text, _shortened(short_command(line.created_by)))
    for what, numbers in lines.items():
        shown = ", ".join(map(str, numbers))
        place = f"the history, line {shown}" if len(numbers) == 1 else f"the history, lines {shown}"
        yield ImageFinding(text=f"{place}{what}", where=commands[what], hint=_IN_WORDS)


def _in_value(name: str, value: str, *, place: str) -> Iterator[ImageFinding]:
    found = list(_in_text(value, place=place))
    if not found and is_secret_variable(name, value):
        found = [ImageFinding(text=f"{place}: its name says that it is a secret", hint=_IN_WORDS)]
    yield from found


def _in_text(text: str, *, place: str) -> Iterator[ImageFinding]:
    kinds = dict.fromkeys(hit.kind for hit in find_secrets("", text.encode()))
    for kind in kinds:
        yield ImageFinding(text=f"{place}: {kind}", hint=_IN_WORDS)
    for name in dict.fromkeys(find_secret_variables(text)):
        yield ImageFinding(text=f"{place}: the value of {name}", hint=_IN_WORDS)


def _published_files(layers: Sequence[Layer], section: LockedMachine | None) -> dict[str, set[str]]:
    """Return the files of packages that anybody can download, by path, with their hashes."""
    public = (
        {each.name for each in section.wheels if each.source in ("index", "pylock")} if section else set()
    )
    published: dict[str, set[str]] = {}
    for layer in layers:
        for path, entry in layer.entries.items():
            found = _INFO.fullmatch(path)
            if found is None or entry.reading is None or entry.reading.content is None:
                continue
            name = re.sub(r"[-_.]+", "-", found["name"]).lower()
            if path.startswith(f"{ENV_PREFIX}/") and name not in public:
                continue
            for line in read_record(entry.reading.content, library=found["library"]):
                published.setdefault(line.path, set()).add(line.sha256)
    return published


def _is_published(entry: FileEntry, published: Mapping[str, set[str]]) -> bool:
    """Tell whether a file is what a package brought, or what Python compiled of that."""
    if compiled := _BYTECODE.fullmatch(entry.path):
        return f"{compiled['folder']}/{compiled['module']}.py" in published
    assert entry.reading is not None
    return entry.reading.sha256 in published.get(entry.path, ())


def _where(layer: Layer) -> str:
    command = _shortened(short_command(layer.command))
    return f"layer {layer.number}" + (f" ({command})" if command else "")


def _shortened(command: str) -> str:
    return command if len(command) <= _COMMAND_WIDTH else f"{command[: _COMMAND_WIDTH - 1]}…"
