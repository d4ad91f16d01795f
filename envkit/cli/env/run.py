"""``envkit env run``: a program in an environment, in the place of envkit itself."""

from __future__ import annotations

from pathlib import Path

import click

from envkit.api import UsageError


@click.command(
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    epilog="Example: envkit env run NAME -- python train.py",
)
@click.argument("name")
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[--] PROGRAM [WORD]...")
def command(name: str, words: tuple[str, ...]) -> None:
    """Run PROGRAM in the environment NAME, which nobody removes meanwhile.

    The program takes envkit's place: input, output, signals and the exit code are its own. The exit code is
    127 where there is no such program and 126 where it does not start, as in shells.
    """
    words = words[1:] if words[:1] == ("--",) else words
    if not words:
        raise UsageError(
            "which program is to run? None is named", hint=f"envkit env run {name} -- python --version"
        )
    from envkit import config  # --help needs none of it
    from envkit.environments.activation import activated, find_working
    from envkit.environments.programs import become, find_program
    from envkit.environments.store import hold_environment
    from envkit.mirrors import hub_environ

    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    environment = hold_environment(find_working(settings.home.absolute(), name))
    variables = activated(environment, hub_environ(settings.model_hub))
    program = find_program(words[0], environment=environment, environ=variables)
    held = () if environment.hold is None else (environment.hold.fileno(),)
    become(program, words, environ=variables, inherited=held)
