"""The command ``envkit`` inside an environment: the host's own, called by its path.

What is in the environment is the worker's half. The command line needs packages that are of no use there.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import envkit

_MAIN = Path(envkit.__file__).with_name("__main__.py")


def write_launcher(
    prefix: Path, *, name: str, python: Path = Path(sys.executable), main: Path = _MAIN
) -> None:
    """Write ``bin/envkit`` of the environment ``name``, which becomes this envkit, run by ``python``.

    Where that has gone it says so and exits with 6.
    """
    launcher = prefix / "bin" / "envkit"
    launcher.unlink(missing_ok=True)  # an installer may have made it a link, which is not followed
    launcher.write_text(
        "#!/bin/sh\n"
        "# Written by envkit: the command is the one that made this environment.\n"
        f"python={shlex.quote(str(python))}\n"
        f"main={shlex.quote(str(main))}\n"
        'for file in "$python" "$main"; do\n'
        '    if [ ! -r "$file" ]; then\n'
        '        echo "error: the envkit that made this environment is gone: $file" >&2\n'
        "        echo 'hint: Leave this environment, install envkit, and make it anew:"
        f" envkit env sync {name}' >&2\n"
        "        exit 6\n"
        "    fi\n"
        "done\n"
        # With it no Python but the environment's finds its library.
        "unset PYTHONHOME\n"
        # -E: what an activation put on PYTHONPATH is for the environment's Python; -P: nor the folder one is in.
        'exec "$python" -E -P -m envkit "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
