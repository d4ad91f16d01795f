"""Look over the data of a task, and show what was found."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from envkit import config
from envkit.cli import envelope
from envkit.cli.streams import verdict
from envkit.doctor.data_look import look_at_data
from envkit.machine import MachineFacts, read_facts

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from envkit.registry import LoadedTask


def look_over(
    loaded: LoadedTask,
    *,
    flags: Mapping[str, Any],
    env_choice: str | None,
    as_json: bool,
    by_order: Collection[str] = (),
) -> None:
    """Read, look over and show; ``by_order`` are splits whose file was told by the order of the files.

    Raises: click's Exit with 1 for data that would end a run; EnvkitError.
    """
    folder = Path.cwd()
    layers = config.read_layers(folder)
    options, _ = config.resolve_options(
        loaded.entry.name, loaded.task.options, flags=flags, layers=layers, folder=folder
    )
    settings = config.resolve_settings(layers)

    @cache
    def facts() -> MachineFacts:
        return read_facts(folders=(settings.home,))

    report = look_at_data(loaded, options, choice=env_choice or settings.env, settings=settings, facts=facts)
    with verdict(1 if any(problem.level == "error" for problem in report.problems) else 0):
        if as_json:
            envelope.write(["data", "check", loaded.entry.name], data=report)
        else:
            from envkit.cli.data.screen import print_data_report

            print_data_report(report, by_order=by_order)
