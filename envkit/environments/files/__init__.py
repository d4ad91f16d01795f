"""Files that say what an environment is to have: read for ``--file``, written by ``env export``."""

from envkit.environments.files.export import export_environment
from envkit.environments.files.read import read_environment_file
from envkit.environments.files.request import FileRequest, Place

__all__ = ["FileRequest", "Place", "export_environment", "read_environment_file"]
