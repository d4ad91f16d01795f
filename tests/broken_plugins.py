"""Plugins that are wrong in every way that a test could think of, each with what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from small_distributions import (
    SOUND_EXTENSION,
    SOUND_TASK,
    SmallDistribution,
    small_extension,
    small_task,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

ENDLESS_SLEEP = "envkit-sleeps"


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A distribution that cannot be used: ``reason`` is said of it, ``state`` is how it stands or loads."""

    dist: SmallDistribution
    reason: str
    state: str = "broken"
    has_tracker: bool = True


def broken_plugins() -> Iterator[Broken]:
    """Yield them all."""
    yield from _broken_modules()
    yield from _broken_hooks()
    yield from _broken_metadata()
    yield from _broken_extensions()


def impolite_plugins() -> Iterator[tuple[SmallDistribution, str]]:
    """Yield plugins that work, and do what no import should, with what is remarked."""
    for name, line, remark in (
        ("prints", "print('hello from afar')", "prints 'hello from afar'"),
        ("warns", "import warnings\nwarnings.warn('so old')", "warns: 'UserWarning: so old'"),
        (
            "sets",
            "import os\nos.environ['PATH'] = ''\nos.environ['SMALL_NEW'] = '1'",
            "changes the variables 'PATH' and 1 more",
        ),
        ("paths", "import sys\nsys.path.insert(0, '/nowhere')", "changes sys.path"),
        ("gags", "import sys\nsys.stderr = None", "replaces sys.stderr"),
        ("moves", "import os\nos.chdir('/')", "changes the working folder"),
        (
            "threads",
            "import threading, time\nthreading.Thread(target=time.sleep, args=(600,), name='late').start()",
            "starts the thread 'late'",
        ),
    ):
        yield small_task(name, module=f"{line}\n{SOUND_TASK}"), remark


def _broken_modules() -> Iterator[Broken]:
    bodies: tuple[tuple[str, str | bytes, str], ...] = (
        ("imports", "import no_such_module_at_all", "no_such_module_at_all"),
        ("too-new-name", "from envkit.api import NoSuchName", "NoSuchName"),
        ("syntax", "def f(:", "SyntaxError"),
        ("latin", b"name = '\xe9'\n", "SyntaxError"),
        ("empty", "", "does not implement envkit_task and envkit_read and envkit_finetune"),
        ("exits", "import sys\nsys.exit(3)", "SystemExit: 3"),
        ("os-exits", "import os\nos._exit(3)", "ended its process with status 3"),
        ("interrupts", "raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("mute-interrupts", "import sys\nsys.stderr = None\nraise KeyboardInterrupt", "KeyboardInterrupt"),
        (
            "mute-raises",
            "import sys\nsys.stdout = sys.stderr = None\nraise ValueError('no')",
            "ValueError: no",
        ),
        ("raises-base", "raise BaseException('odd')", "BaseException: odd"),
        ("recurses", "def f():\n    f()\nf()", "RecursionError"),
        ("shouts", "raise ValueError('\\x1b[31m' + 'x' * 100_000)", "ValueError:  [31mxxx"),
        (
            "mute",
            "class Odd(Exception):\n    def __str__(self): raise ValueError\nraise Odd",
            "its message cannot be read",
        ),
        (
            "newer",
            f"api_version = '99.0'\n{SOUND_TASK}",
            "made for version 99.0 of envkit's API, here is 1.0",
        ),
        ("older", f"api_version = '0.9'\n{SOUND_TASK}", "made for version 0.9 of envkit's API"),
        ("no-version", f"api_version = 1\n{SOUND_TASK}", "it sets api_version to 1, expected a text"),
    )
    for name, body, reason in bodies:
        state = "incompatible" if name in ("newer", "older") else "broken"
        yield Broken(dist=small_task(name, module=body), reason=reason, state=state)


def _broken_hooks() -> Iterator[Broken]:
    changes = (
        ("dict-task", "Task(options=SmallOptions, headline=\"score\")", "{}", "no Task from envkit_task, but dict"),
        ("none-task", "Task(options=SmallOptions, headline=\"score\")", "None", "but NoneType"),
        ("dict-options", "options=SmallOptions", "options={}", "options are dict, which is no subclass"),
        ("plain-options", "SmallOptions(Options)", "SmallOptions", "options are SmallOptions, which is no subclass"),
        ("option-type", "    pass\n", "    many: tuple[int, int] | tuple[int, ...] = ()\n", "type that none may have"),
        ("no-headline", '"score")', "None)", "headline is None, expected the name of a metric"),
        ("own-models", '"score")', '"score", own_models="one")', "own_models are 'one', expected names"),
        ("task-fails", "return Task(", "return Tusk(", "NameError: name 'Tusk' is not defined"),
        ("arguments", "envkit_read(request: Request)", "envkit_read(req)", "takes the argument 'req'; is request meant?"),
        ("default", "envkit_read(request: Request)", "envkit_read(reqest=None)", "takes the argument 'reqest'; is request meant?"),
        ("optional", "envkit_read(request: Request)", "envkit_read(request=None)", "takes 'request' with a default"),
        ("keyword", "envkit_read(request: Request)", "envkit_read(*, request)", "by keyword, not in its place"),
        ("too-many", "envkit_task()", "envkit_task(config)", "takes the argument 'config'; expected none"),
        ("misspelt", "envkit_read", "envkit_reed", "envkit_reed is no hook of envkit; did they mean envkit_read?"),
        ("other-kind", "envkit_read", "envkit_checks", "called only in modules of the group envkit.extensions"),
        ("async", "def envkit_read", "async def envkit_read", "envkit_read is async; hooks are plain functions"),
        ("unmarked", "@hookimpl\ndef envkit_read", "def envkit_read", "envkit_read is not marked with @hookimpl"),
    )  # fmt: skip
    for name, good, bad, reason in changes:
        assert good in SOUND_TASK, name
        yield Broken(dist=small_task(name, module=SOUND_TASK.replace(good, bad)), reason=reason)


def _broken_metadata() -> Iterator[Broken]:
    yield Broken(dist=small_task("bad-name", task="bad name!"), reason="letters, digits and dashes")
    yield Broken(dist=small_task("reserved", task="mirrors"), reason="a table of envkit's own configuration")
    yield Broken(
        dist=small_task("no-metadata", metadata=None), reason="its metadata are missing", has_tracker=False
    )
    yield Broken(
        dist=small_task("junk-metadata", metadata=bytes(range(256)) * 20),
        reason="its metadata are not UTF-8",
        has_tracker=False,
    )
    yield Broken(
        dist=small_task("nameless", metadata="Metadata-Version: 2.4\nVersion: 1.0\n"),
        reason="its metadata have no name",
        has_tracker=False,
    )
    yield Broken(dist=small_task("nothing", module=None), reason="No module named 'envkit_nothing'")
    for name, lines, reason in (
        ("bad-value", ("bad-value = not a module!",), "leads to 'not a module!', expected a module"),
        ("attribute", ("attribute = envkit_attribute:task",), "leads to 'envkit_attribute:task', expected a module"),
        ("no-value", ("no-value",), "have the line 'no-value' in [envkit.tasks], expected NAME = MODULE"),
        ("twice", ("twice = envkit_twice", "twice = envkit_other"), "it claims the task 'twice' twice"),
    ):  # fmt: skip
        dist = SmallDistribution(name=f"envkit-{name}", entries={"envkit.tasks": lines})
        yield Broken(dist=dist, reason=reason)
    yield Broken(
        dist=SmallDistribution(
            name="envkit-odd-bytes", entries={}, entry_points=b"[envkit.tasks]\nodd-bytes = caf\xe9 x\n"
        ),
        reason="expected a module",
    )
    for name in ("one", "other"):
        claim = "the task 'same' is claimed by envkit-one 1.0 and by envkit-other 1.0"
        yield Broken(dist=small_task(name, task="same"), reason=claim, state="conflict")


def _broken_extensions() -> Iterator[Broken]:
    hook = "envkit_checks() -> list:\n    return []"
    assert hook in SOUND_EXTENSION
    for name, bad, reason in (
        ("gives-none", "envkit_checks():\n    return None", "gives NoneType, not a list"),
        ("gives-text", "envkit_checks():\n    return 'checks'", "gives str, not a list"),
        ("raises", "envkit_checks():\n    raise ValueError('no')", "ValueError: no"),
        ("exits-late", "envkit_checks():\n    raise SystemExit", "SystemExit"),
        ("cheks", "envkit_cheks():\n    return []", "did they mean envkit_checks?"),
        ("takes", "envkit_checks(facts):\n    return []", "takes the argument 'facts'; expected none"),
        ("a-task", "envkit_task():\n    return []", "called only in modules of the group envkit.tasks"),
    ):
        yield Broken(dist=small_extension(name, SOUND_EXTENSION.replace(hook, bad)), reason=reason)
    yield Broken(
        dist=small_extension("ext-exits", "import os\nos._exit(0)"), reason="ended its process with status 0"
    )


def sleeping_extension() -> SmallDistribution:
    """Return an extension that never finishes its import."""
    return small_extension("sleeps", "import time\ntime.sleep(3600)")
