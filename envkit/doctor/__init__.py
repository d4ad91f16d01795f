"""Judge a machine by its facts: checks, their findings, and what mends them."""
