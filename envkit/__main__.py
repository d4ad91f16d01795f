"""Run the command line as ``python -m envkit``."""

from envkit.cli import main

main()
