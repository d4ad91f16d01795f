"""What the backend is checked with: ``envkit plugin check`` and the package's own tests."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path

from envkit.api import BackendContext, BaseRequest, FoundPython
from envkit.testing import BackendContract
from envkit_pip_backend.backend import PipBackend

# A home that is nobody's; what venv and pip want of it is not there, and is not made either.
_HOME = Path(tempfile.gettempdir(), f"envkit-pip-backend-{os.getpid()}")

CONTRACT = BackendContract(
    backend=PipBackend(),
    request=BaseRequest(
        python=">=3.11",
        pythons=(FoundPython(path=sys.executable, version=platform.python_version()),),
        system=platform.system().lower(),
        machine=platform.machine(),
    ),
    context=BackendContext(
        environ={"PATH": os.environ.get("PATH", os.defpath), "HOME": str(_HOME)}, cache_dir=_HOME / "cache"
    ),
)
