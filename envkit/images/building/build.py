"""Build an image: all of it and all its tags, or nothing."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from envkit.api import ImageError
from envkit.images.building.build_folder import build_folder, clear_stale_folders, memory_places
from envkit.images.building.builders import forget_builder
from envkit.images.building.client import build_call, metadata_file, run_client
from envkit.images.building.dockerfile_steps import instructions
from envkit.images.building.failures import explain_build_failure, is_of_client
from envkit.images.building.output import BuildProgress, BuildStep, ClassicOutput, PlainOutput
from envkit.images.building.secrets import make_mask, write_secrets
from envkit.images.engine.tags import tag_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from envkit.images.building.builders import Builder
    from envkit.images.building.output import BuildFailure
    from envkit.images.engine.engine import Engine
    from envkit.images.records import BuildSecret

__all__ = ["BuildProgress", "BuildStep", "BuiltImage", "build_image"]


@dataclass(frozen=True, kw_only=True)
class BuiltImage:
    """An image that is built and tagged: ``size`` in bytes, all layers of its base included.

    ``unnamed`` are the ids of images that had one of its tags before and have no name any more.
    """

    id: str
    tags: tuple[str, ...]
    size: int
    seconds: float
    steps: tuple[BuildStep, ...]
    unnamed: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Order:
    """A build as it was ordered, for either way to build."""

    context_dir: Path
    engine: Engine
    builder: Builder
    platform: str
    build_args: Mapping[str, str]
    proxies: Mapping[str, str]
    secrets: Sequence[BuildSecret]
    no_cache: bool
    pull: bool
    progress: BuildProgress
    mask: Callable[[str], str]

    @property
    def dockerfile(self) -> str:
        return (self.context_dir / "Dockerfile").read_text(encoding="utf-8")


def build_image(
    context_dir: Path,
    *,
    engine: Engine,
    builder: Builder,
    tags: Sequence[str],
    progress: BuildProgress,
    platform: str = "",
    build_args: Mapping[str, str] | None = None,
    proxies: Mapping[str, str] | None = None,
    secrets: Sequence[BuildSecret] = (),
    no_cache: bool = False,
    pull: bool = False,
    clock: Callable[[], float] = time.monotonic,
) -> BuiltImage:
    """Build a context and tag what came out.

    Tags are set when all is built, all of them or none; a build that fails or is interrupted leaves no container
    and no tag. Values of ``proxies`` and ``secrets`` stand on no command line, and are masked wherever they
    would show. Raises: ImageError that names the step and its cause; KeyboardInterrupt once the build is off.
    """
    begun = clock()
    if secrets and not builder.has_secrets:
        raise ImageError(
            "this build needs secrets, and the classic builder would keep them in a layer",
            hint="Install BuildKit's client: the package docker-buildx (or docker-buildx-plugin)",
        )
    order = _Order(
        context_dir=context_dir,
        engine=engine,
        builder=builder,
        platform=platform,
        build_args=build_args or {},
        proxies=proxies or {},
        secrets=secrets,
        no_cache=no_cache,
        pull=pull,
        progress=progress,
        mask=make_mask(secrets=secrets, build_args=build_args, proxies=proxies),
    )
    image_id, steps = _build_classic(order) if builder.binary is None else _build_with_client(order)
    unnamed = tag_image(engine, image_id, tags)
    with engine.explained("look at the image that was built"):
        size = int(engine.client.images.get(image_id).attrs["Size"])
    return BuiltImage(
        id=image_id,
        tags=tuple(tags),
        size=size,
        seconds=clock() - begun,
        steps=tuple(steps),
        unnamed=unnamed,
    )


def _build_with_client(order: _Order) -> tuple[str, list[BuildStep]]:
    output = PlainOutput(order.progress, dockerfile=order.dockerfile, mask=order.mask)
    with contextlib.ExitStack() as folders:
        folder = folders.enter_context(build_folder())
        iid_file = folder / "image.id"
        call = build_call(
            order.builder,
            order.context_dir,
            iid_file=iid_file,
            environ={**order.engine.environ, **order.engine.client_variables},
            platform=order.platform,
            build_args=order.build_args,
            proxies=order.proxies,
            secret_files=_write_secrets(order, folders),
            no_cache=order.no_cache,
            pull=order.pull,
        )
        try:
            status = run_client(call, on_line=output.feed)
        except OSError as error:
            forget_builder()
            raise ImageError(
                f"docker's client {order.builder.binary} does not run: {error}",
                hint="Try again: another way to build is looked for",
            ) from error
        if status != 0 or not iid_file.is_file():
            raise _failed(order, output.failure(), status=status or 0)
        return _built_id(order.engine, iid_file), output.steps


def _write_secrets(order: _Order, folders: contextlib.ExitStack) -> Mapping[str, Path]:
    places = memory_places(order.engine.environ)
    if not order.secrets:
        for place in places:  # those that an earlier build was killed with
            clear_stale_folders(place)
        return {}
    return write_secrets(order.secrets, folders.enter_context(build_folder(places=places)))


def _built_id(engine: Engine, iid_file: Path) -> str:
    """Return the id by which the engine knows what was built: its store may go by the manifest, not the content."""
    candidates = [iid_file.read_text().strip()]
    written = metadata_file(iid_file)
    if written.is_file():
        metadata = msgspec.json.decode(written.read_bytes(), type=dict[str, object])
        candidates += [
            digest
            for key in ("containerimage.digest", "containerimage.config.digest")
            if isinstance(digest := metadata.get(key), str)
        ]
    for candidate in candidates:
        if found := engine.find_image(candidate):
            return found
    raise ImageError(
        f"the image was built, but is not on the engine {engine.endpoint}",
        hint="The builder in use keeps images for itself; choose the engine's own: docker buildx use default",
    )


def _build_classic(order: _Order) -> tuple[str, list[BuildStep]]:
    output = ClassicOutput(order.progress, mask=order.mask)
    engine = order.engine
    try:
        _follow_classic(order, output)
        if output.has_failed or not output.image_id:
            raise _failed(order, output.failure(), status=1)
    except BaseException:
        # The engine leaves the container of a step that could not start, and takes a while over others.
        engine.remove_containers(output.containers)
        raise
    output.finish()
    return engine.image_id(output.image_id), output.steps


def _follow_classic(order: _Order, output: ClassicOutput) -> None:
    from docker.errors import APIError

    engine = order.engine
    with engine.explained("finish the build"), engine.without_limit() as client:
        try:
            records = client.api.build(
                path=str(order.context_dir),
                rm=True,
                forcerm=True,
                decode=True,
                nocache=order.no_cache,
                pull=order.pull,
                platform=order.platform or None,
                buildargs={**order.proxies, **order.build_args},
            )
            with contextlib.closing(records):  # the engine ends a build that nobody listens to
                for record in records:
                    output.feed(record)
        except APIError as error:  # refused before it began
            output.feed({"error": str(error.explanation or error)})


def _failed(order: _Order, failure: BuildFailure, *, status: int) -> ImageError:
    if is_of_client(failure):
        forget_builder()
    return explain_build_failure(
        failure,
        status=status,
        base=_base_of(order.dockerfile),
        endpoint=order.engine.endpoint,
        platform=order.platform,
        disk=order.engine.disk,
        is_alive=order.engine.is_staying,
    )


def _base_of(dockerfile: str) -> str:
    """Return the image of the first FROM."""
    for line in instructions(dockerfile):
        words = [word for word in line.split() if not word.startswith("--")]
        if words and words[0].upper() == "FROM" and len(words) > 1:
            return words[1]
    return "?"
