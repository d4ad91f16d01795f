"""Builds: by which builder, what it says, and how it fails."""
