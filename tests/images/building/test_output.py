"""What builders say, as steps: streams of real builds, cut to what matters."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envkit.images.building.dockerfile_steps import count_steps
from envkit.images.building.output import ClassicOutput, PlainOutput, plain

DOCKERFILE = """\
# syntax of two stages
FROM base:1 AS packages
RUN --mount=type=cache,target=/c \\
    # a comment within
    install this \\
    and-that
FROM base:1
COPY --from=packages /a /a
WORKDIR /work
LABEL a=b
RUN fail
"""

# buildkit of Docker 20.10, and the form that newer ones have.
PLAIN = """\
#1 [internal] load build definition from Dockerfile
#1 sha256:796a6f4565e27885ab8f5116fb3b03e0985d0045ab231ff10d10c537806e7cea
#1 transferring dockerfile: 169B done
#1 DONE 0.0s

#3 [packages 1/2] FROM docker.io/library/base:1
#3 sha256:723f8eada3ab7672fb70d3fddf29e6f50f6d028fc8f10fb26c813fdbc9ebac96
#3 CACHED

#4 [packages 2/2] RUN --mount=type=cache,target=/c     install this     and-that
#4 0.265 Collecting \x1b[91mthings\x1b[0m
#4 ...

#6 [stage-1 3/4] WORKDIR /work
#6 DONE 0.2s

#4 [packages 2/2] RUN --mount=type=cache,target=/c     install this     and-that
#4 12.01 #9 DONE 3s
#4 13.5 10%\r 20%\r 100%
#4 DONE 14.2s

#7 [stage-1 4/4] RUN fail
#7 0.180 /bin/sh: 1: fail: not found
"""
OLD_END = """\
#7 ERROR: executor failed running [/bin/sh -c fail]: exit code: 127
------
 > [stage-1 4/4] RUN fail:
------
executor failed running [/bin/sh -c fail]: exit code: 127
"""
NEW_END = """\
#7 ERROR: process "/bin/sh -c fail" did not complete successfully: exit code: 127
------
 > [stage-1 4/4] RUN fail:
0.180 /bin/sh: 1: fail: not found
------
Dockerfile:11
--------------------
  11 | >>> RUN fail
--------------------
ERROR: failed to build: failed to solve: process "/bin/sh -c fail" did not complete successfully: exit code: 127
"""


@dataclass
class Heard:
    """Remembers what it is shown."""

    steps: list[tuple[int, int, str, bool, float | None]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)

    def step(self, number: int, total: int, title: str, is_cached: bool, seconds: float | None) -> None:
        self.steps.append((number, total, title, is_cached, seconds))

    def line(self, text: str) -> None:
        self.lines.append(text)

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize("end", [OLD_END, NEW_END])
def test_plain_output_of_a_failed_build_is_its_steps_and_the_failing_one(end: str) -> None:
    heard = Heard()
    output = PlainOutput(heard, dockerfile=DOCKERFILE)
    for line in (PLAIN + end).split("\n"):
        output.feed(line)
    install = "RUN --mount=type=cache,target=/c     install this     and-that"
    assert heard.steps == [
        (1, 6, "FROM base:1", False, None),
        (1, 6, "FROM base:1", True, 0.0),
        (2, 6, install, False, None),
        (3, 6, "WORKDIR /work", False, None),
        (3, 6, "WORKDIR /work", False, 0.2),
        (2, 6, install, False, 14.2),
        (4, 6, "RUN fail", False, None),
    ]
    assert [step.number for step in output.steps] == [1, 3, 2]
    assert "Collecting things" in heard.lines
    assert "#9 DONE 3s" in heard.lines
    assert " 100%" in heard.lines
    failure = output.failure()
    assert failure.step == "RUN fail"
    assert failure.lines == ("/bin/sh: 1: fail: not found",)
    assert failure.error.endswith("exit code: 127")


@pytest.mark.parametrize(
    "last",
    [
        "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error",
        "ERROR: failed to build: failed to solve: failed to create LLB definition: dockerfile parse error",
        "ERROR: failed to solve: failed to create LLB definition: dockerfile parse error",
    ],
)
def test_plain_output_that_ends_before_a_step_has_the_builders_word(last: str) -> None:
    output = PlainOutput(Heard())
    output.feed("#1 [internal] load build definition from Dockerfile\n")
    output.feed(last)
    assert output.failure().step == ""
    assert output.failure().error == "failed to create LLB definition: dockerfile parse error"


def test_plain_output_of_parallel_stages_blames_the_step_that_failed_first() -> None:
    output = PlainOutput(Heard())
    for line in (
        "#4 [one 2/2] RUN one",
        "#5 [two 2/2] RUN two",
        "#5 ERROR: exit code: 1",
        "#4 CANCELED",
        "#4 ERROR: context canceled",
    ):
        output.feed(line)
    assert output.failure().step == "RUN two"


def test_plain_output_is_masked_wherever_it_shows() -> None:
    heard = Heard()
    output = PlainOutput(heard, mask=lambda text: text.replace("hidden", "***"))
    for line in ("#4 [2/2] RUN hidden", "#4 0.1 it is hidden", "#4 ERROR: hidden failed", "hidden failed"):
        output.feed(line)
    assert "hidden" not in f"{heard} {output.failure()}"


def test_classic_output_is_the_same_steps() -> None:
    heard, seconds = Heard(), iter([0.0, 1.0, 5.0, 9.0])
    output = ClassicOutput(heard, clock=lambda: next(seconds))
    for stream in (
        "Step 1/2 : FROM base:1",
        "\n",
        " ---> 3954f08a1f9a\n",
        "Step 2/2 : RUN work",
        "\n",
        " ---> Using cache\n",
        " ---> 3954f08a1f9b\n",
        "\x1b[91mto stderr\n\x1b[0mand",
        " on\n",
        "Successfully built 3954f08a1f9b\n",
    ):
        output.feed({"stream": stream})
    output.feed({"aux": {"ID": "sha256:3954"}})
    output.finish()
    assert heard.steps == [
        (1, 2, "FROM base:1", False, None),
        (1, 2, "FROM base:1", False, 1.0),
        (2, 2, "RUN work", False, None),
        (2, 2, "RUN work", True, 4.0),
    ]
    assert heard.lines == ["to stderr", "and on"]
    assert output.image_id == "sha256:3954"
    assert not output.has_failed


def test_classic_output_of_podman_counts_over_its_stages() -> None:
    heard = Heard()
    output = ClassicOutput(heard)
    for stream in ("[1/2] STEP 1/1: FROM a\n", "[2/2] STEP 1/2: FROM b\n", "[2/2] STEP 2/2: RUN c\n"):
        output.feed({"stream": stream})
    assert [step[0] for step in heard.steps if step[4] is None] == [1, 2, 3]


def test_classic_output_of_a_failed_build_has_its_step_and_lines() -> None:
    output = ClassicOutput(Heard())
    output.feed({"stream": "Step 2/2 : RUN work\n ---> Running in 0123456789ab\nlast words\nno newline"})
    error = "The command '/bin/sh -c work' returned a non-zero code: 3"
    output.feed({"errorDetail": {"code": 3, "message": error}, "error": error})
    failure = output.failure()
    assert (failure.step, failure.lines, failure.error) == ("RUN work", ("last words", "no newline"), error)


def test_steps_of_a_dockerfile_are_counted_as_buildkit_counts() -> None:
    assert count_steps(DOCKERFILE) == 5
    assert count_steps("FROM scratch\nCOPY a b\n") == 1
    assert count_steps("FROM --platform=linux/amd64 a AS b\nFROM b AS c\nrun x\nFROM C\n") == 2
    assert count_steps("") == 0


@given(st.lists(st.text(max_size=40), max_size=30))
def test_plain_output_of_any_text_ends_with_a_failure_record(lines: list[str]) -> None:
    heard = Heard()
    output = PlainOutput(heard)
    for line in lines:
        output.feed(f"#1 {line}")
        output.feed(line)
    assert isinstance(output.failure().error, str)
    assert "\x1b" not in "".join(heard.lines)


@given(st.text())
def test_plain_text_has_nothing_that_moves_a_cursor(text: str) -> None:
    assert not any(letter < " " and letter not in "\t\n" for letter in plain(text))


def test_reason_above_a_long_traceback_is_kept() -> None:
    output = ClassicOutput(Heard())
    output.feed({"stream": "Step 2/2 : RUN python -m ensurepip\n"})
    output.feed({"stream": "ERROR: Could not install packages: [Errno 28] No space left on device\n"})
    for number in range(24):
        output.feed({"stream": f'  File "ensurepip.py", line {number}\n'})
    output.feed({"error": "The command 'x' returned a non-zero code: 1"})

    assert any("No space left" in line for line in output.failure().lines)
