"""``envkit run TASK``: a task's options as flags, then the whole way from options to a summary."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envkit.api import PluginError
from envkit.cli.options import task_parameters
from envkit.config import TrackerName
from envkit.option_values import literal_values
from envkit.registry import find_tasks, load_task, tell_author

if TYPE_CHECKING:
    from envkit.registry import LoadedTask


class TaskGroup(click.Group):
    """Tasks as commands: listed from metadata, their plugin imported when one is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the installed tasks."""
        return list(find_tasks())

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a line a task from its distribution's summary."""
        rows = [
            (name, " or ".join(entry.summary for entry in entries)) for name, entries in find_tasks().items()
        ]
        with formatter.section("Tasks"):
            formatter.write_dl(
                rows or [("(none)", "Install one with its plugin: envkit plugin install envkit-ner")]
            )

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return the command of this task. Raises: UsageError, PluginError."""
        return _task_command(load_task(cmd_name))


@click.group(cls=TaskGroup, subcommand_metavar="TASK [OPTIONS]")
def command() -> None:
    """Fine-tune a model on a task, in an environment that fits.

    Without data, the task's own sample data is used. `envkit run TASK --help` shows the task's options;
    each can also stand in envkit.toml (in a table [TASK]) or in a variable ENVKIT_<TASK>_<OPTION>.
    """


def _task_command(loaded: LoadedTask) -> click.Command:
    def callback(
        *, env: str | None, run_dir: Path | None, track: tuple[str, ...], json: bool, **flags: Any
    ) -> None:
        from envkit.cli.task_run import run_task  # with it comes all that --help does not need

        run_task(loaded, flags=flags, env_choice=env, run_dir=run_dir, track=track, as_json=json)

    host_options = (
        click.Option(
            ["--env"],
            metavar="NAME",
            help="Environment: auto (the running Python if it fits, else one made for the task), current (the "
            "running Python), a name from `envkit env list`, or docker:IMAGE, a container of an image that `envkit "
            "build` made. [default: auto]",
        ),
        click.Option(
            ["--run-dir"],
            type=click.Path(path_type=Path),
            metavar="DIR",
            help="Folder of the run; it must not exist. [default: runs/<time>-<task>-<id>]",
        ),
        click.Option(
            ["--track"],
            type=click.Choice(literal_values(TrackerName)),
            multiple=True,
            help="Show the run in a tracker as well; may be given more than once. [default: none]",
        ),
        click.Option(["--json"], is_flag=True, help="Print the result as JSON; progress goes to stderr."),
    )
    taken = {option.name for option in host_options} & set(loaded.task.options.__struct_fields__)
    if taken:
        raise PluginError(
            f"the plugin {loaded.entry} has an option that envkit itself has: {', '.join(map(str, sorted(taken)))}",
            hint=f"{tell_author(loaded.entry)}: another name is needed",
        )
    return click.Command(
        loaded.entry.name,
        callback=callback,
        params=[*task_parameters(loaded.task.options), *host_options],
        help=f"{loaded.entry.summary}\n\nFrom {loaded.entry}.",
    )
