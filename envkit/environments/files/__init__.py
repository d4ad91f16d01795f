"""Files that say what an environment is to have: read for ``--file``, written by ``env export``."""
