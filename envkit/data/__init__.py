"""Readers and checks for the files that users have; nothing here needs torch."""
