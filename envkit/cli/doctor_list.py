"""``envkit doctor --list``: which checks there are, what each costs, and who supplies it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from envkit.doctor.extension import ForeignCheck

if TYPE_CHECKING:
    from envkit.api.checks import Check
    from envkit.cli.doctor_look import Examination


class ListedCheck(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the list. ``option`` is ``--deep`` or ``--network`` for a check that is run with it alone."""

    id: str
    summary: str
    option: str | None
    plugin: str


def print_list(examination: Examination, *, as_json: bool) -> None:
    """Print all checks that there are; none is run."""
    listed = [_listed(check) for check in examination.all_checks()]
    if as_json:
        from envkit.cli import envelope

        envelope.write(["doctor"], data=listed)
        return
    from envkit.cli import render

    rows = [(each.id, each.option or "", each.plugin, each.summary) for each in listed]
    render.print_table(("ID", "WITH", "FROM", "WHAT IT MAKES SURE OF"), rows)


def _listed(check: Check) -> ListedCheck:
    option = "--deep" if check.cost == "slow" else "--network" if check.network else None
    plugin = check.plugin if isinstance(check, ForeignCheck) else "envkit"
    return ListedCheck(id=check.id, summary=check.summary, option=option, plugin=plugin)
