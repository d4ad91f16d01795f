"""``envkit data check TASK FILES``: what is in the data of a task, and what in it will harm a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from envkit.api import UsageError
from envkit.cli.options import task_parameters
from envkit.cli.run import TaskGroup
from envkit.registry import load_task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from envkit.registry import LoadedTask

_SPLITS = ("train", "dev", "test")
# How files of a split are named; the longer first, as `dev` is no beginning of `development.txt` alone.
_BEGINNINGS = {"train": ("train",), "dev": ("dev", "valid"), "test": ("test",)}


class CheckGroup(TaskGroup):
    """Tasks as commands that look over their data."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """Return the command of this task. Raises: UsageError, PluginError."""
        return _task_command(load_task(cmd_name))


@click.group(
    "check",
    cls=CheckGroup,
    subcommand_metavar="TASK [FILES] [OPTIONS]",
    short_help="Look over the data of a task.",
)
def command() -> None:
    """Look over the data of a task before anything is trained.

    FILES are those to train, choose and score on: told apart by their names (train*, dev* or valid*, test*),
    else by their order; or one folder that holds them. Nothing is written, and no environment made.
    Ends with 1 where a run would fail.
    """


def _task_command(loaded: LoadedTask) -> click.Command:
    def callback(*, files: tuple[str, ...], env: str | None, json: bool, **flags: Any) -> None:
        from envkit.cli.data.look import look_over  # with it comes all that --help does not need

        look_over(
            loaded,
            flags=add_files(flags, files),
            env_choice=env,
            as_json=json,
            by_order=splits_by_order(files),
        )

    return click.Command(
        loaded.entry.name,
        callback=callback,
        params=[
            click.Argument(["files"], nargs=-1, metavar="[FILES]..."),
            *task_parameters(loaded.task.options),
            click.Option(
                ["--env"],
                metavar="NAME",
                help="Environment whose tokenizer counts: auto (the running Python, else one that a run has "
                "made), current, or a name from `envkit env list`. [default: auto]",
            ),
            click.Option(["--json"], is_flag=True, help="Print JSON instead."),
        ],
        help=f"Look over data for {loaded.entry.name}: {loaded.entry.summary}",
    )


def add_files(flags: Mapping[str, Any], files: Sequence[str]) -> dict[str, Any]:
    """Return the flags with the files as those of the splits. Raises: UsageError."""
    named = [f"--{name}" for name in (*_SPLITS, "data") if flags.get(name) is not None]
    if files and named:
        raise UsageError(
            f"FILES and {named[0]} both say what to look at",
            hint="Give either: envkit data check TASK train.tsv dev.tsv",
        )
    if len(files) == 1:
        return {**flags, "data" if Path(files[0]).expanduser().is_dir() else "train": files[0]}
    return {**flags, **name_splits(files)}


def name_splits(files: Sequence[str]) -> dict[str, str]:
    """Return the files by split: first those whose names tell, then the others in order. Raises: UsageError."""
    if len(files) > len(_SPLITS):
        raise UsageError(
            f"{len(files)} files, expected up to three: to train, to choose and to score on",
            hint="Put them into a folder as train.*, dev.* and test.*, and name the folder",
        )
    found: dict[str, str] = {}
    others = []
    for file in files:
        split = _split_of(file)
        if split is None:
            others.append(file)
        elif split in found:
            raise UsageError(
                f"{found[split]} and {file} both look like the file for {split}",
                hint="Say which is which: --train FILE --dev FILE --test FILE",
            )
        else:
            found[split] = file
    free = [split for split in _SPLITS if split not in found]
    found.update(zip(free, others, strict=False))
    if files and "train" not in found:
        raise UsageError(
            "none of the files looks like the one to train on", hint="Say which it is: --train FILE"
        )
    return {split: found[split] for split in _SPLITS if split in found}


def splits_by_order(files: Sequence[str]) -> tuple[str, ...]:
    """Return the splits of files that only their order tells, as their names say nothing."""
    if len(files) < 2:
        return ()
    return tuple(split for split, file in name_splits(files).items() if _split_of(file) is None)


def _split_of(file: str) -> str | None:
    name = Path(file).name.lower()
    return next((split for split in _SPLITS if name.startswith(_BEGINNINGS[split])), None)
