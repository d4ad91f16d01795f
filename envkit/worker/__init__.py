"""The half of envkit that runs inside the environment: ``python -m envkit.worker RUN_DIR``."""
