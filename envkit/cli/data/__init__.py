"""``envkit data``: look at data before a run, cut it into splits, write it in another format."""

from __future__ import annotations

import click

from envkit.cli.data.check import command as check_command
from envkit.cli.data.convert import command as convert_command
from envkit.cli.data.split import command as split_command


@click.group()
def command() -> None:
    """Look at data before a run, cut it into splits, write it in another format."""


for each in (check_command, split_command, convert_command):
    command.add_command(each)
