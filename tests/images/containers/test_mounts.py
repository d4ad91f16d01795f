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
        (["/usr/lib/python3.11/site-packages/a/model"], ("/usr/lib/python3.11/site-packages/a/model",)),
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
        ("/opt/envkit/lib", "would cover the Python that the container has in /opt/envkit"),
        ("/usr/lib/python3.11", "would cover the Python that the container has in /usr/lib"),
        ("/usr/local/bin/python3", "would cover the Python that the container has in /usr/local/bin"),
        ("/lib/x86_64-linux-gnu", "would cover the Python that the container has in /lib"),
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


def test_plan_mounts_of_links_behind_links_brings_all_of_them(tmp_path: Path) -> None:
    data, near, far = (tmp_path / name for name in ("data", "near", "far"))
    for folder in (data, near, far):
        folder.mkdir()
    (far / "text").write_text("text")
    (far / "back").symlink_to("../data")
    (near / "text").symlink_to("../far/text")
    (near / "temporary").symlink_to("/tmp")
    (data / "near").symlink_to("../near")

    mounts = plan_mounts(RUN, readable=[data])

    assert {mount.path for mount in mounts} == {RUN, data, near, far / "text"}


def test_plan_mounts_of_a_linked_model_has_its_files_where_the_container_looks(tmp_path: Path) -> None:
    snapshot = tmp_path / "hub" / "models--a" / "snapshots" / "1"
    blob = tmp_path / "hub" / "models--a" / "blobs" / "5"
    model = tmp_path / "my" / "own" / "model"
    for folder in (snapshot, blob.parent, model.parent):
        folder.mkdir(parents=True)
    blob.write_text("weights")
    (snapshot / "model.safetensors").symlink_to("../../blobs/5")
    model.symlink_to(snapshot)

    mounts = plan_mounts(RUN, readable=[model])

    assert {(mount.path, mount.source) for mount in mounts} == {
        (RUN, None),
        (model, None),
        (tmp_path / "my" / "blobs" / "5", blob),  # a container goes up from where the folder is mounted
    }


def test_plan_mounts_of_a_link_to_a_program_leaves_the_containers_own(tmp_path: Path) -> None:
    (tmp_path / "python").symlink_to("/usr/bin/python3")
    (tmp_path / "lib").symlink_to("/usr/lib/python3")

    assert {mount.path for mount in plan_mounts(RUN, readable=[tmp_path])} == {RUN, tmp_path}
