"""Choose what builds images: found by building something tiny with each, and remembered.

A version tells little: a client may lack its plugin, an engine may be Podman, a kernel may refuse mounts. So each
way is tried on an image of one program of a hundred bytes, with a cache mount and a secret.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import platformdirs

from envkit.api import ImageError
from envkit.images.building.client import build_call, run_client
from envkit.images.building.secrets import write_secrets
from envkit.images.records import BuildSecret
from envkit.machine.docker_client import find_buildx
from envkit.machine.files import Files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from envkit.environments.progress import Progress
    from envkit.images.engine.engine import Engine
    from envkit.images.records import ImageMode

BuilderName = Literal["buildx", "buildkit", "classic"]
WantedBuilder = Literal["auto", "buildx", "buildkit", "classic"]
_TRIAL_SECONDS = 60.0
_MEMORY_FILE = "builders.json"
_USUAL_CLIENTS = (Path("/usr/bin/docker"), Path("/usr/local/bin/docker"))
_TRIAL_DOCKERFILE = """\
FROM scratch
COPY end /end
RUN --mount=type=cache,target=/cache,sharing=locked --mount=type=secret,id=trial,target=/secret,required=true ["/end"]
"""
# `exit(0)` for those processors whose images people build; elsewhere the trial ends before it runs anything.
# Source: Linux, arch/*/include/uapi/asm/unistd.h (exit is 60 on x86_64 and 93 in the generic table).
_EXIT = {
    "amd64": (62, bytes.fromhex("b83c00000031ff0f05")),  # mov eax, 60; xor edi, edi; syscall
    "arm64": (183, bytes.fromhex("a80b80d2000080d2010000d4")),  # mov x8, #93; mov x0, #0; svc #0
    "riscv64": (243, bytes.fromhex("9308d0051305000073000000")),  # li a7, 93; li a0, 0; ecall
}


@dataclass(frozen=True, kw_only=True)
class Builder:
    """What builds: ``binary`` is docker's client, None for the classic builder, which envkit itself speaks to."""

    name: BuilderName
    mode: ImageMode
    has_secrets: bool
    binary: Path | None = None


CLASSIC = Builder(name="classic", mode="classic", has_secrets=False)


class _Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer depends on: the engine, and every client and plugin with the time it was written."""

    engine_id: str
    engine_version: str
    endpoint: str
    programs: tuple[tuple[str, int], ...]


class _Memory(msgspec.Struct, frozen=True, kw_only=True):
    seen: _Seen
    name: BuilderName
    binary: str = ""


def choose_builder(
    engine: Engine,
    *,
    wanted: WantedBuilder = "auto",
    progress: Progress | None = None,
    environ: Mapping[str, str] | None = None,
    cache_dir: Path | None = None,
) -> Builder:
    """Return the best way to build on an engine: buildx, else the client's own BuildKit, else the classic builder.

    What worked is remembered as long as the engine and the clients stay the same. ``environ`` is the engine's own
    if none is given. Raises: ImageError where the one ``wanted`` does not work.
    """
    if wanted == "classic":
        return CLASSIC
    environ = engine.environ if environ is None else environ
    clients = find_clients(environ)
    seen = _look(engine, clients, environ)
    memory = _recall(cache_dir)
    if memory is not None and memory.seen == seen and wanted in ("auto", memory.name):
        return _builder(memory.name, Path(memory.binary) if memory.binary else None)
    if progress is not None:
        progress.step("finding out what builds images here")
    tried = [each for each in _candidates(clients) if wanted in ("auto", each.name)]
    builder = next((each for each in tried if _works(each, engine, environ)), CLASSIC)
    if wanted == "auto":
        _remember(_Memory(seen=seen, name=builder.name, binary=str(builder.binary or "")), cache_dir)
    elif builder.name != wanted:
        raise ImageError(
            f"{wanted} does not build on this engine ({engine.endpoint}): no client that was tried could, of "
            f"{', '.join(map(str, clients)) or 'none on PATH'}",
            hint="Take what works: --builder auto. For buildx install docker-buildx (or docker-buildx-plugin)",
        )
    return builder


def forget_builder(cache_dir: Path | None = None) -> None:
    """Have the next choice made anew."""
    with contextlib.suppress(OSError):
        _memory_file(cache_dir).unlink(missing_ok=True)


def find_clients(environ: Mapping[str, str]) -> tuple[Path, ...]:
    """Return every docker client on PATH, and the usual ones that PATH leaves out, each program once."""
    folders = [Path(folder) for folder in environ.get("PATH", "").split(os.pathsep) if folder]
    places = [*(folder / "docker" for folder in folders), *_USUAL_CLIENTS]
    found: dict[Path, Path] = {}
    for place in places:
        if shutil.which(place) is not None:
            found.setdefault(place.resolve(), place)
    return tuple(found.values())


def _candidates(clients: tuple[Path, ...]) -> Iterator[Builder]:
    yield from (_builder("buildx", client) for client in clients)
    yield from (_builder("buildkit", client) for client in clients)


def _builder(name: BuilderName, binary: Path | None) -> Builder:
    if name == "classic":
        return CLASSIC
    return Builder(name=name, mode="buildkit", has_secrets=True, binary=binary)


def _works(builder: Builder, engine: Engine, environ: Mapping[str, str]) -> bool:
    """Build the tiny image and remove it. An engine that dies meanwhile shows when the real build begins."""
    secret = BuildSecret(id="trial", content=b"trial", target="/secret")
    with tempfile.TemporaryDirectory(prefix="envkit-trial-") as name:
        folder = Path(name)
        context_dir = folder / "context"
        context_dir.mkdir()
        (context_dir / "Dockerfile").write_text(_trial_dockerfile(engine))
        program = context_dir / "end"
        program.write_bytes(_program(engine))
        program.chmod(0o755)
        iid_file = folder / "image.id"
        call = build_call(
            builder,
            context_dir,
            iid_file=iid_file,
            environ={**environ, **engine.client_variables},
            secret_files=write_secrets([secret], folder),
        )
        try:
            status = run_client(call, on_line=lambda line: None, timeout=_TRIAL_SECONDS)
        except OSError:  # a file that is no program
            return False
        if status != 0 or not iid_file.is_file():
            return False
        image_id = iid_file.read_text().strip()
        is_loaded = engine.find_image(image_id) is not None
        if is_loaded:
            engine.discard(image_id)
        return is_loaded


def _trial_dockerfile(engine: Engine) -> str:
    if _processor(engine) in _EXIT:
        return _TRIAL_DOCKERFILE
    # Read, but not run: nothing is known that would run.
    return (
        f"{_TRIAL_DOCKERFILE.replace('FROM scratch', 'FROM scratch AS unused')}FROM scratch\nCOPY end /end\n"
    )


def _processor(engine: Engine) -> str:
    return engine.platform.partition("/")[2]


def _program(engine: Engine) -> bytes:
    """Return a static program that does nothing but end well: an ELF header, one segment and the code."""
    machine, code = _EXIT.get(_processor(engine), _EXIT["amd64"])
    start, headers = 0x400000, 64 + 56
    ident = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, start + headers, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    size = headers + len(code)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, start, start, size, size, 0x10000)
    return ident + header + segment + code


def _look(engine: Engine, clients: tuple[Path, ...], environ: Mapping[str, str]) -> _Seen:
    buildx = find_buildx(Files(Path("/")), environ=environ)
    programs = [*clients, *([Path(buildx)] if buildx else [])]
    return _Seen(
        engine_id=engine.id,
        engine_version=engine.version,
        endpoint=engine.endpoint,
        programs=tuple((str(path), path.stat().st_mtime_ns) for path in programs if path.exists()),
    )


def _memory_file(cache_dir: Path | None) -> Path:
    return (cache_dir or Path(platformdirs.user_cache_dir("envkit"))) / _MEMORY_FILE


def _recall(cache_dir: Path | None) -> _Memory | None:
    try:
        return msgspec.json.decode(_memory_file(cache_dir).read_bytes(), type=_Memory)
    except (OSError, msgspec.DecodeError):
        return None


def _remember(memory: _Memory, cache_dir: Path | None) -> None:
    """Write the answer by rename; a cache that cannot be written costs a second the next time."""
    file = _memory_file(cache_dir)
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        beside = file.with_name(f".{file.name}.{os.getpid()}")
        beside.write_bytes(msgspec.json.encode(memory))
        beside.replace(file)
