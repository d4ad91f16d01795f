"""``envkit env export NAME``: write an environment down in a format that other tools read."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from envkit import config
from envkit.api import EnvError, UsageError
from envkit.cli import envelope

if TYPE_CHECKING:
    from envkit.environments.files.export import Form


_OTHER_WORDS = {
    "conda": "environment.yml",
    "environment": "environment.yml",
    "yaml": "environment.yml",
    "yml": "environment.yml",
    "pip": "requirements",
    "requirements.txt": "requirements",
    "txt": "requirements",
    "pylock.toml": "pylock",
    "uv": "pylock",
}


class Exported(msgspec.Struct, frozen=True, kw_only=True):
    """What ``--json`` says: ``text`` is the whole file, ``file`` where it was written, empty for nowhere.

    ``left_out`` are the backend's packages, which only environment.yml can name.
    """

    name: str
    format: str
    packages: int
    file: str
    text: str
    left_out: tuple[str, ...] = ()


class _FormChoice(click.Choice[str]):
    """The formats; what people call one otherwise is answered with its name here."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the format. Raises: click.BadParameter."""
        if meant := _OTHER_WORDS.get(str(value).lower()):
            self.fail(f"there is no format {value!r}. Did you mean {meant!r}?", param, ctx)
        return super().convert(value, param, ctx)


@click.command(name="export", short_help="Write an environment down for other tools.")
@click.argument("name", metavar="NAME")
@click.option(
    "--format",
    "form",
    type=_FormChoice(["pylock", "requirements", "environment.yml"]),
    default="pylock",
    show_default=True,
    help="pylock and requirements are for uv and pip, environment.yml for conda and mamba.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="File to write. [default: standard output]",
)
@click.option("--no-hashes", is_flag=True, help="Requirements without hashes; no index is asked then.")
@click.option("--yes", is_flag=True, help="Write over a file that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead.")
def command(name: str, form: Form, output: Path | None, no_hashes: bool, yes: bool, as_json: bool) -> None:
    """Write down every package of the environment NAME exactly, so that others can make it too.

    Addresses and hashes are asked of the indexes that packages come from.
    """
    if no_hashes and form == "pylock":
        raise UsageError("a pylock has a hash for every package", hint="Add --format requirements")
    if output is not None and form == "pylock" and not re.fullmatch(r"pylock(\.[^.]+)?\.toml", output.name):
        raise UsageError(
            f"installers know no pylock by the name {output.name}",
            hint="Name it pylock.toml, or pylock.WORD.toml",
        )
    if output is not None and not yes:
        _ask_before_writing_over(output, is_asking=not as_json)
    from envkit.environments.files.export import export_environment  # --help needs none of it
    from envkit.environments.files.installed_wheels import installed_wheels
    from envkit.environments.files.remarks import base_names
    from envkit.environments.plan import Planning
    from envkit.environments.store import find_stored

    settings = config.resolve_settings(config.read_layers(Path.cwd()))
    stored = find_stored(settings.home, name)
    planning = Planning(
        facts=stored.record.facts,
        home=settings.home,
        torch_index=settings.torch_index,
        environ=os.environ,
        settings=settings,
    )
    is_asked = form != "environment.yml" and not no_hashes
    wheels = installed_wheels(stored.record, stored.prefix, planning=planning if is_asked else None)
    text = export_environment(
        stored.record, wheels, form=form, file_name=None if output is None else output.name
    )
    is_whole = form == "environment.yml"
    left_out = () if is_whole else base_names(stored.record)
    count = len(wheels) + (len(stored.record.base.packages) if is_whole else 0)
    if left_out:
        click.echo(
            f"note: left out, for they are of {stored.record.backend}: {', '.join(left_out)}\n"
            f"note: to keep them: envkit env export {name} --format environment.yml",
            err=True,
        )
    if output is not None:
        _write(output, text)
    if as_json:
        exported = Exported(
            name=name,
            format=form,
            packages=count,
            file=str(output or ""),
            text=text,
            left_out=left_out,
        )
        envelope.write(["env", "export"], data=exported)
    elif output is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(text.encode("utf-8"))
    else:
        click.echo(f"{output}: {count} package{'' if count == 1 else 's'}")


def _ask_before_writing_over(output: Path, *, is_asking: bool) -> None:
    """Ask whether a file may be written over. Raises: UsageError where it may not, or nobody can be asked."""
    if not output.exists():
        return
    if is_asking and sys.stdin.isatty() and sys.stderr.isatty():
        if click.confirm(f"{output} is there already. Write over it?", err=True):
            return
        raise UsageError(f"{output} stays as it is", hint="Name another file")
    raise UsageError(f"{output} is there already", hint="Name another file, or write over it with --yes")


def _write(output: Path, text: str) -> None:
    draft = output.with_name(f".{output.name}.draft")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(text, encoding="utf-8")
        draft.replace(output)
    except OSError as error:
        raise EnvError(
            f"{output} cannot be written: {error.strerror}", hint="Name another file with -o"
        ) from error
