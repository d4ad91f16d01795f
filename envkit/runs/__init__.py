"""The host's side of a run: its folder, its worker, what the worker says, and how it ended."""
