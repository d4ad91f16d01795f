"""Look at a machine: facts, plugins and checks, each worked on while the others are waited for."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace as replace_fields

from envkit.api import EnvkitError, MachineError, UsageError
from envkit.api.checks import Check, Finding
from envkit.api.facts import Unread
from envkit.cli.doctor_head import SETTINGS_PART
from envkit.cli.settings import read_settings, read_variables_alone
from envkit.doctor.catalog import builtin_checks, linked
from envkit.doctor.extension import Foreign, ForeignCheck, take_checks
from envkit.doctor.report import CheckReport, Report, count, verdict_of
from envkit.doctor.runner import run_checks
from envkit.doctor.selection import Selection, check_names, names_of, select_checks
from envkit.doctor.surroundings import Surroundings, read_surroundings, with_build
from envkit.machine.places import usual_places, usual_sites
from envkit.machine.reader import FactsReader
from envkit.torchbuild import TorchBuild, choose_torch_build
from envkit.torchbuild.records import masked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from envkit.api.checks import CheckContext, PluginState
    from envkit.api.facts import MachineFacts
    from envkit.doctor.plugin_states import PluginReader

# Of the 30 seconds, what importing and printing leave.
LOOK_SECONDS = 27.0
DEEP_SECONDS = 24.0
TASK_CHECK = "task.ready"
TASK_IDS = ("task.environment", "task.torch", "task.disk", "task.memory", "task.time", "task.data")
# What the head of the screen tells and what the choice of torch looks at.
_HEAD_PARTS = ("python", "platform", "cpu", "memory", "nvidia", "amd", "intel", "apple", "interpreters")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the command was asked for."""

    selection: Selection
    is_list: bool = False
    facts_file: Path | None = None
    task: str | None = None
    train: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The torch build for the machine; None where none fits, and why."""

    build: TorchBuild | None
    problem: str | None = None
    hint: str | None = None


class Examination:
    """One look at a machine: its parts are there when they are first asked for."""

    def __init__(self, wish: Wish, *, plugins: PluginReader) -> None:
        self._wish = wish
        self._end = time.monotonic() + LOOK_SECONDS
        self._plugins = plugins
        self._unread: tuple[Unread, ...] = ()
        try:
            self.settings = read_settings()
        except MachineError as error:
            self.settings = read_variables_alone()
            self._unread = (Unread(what="envkit's configuration", why=error.message, part=SETTINGS_PART),)
        self._there = None if wish.facts_file is None else _read_facts_file(wish.facts_file)
        self._reader = self._start_reader() if self._there is None else None
        self._done: list[tuple[Check, tuple[Finding, ...]]] = []

    def facts(self, *parts: str) -> MachineFacts:
        """Return these parts of the facts, all if none is named."""
        if self._there is not None:
            return self._there
        assert self._reader is not None
        facts = self._reader.facts(*parts)
        return replace_fields(facts, unread=(*facts.unread, *self._unread)) if self._unread else facts

    @cached_property
    def head(self) -> MachineFacts:
        """Return the facts that the head of the screen tells."""
        return self.facts(*_HEAD_PARTS)

    @cached_property
    def choice(self) -> Choice:
        """Choose the torch build for this machine."""
        facts, bare = self.head, self._bare_surroundings
        try:
            build = choose_torch_build(
                facts,
                specifier=bare.torch_range,
                python=facts.python.version,
                wheels=bare.wheels,
                torch_index=bare.torch_index,
            )
        except MachineError as error:
            return Choice(build=None, problem=error.message, hint=error.hint)
        return Choice(build=masked(build))

    @cached_property
    def surroundings(self) -> Surroundings:
        """Return what checks judge by."""
        return with_build(self._bare_surroundings, self.choice.build)

    @cached_property
    def _bare_surroundings(self) -> Surroundings:
        return read_surroundings(
            self.settings,
            environ=os.environ,
            installed=self._plugins.installed(),
            is_other_machine=self._there is not None,
        )

    @cached_property
    def own_checks(self) -> tuple[Check, ...]:
        """Return envkit's own checks; the deep ones where they may be wanted."""
        light, selection = builtin_checks(self.surroundings), self._wish.selection
        if not (selection.is_deep or selection.names or self._wish.is_list):
            return light
        from envkit.doctor.deep import deep_checks

        return (*light, *map(linked, deep_checks(self.surroundings, timeout=DEEP_SECONDS)))

    @cached_property
    def foreign(self) -> Foreign:
        """Return the checks of extensions, when all plugins have been tried. Raises: PluginError."""
        return take_checks(self._plugins.report(), taken=[check.id for check in self.own_checks])

    def all_checks(self) -> tuple[Check, ...]:
        """Return all checks there are. Raises: PluginError."""
        return (*self.own_checks, *self._foreign_checks())

    def check_names(self) -> None:
        """Check that what was named is there. Raises: UsageError; PluginError where nobody can tell."""
        names = {*self._wish.selection.names}
        if not names:
            return
        own = [*(check.id for check in self.own_checks), *TASK_IDS]
        broken: list[PluginState] = []
        if not names <= set().union(*map(names_of, own)) and self._there is None:
            own += [check.id for check in self.foreign.checks]
            broken = [each for each in self.foreign.states if each.kind == "extension" and each.state != "ok"]
        check_names(names, known=own, broken=broken)
        if self._wish.task is None and (asked := sorted({*self._wish.selection.only} & {*TASK_IDS, "task"})):
            raise UsageError(
                f"{asked[0]!r} is asked of a task, and none is named",
                hint="Name it: envkit doctor --task ner",
            )
        self._refuse_nothing()

    def _refuse_nothing(self) -> None:
        """Check that what is named leaves a check. Raises: UsageError."""
        wants = self._wish.selection.wants
        own = [*(check.id for check in self.own_checks), *(TASK_IDS if self._wish.task else ())]
        if any(map(wants, own)) or (
            self._there is None and any(wants(check.id) for check in self._foreign_checks())
        ):
            return
        raise UsageError("no check is left: --skip takes out all that is asked for", hint="Leave --skip out")

    def results(
        self, *, before: Callable[[Check], None] = lambda check: None
    ) -> Iterator[tuple[Check, tuple[Finding, ...]]]:
        """Run the checks and yield them in their order; ``before`` is told of each that is waited for."""
        selection = self._wish.selection
        own = list(select_checks(self.own_checks, selection))
        if self._wish.task is not None:
            own.append(self._task_check(self._wish.task))
        for check, findings in self._run(own, before):
            for each in _apart(check, findings, selection):
                self._done.append(each)
                yield each
        if not selection.is_elsewhere and self._wants_foreign():
            for each in self._run(select_checks(self._foreign_checks(), selection), before, limit=None):
                self._done.append(each)
                yield each

    def stop(self) -> None:
        """End what still runs."""
        self._plugins.stop()
        if "foreign" in vars(self):
            self.foreign.stop()

    def report(self) -> Report:
        """Return the record of what has been found so far."""
        counts = count(finding for _, findings in self._done for finding in findings)
        return Report(
            facts=self.facts(),
            torch=self.choice.build,
            problem=self.choice.problem,
            hint=self.choice.hint,
            checks=tuple(
                CheckReport(
                    id=check.id,
                    summary=check.summary,
                    findings=findings,
                    plugin=check.plugin if isinstance(check, ForeignCheck) else "",
                )
                for check, findings in self._done
            ),
            counts=counts,
            verdict=verdict_of(counts),
            is_elsewhere=self._there is not None,
        )

    def _run(
        self, checks: Sequence[Check], before: Callable[[Check], None], limit: float | None = 5.0
    ) -> Iterator[tuple[Check, tuple[Finding, ...]]]:
        running = run_checks(
            checks,
            facts=self.facts,
            plugins=self._states,
            is_elsewhere=self._there is not None,
            deadline=self._end - time.monotonic(),
            check_timeout=limit,
        )
        for check in checks:
            before(check)
            yield next(running)

    def _states(self) -> tuple[PluginState, ...]:
        return self.foreign.states

    def _foreign_checks(self) -> tuple[ForeignCheck, ...]:
        try:
            return self.foreign.checks
        except EnvkitError:
            return ()  # the checks of plugins say so

    def _wants_foreign(self) -> bool:
        """Tell whether a check of an extension may be among those that are wanted."""
        own = {check.id for check in self.own_checks}
        only = self._wish.selection.only
        return not only or not {*only} <= own

    def _task_check(self, task: str) -> Check:
        from envkit.doctor.readiness import task_findings

        def run(context: CheckContext) -> tuple[Finding, ...]:
            return task_findings(
                task,
                train=self._wish.train,
                facts=self.facts(),
                surroundings=self.surroundings,
                settings=self.settings,
                is_elsewhere=self._wish.selection.is_elsewhere,
            )

        return Check(id=TASK_CHECK, summary=f"this machine is ready for {task}", run=run, cost="slow")

    def _start_reader(self) -> FactsReader:
        home, plan = self.settings.home.absolute(), None
        if self._wish.selection.is_network:
            from envkit.doctor.network_plan import plan_network

            plan = plan_network(self.settings)
        reader = FactsReader(
            places=usual_places(home, Path.cwd(), os.environ), sites=partial(usual_sites, home), network=plan
        )
        reader.start()
        return reader


def _apart(
    check: Check, findings: tuple[Finding, ...], selection: Selection
) -> Iterator[tuple[Check, tuple[Finding, ...]]]:
    """Yield a check for each finding of the one that answers many questions, others as they are."""
    if check.id != TASK_CHECK:
        yield check, findings
        return
    for finding in findings:
        if selection.wants(finding.id):
            yield replace(check, id=finding.id, summary=finding.summary), (finding,)


def _read_facts_file(file: Path) -> MachineFacts:
    from envkit.cli.env.surroundings import read_facts_file  # with it come the environments

    return read_facts_file(file)
