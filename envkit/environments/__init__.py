"""Environments: what a plugin needs, where it runs, and how such a place is made and found again."""
