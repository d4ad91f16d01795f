"""Start a program in an environment, in the place of this process."""

from __future__ import annotations

import errno
import os
import re
import shlex
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from envkit.api import EnvError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.environments.records import Environment

# Python ignores these for itself, and a program that is started would go on ignoring them.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")
_NEAR_NAMES = 3
_PIP = re.compile(r"pip(3(\.[0-9]+)?)?")


class NoProgram(EnvError):
    """Report a program that is not there, with the exit code of shells."""

    exit_code = 127


class NoStart(EnvError):
    """Report a program that is there and does not start, with the exit code of shells."""

    exit_code = 126


def find_program(word: str, *, environment: Environment, environ: Mapping[str, str]) -> str:
    """Return where a program lies, looked for as a shell does, on the PATH of these variables.

    Raises: NoProgram with the names that are near, NoStart for a file that may not be executed; UsageError for
    pip where the environment has none, for another's would change another Python.
    """
    if _PIP.fullmatch(word) and not has_pip(environment):
        raise UsageError(
            f"the environment {environment.name} has no pip of its own, and another's would not change it",
            hint=f"To add a package: envkit env sync {environment.name} --with PACKAGE\n"
            f"To see them all: envkit env show {environment.name} --packages",
        )
    path = environ.get("PATH", os.defpath)
    found = shutil.which(word, path=path)
    if found is not None:
        return found
    if "/" in word:
        if Path(word).is_dir():
            raise NoStart(f"{word} is a folder", hint="Name a program in it")
        if Path(word).exists():
            raise NoStart(f"{word} may not be executed", hint=f"chmod +x {shlex.quote(word)}")
        raise NoProgram(f"there is no file {word}", hint="Name a program, or where it lies from here")
    near = _near_names(word, path)
    hint = f"Add what brings it: envkit env sync {environment.name} --with PACKAGE"
    raise NoProgram(
        f"there is no program {word!r} in the environment {environment.name}, nor elsewhere on PATH",
        hint=f"Did you mean {' or '.join(near)}? {hint}" if near else hint,
    )


def has_pip(environment: Environment) -> bool:
    """Tell whether the environment has a pip of its own."""
    bin_dir = environment.prefix / "bin"
    return any(_PIP.fullmatch(file.name) for file in bin_dir.glob("pip*"))


def become(
    program: str,
    words: Sequence[str],
    *,
    environ: Mapping[str, str],
    inherited: Sequence[int] = (),
) -> NoReturn:
    """Put the program into the place of this process; ``words`` begin with its name.

    Open files that are ``inherited`` stay open, and so does a lock among them as long as the program lives.
    Raises: NoStart where the system cannot execute it.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    ignored = [getattr(signal, name) for name in _IGNORED_BY_PYTHON if hasattr(signal, name)]
    before = {number: signal.signal(number, signal.SIG_DFL) for number in ignored}
    for descriptor in inherited:
        os.set_inheritable(descriptor, True)
    try:
        os.execve(program, list(words), environ)
    except OSError as error:
        for number, handler in before.items():
            signal.signal(number, handler)
        raise NoStart(f"{program} does not start: {error.strerror}", hint=_why(program, error)) from error


def _why(program: str, error: OSError) -> str:
    if error.errno == errno.ENOEXEC:
        return "A script begins with the program that reads it, as in #!/bin/sh"
    if error.errno == errno.ENOENT:
        return f"What its first line names is not there: head -n 1 {shlex.quote(program)}"
    if error.errno == errno.E2BIG:
        return "Give it less: the words and variables together are longer than the system takes"
    return f"Look at the file: ls -l {shlex.quote(program)}"


def _near_names(word: str, path: str) -> list[str]:
    import difflib  # for an error alone

    names: dict[str, None] = {}
    for folder in path.split(os.pathsep):
        try:
            names |= dict.fromkeys(os.listdir(folder or "."))  # noqa: PTH208  # names are all that is needed
        except OSError:
            continue
    return difflib.get_close_matches(word, names, n=_NEAR_NAMES, cutoff=0.75)
