"""Probe the variables that change how Python, installers, GPUs, Docker and libraries of models behave."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from envkit.api.facts import Variable
from envkit.masking import mask_addresses, mask_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

# Sources: the documentation of Python, pip, uv, conda, CUDA, ROCm, oneAPI, NCCL, torch, huggingface_hub, Docker.
_NAMES_TEXT = """
PATH VIRTUAL_ENV LANG LC_ALL LC_CTYPE TMPDIR XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME
LD_LIBRARY_PATH LD_PRELOAD DYLD_LIBRARY_PATH
HIP_VISIBLE_DEVICES ROCR_VISIBLE_DEVICES GPU_DEVICE_ORDINAL HSA_OVERRIDE_GFX_VERSION ROCM_PATH ROCM_HOME
ZE_AFFINITY_MASK ONEAPI_DEVICE_SELECTOR SYCL_DEVICE_FILTER
OMP_NUM_THREADS MKL_NUM_THREADS OPENBLAS_NUM_THREADS TOKENIZERS_PARALLELISM
HTTP_PROXY HTTPS_PROXY ALL_PROXY NO_PROXY http_proxy https_proxy all_proxy no_proxy
SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE
HUGGING_FACE_HUB_TOKEN HUGGINGFACE_HUB_CACHE TRANSFORMERS_OFFLINE TRANSFORMERS_CACHE
CONTAINER_HOST
"""
NAMES = frozenset(_NAMES_TEXT.split())
FAMILIES = (
    "PYTHON",
    "PIP_",
    "UV_",
    "CONDA_",
    "MAMBA_",
    "CUDA_",
    "NVIDIA_",
    "NCCL_",
    "TORCH_",
    "PYTORCH_",
    "HF_",
    "DOCKER_",
    "BUILDX_",
    "ENVKIT_",
)
# Left out: what conda's shell hook keeps for itself.
_NOISE = re.compile(r"CONDA_(PREFIX_\d+|PROMPT_MODIFIER|PYTHON_EXE|EXE|SHLVL|BACKUP_.*)|_CE_.*")
# Names are written together too: HF_HUB_ACCESSTOKEN, NVIDIA_NGC_APIKEY, CONDA_AUTHTOKEN.
_SECRET = re.compile(
    r"PASSW|SECRET|CREDENTIAL|USERNAME"
    r"|(PASSPHRASE|PASSCODE|TOKENS?|AUTH|KEYS?|(?<!BY)PASS|PWD|COOKIE|BEARER|JWT|LOGIN|CONFIG_?JSON"
    r"|(^|_)(USER|PATS?|CREDS?|NETRC))\d*(_|$)(?!PATH$|FILE$|DIR$)",
    re.IGNORECASE,
)
# Those whose values are addresses, or should be.
_ADDRESS = re.compile(r"PROXY|URL|INDEX|ENDPOINT|MIRROR|(^|_)(HOST|HUB|LINKS|CHANNEL)", re.IGNORECASE)
MASK = "***"


def read_variables(environ: Mapping[str, str]) -> tuple[Variable, ...]:
    """Return those that matter, by name; passwords and tokens are masked."""
    return tuple(
        Variable(name=name, value=_masked(name, environ[name])) for name in sorted(environ) if _matters(name)
    )


def _matters(name: str) -> bool:
    return name in NAMES or (name.startswith(FAMILIES) and not _NOISE.fullmatch(name))


def _masked(name: str, value: str) -> str:
    if value and is_secret_name(name):
        return MASK
    if _ADDRESS.search(name) or "://" in value:
        return mask_addresses(value)
    return mask_secrets(value)


def is_secret_name(name: str) -> bool:
    """Tell whether a variable's name says that its value is for no other eyes."""
    return _SECRET.search(name) is not None
