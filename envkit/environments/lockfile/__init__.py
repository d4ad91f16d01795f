"""``envkit.lock``: what environments are made of, to the last file, for each machine that they are made on."""
