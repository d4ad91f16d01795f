"""Check an image: who runs in it, whether it is what was locked, and what it gives away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from envkit.images.inspection.exposure import check_modes, check_secrets
from envkit.images.inspection.file_reading import SEARCH_LIMIT, make_reader
from envkit.images.inspection.file_tree import content_of, merge_layers
from envkit.images.inspection.findings import CheckedSubject, ImageCheck, ImageFinding
from envkit.images.inspection.image_lock import check_lock, is_of_envkit
from envkit.images.inspection.installed import check_packages
from envkit.images.inspection.layers import as_file, read_image
from envkit.images.inspection.listing import inspect_image, shared_layers
from envkit.images.layout import BASE_LABEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from envkit.images.engine.engine import Engine
    from envkit.images.inspection.file_tree import PlacedFile
    from envkit.images.inspection.layers import SavedImage
    from envkit.images.inspection.saved_manifest import ImageConfig

_CHUNK = 2 << 20


def check_image(
    reference: str,
    *,
    engine: Engine,
    is_deep: bool = False,
    on_bytes: Callable[[int], None] = lambda count: None,
) -> ImageCheck:
    """Read an image as the engine saves it, and say all that is wrong with it.

    ``on_bytes`` hears of every piece that has arrived. Raises: ImageError.
    """
    image_id = engine.image_id(reference)
    attributes = inspect_image(engine, image_id) or {}
    with engine.explained(f"read {reference}"), engine.without_limit() as client:
        chunks = client.api.get_image(image_id, chunk_size=_CHUNK)
        image = read_image(as_file(_counted(chunks, on_bytes)), read=make_reader(is_deep=is_deep))
    labels = image.config.container.labels or {}
    layers = tuple(layer.diff_id for layer in image.layers)
    base_layers = shared_layers(engine, labels.get(BASE_LABEL, ""), layers)
    subjects = check_saved(image, base_layers=base_layers, is_deep=is_deep)
    return ImageCheck(
        id=image_id,
        names=tuple(attributes.get("RepoTags") or ()),
        size=int(attributes.get("Size") or 0),
        layers=len(image.layers),
        is_deep=is_deep,
        is_of_envkit=any(each.name == "lock" for each in subjects),
        search_limit=SEARCH_LIMIT,
        subjects=subjects,
    )


def check_saved(image: SavedImage, *, base_layers: int | None, is_deep: bool) -> tuple[CheckedSubject, ...]:
    """Return what is found in an image that was read; ``base_layers`` as in ``check_modes``."""
    tree = merge_layers(image.layers)
    is_ours = is_of_envkit(tree, image.config)
    steps = "template" if is_ours else "Dockerfile"
    subjects = [_user(tree, image.config, steps=steps), _health(image.config, steps=steps)]
    section = None
    if is_ours:
        lock, section = check_lock(tree, image.config)
        subjects.append(lock)
    if section is not None:
        subjects.append(check_packages(tree, section, is_deep=is_deep, base_layers=base_layers))
    subjects.append(check_secrets(image, section=section))
    subjects.append(check_modes(image, tree, base_layers=base_layers, steps=steps))
    return tuple(subjects)


def _user(tree: Mapping[str, PlacedFile], config: ImageConfig, *, steps: str) -> CheckedSubject:
    """Check that what runs in a container is not root, whatever root is called."""
    user = config.container.user
    name = user.partition(":")[0]
    passwd = (content_of(tree, "/etc/passwd") or b"").decode("utf-8", "replace")
    ids = {fields[0]: fields[2] for line in passwd.splitlines() if len(fields := line.split(":")) > 2}
    number = ids.get(name, name)
    if number.isdecimal() and int(number) != 0:
        return CheckedSubject(name="user", summary=f"{user}, not root")
    text = f"it runs as root: its user is {user!r}" if user else "it runs as root: it names no user"
    if name and not number.isdecimal():
        text = f"its user {name} is not in /etc/passwd, so that no container starts"
    finding = ImageFinding(text=text, hint=f"Let its {steps} end with USER 1000:1000")
    return CheckedSubject(name="user", summary=user or "no user is named", findings=(finding,))


def _health(config: ImageConfig, *, steps: str) -> CheckedSubject:
    check = config.container.healthcheck
    test = (check.test if check is not None else None) or ()
    if test and test[0] != "NONE":
        return CheckedSubject(name="health check", summary=" ".join(test[1:]))
    finding = ImageFinding(
        text="there is none, so that an engine cannot tell a container that hangs",
        hint=f"Add a HEALTHCHECK to its {steps} (the OCI format, Podman's own, has no place for one)",
    )
    return CheckedSubject(name="health check", summary="it has none", findings=(finding,))


def _counted(chunks: Iterable[bytes], on_bytes: Callable[[int], None]) -> Iterator[bytes]:
    for chunk in chunks:
        on_bytes(len(chunk))
        yield chunk
