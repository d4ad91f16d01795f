"""Builds on real engines: what comes out, and what is left of those that end early."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from docker_engine import TEST_LABELS
from images.planned import make_place, make_plan, make_template
from required import skip_or_fail

from envkit.api import ImageError
from envkit.images.building.build import build_image
from envkit.images.building.build_folder import build_folder
from envkit.images.building.builders import CLASSIC, Builder, choose_builder
from envkit.images.contents.context import write_context
from envkit.images.records import BuildSecret

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from docker_engine import OwnEngine

    from envkit.images.engine.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.slow]
_LABEL = " ".join(f"{name}={value}" for name, value in TEST_LABELS.items())


@dataclass
class Heard:
    """Remembers what it is shown, and calls back when a line is heard."""

    lines: list[str] = field(default_factory=list)
    done: list[tuple[str, bool]] = field(default_factory=list)
    on_line: Callable[[str], None] = lambda text: None

    def step(self, number: int, total: int, title: str, is_cached: bool, seconds: float | None) -> None:
        assert 1 <= number <= total
        if seconds is not None:
            self.done.append((title, is_cached))

    def line(self, text: str) -> None:
        self.lines.append(text)
        self.on_line(text)

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(params=["client", "classic"])
def builder(request: pytest.FixtureRequest, docker_engine: Engine, tmp_path: Path) -> Builder:
    """Return each way to build that this machine has."""
    if request.param == "classic":
        return CLASSIC
    found = choose_builder(docker_engine, cache_dir=tmp_path / "cache")
    if found.binary is None:
        skip_or_fail("docker", "no client of this machine speaks to BuildKit")
    return found


def write_dockerfile(folder: Path, base: str, *steps: str) -> Path:
    context_dir = folder / "context"
    context_dir.mkdir(exist_ok=True)
    lines = [f"FROM {base}", f"LABEL {_LABEL}", *steps]
    (context_dir / "Dockerfile").write_text("\n".join(lines) + "\n")
    return context_dir


def containers(engine: Engine) -> set[str]:
    """Return the containers of builds of these tests."""
    labels = [f"{name}={value}" for name, value in TEST_LABELS.items()]
    return {each.id for each in engine.client.containers.list(all=True, filters={"label": labels})}


def test_build_gives_an_image_with_all_its_tags_and_the_second_is_cached(
    docker_engine: Engine,
    builder: Builder,
    base_image: str,
    tmp_path: Path,
    new_image_name: Callable[[], str],
) -> None:
    context_dir = write_dockerfile(tmp_path, base_image, f"RUN echo {os.getpid()} {builder.name} > /made")
    tags = (new_image_name(), new_image_name())
    heard = Heard()
    built = build_image(context_dir, engine=docker_engine, builder=builder, tags=tags, progress=heard)
    assert {docker_engine.image_id(tag) for tag in tags} == {built.id}
    assert built.tags == tags
    assert built.size >= docker_engine.client.images.get(base_image).attrs["Size"]
    assert built.seconds > 0
    assert any("RUN echo" in title for title, _ in heard.done)
    again = build_image(
        context_dir, engine=docker_engine, builder=builder, tags=tags, progress=(second := Heard())
    )
    assert again.id == built.id
    assert [is_cached for title, is_cached in second.done if "RUN echo" in title] == [True]
    assert any(step.is_cached for step in again.steps)


def test_build_that_fails_names_the_step_and_leaves_nothing(
    docker_engine: Engine,
    builder: Builder,
    base_image: str,
    tmp_path: Path,
    new_image_name: Callable[[], str],
) -> None:
    context_dir = write_dockerfile(tmp_path, base_image, "RUN echo its last word; exit 3")
    tag = new_image_name()
    with pytest.raises(ImageError, match=r"\(exit 3\): RUN echo its last word; exit 3\n  its last word"):
        build_image(context_dir, engine=docker_engine, builder=builder, tags=[tag], progress=Heard())
    assert not docker_engine.has_image(tag)
    assert containers(docker_engine) == set()


def test_build_of_a_folder_written_anew_has_what_changed_and_is_sent_nothing_else(
    docker_engine: Engine, base_image: str, tmp_path: Path
) -> None:
    builder = choose_builder(docker_engine, cache_dir=tmp_path / "cache")
    if builder.binary is None:
        skip_or_fail("docker", "no client of this machine speaks to BuildKit")
    large = tmp_path / "large"
    large.write_bytes(os.urandom(20_000_000))
    place = make_place(tmp_path / "place")
    plan = make_plan(place.contents(), template=make_template(files=(large,)))
    steps = f"FROM {base_image}\nLABEL {_LABEL}\nCOPY files/large /large\nCOPY lock/envkit.lock /lock\n"
    sent: list[str] = []
    for text in ("one lock\n", "two lock\n"):  # of the same size
        changed = replace(plan, contents=replace(plan.contents, lock_text=text))
        with build_folder(places=[tmp_path], is_usual=True) as folder:
            write_context(changed, folder, dockerfile=steps, mode="buildkit", environ={})
            heard = Heard()
            built = build_image(folder, engine=docker_engine, builder=builder, tags=(), progress=heard)
        run = docker_engine.client.containers.run
        said = run(built.id, ["/lock"], entrypoint=["cat"], remove=True, labels=TEST_LABELS)
        assert said.decode() == text
        sent.append(" ".join(line for line in heard.lines if line.startswith("transferring context")))
    assert "MB" in sent[0]
    assert "MB" not in sent[1]


def test_build_on_a_base_image_that_is_missing_names_it(
    docker_engine: Engine, builder: Builder, tmp_path: Path
) -> None:
    context_dir = write_dockerfile(tmp_path, "127.0.0.1:9/none:1", "RUN true")
    with pytest.raises(ImageError, match="the base image 127.0.0.1:9/none:1 is not on this engine"):
        build_image(context_dir, engine=docker_engine, builder=builder, tags=[], progress=Heard())


def test_build_keeps_proxies_and_secrets_out_of_all_that_it_says_and_makes(
    docker_engine: Engine, base_image: str, tmp_path: Path, new_image_name: Callable[[], str]
) -> None:
    builder = choose_builder(docker_engine, cache_dir=tmp_path / "cache")
    if not builder.has_secrets:
        skip_or_fail("docker", "no client of this machine speaks to BuildKit")
    context_dir = write_dockerfile(
        tmp_path,
        base_image,
        "RUN --mount=type=secret,id=netrc,target=/root/.netrc,required=true cat /root/.netrc && echo $http_proxy",
    )
    heard, tag = Heard(), new_image_name()
    built = build_image(
        context_dir,
        engine=docker_engine,
        builder=builder,
        tags=[tag],
        no_cache=True,  # a step of an earlier test's image would say nothing
        progress=heard,
        proxies={"http_proxy": "http://someone:pr0xy-pw@proxy.invalid:3128"},
        secrets=[
            BuildSecret(id="netrc", content=b"machine h login u password n3trc-pw\n", target="/root/.netrc")
        ],
    )
    said = "\n".join(heard.lines)
    # It was there, and masked.
    assert "machine h login u password ***" in said and "http://***@proxy.invalid:3128" in said
    history = str(docker_engine.client.images.get(built.id).history())
    for password in ("pr0xy-pw", "n3trc-pw"):
        assert password not in said + history


def test_build_with_secrets_is_refused_by_the_classic_builder(docker_engine: Engine, tmp_path: Path) -> None:
    secret = BuildSecret(id="netrc", content=b"x", target="/root/.netrc")
    with pytest.raises(ImageError, match="classic builder would keep them"):
        build_image(
            tmp_path, engine=docker_engine, builder=CLASSIC, tags=[], progress=Heard(), secrets=[secret]
        )


def test_build_with_a_tag_that_cannot_be_set_sets_none(
    docker_engine: Engine, base_image: str, tmp_path: Path, new_image_name: Callable[[], str]
) -> None:
    context_dir = write_dockerfile(tmp_path, base_image, "ENV A=b")
    new, used = new_image_name(), new_image_name()
    docker_engine.client.images.get(base_image).tag(used)
    # It looks like an id, so that the engine refuses to call an image so.
    refused = "a" * 64
    with pytest.raises(ImageError, match=refused):
        build_image(
            context_dir,
            engine=docker_engine,
            builder=CLASSIC,
            tags=[new, used, refused],
            progress=Heard(),
        )
    assert not docker_engine.has_image(new)
    assert docker_engine.image_id(used) == docker_engine.image_id(base_image)


INTERRUPTED = """
    import sys
    from pathlib import Path
    from envkit.images.building.build import build_image
    from envkit.images.building.builders import CLASSIC, choose_builder
    from envkit.images.engine.engine import connect

    class Screen:
        def step(self, *words): pass
        def say(self, text): pass
        def line(self, text):
            print(text, flush=True)

    engine = connect()
    builder = CLASSIC if sys.argv[1] == "classic" else choose_builder(engine)
    try:
        build_image(Path(sys.argv[2]), engine=engine, builder=builder, tags=[sys.argv[3]], progress=Screen())
    except KeyboardInterrupt:
        sys.exit(130)
"""


def test_build_that_is_interrupted_stops_on_the_engine_too(
    docker_engine: Engine,
    builder: Builder,
    base_image: str,
    tmp_path: Path,
    new_image_name: Callable[[], str],
) -> None:
    mark = f"3{os.getpid()}.{len(builder.name)}"  # seconds that no other program sleeps for
    context_dir = write_dockerfile(tmp_path, base_image, f"RUN echo it has begun; sleep {mark}")
    tag = new_image_name()
    program = [sys.executable, "-c", textwrap.dedent(INTERRUPTED), builder.name, str(context_dir), tag]
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        said = ""
        while not said.endswith("it has begun\n"):
            line = process.stdout.readline()
            assert line, said
            said += line
        time.sleep(0.5)  # Python hears of a signal on the way into a blocking call when that call is over
        process.send_signal(signal.SIGINT)
        try:
            assert process.wait(timeout=20) == 130
        finally:
            process.kill()
    deadline = time.monotonic() + 10
    while (sleeps(mark) or containers(docker_engine)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not sleeps(mark)
    assert not docker_engine.has_image(tag)
    assert containers(docker_engine) == set()


def sleeps(mark: str) -> bool:
    """Tell whether the program of the build still runs on this machine."""
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    return f"sleep {mark}" in [line.strip() for line in listed.splitlines()]


@pytest.mark.parametrize("ends", ["stop", "kill"])
def test_build_whose_daemon_ends_says_so(
    docker_engine: Engine,
    engine_of_its_own: OwnEngine,
    builder: Builder,
    base_image: str,
    tmp_path: Path,
    ends: str,
) -> None:
    engine = engine_of_its_own.start()
    engine_of_its_own.give(docker_engine, base_image)
    context_dir = write_dockerfile(tmp_path, base_image, "RUN echo it has begun; sleep 60")
    end = engine_of_its_own.stop if ends == "stop" else engine_of_its_own.kill
    enders: list[threading.Thread] = []

    def on_line(text: str) -> None:
        if text == "it has begun":
            enders.append(threading.Thread(target=end))
            enders[-1].start()

    with pytest.raises(ImageError, match="the Docker daemon stopped") as raised:
        build_image(
            context_dir, engine=engine, builder=builder, tags=["never:1"], progress=Heard(on_line=on_line)
        )
    assert str(engine_of_its_own.socket) in raised.value.message
    enders[0].join()
    engine.client.close()


def test_build_on_a_full_disk_says_so_and_leaves_nothing(
    docker_engine: Engine, engine_of_its_own: OwnEngine, builder: Builder, base_image: str, tmp_path: Path
) -> None:
    engine = engine_of_its_own.start()
    engine_of_its_own.give(docker_engine, base_image)
    for step in ("RUN dd if=/dev/zero of=/large bs=1M count=750", "COPY large /large"):
        context_dir = write_dockerfile(tmp_path, base_image, step)
        with (context_dir / "large").open("wb") as file:
            file.truncate(750_000_000)
        with pytest.raises(ImageError, match="the disk is full") as raised:
            build_image(context_dir, engine=engine, builder=builder, tags=["never:1"], progress=Heard())
        assert f"It keeps images in {engine_of_its_own.folder}/data, where " in raised.value.message
    assert not engine.has_image("never:1")
    assert engine.client.containers.list(all=True) == []
    engine.client.close()
