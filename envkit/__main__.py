"""Run the command line as ``python -m envkit``."""

import sys

try:
    from envkit.cli import main
except KeyboardInterrupt:  # from here on the command line sees to it
    sys.stderr.write("error: stopped\n")
    sys.exit(130)

main()
