"""Conda prefixes, solved and installed with py-rattler: needs no conda."""
