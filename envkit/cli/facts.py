"""``envkit facts``: the record of this machine."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from envkit.api import ConfigError
from envkit.cli import envelope
from envkit.cli.settings import read_settings
from envkit.machine.places import usual_places, usual_sites
from envkit.machine.reader import FactsReader

if TYPE_CHECKING:
    from envkit.machine import MachineFacts


@click.command()
@click.option(
    "--redact", "is_redacted", is_flag=True, help="Leave out user, host, private folders and hosts."
)
@click.option("--network", is_flag=True, help="Also reach for the indexes and the model hub.")
@click.option("--output", "-o", type=click.Path(path_type=Path), metavar="FILE", help="Write into a file.")
@click.option(
    "--json", "as_json", is_flag=True, help="Wrap the record into the envelope that every --json has."
)
def command(is_redacted: bool, network: bool, output: Path | None, as_json: bool) -> None:
    """Print what is known of this machine, as JSON.

    No torch is imported, and no network used but with --network; each part gets 5 seconds. What could not
    be read says why, under "unread". Other commands take the record of another machine with --for FILE.
    """
    facts = read_all(network=network)
    if is_redacted:
        from envkit.machine.redaction import redact

        facts = redact(facts, environ=os.environ, hostname=os.uname().nodename)
    text = envelope.text(["facts"], data=facts) if as_json else _json(facts)
    if output is None:
        click.echo(text, nl=False)
    else:
        _write(output, text)


def read_all(*, network: bool) -> MachineFacts:
    """Return all facts of this machine, of the network too where that is wanted.

    Raises: ConfigError; MachineError where the files of settings do not answer.
    """
    settings = read_settings()
    home = settings.home.absolute()
    plan = None
    if network:
        from envkit.doctor.network_plan import plan_network

        plan = plan_network(settings)
    reader = FactsReader(
        places=usual_places(home, Path.cwd(), os.environ), sites=partial(usual_sites, home), network=plan
    )
    return reader.facts()


def _json(facts: MachineFacts) -> str:
    return msgspec.json.format(msgspec.json.encode(facts), indent=2).decode() + "\n"


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"{file}: cannot be written: {error.strerror}",
            hint="Name a file in a folder that you may write to: --output facts.json",
        ) from error
