"""Runs in containers."""
