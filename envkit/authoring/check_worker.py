"""The process in which a plugin's promises are tried: one after the other, each told when it begins and ends.

It runs in the environment of the plugin's task and imports what a worker there can. The plugin may end it, hang it or
eat its memory; who started it goes on with another.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import os
import re
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from envkit.authoring.blame import ends_in, place_in, said_by
from envkit.worker.host_link import end_with_host

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from envkit.testing import Check

Suite = Literal["task", "backend", "check", "template"]
# Who eats all memory is to be ended for it, and not another program of the user's.
_FIRST_TO_GO = "1000"
_OPTION = re.compile(r"CONTRACT\.options: (?P<name>\w+) = ")
_BEFORE_THE_END = 1.0  # seconds in which one that hangs can still say where


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tried.

    ``module`` is the plugin's contract; of the suites ``check`` and ``template`` it is the extension's module, and
    ``given`` the id or the name of what it hands in. ``names`` are the checks, ``folder`` is for their files, empty or
    not there; ``seconds`` is what each may take. ``answers`` is the descriptor to tell on, ``host`` who started it.
    """

    suite: Suite
    module: str
    names: tuple[str, ...]
    folder: str
    seconds: float
    answers: int
    host: int
    given: str = ""


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The contract was found, and the checks begin."""


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused"):
    """There is nothing to try, and why."""

    problem: str
    place: str = ""


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """A check begins."""

    name: str


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="ended"):
    """A check has ended: ``problem`` is None where the promise is kept; ``place`` is a line of the plugin's.

    ``unchecked`` says why nobody could tell whether it is, None where that was seen.
    """

    name: str
    seconds: float
    problem: str | None = None
    unchecked: str | None = None
    place: str = ""


Answer = Ready | Refused | Begun | Ended


def main() -> None:
    """Try what the first argument orders."""
    order = msgspec.json.decode(sys.argv[1], type=Order)
    # It was started beside 0, the pipe whose end tells that the host has gone.
    life_line = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    end_with_host(order.host, life_line)
    with contextlib.suppress(OSError):  # Linux alone has it
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")
    faulthandler.enable()
    for answer in run_order(order):
        text = msgspec.json.encode(answer) + b"\n"
        while text:
            text = text[os.write(order.answers, text) :]
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads of the plugin's have no say in the end


def run_order(order: Order) -> Iterator[Answer]:
    """Try the checks and yield what there is to tell, as it happens."""
    package = order.module.partition(".")[0]
    try:
        checks, trials = _prepare(order)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - it is the author's code, whatever it raises
        yield Refused(problem=_said(error, package), place=place_in(error, package))
        return
    from envkit.testing import NotChecked

    yield Ready()
    by_name = {check.name: check for check in checks}
    for name in order.names:
        yield Begun(name)
        began, problem, unchecked, place = time.perf_counter(), None, None, ""
        faulthandler.dump_traceback_later(max(0.1, order.seconds - _BEFORE_THE_END))
        teller = threading.Timer(max(0.1, order.seconds - 2 * _BEFORE_THE_END), _tell_place, [package])
        teller.daemon = True
        teller.start()
        try:
            by_name[name].run(trials)
        except NotChecked as error:
            unchecked = str(error)
        except BaseException as error:  # noqa: BLE001 - likewise; the other promises are still of interest
            problem = _said(error, package)
            place = place_in(error, package) or _place_of_option(problem, order.module)
        finally:
            teller.cancel()
            faulthandler.cancel_dump_traceback_later()
        yield Ended(
            name=name,
            seconds=round(time.perf_counter() - began, 3),
            problem=problem,
            unchecked=unchecked,
            place=place,
        )


def _place_of_option(problem: str, module: str) -> str:
    """Return the line of the contract that sets the option that a problem is about; empty where it is about none."""
    named = _OPTION.match(problem)
    file = getattr(sys.modules.get(module), "__file__", None)
    if named is None or file is None:
        return ""
    sets = re.compile(rf"""["']{named["name"]}["']\s*:|\b{named["name"]}\s*=""")
    lines = Path(file).read_text(encoding="utf-8", errors="replace").splitlines()
    return next((f"{file}:{number}" for number, line in enumerate(lines, 1) if sets.search(line)), "")


def _tell_place(package: str) -> None:
    """Write the innermost line of the plugin's in which the process is: a dump of all threads leaves out outer ones."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        if str(frame.f_globals.get("__name__", "")).partition(".")[0] == package:
            sys.stderr.write(f'  File "{frame.f_code.co_filename}", line {frame.f_lineno}\n')
            return
        frame = frame.f_back


def _prepare(order: Order) -> tuple[Sequence[Check[Any]], Any]:
    """Return the checks of a suite and what they look at. Raises: LookupError where there is no contract."""
    folder = Path(order.folder)
    if order.suite in ("check", "template"):
        return _of_extension(order)
    try:
        contract = getattr(importlib.import_module(order.module), "CONTRACT", None)
    except ModuleNotFoundError as error:
        if error.name != order.module:
            raise
        raise LookupError(
            f"there is no module {order.module}, which would say what to check it with"
        ) from None
    folder.mkdir(parents=True, exist_ok=True)
    if order.suite == "backend":
        from envkit.testing import BACKEND_CHECKS, BackendContract, BackendTrials

        if not isinstance(contract, BackendContract):
            raise LookupError(f"{order.module} has no CONTRACT that is an envkit.testing.BackendContract")
        return BACKEND_CHECKS, BackendTrials(contract, folder)
    from envkit.testing import CHECKS, Contract, Trials

    if not isinstance(contract, Contract):
        raise LookupError(  # noqa: TRY004 - nobody made a mistake with a type: there is none
            f"{order.module} has no CONTRACT that is an envkit.testing.Contract"
        )
    if contract.task != order.given:
        raise LookupError(
            f"CONTRACT of {order.module} is for the task {contract.task!r}, not for {order.given!r}"
        )
    return CHECKS, Trials(contract, folder)


def _of_extension(order: Order) -> tuple[Sequence[Check[Any]], Any]:
    module = importlib.import_module(order.module)
    if order.suite == "check":
        from envkit.testing import DOCTOR_CHECKS, DoctorTrials
        from envkit.testing.doctor_check import sample_machines

        found = next(each for each in module.envkit_checks() if each.id == order.given)
        return DOCTOR_CHECKS, DoctorTrials(check=found, machines=sample_machines())
    from envkit.testing import TEMPLATE_CHECKS, TemplateTrials

    template = next(each for each in module.envkit_templates() if each.name == order.given)
    return TEMPLATE_CHECKS, TemplateTrials(template=template)


def _said(error: BaseException, package: str) -> str:
    """Return what an error says: the sentence of a check as it is, all else behind its kind."""
    is_sentence = type(error) is LookupError or isinstance(error, AssertionError)
    if is_sentence and str(error) and not ends_in(error, package):
        return str(error)
    return "it ran out of memory" if isinstance(error, MemoryError) else said_by(error)
