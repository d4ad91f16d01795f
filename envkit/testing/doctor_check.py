"""What every check of ``envkit doctor`` is checked for: it judges facts, whatever the machine, and does nothing else.

What an assertion says is a sentence for authors, to which pytest adds nothing: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, get_args

import msgspec

from envkit.api import Check as DoctorCheck
from envkit.api import CheckContext, Finding, PluginState, Severity
from envkit.api.facts import Cpu, Interpreter, MachineFacts, Memory, Nvidia, Platform
from envkit.machine.parts import IMMEDIATE
from envkit.testing.guard import watch
from envkit.testing.machines import fake_facts
from envkit.testing.promises import Check, NotChecked, run_checks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_ID = re.compile(r"[A-Za-z0-9-]+\.[A-Za-z0-9-]+")
_PLUGINS = "plugins"
_PARTS = frozenset(MachineFacts.__struct_fields__) | {_PLUGINS}
_BAD = ("warn", "error")
_SECONDS: Mapping[str, float] = {"light": 0.1, "slow": 5.0}
_TRIES = 3
_GIVE_WRONG = "in a test, give one on which it does: check_doctor_check(check, wrong=[fake_facts(…)])"
_LONGEST = 120  # letters of a summary: a line and a half on a narrow screen
_STATES = (
    PluginState(plugin="envkit-sample", version="1.0", kind="task", name="sample", state="ok"),
    PluginState(
        plugin="envkit-other", version="1.0", kind="task", name="other", state="broken", problem="it raises"
    ),
)


@dataclass(frozen=True, kw_only=True)
class DoctorTrials:
    """A check and the machines that it is asked about.

    On each of ``wrong`` it is to find something to mend, on each of ``well`` nothing; ``machines`` are others, by what
    they are, which it has to judge somehow.
    """

    check: DoctorCheck
    wrong: Sequence[MachineFacts] = ()
    well: Sequence[MachineFacts] = ()
    machines: Mapping[str, MachineFacts] = field(default_factory=lambda: sample_machines())

    def ask(self, facts: MachineFacts, *, is_elsewhere: bool = False) -> tuple[Finding, ...]:
        """Return what it finds. Raises: whatever the check raises, AssertionError for what is no Finding."""
        plugins = _STATES if _PLUGINS in self.check.needs else ()
        context = CheckContext(facts=facts, plugins=plugins, is_elsewhere=is_elsewhere)
        found: tuple[object, ...] = tuple(self.check.run(context) or ())
        for each in found:
            assert isinstance(each, Finding), f"it gives {type(each).__name__}, not a Finding"
        return tuple(each for each in found if isinstance(each, Finding))

    def named(self) -> dict[str, MachineFacts]:
        """Return all machines by what they are."""
        named = {f"machine {number} of wrong": facts for number, facts in enumerate(self.wrong, start=1)}
        named |= {f"machine {number} of well": facts for number, facts in enumerate(self.well, start=1)}
        return named | dict(self.machines)

    def everywhere(self) -> Iterable[tuple[str, Finding]]:
        """Yield what it finds on every machine, behind what the machine is."""
        for name, facts in self.named().items():
            for finding in self.ask(facts):
                yield name, finding


def check_doctor_check(
    check: DoctorCheck, *, wrong: Sequence[MachineFacts] = (), well: Sequence[MachineFacts] = ()
) -> None:
    """Run all checks of a check for the doctor, against a dozen machines that are made up.

    On each machine of ``wrong`` it has to find something to mend, on each of ``well`` nothing.
    Raises: AssertionError with every promise that is not kept; where all are that could be checked, NotChecked with
    those that could not, such as one that finds something, without ``wrong``.
    """
    trials = DoctorTrials(check=check, wrong=wrong, well=well)
    run_checks(DOCTOR_CHECKS, trials, of=f"the check {getattr(check, 'id', check)!s}")


def sample_machines() -> dict[str, MachineFacts]:
    """Return machines of every kind by what they are, the last one of which nothing is known."""
    return {
        "a machine without a GPU": fake_facts(),
        "two A100": fake_facts("NVIDIA A100", count=2),
        "an old GPU with an old driver": fake_facts("K80", driver="470.42"),
        "a GPU without a driver": fake_facts("RTX 4090", driver=None),
        "an AMD GPU": fake_facts("gfx1100"),
        "an Intel GPU": fake_facts("Intel Arc B580"),
        "WSL": fake_facts("RTX 3090", system="wsl"),
        "a Mac": fake_facts(system="darwin"),
        "a Mac with Intel's processor": fake_facts(system="darwin", machine="x86_64"),
        "a board with ARM": fake_facts(machine="aarch64", memory=4 * 10**9, python="3.11"),
        "a container": fake_facts(is_container=True),
        "a machine that tells nothing": _silent_machine(),
    }


def _silent_machine() -> MachineFacts:
    return MachineFacts(
        taken_at="2026-11-20T09:30:00+00:00",
        python=Interpreter(
            path="/usr/bin/python3", version="3.11.2", implementation="cpython", is_64bit=True
        ),
        platform=Platform(system="linux", machine="x86_64", kernel="6.1"),
        cpu=Cpu(),
        memory=Memory(),
        nvidia=Nvidia(),
        parts=tuple(sorted(MachineFacts.__struct_fields__)),
    )


def _is_check(trials: DoctorTrials) -> None:
    check = trials.check
    assert isinstance(check, DoctorCheck), f"it is a {type(check).__name__}, not an envkit.api.Check"
    assert _ID.fullmatch(check.id), f"its id is {check.id!r}, expected subject.what with one dot"
    assert check.summary.strip() and "\n" not in check.summary, "its summary is not one line"
    needs: object = check.needs  # a dataclass does not check what it is given
    assert isinstance(needs, tuple), f"needs={needs!r}, expected a tuple of names"
    unknown = sorted(set(check.needs) - _PARTS)
    assert not unknown, f"it needs {', '.join(unknown)}, which MachineFacts does not have"
    assert check.cost in _SECONDS, f"its cost is {check.cost!r}, expected 'light' or 'slow'"


def _judges(trials: DoctorTrials) -> None:
    for name, facts in trials.machines.items():
        for is_elsewhere in (False, True):
            try:
                trials.ask(facts, is_elsewhere=is_elsewhere)
            except AssertionError:
                raise
            except Exception as error:
                raise AssertionError(f"on {name} it raises {type(error).__name__}: {error}") from error


def _readable(trials: DoctorTrials) -> None:
    for name, finding in trials.everywhere():
        assert finding.severity in get_args(Severity), f"on {name} the severity is {finding.severity!r}"
        text = finding.summary
        assert text.strip() == text and text and "\n" not in text, (
            f"on {name} the summary is no line: {text!r}"
        )
        assert len(text) <= _LONGEST, f"on {name} the summary has {len(text)} letters, more than {_LONGEST}"
        try:
            again = msgspec.convert(msgspec.to_builtins(finding), type=Finding)
        except (msgspec.ValidationError, TypeError) as error:
            raise AssertionError(f"on {name} a finding is not as documented: {error}") from error
        assert again == finding, f"on {name} a finding is another once it was written as JSON"


def _says_what_to_do(trials: DoctorTrials) -> None:
    is_any = False
    for name, finding in trials.everywhere():
        if finding.severity in _BAD:
            is_any = True
            assert finding.fix or finding.safe_fix, f"on {name} nobody says what mends: {finding.summary}"
            assert finding.evidence, f"on {name} nothing says what it rests on: {finding.summary}"
    if not is_any:
        raise NotChecked(f"it warns on none of these machines; {_GIVE_WRONG}")


def _needs(trials: DoctorTrials) -> None:
    check, silent = trials.check, _silent_machine()
    kept = {*check.needs, *IMMEDIATE} & set(MachineFacts.__struct_fields__)
    others = set(MachineFacts.__struct_fields__) - kept - {"taken_at", "version", "unread", "parts"}
    for name, facts in trials.named().items():
        blank = {part: getattr(silent, part) for part in others}
        unread = tuple(each for each in facts.unread if each.part in kept)
        less = msgspec.structs.replace(facts, **blank, unread=unread, parts=tuple(sorted(kept)))
        try:
            found = trials.ask(less)
        except Exception as error:
            raise AssertionError(f"it fails without facts that it does not need: {error}") from error
        assert found == trials.ask(facts), (
            f"on {name} it looks at facts that are not in needs={check.needs!r}"
        )
    if not any(trials.everywhere()):
        raise NotChecked(f"it finds nothing on any of these machines; {_GIVE_WRONG}")


def _same(trials: DoctorTrials) -> None:
    for name, facts in trials.machines.items():
        assert trials.ask(facts) == trials.ask(facts), f"on {name} it finds something else each time"


def _quick(trials: DoctorTrials) -> None:
    limit = _SECONDS[trials.check.cost]
    for name, facts in trials.machines.items():
        took = []
        for _ in range(_TRIES):
            start = time.perf_counter()
            trials.ask(facts)
            took.append(time.perf_counter() - start)
            if took[-1] <= limit:
                break
        assert min(took) <= limit, f"on {name} it takes {min(took):.2f} s, more than {limit:g} s"


def _harmless(trials: DoctorTrials) -> None:
    with watch() as watched:
        for facts in trials.machines.values():
            trials.ask(facts)
    assert not watched.written, f"it writes {watched.written[0]}"
    if trials.check.cost == "light":
        assert not watched.started, f"it starts {watched.started[0]}, which takes cost='slow'"
    if not trials.check.network:
        assert not watched.connected, f"it connects to {watched.connected[0]}, which takes network=True"


def _finds(trials: DoctorTrials) -> None:
    for number, facts in enumerate(trials.wrong, start=1):
        found = [finding.severity for finding in trials.ask(facts)]
        assert any(each in _BAD for each in found), (
            f"on machine {number} of wrong it finds {found or 'nothing'}"
        )
    for number, facts in enumerate(trials.well, start=1):
        bad = [finding.summary for finding in trials.ask(facts) if finding.severity in _BAD]
        assert not bad, f"on machine {number} of well it finds: {bad[0]}"
    if not trials.wrong:
        raise NotChecked(f"no machine is known on which it has to warn; {_GIVE_WRONG}")


DOCTOR_CHECKS = (
    Check("check", "it is what envkit takes for a check", _is_check),
    Check("judges", "it judges every machine, one that tells nothing too", _judges),
    Check("readable", "a finding is one line that can be written as JSON", _readable),
    Check("says_what_to_do", "a warning says what it rests on and what mends it", _says_what_to_do),
    Check("needs", "it looks at what it needs alone, so that nothing else is read for it", _needs),
    Check("same", "of the same facts it finds the same", _same),
    Check("quick", "it takes no longer than its cost says", _quick),
    Check("harmless", "it changes nothing, and asks nobody without saying so", _harmless),
    Check("finds", "it finds what is wrong, and nothing where all is well", _finds),
)
