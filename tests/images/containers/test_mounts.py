"""Which paths a container gets, and which it must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from envkit.api import ImageError
from envkit.images.containers.mounts import BindMount, plan_mounts

RUN = Path("/srv/runs/one")


def readable(*paths: str) -> tuple[BindMount, ...]:
    return tuple(BindMount(path=Path(path)) for path in paths)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ()),
        (["/srv/data/train.csv", "/srv/data/dev.csv"], ("/srv/data/dev.csv", "/srv/data/train.csv")),
        (["/srv/data/train.csv", "/srv/data"], ("/srv/data",)),
        (["/srv/data", "/srv/data"], ("/srv/data",)),
        (["/srv/runs/one/data/train"], ()),
        (["/srv/other/../data/train.csv"], ("/srv/data/train.csv",)),
        (["/tmp/data", "/usr/share/words"], ("/tmp/data", "/usr/share/words")),
    ],
)
def test_plan_mounts_gives_each_path_once_to_read_and_the_run_to_write(
    given: list[str], expected: tuple[str, ...]
) -> None:
    mounts = plan_mounts(RUN, readable=map(Path, given))

    assert BindMount(path=RUN, is_writable=True) in mounts
    assert {mount.path for mount in mounts if not mount.is_writable} == {Path(path) for path in expected}
    assert len(mounts) == len(expected) + 1


def test_plan_mounts_of_a_run_in_its_data_folder_puts_the_outer_one_first() -> None:
    mounts = plan_mounts(RUN, readable=[Path("/srv")])

    assert mounts == (*readable("/srv"), BindMount(path=RUN, is_writable=True))


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/", "would hide the container's own /opt/envkit"),
        ("/tmp", "would hide the container's own /tmp"),
        ("/opt", "would hide the container's own /opt/envkit"),
        ("/usr", "would hide the container's own /usr/bin"),
        ("/proc/1/fd", "has a proc of its own"),
        ("/dev/shm/data", "has a dev of its own"),
    ],
)
def test_plan_mounts_of_what_a_container_needs_itself_is_refused(path: str, words: str) -> None:
    with pytest.raises(ImageError, match=words) as refused:
        plan_mounts(RUN, readable=[Path(path)])

    assert path in refused.value.message
    assert refused.value.hint


def test_plan_mounts_of_a_folder_with_links_brings_what_they_lead_to(tmp_path: Path) -> None:
    store, data = tmp_path / "store", tmp_path / "data"
    (data / "inner").mkdir(parents=True)
    store.mkdir()
    for name in ("near", "far"):
        (store / name).write_text(name)
    (data / "train.csv").symlink_to("../store/near")
    (data / "inner" / "dev.csv").symlink_to(store / "far")
    (data / "test.csv").symlink_to("inner/dev.csv")
    (data / "lost.csv").symlink_to("nowhere")

    mounts = plan_mounts(RUN, readable=[data])

    assert {mount.path for mount in mounts} == {RUN, data, store / "near", store / "far"}


def test_plan_mounts_of_a_farm_of_links_is_refused(tmp_path: Path) -> None:
    store, data = tmp_path / "store", tmp_path / "data"
    for folder in (store, data):
        folder.mkdir()
    for number in range(501):
        (store / str(number)).touch()
        (data / str(number)).symlink_to(store / str(number))

    with pytest.raises(ImageError, match="more than 500 links"):
        plan_mounts(RUN, readable=[data])
