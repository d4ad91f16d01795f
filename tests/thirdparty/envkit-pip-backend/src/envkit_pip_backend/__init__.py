"""A backend of environments: venv, with pip."""
