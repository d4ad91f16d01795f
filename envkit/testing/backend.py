"""What every backend of environments is checked for: promises that the rest of envkit builds on.

What an assertion says is a sentence for authors, to which pytest adds nothing: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.specifiers import SpecifierSet

from envkit.api import EnvError, EnvironmentBackend
from envkit.environments.flock import lock_exclusively, try_lock
from envkit.testing.promises import Check, run_checks

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from envkit.api import BackendContext, Base, BaseRequest

_ASK_PYTHON = "import json, sys; print(json.dumps([sys.prefix, '.'.join(map(str, sys.version_info[:3])), sys.executable]))"
_NO_PYTHON = ">=2.0,<2.1"
_NO_SHELL = "no-such-shell"
_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class BackendContract:
    """A backend and what to check it with: a request that it can meet, in surroundings that are the tests' own.

    The context's variables need PATH and HOME; its cache and HOME have to be folders of the tests.
    """

    backend: EnvironmentBackend
    request: BaseRequest
    context: BackendContext


class BackendTrials:
    """The environment that most checks look at, made once, in a folder of its own."""

    def __init__(self, contract: BackendContract, folder: Path) -> None:
        self.contract = contract
        self.folder = folder
        self.steps: list[str] = []
        self._made: tuple[Base, Path] | None = None

    def plan(self, **changed: object) -> Base:
        """Plan, with some of the request changed."""
        request = msgspec.structs.replace(self.contract.request, **changed)
        return self.contract.backend.plan(request, context=self.contract.context)

    def install(self, base: Base, name: str) -> Path:
        """Install into a fresh folder and return it."""
        prefix = self.folder / name / "env"
        prefix.parent.mkdir(parents=True)
        with lock_exclusively(prefix.parent / "lock") as lock:
            self.contract.backend.install(
                base,
                prefix,
                requested=self.contract.request.packages,
                context=self.contract.context,
                progress=self,
                inherited=[lock.fileno()],
            )
        return prefix

    def made(self) -> tuple[Base, Path]:
        """Return the environment, and what it was planned as."""
        if self._made is None:
            base = self.plan()
            self._made = base, self.install(base, "usual")
        return self._made

    def step(self, text: str) -> None:
        """Hear a step."""
        self.steps.append(text)

    @property
    def environ(self) -> dict[str, str]:
        """Return the variables that everything starts with, in no environment."""
        inside = ("VIRTUAL_ENV", "VIRTUAL_ENV_PROMPT", "CONDA_PREFIX", "CONDA_SHLVL", "CONDA_DEFAULT_ENV")
        return {name: text for name, text in self.contract.context.environ.items() if name not in inside}


def check_backend(contract: BackendContract, folder: Path) -> None:
    """Run all checks, in ``folder``. Raises: AssertionError with every promise that is not kept."""
    run_checks(BACKEND_CHECKS, BackendTrials(contract, folder), of=f"the backend {contract.backend.name}")


def _is_backend(trials: BackendTrials) -> None:
    backend = trials.contract.backend
    assert isinstance(backend, EnvironmentBackend), "it lacks what envkit.api.EnvironmentBackend asks for"
    assert backend.name and backend.summary, "it has no name or no summary"


def _plan(trials: BackendTrials) -> None:
    backend, request = trials.contract.backend, trials.contract.request
    before = _files(trials.folder)
    base = trials.plan()
    assert base.backend == backend.name, f"its base is of {base.backend!r}, not {backend.name!r}"
    assert SpecifierSet(request.python).contains(base.python), f"{base.python} is not {request.python}"
    assert base.python.count(".") == 2, f"{base.python} is no full version"
    assert base.interpreter or base.packages, "its base says neither which interpreter nor which packages"
    assert _files(trials.folder) == before, "a plan leaves files behind"
    assert msgspec.json.decode(msgspec.json.encode(base), type=type(base)) == base, "its base is no record"


def _same_plan(trials: BackendTrials) -> None:
    base = trials.plan()
    assert trials.plan() == base, "the same plan comes out otherwise"
    assert trials.plan(prefer=base.packages) == base, "it keeps not what is preferred and fits"


def _impossible(trials: BackendTrials) -> None:
    _refuses(lambda: trials.plan(python=_NO_PYTHON), f"a plan for Python {_NO_PYTHON}")


def _runs(trials: BackendTrials) -> None:
    base, prefix = trials.made()
    place, version, _ = _ask(prefix / "bin" / "python", trials.environ)
    assert Path(place) == prefix, f"its Python runs in {place}, not {prefix}"
    assert version == base.python, f"its Python is {version}, not {base.python} as planned"
    assert trials.steps, "it says nothing while it installs"


def _lets_go(trials: BackendTrials) -> None:
    _, prefix = trials.made()
    lock = try_lock(prefix.parent / "lock", shared=False)
    assert lock is not None, "something that it started still holds the lock that it was given"
    lock.release()


def _hashes(trials: BackendTrials) -> None:
    base, _ = trials.made()
    hashed = [package for package in base.packages if package.sha256]
    if not hashed:
        return
    chosen = hashed[-1]
    other = tuple(
        msgspec.structs.replace(each, sha256="0" * 64) if each is chosen else each for each in base.packages
    )
    changed = msgspec.structs.replace(base, packages=other)
    message = _refuses(lambda: trials.install(changed, "other-hash"), f"{chosen.name} with another hash")
    assert chosen.name in message, f"the error does not name {chosen.name}: {message}"


def _activates(trials: BackendTrials) -> None:
    _, prefix = trials.made()
    given = {**trials.environ, "PYTHONHOME": "/nowhere", "SOME_VARIABLE": "as it was"}
    before = dict(given)
    active = trials.contract.backend.activate(prefix, environ=given)
    assert given == before, "activate changes the variables it is given"
    assert active.get("SOME_VARIABLE") == "as it was", "activate loses a variable"
    place, _, _ = _ask(shutil.which("python", path=active["PATH"]) or "python", active)
    assert Path(place) == prefix, f"python on PATH runs in {place}, not {prefix}"
    again = trials.contract.backend.activate(prefix, environ=active)
    assert again["PATH"] == active["PATH"], "activated twice, PATH grows"


def _script(trials: BackendTrials) -> None:
    _, prefix = trials.made()
    script = trials.folder / "activate.sh"
    for shell in ("bash", "zsh"):
        text = trials.contract.backend.activation_script(prefix, shell=shell)
        program = shutil.which(shell, path=trials.environ["PATH"])
        if program is None:
            continue
        script.write_text(text, encoding="utf-8")
        said = subprocess.run(
            [
                program,
                "-c",
                f'before=$PATH; . "$1"; python -c "{_ASK_PYTHON}"; deactivate; [ "$PATH" = "$before" ]',
            ]
            + [shell, str(script)],
            env=trials.environ,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        answer = [line for line in said.stdout.splitlines() if line.startswith("[")]
        assert answer, f"{shell} finds no python after its script: {said.stderr.strip()}"
        place = json.loads(answer[-1])[0]
        assert Path(place) == prefix, f"in {shell} python runs in {place}, not {prefix}"
        assert said.returncode == 0, f"in {shell} deactivate does not restore PATH: {said.stderr.strip()}"
    _refuses(
        lambda: trials.contract.backend.activation_script(prefix, shell=_NO_SHELL), f"shell {_NO_SHELL!r}"
    )


def _refuses(act: Callable[[], object], what: str) -> str:
    try:
        act()
    except EnvError as error:
        assert error.hint, f"the error for {what} has no hint"
        return error.message
    raise AssertionError(f"{what} is no error")


def _ask(python: Path | str, environ: Mapping[str, str]) -> tuple[str, str, str]:
    variables = {name: text for name, text in environ.items() if name != "PYTHONHOME"}
    answer = subprocess.run(
        [str(python), "-c", _ASK_PYTHON],
        env=variables,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert answer.returncode == 0, f"{python} does not run: {answer.stderr.strip()}"
    place, version, executable = json.loads(answer.stdout)
    return place, version, executable


def _files(folder: Path) -> set[Path]:
    return {file for file in folder.rglob("*") if file.is_file()}


BACKEND_CHECKS = (
    Check("backend", "it is what envkit takes for a backend", _is_backend),
    Check("plan", "a plan says all that will be installed, and writes nothing", _plan),
    Check("same_plan", "the same request gives the same plan", _same_plan),
    Check("impossible", "what cannot be met is an error that says what to do", _impossible),
    Check("runs", "the Python that was planned runs where it was asked for", _runs),
    Check("lets_go", "nothing that it starts outlives the installation", _lets_go),
    Check("hashes", "a package with another hash is refused", _hashes),
    Check("activates", "activated, python is the environment's, and all else as before", _activates),
    Check("script", "a shell's script activates and takes back", _script),
)
