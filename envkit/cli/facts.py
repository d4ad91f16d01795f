"""``envkit facts``: the record of this machine."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from envkit import config
from envkit.cli import envelope
from envkit.machine import read_facts


@click.command()
@click.option(
    "--json", "as_json", is_flag=True, help="Wrap the record into the envelope that every --json has."
)
def command(as_json: bool) -> None:
    """Print what is known of this machine, as JSON.

    No torch is imported and no network used; what could not be read says why.
    """
    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    facts = read_facts(folders=(settings.home, Path.cwd()))
    if as_json:
        envelope.write(["facts"], data=facts)
    else:
        click.echo(msgspec.json.format(msgspec.json.encode(facts), indent=2).decode())
