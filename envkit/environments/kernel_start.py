"""Start a Jupyter kernel in an environment, and keep that as it is meanwhile.

A copy of this file lies beside ``kernel.json`` and is run by the environment's own Python, in which there need
be no envkit: the standard library has to do. Arguments are those of ``ipykernel_launcher``.
"""

import fcntl
import os
import sys

_ATTEMPTS = 50


def hold(link: str) -> str:
    """Return the folder that the link leads to now, which nobody removes as long as this process lives."""
    prefix = os.path.realpath(link)
    for _ in range(_ATTEMPTS):
        try:
            descriptor = os.open(prefix + ".in-use", os.O_RDONLY | os.O_CREAT, 0o644)
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        except OSError:  # a file system without locks, or a folder that may not be written
            return prefix
        if os.path.realpath(link) == prefix:
            os.set_inheritable(descriptor, True)
            return prefix
        os.close(descriptor)  # it was changed at this moment
        prefix = os.path.realpath(link)
    return prefix


if __name__ == "__main__":
    python = f"{hold(sys.prefix)}/bin/python"
    os.execv(python, [python, "-m", "ipykernel_launcher", *sys.argv[1:]])
