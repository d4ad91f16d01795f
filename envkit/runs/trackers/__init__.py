"""Trackers: what shows a run elsewhere, fed by the run's events, each in a process of its own."""
