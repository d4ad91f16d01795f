"""The command ``envkit`` inside an environment: the host's own, called by its path.

What is in the environment is the worker's half; the command line needs packages that it has no use for.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import envkit

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAIN = Path(envkit.__file__).with_name("__main__.py")


def write_launcher(
    prefix: Path,
    *,
    name: str,
    environ: Mapping[str, str],
    python: Path = Path(sys.executable),
    main: Path = _MAIN,
) -> None:
    """Write ``bin/envkit`` of the environment ``name``, which becomes this envkit, run by ``python``.

    ``environ`` are the variables with which that finds its packages. Where it has gone, the command says so
    and exits with 6.
    """
    launcher = prefix / "bin" / "envkit"
    launcher.unlink(missing_ok=True)  # a link is not followed
    folders = [os.path.abspath(each) for each in environ.get("PYTHONPATH", "").split(os.pathsep) if each]  # noqa: PTH100
    # What an activation puts on PYTHONPATH is for the environment's Python. -P: nor the folder one is in.
    start = f"PYTHONPATH={shlex.quote(os.pathsep.join(folders))} exec" if folders else "exec"
    flags = "-P" if folders else "-E -P"
    launcher.write_text(
        "#!/bin/sh\n"
        "# The envkit that made this environment.\n"
        f"python={shlex.quote(str(python))}\n"
        f"main={shlex.quote(str(main))}\n"
        'for file in "$python" "$main"; do\n'
        '    if [ ! -r "$file" ]; then\n'
        "        printf 'error: the envkit that made this environment is gone: %s\\n' \"$file\" >&2\n"
        "        echo 'hint: Install envkit, and with it make the environment anew, from outside: "
        f"envkit env sync {name}' >&2\n"
        "        exit 6\n"
        "    fi\n"
        "done\n"
        "unset PYTHONHOME\n"  # with it a Python looks for its library in another's folder
        f'{start} "$python" {flags} -m envkit "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
