"""`envkit image`: what is said of images, and that only what was meant is removed."""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from images.saved_images import Put, docker_archive, layer
from images.small_engine import BASE_NAME, SmallEngine, base, ours, serve

from envkit.cli.image.check import count_bytes, print_check
from envkit.images.inspection.findings import CheckedSubject, ImageCheck, ImageFinding
from envkit.images.inspection.last_use import note_use
from envkit.images.layout import TEMPLATE_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallEngine]:
    """Serve an image with two names, one with one, one without, and their base."""
    with serve(ours(1, "one:1", "one:2"), ours(2, "two:1"), ours(3), base()) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.address)
        yield engine


class Terminal(io.StringIO):
    """A terminal at which somebody has typed."""

    def isatty(self) -> bool:
        return True


def names(small: SmallEngine) -> list[str]:
    return [image.names[0] if image.names else image.id[7:10] for image in small.images]


ALL = ["one:1", "two:1", "333", BASE_NAME]


def test_list_has_a_row_a_name_and_fits_a_screen(envkit_here: Any, small: SmallEngine) -> None:
    small.run(small.images[1], name="busy")
    done = envkit_here("image", "list")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["IMAGE", "TEMPLATE", "TASKS", "TORCH", "SIZE", "MADE", "USED"]
    assert [line.split()[0] for line in lines[1:]] == ["333333333333", "one:1", "one:2", "two:1"]
    assert "2.13.0 cu126" in lines[2]
    assert lines[4].endswith("in use")
    assert max(map(len, lines)) <= 80


def test_list_of_an_engine_without_images_says_how_to_make_one(envkit_here: Any, small: SmallEngine) -> None:
    small.images.clear()
    assert "To build one: envkit build" in envkit_here("image", "list").stdout


def test_list_without_an_engine_ends_as_images_do(envkit_here: Any, tmp_path: Path) -> None:
    done = envkit_here("image", "list", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert (done.returncode, "no Docker daemon is running" in done.stderr) == (7, True)


@pytest.mark.parametrize("command", ["show", "check", "remove"])
def test_bad_name_of_an_image_is_one_without_an_engine_too(
    envkit_here: Any, tmp_path: Path, command: str
) -> None:
    done = envkit_here("image", command, "Bad/NAME", DOCKER_HOST=f"unix://{tmp_path}/none.sock")
    assert (done.returncode, "has capitals" in done.stderr) == (2, True)


def test_show_says_the_labels_in_words_and_each_layer(envkit_here: Any, small: SmallEngine) -> None:
    done = envkit_here("image", "show", "one:1")
    for text in (
        "one:1, one:2",
        "2.13.0 (cu126)",
        "1000:1000",
        "/opt/envkit/bin/python -m envkit.worker.alone",
        "8000/tcp",
        f"{BASE_NAME}, 50.0 MB of the size, shared with it",
        "(base) RUN make sha256:ba5e",
    ):
        assert text in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    "words", [("list",), ("show", "one:1"), ("check", "one:1"), ("remove", "one:1", "--yes")]
)
def test_json_is_one_envelope_and_nothing_else(
    envkit_here: Any, small: SmallEngine, words: tuple[str, ...]
) -> None:
    small.images[0].archive = docker_archive(layer("a")).pack()
    done = envkit_here("image", *words, "--json")
    said = msgspec.json.decode(done.stdout)
    assert (said["schema_version"], said["command"], said["ok"]) == (1, f"image {words[0]}", True)
    assert said["data"]


@pytest.mark.parametrize(("secret", "code"), [("tr0ub4dor", 1), ("<password>", 0)])
def test_check_ends_with_1_where_something_is_wrong(
    envkit_here: Any, small: SmallEngine, secret: str, code: int
) -> None:
    content = f"machine h login u password {secret}".encode()
    small.images[0].archive = docker_archive(
        layer(Put("root/.netrc", content), command="COPY .netrc /root/"),
        layer("root/.wh..netrc"),
        User="1000",
    ).pack()
    done = envkit_here("image", "check", "one:1")
    assert done.returncode == 1  # it has no health check in any case
    lines = done.stdout.splitlines()
    assert any("/root/.netrc:1: a password, hidden by layer 2" in line for line in lines) is bool(code)
    assert any(line.startswith("secrets") and "ok: 2 layers" in line for line in lines) is not code
    assert "user          ok: 1000, not root" in lines
    assert secret not in done.stdout + done.stderr


def test_check_says_first_that_an_image_is_not_envkits_and_each_hint_beside_its_fault(
    envkit_here: Any, small: SmallEngine
) -> None:
    small.images[0].archive = docker_archive(layer("a")).pack()
    lines = envkit_here("image", "check", "one:1").stdout.splitlines()
    assert lines[0] == "one:1, 51.0 MB in 1 layer"
    assert (
        lines[1] == "note: this image was not built by envkit: there is no lock to compare its packages with"
    )
    assert "user          1 fault: no user is named" in lines
    fault = lines.index("user   it runs as root: it names no user")
    assert lines[fault + 1] == "hint:  Let its Dockerfile end with USER 1000:1000"
    assert lines[-1] == "2 faults"


def test_check_on_a_terminal_breaks_no_path_and_says_a_common_hint_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = f"/opt/envkit/lib/{'long/' * 20}file.py"
    hint = "Build it anew: envkit build --help"
    faults = tuple(ImageFinding(text=f"{name} 1.0 is locked, and not installed", hint=hint) for name in "ab")
    subjects = (
        CheckedSubject(name="packages", summary="2 installed", findings=faults),
        CheckedSubject(
            name="secrets", summary="x", findings=(ImageFinding(text=f"samples: {path}", is_fault=False),)
        ),
    )
    check = ImageCheck(
        id="", names=(), size=1, layers=1, is_deep=False, is_of_envkit=True, search_limit=1, subjects=subjects
    )
    terminal = Terminal()
    monkeypatch.setattr("sys.stdout", terminal)
    monkeypatch.setenv("COLUMNS", "80")
    print_check(check, "one:1")
    said = terminal.getvalue()
    assert said.count(hint) == 1
    assert said.index("b 1.0 is locked") < said.index(hint) < said.index("note: ")
    assert path in said
    assert all(len(line) <= 80 for line in said.splitlines() if path not in line)


@pytest.mark.parametrize(("is_live", "most"), [(False, 4), (True, 200)])
def test_check_says_how_far_it_is_in_few_lines_of_a_log(is_live: bool, most: int) -> None:
    shown: list[int] = []

    class Screen:
        def bytes(self, done: int, total: int | None, what: str) -> None:
            shown.append(done)

    on_bytes = count_bytes(Screen(), 1_000_000, "one:1", is_live=is_live)
    for _ in range(1200):
        on_bytes(1000)
    assert len(shown) == most
    assert shown[-1] == 1_000_000


def test_check_json_has_the_number_of_faults_in_data_where_the_command_did_its_work(
    envkit_here: Any, small: SmallEngine
) -> None:
    small.images[0].archive = docker_archive(layer("a")).pack()
    done = envkit_here("image", "check", "one:1", "--json")
    said = msgspec.json.decode(done.stdout)
    assert (done.returncode, said["ok"], said["data"]["faults"]) == (1, True, 2)
    assert said["data"]["check"]["is_of_envkit"] is False


def test_check_of_an_image_that_is_missing_is_an_error(envkit_here: Any, small: SmallEngine) -> None:
    done = envkit_here("image", "check", "three:1")
    assert (done.returncode, "the image three:1 is not on this engine" in done.stderr) == (7, True)


@pytest.mark.parametrize(
    ("words", "code", "left", "said"),
    [
        (["one:1"], 2, ALL, "--yes"),
        (["two:1", "--json"], 2, ALL, "--yes"),
        (["two:1", "--dry-run"], 0, ALL, "That frees 1.0 MB\nNothing was removed: --dry-run"),
        (["two:1", "--yes"], 0, ["one:1", "333", BASE_NAME], "Removed two:1: 1.0 MB freed"),
        (["one:1", "--yes"], 0, ["one:2", "two:1", "333", BASE_NAME], "Removed one:1: 0 B freed"),
        (["one:1", "one:2", "--yes"], 0, ["two:1", "333", BASE_NAME], "Removed one:1, one:2: 1.0 MB freed"),
        (["--dangling", "--yes"], 0, ["one:1", "two:1", BASE_NAME], "Removed 333333333333: 1.0 MB freed"),
        (["one:1", "--dangling", "--yes"], 0, ALL, "note: one:1 stays: it has a name"),
        (["--unused-for", "30d", "--yes"], 0, ["two:1", BASE_NAME], "Removed 333333333333, one:1, one:2"),
        (["two:1", "--unused-for", "4w", "--yes"], 0, ALL, "note: two:1 stays: it was last used"),
        (["--unused-for", "9999w", "--yes"], 0, ALL, "There is no such image"),
        (["--unused-for", "soon"], 2, ALL, "days or weeks"),
        (["tow:1", "--yes"], 7, ALL, "Did you mean two:1?"),
        ([BASE_NAME, "--yes"], 7, ALL, "no image of envkit's"),
        ([], 2, ALL, "no image is named"),
    ],
)
def test_remove_takes_what_is_named_and_agreed(
    envkit_here: Any,
    small: SmallEngine,
    tmp_path: Path,
    words: list[str],
    code: int,
    left: list[str],
    said: str,
) -> None:
    note_use(tmp_path / "home", small.images[1].id)
    done = envkit_here("image", "remove", *words)
    assert (done.returncode, names(small)) == (code, left), done.stderr
    assert said in done.stdout + done.stderr


def test_remove_of_one_in_use_takes_none(envkit_here: Any, small: SmallEngine) -> None:
    small.run(small.images[1], name="busy")
    named = envkit_here("image", "remove", "one:1", "two:1", "--yes")
    assert (named.returncode, names(small)) == (7, ALL)
    assert "in use: two:1 by busy (running)" in named.stderr


def test_remove_of_unused_ones_leaves_what_a_container_was_made_of(
    envkit_here: Any, small: SmallEngine
) -> None:
    small.run(small.images[0], name="old", state="exited")
    done = envkit_here("image", "remove", "--unused-for", "30d", "--yes")
    assert (done.returncode, names(small)) == (0, ["one:1", BASE_NAME])
    assert "note: one:1, one:2 stays: it is what the container old was made of" in done.stderr


def test_remove_of_unused_ones_leaves_what_docker_run_alone_starts_unless_named(
    envkit_here: Any, small: SmallEngine
) -> None:
    small.images[0].labels[TEMPLATE_LABEL] = "predict"
    done = envkit_here("image", "remove", "--unused-for", "30d", "--yes")
    assert (done.returncode, names(small)) == (0, ["one:1", BASE_NAME])
    assert "Removed 333333333333, two:1" in done.stdout or "Removed two:1, 333333333333" in done.stdout
    assert "one:1, one:2 stay: envkit does not see when docker run starts images" in done.stderr
    assert "envkit image remove one:1 one:2" in done.stderr
    envkit_here("image", "remove", "one:1", "one:2", "--unused-for", "30d", "--yes")
    assert names(small) == [BASE_NAME]


def test_remove_forgets_when_the_image_was_used(envkit_here: Any, small: SmallEngine, tmp_path: Path) -> None:
    note_use(tmp_path / "home", small.images[1].id)
    envkit_here("image", "remove", "two:1", "--yes")
    assert list((tmp_path / "home/images").iterdir()) == []


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 3), ("n\n", 1, 4)])
def test_remove_on_a_terminal_does_what_is_answered(
    envkit_here: Any, small: SmallEngine, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    monkeypatch.setattr("sys.stderr", Terminal())
    done = envkit_here("image", "remove", "two:1")
    assert (done.returncode, len(small.images)) == (code, left)
    assert f"two:1  51.0 MB, last used {time.strftime('%Y', time.gmtime(1577934245))}" in done.stdout
