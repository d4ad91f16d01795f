"""The command line. Importing it imports click and nothing else: commands load when they are named."""

from __future__ import annotations

import contextlib
import errno
import gc
import io
import sys
from typing import TYPE_CHECKING, Any, TextIO

import click

from envkit import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from types import FrameType

# Command, its module in this package, and its line in --help: written here so that --help imports none.
COMMANDS = {
    "run": ("run", "Fine-tune a model on a task, in an environment that fits."),
    "predict": ("predict", "Use a model on texts, files or standard input."),
    "evaluate": ("evaluate", "Score a model on a file with labels."),
    "data": ("data", "Look at data before a run, split it, convert it."),
    "doctor": ("doctor", "Say what is wrong with this machine, and what mends it."),
    "facts": ("facts", "Print what is known of this machine, as JSON."),
    "torch": ("torch", "Say which torch build fits this machine, and why."),
    "explain": ("explain", "Name known troubles in a log, and what mends them."),
    "env": ("env", "Make, show, share and remove the environments of tasks."),
    "lock": ("lock", "Write down exactly what an environment is made of."),
    "build": ("build", "Build a Docker image of a task, a lock or a run."),
    "image": ("image", "Look at images, check them, remove them."),
    "plugin": ("plugin", "Make, check, list and install the plugins that tasks come from."),
    "config": ("config", "Show and change what envkit is told, and by which file."),
    "runs": ("runs", "Look at the runs of this folder, go on with one, clean up."),
    "report": ("report", "Write the report of a run: one HTML page."),
}


class LazyGroup(click.Group):
    """A group that lists its commands from a table and imports one when it is called."""

    def __init__(self, *args: Any, table: Mapping[str, tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.table = table

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the table, in its order."""
        return list(self.table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of this command and return its ``command``, or None if there is no such name."""
        if cmd_name not in self.table:
            return None
        from importlib import import_module  # a tenth of the time of --help, which needs no module

        command: click.Command = import_module(f"envkit.cli.{self.table[cmd_name][0]}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the first word names. Raises: click.UsageError with the nearest name."""
        if args and args[0] not in self.table and not args[0].startswith("-"):
            from difflib import get_close_matches

            from envkit.registry import find_tasks

            near = get_close_matches(args[0], self.table, n=1)
            meant = f"{ctx.command_path} {near[0]}" if near else None
            if args[0] in find_tasks() and (ctx.parent is None or meant is None):
                meant = f"envkit run {args[0]}"
            did_you_mean = f" Did you mean {meant!r}?" if meant else ""
            raise click.UsageError(f"there is no command {args[0]!r}.{did_you_mean}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the table's lines."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in self.table.items()])


@click.group(
    cls=LazyGroup,
    table=COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Start with: envkit run ner",
)
@click.version_option(__version__, prog_name="envkit", message="%(prog)s %(version)s")
@click.option("--no-plugins", is_flag=True, help="Do without all plugins, to see whose fault it is.")
@click.option(
    "--disable-plugin",
    "names",
    multiple=True,
    metavar="NAME",
    help="Do without a plugin, by its distribution or its task; may be given more than once.",
)
@click.pass_context
def command(ctx: click.Context, no_plugins: bool, names: tuple[str, ...]) -> None:
    """From a bare machine to a fine-tuned language model in one command."""
    if no_plugins or names:
        from envkit.cli.disabling import disable_plugins

        ctx.call_on_close(disable_plugins(names, everything=no_plugins))


def _take_signals() -> None:
    """Let SIGTERM and SIGHUP end a command as Ctrl-C does: with all that it has half made taken away."""
    import signal

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that closes sends both
        raise KeyboardInterrupt

    with contextlib.suppress(ValueError):  # not the main thread, which alone hears of signals
        for each in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(each) is signal.SIG_DFL:  # nohup means it
                signal.signal(each, stop)


@contextlib.contextmanager
def _telling_deprecations() -> Iterator[None]:
    """Let a plugin's use of what goes away be told in a line of envkit's own, once."""
    import warnings

    usual, told = warnings.showwarning, set()

    def show(message: Warning | str, category: type[Warning], *place: Any, **rest: Any) -> None:
        if category.__name__ != "EnvkitDeprecationWarning":  # its module is not imported for --help
            usual(message, category, *place, **rest)
        elif str(message) not in told:
            told.add(str(message))
            click.echo(f"warning: {message}", err=True)

    warnings.showwarning = show
    try:
        yield
    finally:
        warnings.showwarning = usual


def _words_of_command(words: Sequence[str]) -> list[str]:
    """Return the words from the command on, without the options before it."""
    rest = list(words)
    while rest and rest[0].startswith(("--no-plugins", "--disable-plugin")):
        del rest[: 2 if rest[0] == "--disable-plugin" else 1]
    return rest


def _as_raised(error: BaseException, stdout: TextIO) -> BaseException:
    """Return the error that ended a command: where a reader left, click wraps the output and exits with 1."""
    if not isinstance(error, SystemExit) or sys.stdout is stdout:
        return error
    sys.stdout = stdout
    return BrokenPipeError(errno.EPIPE, "the reader left")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code: the one place where errors become exits."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    stdout = sys.stdout
    try:
        if sys.platform == "win32":
            from envkit.api import MachineError

            raise MachineError(
                "envkit does not run on native Windows",
                hint="Run it inside WSL: https://learn.microsoft.com/windows/wsl/install",
            )
        _take_signals()
        if None in (sys.stdin, sys.stdout, sys.stderr):
            from envkit.cli.streams import open_closed_streams

            open_closed_streams()
        stdout = sys.stdout
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a name that the locale lacks is no reason to fail
                stream.reconfigure(errors="backslashreplace")
        with _telling_deprecations():
            code = command.main(args=words, prog_name="envkit", standalone_mode=False)
        sys.stdout.flush()  # here, where a full disk or a reader who left is still an error to be told
    except BaseException as error:  # noqa: BLE001 - the one place: every end of a command passes here
        from envkit.cli.exits import end_with

        # What follows the dashes is data, or another program's.
        ours = words[: words.index("--")] if "--" in words else words
        code = end_with(_as_raised(error, stdout), as_json="--json" in ours, words=_words_of_command(words))
    if arguments is None:
        gc.freeze()  # at its end Python looks through all objects for garbage, for 20 ms
    sys.exit(code if isinstance(code, int) else 0)
