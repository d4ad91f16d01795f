"""Checks for the machines of a house."""
